//! The help: `-h` on one screen, and `--help` in groups, with an example for each command and only the settings that
//! mean something to it.

use clap::{Arg, Command};

use crate::terminal;

use Group::{Network, Provider, SignIn, Storage};

/// Each paragraph is one line, because clap wraps it to the width of the terminal.
macro_rules! examples {
    ($files:literal) => {
        concat!(
            "\
In a kubeconfig:
  users:
  - name: me
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: kubekey
        args: [--issuer-url, https://login.example.com, --client-id, kubernetes]
        interactiveMode: IfAvailable
        provideClusterInfo: true

Each setting --foo-bar is also the variable KUBEKEY_FOO_BAR and the key foo_bar of a config.toml: ",
            $files,
            ". Variables win over files, and flags over variables; \
'kubekey config show --origin' shows the effective settings and their origins.
IDP_ISSUER_URL, CLIENT_ID and CLIENT_SECRET are read too; the latter two only when IDP_ISSUER_URL is set.
A variable for a repeatable flag has its values separated by spaces; one for files separates them as PATH does.
HTTPS_PROXY and NO_PROXY are respected; a provider on this machine is never reached through a proxy.
KUBEKEY_LOG sets the log level on stderr: error, warn, info (the default), debug or trace.

Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in failed or none usable, 4 not allowed by policy, 5 provider unreachable, 6 storage; \
with --detailed-exitcode 10 changed."
        )
    };
}

/// What stands below the whole help.
pub const EXAMPLES: &str = if cfg!(windows) {
    examples!(
        r"%ProgramData%\kubekey\config.toml, %ProgramData%\kubekey\config.d\*.toml, %AppData%\kubekey\config.toml"
    )
} else if cfg!(target_os = "macos") {
    examples!(
        "/Library/Application Support/kubekey/config.toml, /Library/Application Support/kubekey/config.d/*.toml, \
         ~/Library/Application Support/kubekey/config.toml"
    )
} else {
    examples!("/etc/kubekey/config.toml, /etc/kubekey/config.d/*.toml, ~/.config/kubekey/config.toml")
};

/// What a setting is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Provider,
    SignIn,
    Storage,
    Network,
}

impl Group {
    /// The group of a setting's flag.
    fn of(flag: &str) -> Self {
        match flag {
            "token-storage" | "token-dir" | "force-refresh" => Storage,
            "certificate-authority"
            | "certificate-authority-data"
            | "insecure-skip-tls-verify"
            | "request-header"
            | "listen-address"
            | "local-server-cert"
            | "local-server-key"
            | "redirect-url"
            | "paste-redirect-url" => Network,
            "flow" | "login-timeout" | "response-mode" | "browser-command" | "skip-open-browser" | "template-dir"
            | "post-login-url" | "prompt" | "max-age" | "login-hint" => SignIn,
            _ => Provider,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Provider => "Provider",
            SignIn => "Sign-in",
            Storage => "Storage",
            Network => "Network",
        }
    }
}

const ALL: &[Group] = &[Provider, SignIn, Storage, Network];

/// The commands that not all settings mean something to, with those that do, and an example for each command.
const COMMANDS: [(&str, &[Group], &str); 12] = [
    ("get-token", ALL, "kubekey get-token --issuer-url https://login.example.com --client-id kubernetes"),
    ("login", ALL, "kubekey login --context prod"),
    ("logout", &[Provider, Storage, Network], "kubekey logout --all"),
    ("status", &[], "kubekey status --output wide"),
    ("token", ALL, "kubekey token --decode"),
    ("whoami", ALL, "kubekey whoami --context prod"),
    ("doctor", ALL, "kubekey doctor --share"),
    ("config", ALL, "kubekey config show --origin"),
    (
        "setup",
        ALL,
        "kubekey setup --cluster prod --server https://k8s.example.com:6443 --issuer-url https://login.example.com \
         --client-id kubernetes",
    ),
    ("pages", &[], "kubekey pages --write pages"),
    ("completions", &[], "kubekey completions bash"),
    ("version", &[], "kubekey version"),
];

