//! Completion: each shell runs its script, and the script asks kubekey.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(unix)]
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::program;
#[cfg(unix)]
use crate::support::kubeconfig::kubectl;

/// A home with two contexts that run kubekey and one that does not, and with two profiles and a cluster in its settings.
fn home() -> Home {
    let home = Home::new(Mode::Absent);
    let user = |name: &str, command: &str| json!({ "name": name, "user": { "exec": { "command": command } } });
    let names = ["prod", "prod eu", "other", ":new", ":files", "a:b\\c", "b\u{202e}d", "e\u{7}", "-dash"];
    let context = |name: &&str| json!({ "name": name, "context": { "cluster": format!("at-{name}"), "user": name } });
    let file = json!({
        "current-context": "prod",
        "clusters": names.iter().map(|name| json!({ "name": format!("at-{name}"), "cluster": { "server": "https://k8s" } })).collect::<Vec<Value>>(),
        "contexts": names.iter().map(context).collect::<Vec<Value>>(),
        "users": names.iter().map(|name| user(name, if *name == "other" { "aws" } else { "kubekey" })).collect::<Vec<Value>>(),
    });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), file.to_string()).unwrap();
    let folder = home.config().join("kubekey");
    fs::create_dir_all(&folder).unwrap();
    let settings =
        "[profiles.work]\n[profiles.home]\n[[clusters]]\nname = 'known'\nserver = 'https://k8s.example.com'\n";
    fs::write(folder.join("config.toml"), settings).unwrap();
    home
}

