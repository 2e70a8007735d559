//! Imitations of the promoters that `sapm` replaces: how they open and close merge requests, as people see it on GitLab.
//!
//! They decide nothing: the caller says what is to be promoted, and by which texts that is found in a file. Facts about
//! them are from qontract-reconcile (`reconcile/saas_auto_promotions_manager`, version 2.3.0, and the promoter that was
//! removed in July 2023); no code of it is in here.

mod dump;
mod sapm;
mod v1;

pub use dump::dump;
pub use sapm::{OldSapm, SapmRun};
pub use v1::OldV1;

use crate::world::ProjectHandle;

/// What is to be promoted: one combination of channels, in one file.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// The combination, e.g. `a,b`.
    pub channels: String,
    /// The file, from the repository's root.
    pub path: String,
    /// Texts that are there once, and what takes their place.
    pub edits: Vec<(String, String)>,
}

impl Promotion {
    /// One text of one file.
    pub fn new(channels: &str, path: &str, old: &str, new: &str) -> Self {
        let edits = vec![(old.to_owned(), new.to_owned())];
        Self { channels: channels.to_owned(), path: path.to_owned(), edits }
    }

    /// With another text of the same file.
    pub fn and(mut self, old: &str, new: &str) -> Self {
        self.edits.push((old.to_owned(), new.to_owned()));
        self
    }

    /// The content hash: 32 hex digits, which depend on everything.
    pub(crate) fn content_hash(&self) -> String {
        let text = format!("{:?}", (&self.channels, &self.path, &self.edits));
        format!("{:016x}{:016x}", digest(&text, 1), digest(&text, 2))
    }

    /// Is it still to be done at this revision?
    pub(crate) fn is_due(&self, project: &ProjectHandle, rev: &str) -> bool {
        let text = text(project, rev, &self.path);
        self.edits.iter().any(|(old, _)| text.contains(old.as_str()))
    }

    /// The whole text with what takes the place, as the dumper writes it.
    pub(crate) fn applied(&self, text: &str) -> String {
        let edited = self
            .edits
            .iter()
            .fold(text.to_owned(), |text, (old, new)| text.replace(old.as_str(), new));
        dump(&edited)
    }
}

fn text(project: &ProjectHandle, rev: &str, path: &str) -> String {
    String::from_utf8(project.file(rev, path).unwrap_or_default()).expect("text")
}

/// Both ask GitLab to remove the source branch with the merge.
fn remove_branch_on_merge(project: &ProjectHandle, iid: u64) {
    let mut state = project.world.shared.state();
    let merge_request = state.project_mut(project.id).request_mut(iid).expect("a merge request");
    merge_request.remove_source_branch = true;
}

/// FNV-1a: the same on every machine, and nothing depends on its strength.
fn digest(text: &str, seed: u64) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A branch name: a prefix, and six hex digits.
fn branch(prefix: &str, seed: &str) -> String {
    format!("{prefix}{:06x}", digest(seed, 3) & 0x00ff_ffff)
}
