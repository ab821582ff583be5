//! The contexts of the kubeconfigs, as client-go merges them: the first entry with a name applies, and so does the
//! first current context that is set.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use url::Url;

use super::command::of_file;
use super::entry::Kind;
use super::exec::Exec;
use super::files::{Files, decode};
use super::meaning::meaning_of;
use crate::atomic_file;
use crate::encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::printable;

/// The cluster's extension that client-go passes to plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";

/// The largest kubeconfig that is read for a hint, in bytes: reading it takes a second.
const LARGEST_FOR_HINT: u64 = 1024 * 1024;

/// All contexts, with the entries that they refer to.
pub struct Contexts {
    documents: Vec<Value>,
    /// The folder of each document.
    folders: Vec<PathBuf>,
    /// The name of the current context, if there is one.
    pub current: Option<String>,
}

/// One context.
pub struct Context<'a> {
    /// Its name.
    pub name: &'a str,
    /// The name of its user.
    pub user: &'a str,
    /// The name of its cluster.
    pub cluster: &'a str,
    /// Its namespace, if it has one.
    pub namespace: Option<&'a str>,
    /// The program that its user runs, if there is one.
    pub exec: Option<Exec>,
    has_user: bool,
    pub(super) cluster_entry: Option<&'a Value>,
    /// The folder of the file that has its cluster.
    pub(super) cluster_folder: Option<&'a Path>,
}

/// Messages name servers, and a URL may have a password in it.
fn hide_password((_, cluster): (&str, &Value)) {
    let url = cluster["server"].as_str().and_then(|server| Url::parse(server).ok());
    url.as_ref().and_then(Url::password).into_iter().for_each(printable::hide);
}

impl Contexts {
    /// Reads files of at most `largest` bytes each. A missing file is treated as an empty one, as by kubectl.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a file that cannot be read or is not a kubeconfig.
    pub fn read(files: &Files, largest: u64) -> Result<Self> {
        let documents = files.all().iter().map(|path| read(path, largest)).collect::<Result<Vec<_>>>()?;
        let current = |document: &Value| document["current-context"].as_str().map(str::to_owned);
        let current = documents.iter().filter_map(current).find(|name| !name.is_empty());
        let folders = files.all().iter().map(|path| path.parent().unwrap_or(path).to_owned()).collect();
        documents.iter().flat_map(|document| entries(document, Kind::Cluster)).for_each(hide_password);
        Ok(Self { documents, folders, current })
    }

    /// Reads the files that kubectl would read, for a hint.
    ///
    /// # Errors
    /// As [`Contexts::read`].
    pub fn of_session() -> Result<Self> {
        let asked = argument("--kubeconfig=").map(PathBuf::from);
        Self::read(&Files::find(asked.as_deref())?, LARGEST_FOR_HINT)
    }

    /// The users, each as the first entry with its name has it.
    pub fn users(&self) -> Vec<(&str, &Value)> {
        let mut seen = HashSet::new();
        let all = self.documents.iter().flat_map(|document| entries(document, Kind::User));
        all.filter(|(name, _)| seen.insert(*name)).collect()
    }

    /// Whether there is no file, or all files are empty.
    pub fn is_empty(&self) -> bool {
        self.documents.iter().all(Value::is_null)
    }

    /// The context with this name.
    pub fn find(&self, name: &str) -> Option<Context<'_>> {
        let (_, name, context) = self.entry(Kind::Context, name)?;
        let [user, cluster] = ["user", "cluster"].map(|field| context[field].as_str().unwrap_or_default());
        let namespace = context["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        let user_entry = self.entry(Kind::User, user).map(|(_, _, entry)| entry);
        let (cluster_folder, cluster_entry) =
            self.entry(Kind::Cluster, cluster).map(|(folder, _, entry)| (folder, entry)).unzip();
        let exec = user_entry.and_then(|user| Exec::read(&user["exec"]));
        Some(Context {
            name,
            user,
            cluster,
            namespace,
            exec,
            has_user: user_entry.is_some(),
            cluster_entry,
            cluster_folder,
        })
    }

