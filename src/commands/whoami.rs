//! `kubekey whoami`: for whom the API server takes the user, beside what the token says.

use std::io::Write;

use chrono::Utc;
use serde_json::{Map, Value, json};

use super::context::read;
use super::refusal::{refusal, with_others};
use super::token::lines;
use crate::api_server::ApiServer;
use crate::cli::{Format, OfContext};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::{Contexts, of_file};
use crate::output::print;
use crate::policy::Policy;
use crate::token::{self, IdToken};

/// The claims that API servers usually make a user of.
const CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "email", "preferred_username", "groups"];

/// The API server of the context, if the policy allows a token for it. It must be known before anybody signs in.
///
/// # Errors
/// [`ErrorKind::Policy`] if not; [`ErrorKind::Usage`] if no context is used; and as [`ApiServer::of`].
pub fn server_of(of: &OfContext) -> Result<ApiServer> {
    let policy = Policy::load()?;
    let exec_info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    policy.check_cluster(exec_info.cluster.as_ref())?;
    let contexts = read(of)?;
    let name = of.context.as_deref().ok_or_else(|| no_context(&contexts, of))?;
    let context = contexts.find(name).filter(|context| context.is_ours());
    let context =
        context.ok_or_else(|| with_others(refusal(&contexts, Some(name), None, of), &contexts, of, "whoami"))?;
    ApiServer::of(&context, &policy)
}

/// Prints for whom the server takes the user with this token, and what the token says.
///
/// # Errors
/// As [`ApiServer::who`].
pub fn whoami(server: &ApiServer, id_token: &IdToken, output: Format, out: &mut impl Write) -> Result<()> {
    let user = server.who(id_token)?;
    let claims = claims(id_token);
    match output {
        Format::Json => {
            let (context, server) = (&server.context, &server.server);
            let both = json!({ "context": context, "server": server, "user": user, "claims": claims });
            print(out, &format!("{both:#}\n"))
        }
        Format::Text => {
            let now = Utc::now();
            let (user, claims) = (lines(&without_empty(user), now), lines(&claims, now));
            print(out, &format!("the API server says\n{user}\nthe token says\n{claims}"))
        }
    }
}

fn no_context(contexts: &Contexts, of: &OfContext) -> Error {
    let error = Error::new(ErrorKind::Usage, "whoami asks the API server of a context, and no context is used");
    match contexts.ours().is_empty() {
        true => error.hint(format!("run 'kubekey setup{}', which writes a context", of_file(of.kubeconfig.as_ref()))),
        false => with_others(error, contexts, of, "whoami"),
    }
}

/// What decides who the user is, read without verifying: it was verified before it was saved.
pub(super) fn claims(id_token: &IdToken) -> Map<String, Value> {
    let (_, mut claims) = token::objects(id_token.jwt.expose()).unwrap_or_default();
    claims.retain(|name, _| CLAIMS.contains(&name.as_str()));
    claims
}

/// Without the fields that the server leaves empty.
fn without_empty(mut user: Map<String, Value>) -> Map<String, Value> {
    user.retain(|_, value| !(value.is_null() || *value == "" || *value == json!([]) || *value == json!({})));
    user
}
