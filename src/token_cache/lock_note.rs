//! What a lock file tells waiting runs: who holds it and what for, or how the holder failed.

use std::fmt;

use chrono::{DateTime, Utc};
use url::form_urlencoded;

use crate::error::{Error, ErrorKind};
use crate::local_time;
use crate::printable;

/// How soon after a failed sign-in, in seconds, the same command's next run shares the failure. `kubectl` comes back at
/// once; a program that continues to poll, as k9s does, gets a new sign-in after that.
const SAME_COMMAND: i64 = 10;

/// Follows the URL of a holder whose reader has ended.
const ABANDONED: &str = "abandoned";

/// Precede the code of a sign-in with a code, and its end in Unix seconds.
const CODE: &str = "code=";
const UNTIL: &str = "until=";

/// Replaces the exit code of a failure that does not affect runs whose user can see the URL.
const UNSEEN: &str = "unseen";

/// What the holder of a lock is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It checks what is saved.
    Starting,
    /// It requests new tokens from the provider, and saves them.
    Refreshing,
    /// It waits for the user.
    SigningIn,
}

impl Doing {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Starting, "starting"), (Self::Refreshing, "refreshing"), (Self::SigningIn, "signing-in")];

    /// As in "another kubekey has been ...".
    pub fn in_words(self) -> &'static str {
        match self {
            // A run that ends with what it finds saved does nothing else.
            Self::Starting => "running",
            Self::Refreshing => "refreshing a token",
            Self::SigningIn => "signing in",
        }
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(doing, _)| *doing == self).map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, other)| *other == name).map(|(doing, _)| *doing)
    }
}

/// Where a sign-in can be finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInPlace {
    /// The URL: our own, or, with a code, the provider's.
    pub url: String,
    /// What the user enters there.
    pub code: Option<PlaceCode>,
}

/// What the user enters on the provider's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceCode {
    /// The code.
    pub text: String,
    /// When it ends.
    pub until: DateTime<Utc>,
}

impl SignInPlace {
    /// A URL without a code.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), code: None }
    }
}

/// The holder of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    process: u32,
    /// Since when, in local time.
    since: String,
    /// What it is doing now.
    pub doing: Doing,
    /// Where its sign-in can be finished: its terminal may be out of sight.
    place: Option<SignInPlace>,
    /// Whether no program will read what it prints.
    pub is_abandoned: bool,
}

impl Holder {
    /// This process, from now on.
    pub fn this() -> Self {
        let since = local_time::format(Utc::now(), "%H:%M:%S");
        Self { process: std::process::id(), since, doing: Doing::Starting, place: None, is_abandoned: false }
    }

    /// The same process, waiting for the user there.
    pub fn signing_in(self, place: SignInPlace) -> Self {
        Self { doing: Doing::SigningIn, place: Some(place), ..self }
    }

    /// Parses the output of [`fmt::Display`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("held ")?.split(' ');
        Some(Self {
            process: fields.next()?.parse().ok()?,
            since: fields.next()?.to_owned(),
            doing: Doing::parse(fields.next()?)?,
            place: fields.next().map(|url| SignInPlace { url: url.to_owned(), code: code_in(fields.clone()) }),
            is_abandoned: fields.any(|field| field == ABANDONED),
        })
    }

    /// Whether it is the same process doing the same thing.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.process, self.doing) == (other.process, other.doing)
    }

    /// Where its sign-in can be finished, if no program waits for that any more.
    pub fn abandoned_at(&self) -> Option<&SignInPlace> {
        self.place.as_ref().filter(|_| self.is_abandoned)
    }

    /// When its code ends, if it signs in with one.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        Some(self.place.as_ref()?.code.as_ref()?.until)
    }

    /// Describes the holder, in brackets after a sentence.
    pub fn in_brackets(&self) -> String {
        let at = self.place.as_ref().map(|place| format!(", at {}", place.url)).unwrap_or_default();
        let code = self.place.as_ref().and_then(|place| place.code.as_ref());
        let code = code.map(|code| format!(" with the code {}", code.text)).unwrap_or_default();
        format!(" (process {} since {}{at}{code})", self.process, self.since)
    }

    /// Whether it was stopped, as by Ctrl-Z, and makes no progress until it is continued. proc(5): the state follows
    /// the name, which may contain brackets of its own.
    #[cfg(target_os = "linux")]
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with(['T', 't']))
    }

    /// Unknown on this system.
    #[cfg(not(target_os = "linux"))]
    pub fn is_stopped(&self) -> bool {
        false
    }

    /// The command that lets a stopped holder continue. Windows stops no process, and has no such command.
    pub fn how_to_continue(&self) -> String {
        format!("kill -CONT {}", self.process)
    }

    /// The command that ends a stopped holder, if that costs no session.
    pub fn how_to_end(&self) -> Option<String> {
        (self.doing != Doing::Refreshing).then(|| format!("kill -KILL {}", self.process))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held {} {} {}", self.process, self.since, self.doing.name())?;
        let Some(place) = &self.place else { return Ok(()) };
        write!(f, " {}", place.url)?;
        if let Some(PlaceCode { text, until }) = &place.code {
            // A provider's code may contain a space.
            let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            write!(f, " {CODE}{text} {UNTIL}{}", until.timestamp())?;
        }
        if self.is_abandoned { write!(f, " {ABANDONED}") } else { Ok(()) }
    }
}

/// The code in the fields after a URL.
fn code_in<'a>(fields: impl Iterator<Item = &'a str> + Clone) -> Option<PlaceCode> {
    let field = |label| fields.clone().find_map(|field| field.strip_prefix(label));
    let (text, _) = form_urlencoded::parse(field(CODE)?.as_bytes()).next()?;
    let text = text.into_owned();
    let until = DateTime::from_timestamp(field(UNTIL)?.parse().ok()?, 0)?;
    Some(PlaceCode { text, until })
}