    /// The contexts whose users run this program, the current one first.
    pub fn ours(&self) -> Vec<Context<'_>> {
        let entries = self.documents.iter().flat_map(|document| entries(document, Kind::Context));
        let mut names: Vec<_> = self.current.as_deref().into_iter().chain(entries.map(|(name, _)| name)).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(*name));
        let contexts = names.into_iter().filter_map(|name| self.find(name));
        contexts.filter(Context::is_ours).collect()
    }

    /// All contexts.
    pub fn all(&self) -> Vec<Context<'_>> {
        let mut seen = HashSet::new();
        let names = self.documents.iter().flat_map(|document| entries(document, Kind::Context)).map(|(name, _)| name);
        names.filter(|name| seen.insert(*name)).filter_map(|name| self.find(name)).collect()
    }

    /// The contexts that this run can be for: a person names one, client-go does not.
    pub fn of_this_run(&self) -> Vec<Context<'_>> {
        if let Some(name) = argument("--context=") {
            return self.find(&name).into_iter().collect();
        }
        let info = env::var("KUBERNETES_EXEC_INFO").unwrap_or_default();
        let info: Value = serde_json::from_str(&info).unwrap_or_default();
        let server = info["spec"]["cluster"]["server"].as_str().filter(|server| !server.is_empty());
        let is_this = |context: &Context<'_>| {
            let is_run = context.exec.as_ref().is_some_and(Exec::is_this_run);
            is_run && (server.is_none() || context.of_cluster("server") == server)
        };
        self.ours().into_iter().filter(is_this).collect()
    }

    /// The first entry with this name, and the folder of its file.
    fn entry(&self, kind: Kind, name: &str) -> Option<(&Path, &str, &Value)> {
        let documents = self.folders.iter().zip(&self.documents);
        let mut all = documents.flat_map(|(folder, document)| {
            entries(document, kind).map(move |(name, entry)| (folder.as_path(), name, entry))
        });
        all.find(|(_, its_name, _)| *its_name == name)
    }
}

impl Context<'_> {
    /// Whether kubectl can use it, with kubekey.
    pub fn is_ours(&self) -> bool {
        self.has_cluster() && self.exec.as_ref().is_some_and(Exec::is_ours)
    }

    fn has_cluster(&self) -> bool {
        self.cluster_entry.is_some()
    }

    /// What the context names and the kubeconfig does not contain, so that kubectl cannot use the context; `None` if
    /// nothing is missing.
    pub fn lacks(&self) -> Option<String> {
        let name = self.name;
        let of = |kind: &str, other: &str| match other {
            "" => format!("the context '{name}' has no {kind}"),
            _ => format!("the context '{name}' has the {kind} '{other}', which is not in the kubeconfig"),
        };
        match (self.has_user, self.has_cluster()) {
            (false, _) => Some(of("user", self.user)),
            (true, false) => Some(of("cluster", self.cluster)),
            (true, true) => None,
        }
    }

    /// A string field of its cluster.
    pub fn of_cluster(&self, field: &str) -> Option<&str> {
        self.cluster_entry?[field].as_str()
    }

    /// Whether its cluster has this field with a value other than the default.
    pub fn has_of_cluster(&self, field: &str) -> bool {
        let is_default = |value: &Value| value.is_null() || *value == "" || *value == false;
        self.cluster_entry.is_some_and(|cluster| !is_default(&cluster[field]))
    }

    /// What client-go would pass to the plugin (`KUBERNETES_EXEC_INFO`), without the cluster's certificate authority.
    pub fn exec_info(&self) -> String {
        let is_provided = self.exec.as_ref().is_some_and(|exec| exec.provides_cluster_info);
        let cluster = self.cluster_entry.filter(|_| is_provided).map(|cluster| {
            let extensions = cluster["extensions"].as_array().into_iter().flatten();
            let extension = extensions.into_iter().find(|extension| extension["name"] == EXTENSION);
            json!({
                "server": cluster["server"],
                "proxy-url": cluster["proxy-url"],
                "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"],
                "config": extension.map(|extension| &extension["extension"]),
            })
        });
        let spec = json!({ "interactive": true, "cluster": cluster });
        json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": spec }).to_string()
    }
}

/// The value of a flag of this run, in the form in which kubekey writes flags itself.
pub fn argument(flag: &str) -> Option<String> {
    env::args_os().find_map(|argument| argument.to_str()?.strip_prefix(flag).map(str::to_owned))
}

fn entries(document: &Value, kind: Kind) -> impl Iterator<Item = (&str, &Value)> {
    let list = document[kind.list()].as_array().into_iter().flatten();
    list.filter_map(move |item| Some((item["name"].as_str()?, &item[kind.field()])))
}

fn read(path: &Path, largest: u64) -> Result<Value> {
    let unreadable = |why: &str| {
        Error::new(ErrorKind::Usage, format!("{} cannot be read: {why}", path.display())).hint(format!(
            "fix the file ('kubectl config view{}' must be able to read it), or give another one with --kubeconfig",
            of_file(Some(path))
        ))
    };
    let bytes = atomic_file::read(path, largest).map_err(|error| unreadable(&error.to_string()))?;
    let (text, _) = decode(&bytes.unwrap_or_default()).map_err(|error| {
        let unreadable = unreadable(&error.to_string());
        match encoding::conversion(path, &error) {
            Some(command) => unreadable.hint("kubectl cannot read it either; save it as UTF-8:").commands([command]),
            None => unreadable,
        }
    })?;
    meaning_of(&text).map_err(|why| unreadable(&why))
}
