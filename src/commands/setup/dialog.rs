//! Answers of a person at a terminal: a question is asked until its answer is good.

use crate::error::{Error, ErrorKind, Result};
use crate::terminal::{self, Question};
use crate::user;

/// The longest part of an answer that an error repeats, in characters.
const LONGEST_QUOTED: usize = 60;

const ELLIPSIS: &str = "...";

const UNANSWERED: &str = "nothing was written: a question was not answered";

/// Asks a yes-or-no question; the end of the input means no.
pub fn confirm(question: &str, default: bool) -> bool {
    let default = if default { "yes" } else { "no" };
    let question = Question { text: question, default, recalled: "", complete: &|_| Vec::new() };
    let answers = std::iter::from_fn(|| terminal::ask(&question).map(|answer| answer.to_lowercase()));
    let mut answers = answers.filter_map(|answer| match answer.as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    });
    answers.next().unwrap_or(false)
}

/// Asks until the answer is valid.
///
/// # Errors
/// As [`ask_with`].
pub fn ask<T>(question: &str, default: &str, check: impl FnMut(&str) -> Result<T>) -> Result<T> {
    ask_with(&|_| Vec::new(), question, default, check)
}

/// Asks until the answer is valid, and prints why each other one is not. If the right answer is known, it is the next
/// default. `complete` has what Tab adds.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends.
pub fn ask_with<T>(
    complete: &dyn Fn(&str) -> Vec<String>,
    text: &str,
    default: &str,
    mut check: impl FnMut(&str) -> Result<T>,
) -> Result<T> {
    let (mut default, mut recalled) = (default.to_owned(), String::new());
    loop {
        let question = Question { text, default: &default, recalled: &recalled, complete };
        let answer = terminal::ask(&question).ok_or_else(|| {
            Error::new(ErrorKind::Failed, UNANSWERED)
                .hint("every answer can be given as a flag: 'kubekey setup --help' lists them")
        })?;
        match check(&answer) {
            Ok(good) => return Ok(good),
            // The input has ended at a question about this answer.
            Err(error) if error.to_string() == UNANSWERED => return Err(error),
            Err(error) => {
                tell(&error, &answer);
                default = right_issuer(&error).unwrap_or(default);
            }
        }
        recalled = answer;
    }
}

/// Prints what is wrong with an answer. Flags are removed from the error: none was given, and none can be given now.
pub fn tell(error: &Error, answer: &str) {
    let message = shortened(&error.to_string(), answer);
    let of_answer = message.strip_prefix("--").and_then(|message| message.split_once(' ')).map(|(_, rest)| rest);
    let told = Error::new(error.kind(), of_answer.unwrap_or(&message));
    match (error.what_to_do(), right_issuer(error)) {
        _ if message.is_empty() => {}
        (_, Some(issuer)) => terminal::error(&told.hint(format!("press Enter to take {issuer}"))),
        (hint, None) if hint.contains("--") => terminal::error(&told),
        (hint, None) => terminal::error(&told.hint(hint)),
    }
}

/// The issuer of the provider, if it differs from the answer.
fn right_issuer(error: &Error) -> Option<String> {
    let (_, quoted) = error.what_to_do().split_once("--issuer-url=")?;
    shlex::split(quoted)?.into_iter().next()
}

/// The message with a long answer shortened; the up arrow recalls the whole answer.
fn shortened(message: &str, answer: &str) -> String {
    let is_long = |text: &&str| text.chars().count() > LONGEST_QUOTED;
    let whole = user::with_home(answer);
    let quoted = [answer, whole.to_str().unwrap_or_default()];
    quoted.iter().filter(|text| is_long(text)).fold(message.to_owned(), |message, text| {
        let start: String = text.chars().take(LONGEST_QUOTED - ELLIPSIS.len()).collect();
        message.replace(text, &(start + ELLIPSIS))
    })
}
