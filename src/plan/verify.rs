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
use std::sync::Arc;

use super::content::Content;
use super::edits;
use super::trailers::{Member, Trailers};
use crate::app_interface::{Bundle, Entry, FileTree, TreeError, load};
use crate::domain::{RepoPath, UidDigest, sha256_hex};
use crate::inventory::{Inventory, TargetIx, all_declared, build};
use crate::snapshot::{BranchContent, CommitDetail, TextChange};
use yaml11::{AliasMode, NodeRef, Tree};

/// Datafiles that are read to verify one branch.
const MAX_FILES: usize = 20_000;
/// Keys of `$ref`s that tell which target is meant.
const IDENTIFYING: [&str; 4] = ["app", "cluster", "environment", "namespace"];

/// A branch that changes the files that its trailers name, and no other.
pub struct Declared<'a> {
    trailers: Trailers,
    /// By path: SHA-256 of the file's bytes below the tip, and at the tip.
    digests: BTreeMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Declared<'a> {
    /// `None` where the tip says nothing, or changes anything else than the file that it names.
    pub fn of(tip: &CommitDetail, content: &'a BranchContent) -> Option<Self> {
        let trailers = Trailers::parse(&tip.message)?;
        let digests = changed_files(&trailers, content)?;
        Some(Self { trailers, digests })
    }

    /// Datafiles of the commit below the tip that are still to be read, as paths below `data`.
    pub fn missing_files(&self, texts: &BTreeMap<String, Option<String>>) -> BTreeSet<String> {
        let files = self.trailers.paths();
        let files = files.iter().filter_map(|path| path.datafile()).map(str::to_owned);
        let mut wanted: BTreeSet<String> =
            files.chain(self.trailers.depends_on.iter().cloned()).collect();
        for text in texts.values().flatten() {
            if let Ok(tree) = Tree::parse(text.as_bytes(), &yaml11::Limits::default()) {
                collect_refs(tree.root(), None, &mut wanted);
            }
        }
        wanted.retain(|path| !texts.contains_key(path));
        if texts.len() + wanted.len() > MAX_FILES { BTreeSet::new() } else { wanted }
    }

    /// The changes by path, if they are what our editor makes of the texts below the tip.
    pub fn changes(
        &self,
        texts: &BTreeMap<String, Option<String>>,
        digest: UidDigest,
    ) -> Option<BTreeMap<RepoPath, TextChange>> {
        let mut before = BTreeMap::new();
        for path in self.trailers.paths() {
            let text = texts.get(path.datafile()?)?.as_ref()?;
            if sha256_hex(text.as_bytes()) != self.digests.get(path.as_str())?.0 {
                return None;
            }
            before.insert(path, text);
        }
        let bundle = load(&Texts(texts)).ok()?;
        let inventory = build(&bundle, digest);
        let made = |path: &RepoPath, after: &str| {
            let digests = self.digests.get(path.as_str());
            digests.is_some_and(|(_, expected)| sha256_hex(after.as_bytes()) == *expected)
        };
        let after: BTreeMap<RepoPath, String> = match self.content(&bundle, &inventory) {
            Some(content) => content.texts().map(|(path, _, text)| (path.clone(), text)).collect(),
            None => {
                let [member] = self.trailers.members.as_slice() else { return None };
                let all = all_declared(&bundle, digest);
                let mut texts = of_former_targets(member, &bundle, &all);
                let text = texts.find(|text| made(&member.path, text))?;
                [(member.path.clone(), text)].into()
            }
        };
        let change = |(path, after): (RepoPath, String)| {
            let before = String::clone(before.get(&path)?);
            made(&path, &after).then_some((path, TextChange { before, after }))
        };
        after.into_iter().map(change).collect()
    }

    /// What it declares, made on these files; `None` where a target is not promoted in them, or cannot be edited.
    fn content(&self, bundle: &Bundle, inventory: &Inventory) -> Option<Content> {
        let part = |member: &Member| {
            let named = edits::named(inventory, member);
            let all = named.len() == member.targets.len();
            all.then(|| edits::with_values(inventory, bundle, &named, member)).flatten()
        };
        let parts: Option<Vec<_>> = self.trailers.members.iter().map(part).collect();
        Content::of(inventory, bundle, parts?.into_iter().map(Arc::new)).ok()
    }
}

/// What it may write for targets that were no longer promoted where it stands: somebody disabled
/// them, say, and then had the branch rebased. Their merge request is only ever closed.
fn of_former_targets(
    declared: &Member,
    bundle: &Bundle,
    all: &Inventory,
) -> impl Iterator<Item = String> {
    let is_named = |at: &TargetIx| declared.targets.contains(&all.targets[*at].uid);
    let named: Vec<TargetIx> = all.targets.indexes().filter(is_named).collect();
    let modes = [AliasMode::InPlace, AliasMode::OwnValue]
        .map(|mode| edits::edited(all, bundle, &named, &declared.values, mode).ok());
    modes.into_iter().flatten()
}

/// Does a commit's message declare a promotion?
pub fn declares(message: &str) -> bool {
    Trailers::parse(message).is_some()
}

/// How many files a commit declares that it changes: one more than these tells that it changes others. 0 without a
/// declaration.
pub fn count_declared_files(message: &str) -> usize {
    Trailers::parse(message).map_or(0, |trailers| trailers.paths().len())
}

/// By path the digests of the files that a branch changes, if these are the ones that it names and no others.
pub(super) fn changed_files<'a>(
    trailers: &Trailers,
    content: &'a BranchContent,
) -> Option<BTreeMap<&'a str, (&'a str, &'a str)>> {
    let mut digests = BTreeMap::new();
    for file in &content.changed {
        let (before, after) = file.digests.as_ref()?;
        digests.insert(file.path.as_str(), (before.as_str(), after.as_str()));
    }
    let named = trailers.paths();
    let is_named = named.iter().map(|path| path.as_str()).eq(digests.keys().copied());
    (content.base_on_target && is_named).then_some(digests)
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
