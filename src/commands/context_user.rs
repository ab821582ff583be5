//! The kubeconfig's user whose settings are used in this run.

use super::context::{is_settled, read};
use crate::cli::{OfContext, flags_of};
use crate::config::Flags;
use crate::config::given::{Origin, Value};
use crate::environment;

/// The settings of the kubeconfig's user, which [`super::take_context`] has passed to this run as flags and variables.
pub struct OfUser {
    /// The user's name.
    pub name: String,
    flags: Flags,
    env: Vec<(String, String)>,
}

impl OfUser {
    /// `None` if the settings do not come from a context, or if its kubeconfig has changed since.
    pub fn of_this_run(of: &OfContext) -> Option<Self> {
        let contexts = is_settled().then(|| read(of).ok()).flatten()?;
        let context = contexts.find(of.context.as_deref()?)?;
        let exec = context.exec.as_ref()?;
        Some(Self { name: context.user.to_owned(), flags: flags_of(&exec.args).ok()?, env: exec.env.clone() })
    }

    /// Whether this value comes from the user's entry.
    pub fn gives(&self, value: &Value) -> bool {
        let is_same =
            |texts: &[String]| texts.iter().map(|text| text.trim()).eq(value.texts.iter().map(|text| text.trim()));
        let in_env = |variable: &str| {
            let same = self.env.iter().filter(|(name, _)| environment::compared(name.as_ref()) == variable);
            same.map(|(_, text)| std::slice::from_ref(text)).any(is_same)
        };
        match value.origin {
            Origin::Flag => self.flags.0.iter().any(|(key, texts)| key.flag == value.key.flag && is_same(texts)),
            Origin::Variable => in_env(&value.key.variable()),
            Origin::Original(variable) => in_env(variable),
            _ => false,
        }
    }
}
