//! The cluster's CA given to `kubekey setup`, and what kubectl reads of it afterwards.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::{entry, kubectl, setup, view};
use crate::support::process;
use crate::support::run::Finished;
use crate::support::tls::{COMPANY, OTHER};

/// The cluster's entry after `setup` got this file.
fn cluster_of(home: &Home, file: &[u8]) -> (Value, Finished) {
    fs::write(home.path().join("ca.pem"), file).unwrap();
    let finished = home.run(setup(home).arg("--certificate-authority=ca.pem"));
    let path = home.path().join(".kube").join("config");
    let after = if path.exists() { view(home, &path) } else { Value::Null };
    (entry(&after, "clusters", "prod").map(|entry| entry["cluster"].clone()).unwrap_or_default(), finished)
}

/// The content of `certificate-authority-data`.
fn data(cluster: &Value) -> String {
    let base64 = cluster["certificate-authority-data"].as_str().unwrap_or_default();
    String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap()
}

/// What kubectl prints about the server of that entry, where nothing listens.
fn kubectl_says(home: &Home, cluster: &Value) -> String {
    let mut cluster = cluster.clone();
    cluster["server"] = json!("https://127.0.0.1:1");
    let config = json!({
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        "current-context": "c",
    });
    fs::write(home.path().join("alone"), config.to_string()).unwrap();
    let output =
        process::output(kubectl(home).args(["get", "--raw", "/", "--token=t", "--kubeconfig", "alone"])).unwrap();
    String::from_utf8(output.stderr).unwrap()
}

/// A certificate in OpenSSL's own format.
fn trusted(pem: &str, options: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(["x509", "-trustout"]).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut openssl = command.spawn().expect("openssl");
    openssl.stdin.take().unwrap().write_all(pem.as_bytes()).unwrap();
    let text = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
    assert!(text.starts_with("-----BEGIN TRUSTED CERTIFICATE-----"), "{text}");
    text
}

fn unix(pem: &str) -> String {
    pem.replace("\r\n", "\n")
}

#[test]
#[cfg(unix)]
fn a_file_that_kubectl_cannot_read_whole_is_copied_as_one_that_it_can() {
    let [company, other] = [&COMPANY, &OTHER].map(|authority| unix(&authority.pem()));
    let both = format!("{company}{other}");
    let utf16 =
        |bytes: fn(u16) -> [u8; 2]| format!("\u{feff}{both}").encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    for (name, file) in [
        ("marked", format!("\u{feff}{both}").into_bytes()),
        ("marked in the middle", format!("{company}\u{feff}{other}").into_bytes()),
        ("UTF-16", utf16(u16::to_le_bytes)),
        ("UTF-16 of the other order", utf16(u16::to_be_bytes)),
        ("old Macintosh", both.replace('\n', "\r").into_bytes()),
        ("without a line break", format!("{}{other}", company.trim_end()).into_bytes()),
        ("indented", both.replace('\n', "\n  ").into_bytes()),
        ("in one line", both.replace('\n', " ").into_bytes()),
        (
            "text behind the end",
            both.replace("-----END CERTIFICATE-----", "-----END CERTIFICATE----- # of 2026").into(),
        ),
        ("another label", both.replace(" CERTIFICATE", " X509 CERTIFICATE").into()),
        ("of OpenSSL", format!("{}{other}", trusted(&company, &[])).into()),
    ] {
        let home = Home::new(Mode::Absent);
        let (cluster, finished) = cluster_of(&home, &file);
        assert_eq!(
            (cluster.get("certificate-authority"), data(&cluster)),
            (None, both.clone()),
            "{name} {finished:#?}"
        );
        let said = kubectl_says(&home, &cluster);
        assert!(said.contains("refused"), "{name}: {said}");
        let copied = "ca.pem are copied into the kubeconfig: kubectl cannot read the file as it is";
        assert!(finished.stderr.contains(copied), "{name}: {finished:#?}");
    }
}

#[test]
fn a_file_that_kubectl_reads_stays_one() {
    let both = unix(&format!("{}{}", COMPANY.pem(), OTHER.pem()));
    for file in [
        both.clone(),
        both.replace('\n', "\r\n"),
        format!("# \u{e9}\n{both}\nof 2026"),
        both.trim_end().to_owned(),
        both.replace('\n', " \n"),
    ] {
        let home = Home::new(Mode::Absent);
        let (cluster, finished) = cluster_of(&home, file.as_bytes());
        let path = home.path().join("ca.pem");
        assert_eq!(cluster["certificate-authority"], path.to_str().unwrap(), "{file} {finished:#?}");
        assert!(cluster.get("certificate-authority-data").is_none() && !finished.stderr.contains("copied"));
        assert!(kubectl_says(&home, &cluster).contains("refused"), "{file}");
    }
}

