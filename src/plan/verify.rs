//! Is what a branch changes the change that it declares?
//!
//! Nothing that somebody can write into a commit tells whose it is: not its author, not its
//! committer, not its message. So the change is made again: by our editor, on the text below the tip,
//! with the values that the trailers name. If just these bytes are on the branch, it is the bot's,
//! whoever made the commit.
//!
//! Mostly the text below the tip is the one that the target branch has, and the inventory at hand
//! tells where its targets are (`authorship`). Otherwise the few datafiles that the targets
//! depend on are read from the commit below the tip, as here.

use std::collections::{BTreeMap, BTreeSet};

use super::desired;
use super::trailers::Trailers;
use crate::app_interface::{Bundle, Entry, FileTree, TreeError, load};
use crate::domain::{UidDigest, sha256_hex};
use crate::inventory::{Inventory, TargetIx, all_declared, build};
use crate::snapshot::{BranchContent, CommitDetail, TextChange};
use yaml11::{AliasMode, NodeRef, Tree};

/// Datafiles that are read to verify one branch.
const MAX_FILES: usize = 20_000;
/// Keys of `$ref`s that tell which target is meant.
const IDENTIFYING: [&str; 4] = ["app", "cluster", "environment", "namespace"];

/// A branch that changes the one file that its trailers name.
pub struct Declared<'a> {
    trailers: Trailers,
    /// SHA-256 of the file's bytes below the tip, and at the tip.
    digests: (&'a str, &'a str),
}

impl<'a> Declared<'a> {
    /// `None` where the tip says nothing, or changes anything else than the file that it names.
    pub fn of(tip: &CommitDetail, content: &'a BranchContent) -> Option<Self> {
        let trailers = Trailers::parse(&tip.message)?;
        let digests = changed_file(&trailers, content)?;
        Some(Self { trailers, digests })
    }

    /// Datafiles of the commit below the tip that are still to be read, as paths below `data`.
    pub fn missing_files(&self, texts: &BTreeMap<String, Option<String>>) -> BTreeSet<String> {
        let file = self.trailers.path.datafile().map(str::to_owned);
        let mut wanted: BTreeSet<String> =
            file.into_iter().chain(self.trailers.depends_on.iter().cloned()).collect();
        for text in texts.values().flatten() {
            if let Ok(tree) = Tree::parse(text.as_bytes(), &yaml11::Limits::default()) {
                collect_refs(tree.root(), None, &mut wanted);
            }
        }
        wanted.retain(|path| !texts.contains_key(path));
        if texts.len() + wanted.len() > MAX_FILES { BTreeSet::new() } else { wanted }
    }

    /// The change, if it is what our editor makes of the text below the tip.
    pub fn change(
        &self,
        texts: &BTreeMap<String, Option<String>>,
        digest: UidDigest,
    ) -> Option<TextChange> {
        let before = texts.get(self.trailers.path.datafile()?)?.as_ref()?;
        if sha256_hex(before.as_bytes()) != self.digests.0 {
            return None;
        }
        let bundle = load(&Texts(texts)).ok()?;
        let inventory = build(&bundle, digest);
        let named = desired::named(&inventory, &self.trailers);
        let made = |after: &String| sha256_hex(after.as_bytes()) == self.digests.1;
        let after = if named.len() == self.trailers.targets.len() {
            desired::with_values(&inventory, &bundle, &named, &self.trailers)
                .map(|desired| desired.new_text())
                .filter(made)
        } else {
            self.of_former_targets(&bundle, &all_declared(&bundle, digest)).find(made)
        };
        Some(TextChange { before: before.clone(), after: after? })
    }

    /// What it may write for targets that were no longer promoted where it stands: somebody disabled
    /// them, say, and then had the branch rebased. Their merge request is only ever closed.
    fn of_former_targets(&self, bundle: &Bundle, all: &Inventory) -> impl Iterator<Item = String> {
        let named: Vec<TargetIx> = all
            .targets
            .indexes()
            .filter(|&at| self.trailers.targets.contains(&all.targets[at].uid))
            .collect();
        let modes = [AliasMode::InPlace, AliasMode::OwnValue]
            .map(|mode| desired::edited(all, bundle, &named, &self.trailers.values, mode).ok());
        modes.into_iter().flatten()
    }
}

/// Does a commit's message declare a promotion?
pub fn declares(message: &str) -> bool {
    Trailers::parse(message).is_some()
}

/// The digests of the file that a branch changes, if it is the one that it names and nothing else.
pub(super) fn changed_file<'a>(
    trailers: &Trailers,
    content: &'a BranchContent,
) -> Option<(&'a str, &'a str)> {
    let [file] = content.changed.as_slice() else { return None };
    let (before, after) = file.digests.as_ref()?;
    (content.base_on_target && file.path == trailers.path.as_str()).then_some((before, after))
}

/// Adds what a datafile refers to in order to say which targets it is about.
fn collect_refs(node: NodeRef<'_>, key: Option<&str>, refs: &mut BTreeSet<String>) {
    for (name, value) in node.entries() {
        if name == "$ref" && key.is_none_or(|key| IDENTIFYING.contains(&key)) {
            refs.extend(value.text().map(|path| path.into_owned()));
        } else {
            collect_refs(value, Some(&name), refs);
        }
    }
    for item in node.items() {
        let key = key.filter(|key| *key != "targets");
        collect_refs(item, key, refs);
    }
}

/// Datafiles at hand.
struct Texts<'a>(&'a BTreeMap<String, Option<String>>);

impl FileTree for Texts<'_> {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, text) in self.0 {
            if let Some(text) = text {
                visitor(Entry::File(path, text.as_bytes()));
            }
        }
        Ok(())
    }
}
