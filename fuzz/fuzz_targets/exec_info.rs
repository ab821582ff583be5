//! `KUBERNETES_EXEC_INFO`, which a kubeconfig's cluster has a part in, and the policy's question whether a token may go
//! there.
#![no_main]

use kubekey::exec_credential::ExecInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(info) = ExecInfo::parse(Some(text)) {
        assert!(info.server().is_none_or(|server| !server.is_empty()));
    }
});
