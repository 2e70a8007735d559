//! Names from the config repo as candidates.
//!
//! Tenants choose these names, and a shell could run what is in one. So only plain names are candidates, which mean nothing
//! to any shell. A target with another name is there by its uid.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use super::super::config::{Environment, digest, given};
use crate::app_interface::DirectoryTree;
use crate::domain::{UidDigest, printable};
use crate::inventory::{Found, Inventory, Target, find};
use crate::run::{ConfigRepo, ReadOptions};

/// A person waits at the prompt: without an answer by then there are no candidates.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What an argument names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Every argument with the value name `TARGET`.
    Target,
    Environment,
    App,
    SaasFile,
    Channel,
}

impl Kind {
    /// What this argument names; `None` if it is no name from the config repo.
    pub fn of(arg: &clap::Arg) -> Option<Self> {
        if arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "TARGET")) {
            return Some(Self::Target);
        }
        match arg.get_id().as_str() {
            "env_name" => Some(Self::Environment),
            "app_name" => Some(Self::App),
            "saas_file_name" => Some(Self::SaasFile),
            "channel" => Some(Self::Channel),
            _ => None,
        }
    }

    /// The names of this kind in a target.
    fn names(self, target: &Target) -> Vec<&str> {
        match self {
            Self::Target => Vec::new(),
            Self::Environment => vec![&target.namespace.environment],
            Self::App => vec![&target.app.name],
            Self::SaasFile => vec![&target.saas_file],
            Self::Channel => {
                let promotion = &target.promotion;
                promotion.publish.iter().chain(&promotion.subscribe).map(String::as_str).collect()
            }
        }
    }
}

/// The config repo on this machine, which is read only if a candidate depends on it.
#[derive(Debug, Clone)]
pub struct Source {
    folder: Option<PathBuf>,
    digest: UidDigest,
}

impl Source {
    /// The first of --app-interface, SAPM_APP_INTERFACE and the current folder that is a folder with `data/`. A URL is never
    /// cloned.
    pub fn find(words: &[OsString], environment: &Environment<'_>) -> Self {
        let text = |word: &OsString| word.to_str().map(str::to_owned);
        let after = words.windows(2).rev().find(|pair| pair[0] == "--app-interface");
        let inside = || {
            words
                .iter()
                .rev()
                .find_map(|w| text(w)?.strip_prefix("--app-interface=").map(str::to_owned))
        };
        let flag = after.and_then(|pair| text(&pair[1])).or_else(inside);
        let home = environment.get("HOME");
        let folder =
            [given(flag.as_ref()), environment.get("SAPM_APP_INTERFACE"), Some(".".to_owned())]
                .into_iter()
                .flatten()
                .map(|path| match (path.strip_prefix("~/"), &home) {
                    // A shell passes the words of the line as they are typed.
                    (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
                    _ => PathBuf::from(path),
                })
                .find(|path| path.join("data").is_dir());
        Self { folder, digest: digest(None, environment).unwrap_or_default() }
    }

    /// The candidates for a word.
    pub fn candidates(&self, kind: Kind, word: &OsStr) -> Vec<CompletionCandidate> {
        let (Some(inventory), Some(word)) = (self.read(), word.to_str()) else {
            return Vec::new();
        };
        let targets = inventory.targets.iter();
        let mut found: Vec<(String, Option<String>)> = match kind {
            Kind::Target => targets.filter_map(|target| name_target(target, word)).collect(),
            kind => {
                let names = targets.flat_map(|target| kind.names(target));
                let plain = names.filter(|name| is_plain(name) && name.starts_with(word));
                plain.map(|name| (name.to_owned(), None)).collect()
            }
        };
        if found.is_empty() && kind == Kind::Target {
            found.extend(find_one(&inventory, word));
        }
        found.sort();
        found.dedup();
        let candidate = |(value, help): (String, Option<String>)| {
            CompletionCandidate::new(value).help(help.map(Into::into))
        };
        found.into_iter().map(candidate).collect()
    }

    fn read(&self) -> Option<Inventory> {
        let tree = DirectoryTree::new(self.folder.clone()?);
        let options = ReadOptions { digest: self.digest, ..ReadOptions::default() };
        let (sender, receiver) = mpsc::channel();
        // It ends with the process if it takes too long.
        std::thread::spawn(move || {
            let read = ConfigRepo::read(&tree, &options).ok();
            sender.send(read.map(|repo| repo.inventory)).ok()
        });
        receiver.recv_timeout(MAX_WAIT).ok()?
    }
}

/// The candidate for a target: its label, or else its uid with the label as help.
fn name_target(target: &Target, start: &str) -> Option<(String, Option<String>)> {
    let label = target.label();
    let name = match is_plain(&label) {
        true => (label, None),
        false => (target.uid.to_string(), Some(printable(&label))),
    };
    name.0.starts_with(start).then_some(name)
}

/// The one target that the word stands for, although its name does not start with it.
fn find_one(inventory: &Inventory, word: &str) -> Option<(String, Option<String>)> {
    match find(inventory, &inventory.targets.indexes().collect(), word) {
        Found::One(index) => name_target(&inventory.targets[index], ""),
        _ => None,
    }
}

/// Does the name mean itself in every shell, quoted or not, and is it no option?
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_names_that_mean_nothing_to_a_shell_are_plain() {
        for name in ["saas-orders/orders-api/prod01/orders-production", "a", "1.2_3"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "", "-a", "~a", "/a", "a b", "a\nb", "$(a)", "a`b", "a;b", "a'b", "a\"b", "a\\b", "a*",
            "a=b", "é",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
