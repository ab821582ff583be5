//! `KUBERNETES_EXEC_INFO`, to which a kubeconfig's cluster contributes, and the server in it, which a policy checks.
#![no_main]

use kubekey::exec_credential::ExecInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(info) = ExecInfo::parse(Some(text)) {
        assert!(info.server().is_none_or(|server| !server.is_empty()));
    }
});