#[test]
fn a_file_may_be_mended_or_spoilt_later() {
    let home = Home::new(Mode::Absent);
    let good = COMPANY.pem();
    let marked = format!("\u{feff}{good}");
    for _ in 0..2 {
        let (cluster, finished) = cluster_of(&home, good.as_bytes());
        assert!(cluster.get("certificate-authority-data").is_none(), "{finished:#?}");
        assert!(cluster["certificate-authority"].is_string(), "{finished:#?}");
        let (cluster, finished) = cluster_of(&home, marked.as_bytes());
        assert!(cluster.get("certificate-authority").is_none(), "{finished:#?}");
        assert_eq!(data(&cluster), unix(&good), "{finished:#?}");
    }
    // Another CA is not replaced silently.
    let (_, finished) = cluster_of(&home, OTHER.pem().as_bytes());
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn what_openssl_trusts_for_other_things_is_left_out() {
    let [company, other] = [&COMPANY, &OTHER].map(|authority| unix(&authority.pem()));
    for (options, is_taken) in [
        (&[][..], true),
        (&["-setalias", "Company"][..], true),
        (&["-addtrust", "serverAuth"][..], true),
        (&["-addtrust", "anyExtendedKeyUsage"][..], true),
        (&["-addtrust", "emailProtection", "-addtrust", "serverAuth"][..], true),
        (&["-addreject", "emailProtection"][..], true),
        (&["-addtrust", "emailProtection"][..], false),
        (&["-addreject", "serverAuth"][..], false),
        (&["-addreject", "anyExtendedKeyUsage"][..], false),
        (&["-addtrust", "serverAuth", "-addreject", "serverAuth"][..], false),
    ] {
        let section = trusted(&company, options);
        let home = Home::new(Mode::Absent);
        let (cluster, finished) = cluster_of(&home, format!("{section}{other}").as_bytes());
        let expected = if is_taken { format!("{company}{other}") } else { other.clone() };
        let found = match cluster["certificate-authority"].is_string() {
            // kubectl ignores the other section, too.
            true => other.clone(),
            false => data(&cluster),
        };
        assert_eq!(found, expected, "{options:?} {finished:#?}");
        let home = Home::new(Mode::Absent);
        let (_, finished) = cluster_of(&home, section.as_bytes());
        assert_eq!(finished.code(), Some(if is_taken { 0 } else { 2 }), "{options:?} {finished:#?}");
        let named = "it has only 'TRUSTED CERTIFICATE' sections, and OpenSSL trusts none of them for servers";
        assert_eq!(finished.stderr.contains(named), !is_taken, "{options:?} {finished:#?}");
    }
    let cut = trusted(&company, &["-addtrust", "serverAuth"]);
    let mut lines: Vec<_> = cut.lines().collect();
    lines.remove(lines.len() - 2);
    let cut = lines.join("\n");
    let home = Home::new(Mode::Absent);
    let (_, finished) = cluster_of(&home, cut.as_bytes());
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
}

#[test]
fn the_data_of_a_configuration_file_is_cleaned_and_no_key_is_copied() {
    let home = Home::new(Mode::Absent);
    let pem = unix(&COMPANY.pem());
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for text in [format!("\u{feff}{pem}"), format!("# ours\n{pem}"), format!("{key}{pem}"), pem.replace('\n', "\r\n")] {
        let folder = home.config().join("kubekey");
        fs::create_dir_all(&folder).unwrap();
        let data_of_file = STANDARD.encode(&text);
        let config = format!(
            "issuer_url = 'https://login.example.com'\nclient_id = 'kubernetes'\n[[clusters]]\nname = 'prod'\n\
             server = 'https://k8s.example.com'\ncertificate_authority_data = '{data_of_file}'\n"
        );
        fs::write(folder.join("config.toml"), config).unwrap();
        let finished = home.run(home.kubekey().args(["setup", "--offline"]));
        let after = view(&home, &home.path().join(".kube").join("config"));
        let cluster = &entry(&after, "clusters", "prod").unwrap()["cluster"];
        assert_eq!(data(cluster), pem, "{text} {finished:#?}");
    }
}
