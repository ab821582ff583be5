//! A configuration file: whatever it contains, an error has its location.
#![no_main]

use std::path::Path;

use kubekey::config::given::Layer;
use kubekey::config::{File, clusters};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("/etc/kubekey/config.toml");
    let result = File::parse(path, text, Layer::System).and_then(|file| clusters(&[file]));
    if let Err(error) = result {
        assert!(error.to_string().starts_with("/etc/kubekey/config.toml line "), "{error}");
    }
});
