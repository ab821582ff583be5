//! The sign-in settings for the users of the clusters, checked before anything is written.

use super::wanted::Wanted;
use crate::config::given::Given;
use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::exec_credential::Cluster;
use crate::oidc::{Limits, Provider};
use crate::policy::Policy;
use crate::settings::Settings;

/// The flags for the users of a profile, and the effective settings that result from them.
pub struct SignIn {
    /// The flags, with `--profile` if the cluster has a profile.
    pub flags: Flags,
    /// The flags and all layers below them.
    pub given: Given,
    /// The effective settings.
    pub settings: Settings,
    profile: Option<String>,
}

/// The sign-in settings for each profile of the clusters.
///
/// # Errors
/// [`ErrorKind::Usage`] for settings that cannot be used, [`ErrorKind::Policy`] for those that are not allowed.
pub fn sign_ins(flags: &Flags, policy: &Policy, wanted: &[Wanted]) -> Result<Vec<SignIn>> {
    let mut sign_ins: Vec<SignIn> = Vec::new();
    for cluster in wanted {
        if sign_ins.iter().all(|known| known.profile != cluster.profile) {
            sign_ins.push(SignIn::resolve(flags, policy, cluster.profile.clone(), None)?);
        }
    }
    Ok(sign_ins)
}

/// The sign-in settings of a cluster.
///
/// # Panics
/// If `sign_ins` was not made for this cluster.
pub fn sign_in_of<'a>(sign_ins: &'a [SignIn], cluster: &Wanted) -> &'a SignIn {
    sign_ins.iter().find(|sign_in| sign_in.profile == cluster.profile).expect("one for each profile")
}

/// What is missing is given to `setup`: its usual advice, to run `setup`, leads nowhere.
fn lacking(given: &Given, error: Error) -> Error {
    let missing = [("issuer-url", "--issuer-url URL"), ("client-id", "--client-id ID")];
    let missing: Vec<_> =
        missing.iter().filter(|(flag, _)| given.text(flag).is_none()).map(|(_, flag)| *flag).collect();
    match error.to_string().ends_with(" is set") && !missing.is_empty() {
        true => error.hint(format!("give {}, or set it in a configuration file", missing.join(" and "))),
        false => error,
    }
}

/// The flag for the provider's CA.
const AUTHORITY: &str = "--issuer-certificate-authority";

/// What an error says of a certificate that is not accepted.
const CERTIFICATE: &str = ": the certificate of ";

/// A text with the flags of other commands, as `setup` calls them: its `--certificate-authority` is the cluster's.
fn in_setup(text: &str) -> String {
    let of_provider = text.replace("--certificate-authority", AUTHORITY);
    of_provider.replace(&format!("{AUTHORITY}-data"), "--certificate-authority-data")
}

/// Whether a CA of the provider is missing, as the hint of [`SignIn::check_provider`] says.
pub fn is_untrusted(error: &Error) -> bool {
    error.what_to_do().contains(AUTHORITY)
}

impl SignIn {
    /// Resolves the effective settings. `--profile` overrides the cluster's profile, as flags override files. `cluster`
    /// is the one whose extension is read, if this run is for a cluster.
    pub fn resolve(flags: &Flags, policy: &Policy, profile: Option<String>, cluster: Option<&Cluster>) -> Result<Self> {
        let mut flags = flags.clone();
        if let Some(profile) = &profile
            && flags.0.iter().all(|(key, _)| key.flag != "profile")
        {
            flags.replace("profile", std::slice::from_ref(profile));
        }
        let given = Layers::read(&flags, variable, cluster)?.given;
        Self::of_given(flags, given, policy, profile)
    }

    /// The same with layers that were read before.
    pub fn of_given(flags: Flags, given: Given, policy: &Policy, profile: Option<String>) -> Result<Self> {
        let settings = Settings::resolve(&given, variable, policy).map_err(|error| lacking(&given, error))?;
        Ok(Self { flags, given, settings, profile })
    }

    /// Whether these are the settings for this cluster.
    pub fn is_of(&self, cluster: &Wanted) -> bool {
        self.profile == cluster.profile
    }

    /// Checks the provider with a request, even if its metadata is cached.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if there is no response, [`ErrorKind::Failed`] if the response is not that of a
    /// provider.
    pub fn check_provider(&self) -> Result<()> {
        let checked = event_loop::run(async { Provider::discover(&self.settings, Limits::USUAL).await?.renew().await });
        checked.map_err(|error: Error| {
            let message = in_setup(&error.to_string());
            let of_profile = self.profile.as_ref().map(|profile| format!("profile '{profile}': {message}"));
            let hint = in_setup(error.what_to_do());
            // Without the check every sign-in would fail with the same certificate.
            let is_passing = error.kind() == ErrorKind::Unreachable && !message.contains(CERTIFICATE);
            let hint = if is_passing { format!("{hint}; or skip this check with --offline") } else { hint };
            Error::new(error.kind(), of_profile.unwrap_or(message)).hint(hint)
        })
    }
}