/// How a run failed.
pub struct Failure {
    kind: ErrorKind,
    /// The processes whose kubekey has shared this failure, if a browser was opened for it; each may run it again.
    commands: Vec<u32>,
    /// Unix seconds.
    at: i64,
    message: String,
    hint: String,
    to_run: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The leading comma keeps the field from being empty where there are no commands.
        let commands: Vec<_> = self.commands.iter().map(u32::to_string).collect();
        let Self { at, message, hint, .. } = self;
        let kind = if self.is_unseen() { UNSEEN.to_owned() } else { self.kind.exit_code().to_string() };
        write!(f, "failed {kind} ,{} {at} {message}\n{hint}", commands.join(","))?;
        self.to_run.iter().try_for_each(|command| write!(f, "\n{command}"))
    }
}

impl Failure {
    /// The failure of this run, which may have opened a browser for `command`.
    pub fn new(error: &Error, command: Option<u32>) -> Self {
        Self {
            kind: error.kind(),
            commands: command.into_iter().collect(),
            at: Utc::now().timestamp(),
            message: printable::sanitise(&error.to_string()),
            hint: printable::sanitise(error.what_to_do()),
            to_run: error.to_run().iter().map(|command| printable::sanitise(command)).collect(),
        }
    }

    /// Parses the output of [`fmt::Display`].
    pub fn parse(text: &str) -> Option<Self> {
        let (text, hint) = text.strip_prefix("failed ")?.split_once('\n')?;
        let mut hint = hint.split('\n').map(str::to_owned);
        let mut fields = text.splitn(4, ' ');
        Some(Self {
            kind: match fields.next()? {
                UNSEEN => ErrorKind::Unseen,
                code => ErrorKind::from_exit_code(code.parse().ok()?)?,
            },
            commands: fields.next()?.split(',').filter_map(|id| id.parse().ok()).collect(),
            at: fields.next()?.parse().ok()?,
            message: fields.next()?.to_owned(),
            hint: hint.next()?,
            to_run: hint.collect(),
        })
    }

    /// Whether it failed because no user could see the URL.
    pub fn is_unseen(&self) -> bool {
        self.kind == ErrorKind::Unseen
    }

    /// Whether a browser was opened before it.
    pub fn is_after_a_browser(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Whether it happened at this time, in Unix seconds, or later: on Windows a file keeps the last failure.
    pub fn is_since(&self, time: i64) -> bool {
        self.at >= time
    }

    /// Whether the command that runs this kubekey as its plugin has just seen this failure.
    pub fn is_of(&self, command: Option<u32>) -> bool {
        let age = Utc::now().timestamp().saturating_sub(self.at);
        (0..SAME_COMMAND).contains(&age) && command.is_some_and(|id| self.commands.contains(&id))
    }

    /// The same failure, shared by this command as well. The time remains that of the failure, so that a program that
    /// continues to poll gets its sign-in.
    pub fn shared_by(mut self, command: Option<u32>) -> Self {
        self.commands.extend(command);
        self
    }

    /// The error of a run that shares the failure. The hint of the failed run applies here as well, unless `is_told`:
    /// then the same command has already printed it.
    pub fn into_error(self, is_told: bool) -> Error {
        let message = format!("{} (as another kubekey found a moment ago)", self.message);
        let error = Error::new(self.kind, message).hint(self.hint).commands(self.to_run);
        if is_told { error.told() } else { error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lock_file_says_is_read_back() {
        let holder = Holder::this();
        assert_eq!(Holder::parse(&holder.to_string()), Some(holder.clone()));
        let until = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let code = |text: &str| Some(PlaceCode { text: text.into(), until });
        for code in [None, code("WDJB-MJHT"), code("a b&c=d+%41 abandoned")] {
            let place = SignInPlace { code, ..SignInPlace::at("http://127.0.0.1:1234/start") };
            let holder = holder.clone().signing_in(place.clone());
            assert_eq!(Holder::parse(&holder.to_string()), Some(holder.clone()));
            assert_eq!((holder.abandoned_at(), holder.until().is_some()), (None, place.code.is_some()));
            let holder = Holder { is_abandoned: true, ..holder };
            assert_eq!(Holder::parse(&holder.to_string()).unwrap().abandoned_at(), Some(&place));
        }
        let error = Error::new(ErrorKind::Unreachable, "down").hint("come back");
        let error = error.commands(["a b".to_owned(), "c".to_owned()]);
        let failure = Failure::parse(&Failure::new(&error, Some(7)).shared_by(Some(8)).to_string()).unwrap();
        assert!(failure.is_of(Some(7)) && failure.is_of(Some(8)) && !failure.is_of(Some(9)) && !failure.is_of(None));
        for (is_told, hint) in [(false, "come back"), (true, "")] {
            let error = Failure::parse(&failure.to_string()).unwrap().into_error(is_told);
            assert_eq!((error.kind(), error.what_to_do()), (ErrorKind::Unreachable, hint), "{is_told}");
            assert_eq!(error.to_run(), if is_told { &[][..] } else { &["a b", "c"] });
        }
        let unseen = Failure::new(&Error::new(ErrorKind::Unseen, "20 s"), Some(7));
        assert!(Failure::parse(&unseen.to_string()).unwrap().is_unseen() && !failure.is_unseen());
    }

    #[test]
    fn anything_else_is_nothing() {
        for text in ["", "held", "held x 12:00:00 starting", "held 1 12:00:00 sleeping", "failed", "failed 5 , 1 x"] {
            assert!(Holder::parse(text).is_none() && Failure::parse(text).is_none(), "{text}");
        }
    }
}