/// The candidates, without what they mean.
fn complete(home: &Home, words: &[&str]) -> Vec<String> {
    let (last, before) = words.split_last().unwrap();
    let mut kubekey = home.kubekey();
    let finished = home.run(kubekey.args(["complete", "--"]).args(before).arg(format!("+{last}")));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    finished.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn commands_come_before_flags_and_values_are_those_of_this_user() {
    let home = home();
    for (words, expected) in [
        (&["log"][..], &["login", "logout"][..]),
        (&["config", ""], &["show", "check", "schema"]),
        (&["completions", ""], &["bash", "zsh", "fish", "powershell", "elvish"]),
        (&["login", "--context", ""], &["prod", "prod eu", ":new", "a:b\\c"]),
        (&["login", "--context=-"], &["--context=-dash"]),
        (&["login", "--context=prod "], &["--context=prod eu"]),
        (&["status", "--cluster", "at-p"], &["at-prod", "at-prod eu"]),
        (&["login", "--kubeconfig", "/nowhere", "--context", ""], &[]),
        (&["--profile", ""], &["home", "work"]),
        (&["setup", "--cluster", ""], &["known"]),
        (&["--token-storage", "k"], &["keyring", "kernel"]),
        (&["--token-storage=k"], &["--token-storage=keyring", "--token-storage=kernel"]),
        (&["--token-cache-storage=f"], &["--token-cache-storage=file"]),
        (&["status", "--output", ""], &["text", "wide", "json"]),
        (&["status", "-o", "w"], &["wide"]),
        (&["setup", "--output", "j"], &["json"]),
        (&["--par="], &["--par=true", "--par=false"]),
        (&["config", "check", "x"], &[":files"]),
        (&["--certificate-authority", ""], &[":files"]),
        (&["pages", "--write="], &[":folders"]),
        (&["logout", "--al"], &["--all"]),
        (&["login", "--context", "prod", "--kubec"], &["--kubeconfig"]),
        (&["login", "prod", "--scop"], &["--scope"]),
        (&["--nonsense", "--issuer-u"], &["--issuer-url"]),
        (&["get-token", "--client-id", ""], &[]),
    ] {
        assert_eq!(complete(&home, words), expected, "{words:?}");
    }
    let all = complete(&home, &[""]);
    assert!(all.contains(&"login".to_owned()) && all.iter().all(|word| !word.starts_with('-')), "{all:?}");
    let flags = complete(&home, &["logout", "-"]);
    assert_eq!(flags[..2], ["--all", "--issuer"], "its own before those of all commands: {flags:?}");
    assert!(flags.contains(&"--issuer-url".to_owned()), "{flags:?}");
}

#[test]
fn what_cannot_be_read_has_no_candidates_and_nothing_is_said() {
    let home = home();
    fs::write(home.path().join(".kube/config"), "{").unwrap();
    fs::write(home.config().join("kubekey/config.toml"), "= 1").unwrap();
    for words in [&["login", "--context", ""][..], &["--profile", ""], &["setup", "--cluster", ""]] {
        assert_eq!(complete(&home, words), [""; 0], "{words:?}");
    }
    assert_eq!(home.run(home.kubekey().args(["completions", "tcsh"])).code(), Some(2));
}

/// What this shell prints for a script that completes, with kubekey in its `PATH`.
#[cfg(unix)]
fn shell(home: &Home, shell: &str, arguments: &[&str]) -> String {
    let script = home.run(home.kubekey().args(["completions", shell])).stdout;
    let file = home.path().join(format!("completion.{shell}"));
    fs::write(&file, script).unwrap();
    let mut command = Command::new(shell);
    command.env_clear().current_dir(home.path()).args(arguments).arg(&file);
    for (name, value) in home.kubekey().get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    let folder = program().parent().unwrap().display().to_string();
    command.env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"));
    let output = command.output().unwrap_or_else(|error| panic!("{shell}: {error}"));
    assert!(output.status.success(), "{shell}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[cfg(unix)]
fn bash_completes_words_values_and_paths() {
    // readline breaks words at '=' and ':'.
    const COMPLETE: &str = r#"source "$0"; compopt() { [ "$2" = nosort ] || echo "$*:"; }
        try() { COMP_LINE=$1; shift; COMP_WORDS=(kubekey "$@") COMP_CWORD=$#; _kubekey kubekey; printf '%s|' "${COMPREPLY[@]}"; echo; }
        try 'kubekey log' log; try 'kubekey login --context ' login --context ''
        try 'kubekey login --context=prod\ ' login --context = 'prod\ '; try 'kubekey --profile=' --profile =
        try 'kubekey login --context=' login --context '='; try 'kubekey --certificate-authority pr' --certificate-authority pr
        try 'kubekey pages --write ' pages --write ''; try 'kubekey logout --issuer https://x' logout --issuer https : //x
        try 'kubekey login --context :' login --context :; try 'kubekey login --context=:n' login --context =: n
        try "kubekey login --context 'prod e" login --context "'prod e"; try 'kubekey login --context a:b' login --context a : b"#;
    let home = home();
    let printed = shell(&home, "bash", &["--norc", "-c", COMPLETE]);
    let expected = "login|logout|\nprod|prod\\ eu|:new|a:b\\\\c|\nprod\\ eu|\nhome|work|\nprod|prod\\ eu|:new|:files|a:b\\\\c|-dash|\n-o default -o filenames:\n|\n\
        -o dirnames -o filenames:\n|\n|\nnew|\nnew|\nprod eu|\nb\\\\c|\n";
    assert_eq!(printed, expected);
}

#[test]
#[cfg(target_os = "linux")]
fn bash_takes_the_name_of_a_stranger_as_it_is_within_quotes_too() {
    const NAME: &str = r#"prod$(touch pwned)`touch pwned`"it's\x"#;
    const COMPLETE: &str = r#"source "$0"; compopt() { :; }
        for quote in '' '"' "'"; do
            COMP_LINE="kubekey login --context ${quote}prod" COMP_WORDS=(kubekey login --context "${quote}prod") COMP_CWORD=3
            _kubekey kubekey; eval "printf '%s|' $quote${COMPREPLY[0]}$quote"
        done; ls"#;
    let home = home();
    let file = home.path().join(".kube/config");
    let kubeconfig = fs::read_to_string(&file).unwrap();
    let name = json!(NAME).to_string();
    fs::write(&file, kubeconfig.replace("\"prod\"", &name).replace("\"prod eu\"", "\"another\"")).unwrap();
    let printed = shell(&home, "bash", &["--norc", "-c", COMPLETE]);
    assert!(printed.starts_with(&format!("{NAME}|{NAME}|{NAME}|")) && !printed.contains("\npwned"), "{printed}");
}

#[test]
#[cfg(target_os = "linux")]
fn zsh_completes_words_and_values() {
    const COMPLETE: &str = r#"compdef() { echo "compdef $*" }; source $0
        _describe() { print -r -- "$1 ${(j:|:)${(P)3}}" }; _files() { print -r -- "files $*" }; compset() { }
        try() { words=(kubekey "$@") CURRENT=$(($# + 1)) PREFIX=${@[-1]#\'}; _kubekey }
        try log; try login --context ''; try --token-storage=ke; try pages --write ''; try login --context 'prod\ '
        try login --context :; try login --context "'prod e"; try login --context a"#;
    let printed = shell(&home(), "zsh", &["-f", "-c", COMPLETE]);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "compdef _kubekey kubekey kubectl-kubekey");
    assert!(lines[1].starts_with("-V login:Sign in now") && lines[1].contains("|logout:Remove"), "{printed}");
    assert_eq!(lines[2], r"-V prod:|prod eu:|\:new:|a\:b\\c:");
    assert!(lines[3].starts_with("-V --token-storage=keyring:") && lines[3].contains("|--token-storage=kernel:"));
    assert_eq!((lines[4], lines[5]), ("files -/", "-V prod eu:"), "{printed}");
    assert_eq!(lines[6..], [r"-V \:new:", "-V prod eu:", r"-V a\:b\\c:"], "{printed}");
}

/// With the helper of the packages, in a folder with kubekey.
#[test]
#[cfg(unix)]
fn kubectl_completes_the_words_of_its_plugin() {
    let home = home();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/kubectl_complete-kubekey");
    for (target, name) in [(program(), "kubekey"), (program(), "kubectl-kubekey"), (helper, "kubectl_complete-kubekey")]
    {
        symlink(target, bin.join(name)).unwrap();
    }
    let candidates = |words: &[&str]| {
        let mut kubectl = kubectl(&home);
        let output =
            kubectl.args(["__complete", "kubekey"]).args(words).env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let output = output.output().expect("kubectl, see tests/install");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.split('\t').next().unwrap()).collect::<Vec<_>>().join("|")
    };
    for (words, expected) in [
        (&["log"][..], "login|logout|:4"),
        // Other names need quotes, which kubectl's scripts do not always add.
        (&["login", "--context", ""], "prod|:new|:4"),
        (&["--token-storage=ke"], "keyring|kernel|:4"),
        (&["--certificate-authority", ""], ":0"),
        (&["pages", "--write="], ":16"),
        (&["get-token", "--client-id", ""], ":4"),
    ] {
        assert_eq!(candidates(words), expected, "{words:?}");
    }
    let all = candidates(&[""]);
    assert!(all.contains("|login|") && all.ends_with("|:4"), "{all}");
    fs::remove_file(bin.join("kubekey")).unwrap();
    assert_eq!(candidates(&[""]), ":4", "without the program there is nothing, and no file");
}

#[test]
#[cfg(target_os = "linux")]
fn fish_completes_words_values_and_paths() {
    const COMPLETE: &str = r#"source $argv[1]; mkdir -p folder; touch file.pem
        for line in 'kubekey log' 'kubekey login --context ' 'kubekey --token-storage=ke' 'kubekey --certificate-authority fi' \
            'kubekey pages --write=f' 'kubekey login --context prod --kubec'
            complete -C $line | string replace -r '\t.*' '' | string join '|'
        end; true"#;
    let printed = shell(&home(), "fish", &["--no-config", "-c", COMPLETE]);
    let expected = "login|logout\nprod|prod eu|:new|a:b\\c\n--token-storage=keyring|--token-storage=kernel\nfile.pem\n--write=folder/\n--kubeconfig\n";
    assert_eq!(printed, expected);
}
