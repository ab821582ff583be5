//! How the users of the clusters sign in, checked before anything is written.

use super::wanted::Wanted;
use crate::config::given::Given;
use crate::config::{Flags, Layers, Policy, Settings, variable};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::oidc::Provider;

/// The flags of a profile's users, and what they come to.
pub struct SignIn {
    /// The flags, with those that the cluster's profile adds.
    pub flags: Flags,
    /// They and what is below them.
    pub given: Given,
    /// The same, parsed.
    pub settings: Settings,
    profile: Option<String>,
}

/// One for each profile of the clusters.
///
/// # Errors
/// [`ErrorKind::Usage`] for settings that cannot be used, [`ErrorKind::Policy`] for those that are not allowed.
pub fn sign_ins(flags: &Flags, policy: &Policy, wanted: &[Wanted]) -> Result<Vec<SignIn>> {
    let mut sign_ins: Vec<SignIn> = Vec::new();
    for cluster in wanted {
        if sign_ins.iter().all(|known| known.profile != cluster.profile) {
            sign_ins.push(SignIn::resolve(flags, policy, cluster.profile.clone())?);
        }
    }
    Ok(sign_ins)
}

/// The one of a cluster.
///
/// # Panics
/// If they are of other clusters.
pub fn sign_in_of<'a>(sign_ins: &'a [SignIn], cluster: &Wanted) -> &'a SignIn {
    sign_ins.iter().find(|sign_in| sign_in.profile == cluster.profile).expect("one for each profile")
}

impl SignIn {
    /// A flag wins over the cluster's profile, as it does over files.
    pub fn resolve(flags: &Flags, policy: &Policy, profile: Option<String>) -> Result<Self> {
        let mut flags = flags.clone();
        if let Some(profile) = &profile
            && flags.0.iter().all(|(key, _)| key.flag != "profile")
        {
            flags.replace("profile", std::slice::from_ref(profile));
        }
        let given = Layers::read(&flags, variable, None)?.given;
        let settings = Settings::resolve(&given, variable, policy)?;
        Ok(Self { flags, given, settings, profile })
    }

    /// Asks the provider itself, whatever is in the cache.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if it does not answer, [`ErrorKind::Failed`] if it is none.
    pub fn check_provider(&self) -> Result<()> {
        let checked = event_loop::run(async { Provider::discover(&self.settings).await?.renew().await });
        checked.map_err(|error: Error| {
            let of_profile = self.profile.as_ref().map(|profile| format!("profile '{profile}': {error}"));
            let hint = match error.kind() {
                ErrorKind::Unreachable => "check the issuer URL and the network, or skip this check with --offline",
                _ => error.what_to_do(),
            };
            Error::new(error.kind(), of_profile.unwrap_or_else(|| error.to_string())).hint(hint)
        })
    }
}
