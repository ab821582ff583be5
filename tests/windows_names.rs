//! Paths that Windows takes for something else.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::setup;

#[test]
fn a_path_that_no_file_can_have_is_refused_with_why() {
    let home = Home::new(Mode::Absent);
    for (name, why) in [
        ("NUL", "'NUL' is the name of a device on Windows"),
        ("com1.yaml", "'com1.yaml' is the name of a device on Windows"),
        ("config.", "'config.' ends in a dot or a space, which Windows drops"),
    ] {
        let path = home.path().join(name);
        for (flag, code, hint) in [
            ("--kubeconfig", 1, "give --kubeconfig FILE with another name"),
            ("--token-dir", 2, "give the path of a file or folder with another name"),
        ] {
            let finished = home.run(setup(&home).arg("--yes").arg(flag).arg(&path));
            assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{flag} {name}: {finished:#?}");
            for words in [why, hint] {
                assert!(finished.stderr.contains(words), "{flag} {words}: {finished:#?}");
            }
        }
    }
}
