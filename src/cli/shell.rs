//! The shells that kubekey has completions for.

use clap::ValueEnum;

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// In .bashrc: source <(kubekey completions bash).
    Bash,
    /// In .zshrc, after compinit: source <(kubekey completions zsh).
    Zsh,
    /// In config.fish: kubekey completions fish | source.
    Fish,
    /// In the file that $PROFILE names: kubekey completions powershell | Out-String | Invoke-Expression.
    Powershell,
    /// In rc.elv: eval (kubekey completions elvish | slurp).
    Elvish,
}