/// The flags that people set, in one line each.
const OFTEN: [(&str, &str); 5] = [
    ("issuer-url", "The provider's issuer URL"),
    ("client-id", "The client ID registered with the provider"),
    ("scope", "A scope to request, repeatable"),
    ("flow", "How to sign in: auto, browser, device or paste"),
    ("token-storage", "Where to save it: auto, keyring, kernel, file"),
];

/// The flags of `setup` that its `-h` lists, in this order.
const OF_SETUP: [&str; 11] = [
    "cluster",
    "server",
    "issuer-url",
    "client-id",
    "context",
    "kubeconfig",
    "from",
    "from-kubelogin",
    "system",
    "dry-run",
    "yes",
];

/// The commands that people seldom type, which `-h` leaves out.
const SELDOM: [&str; 4] = ["get-token", "pages", "completions", "version"];

const MORE: &str = "'kubekey --help' has everything, 'kubekey COMMAND -h' the flags of a command.";

const MORE_OF_SETUP: &str = "In a terminal, setup asks for what is missing.\n'kubekey setup --help' has everything.";

/// Prepares the whole command line for its help, which is to be `short` or not.
pub fn arrange(command: Command, short: bool) -> Command {
    let without_seldom = |subcommand: Command| {
        let is_seldom = SELDOM.contains(&subcommand.get_name());
        subcommand.hide(short && is_seldom)
    };
    let command = command.disable_help_subcommand(short).mut_subcommands(without_seldom);
    let everything = command.get_after_help().cloned().unwrap_or_default();
    let command = command.after_help(as_called(MORE)).after_long_help(everything).mut_args(in_group);
    let settings: Vec<_> = command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    command.mut_subcommands(|subcommand| match of_command(subcommand, &settings) {
        setup if short && setup.get_name() == "setup" => shortened_setup(setup),
        command if short => command.mut_args(shortened).mut_subcommands(|command| command.mut_args(shortened)),
        command => command,
    })
}

/// Leaves the default out of a flag's help.
fn shortened(arg: Arg) -> Arg {
    let whole = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match whole.split_once(" [default: ") {
        Some((short, _)) => arg.help(short.to_owned()),
        None => arg,
    }
}

/// `setup` has more flags than fit a screen.
fn shortened_setup(command: Command) -> Command {
    let of_setup = |arg: Arg| match OF_SETUP.iter().position(|flag| arg.get_long() == Some(flag)) {
        Some(position) => shortened(arg.help_heading(None).display_order(position)),
        None if arg.get_long() == Some("help") => arg,
        None => arg.hide_short_help(true),
    };
    command.mut_args(of_setup).after_help(as_called(MORE_OF_SETUP))
}

/// A text whose commands have the name that this program was called by.
fn as_called(text: &str) -> String {
    text.replace("'kubekey ", &format!("'{} ", terminal::called()))
}

/// Names the group of a setting, and leaves a seldom one out of `-h`.
fn in_group(arg: Arg) -> Arg {
    if !arg.is_global_set() {
        return arg.hide_short_help(true);
    }
    let flag = arg.get_id().to_string();
    let whole = arg.get_help().cloned().unwrap_or_default();
    let arg = arg.help_heading(Group::of(&flag).heading());
    match OFTEN.iter().find(|(often, _)| *often == flag) {
        Some((_, short)) => arg.help_heading(None).help(*short).long_help(whole),
        None => arg.hide_short_help(true),
    }
}

/// Gives a command its example, and its own copies of the settings: clap adds the others from above.
fn of_command(command: Command, settings: &[Arg]) -> Command {
    let Some((_, groups, example)) = COMMANDS.iter().find(|(name, ..)| *name == command.get_name()) else {
        return command;
    };
    let own = |setting: &Arg| {
        let flag = setting.get_id().to_string();
        let is_for_it = groups.contains(&Group::of(&flag));
        setting.clone().hide(!is_for_it).help_heading(Group::of(&flag).heading())
    };
    let example = example.replacen("kubekey", terminal::called(), 1);
    command.args(settings.iter().map(own)).after_long_help(format!("Example:\n  {example}"))
}
