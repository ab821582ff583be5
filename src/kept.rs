//! What is known of a saved sign-in apart from its tokens, so that `kubekey status` needs to ask no keyring.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::token::{self, Saved};

/// The storage of a sign-in that is held until it can be saved. The index never has it.
pub const PARKED: &str = "parked";

/// An entry of the index of saved sign-ins. Times are Unix seconds. It has no token in it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Kept {
    /// The name of the storage.
    pub storage: String,
    /// The folder, if the storage is a file.
    pub dir: Option<String>,
    /// The ID of the machine: its keyring and its kernel are not those of another one with the same home.
    pub machine: String,
    /// The issuer URL.
    pub issuer: String,
    /// The client ID.
    pub client_id: String,
    /// The claim `email`, else `preferred_username`, else `name`, else `sub`.
    pub account: String,
    /// The name that the user gave it, with `--account`; may be empty.
    pub account_name: String,
    /// When the user signed in.
    pub signed_in_at: i64,
    /// When the ID token arrived; later than the sign-in if it was refreshed.
    pub issued_at: i64,
    /// When the ID token expires.
    pub expires_at: i64,
    /// Whether there is a refresh token.
    pub is_renewable: bool,
    /// Whether the cluster gets the access token instead of the ID token.
    pub is_access_token: bool,
}

impl Kept {
    /// Notes what `saved` says.
    pub fn of(self, saved: &Saved) -> Self {
        let id_token = saved.id_token.as_ref();
        let time = |time: Option<DateTime<Utc>>| time.map_or(0, |time| time.timestamp());
        let subject = saved.session.as_ref().map(|session| session.subject.clone());
        Self {
            account: id_token.and_then(|id_token| account(id_token.jwt.expose())).or(subject).unwrap_or_default(),
            signed_in_at: time(saved.age().0),
            issued_at: time(id_token.map(|id_token| id_token.issued_at)),
            expires_at: time(id_token.map(|id_token| id_token.expires_at)),
            is_renewable: saved.is_renewable,
            ..self
        }
    }

    /// Whether both are about the same storage.
    pub fn is_same_place(&self, other: &Self) -> bool {
        (&self.storage, &self.dir, &self.machine) == (&other.storage, &other.dir, &other.machine)
    }
}

fn account(jwt: &str) -> Option<String> {
    let (_, claims) = token::objects(jwt)?;
    let claim = |name: &&str| claims.get(*name).and_then(|claim| claim.as_str()).filter(|claim| !claim.is_empty());
    ["email", "preferred_username", "name", "sub"].iter().find_map(claim).map(str::to_owned)
}
