//! Git's text algorithms: the three-way merge of one file, and the
//! id of a file's bytes.

use std::sync::Once;

use git2::{MergeFileInput, ObjectType, Oid};

use crate::plan::{Merge, MergeTexts};

/// Why a merge failed (out of memory, a text of gigabytes).
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// libgit2 gave up.
    #[error("cannot merge")]
    Git(#[from] git2::Error),
    /// The result is not UTF-8.
    #[error("merge result is not UTF-8")]
    NotText(#[from] std::str::Utf8Error),
}

/// Merges the changes of `ours` and `theirs` to `base`, as git merges one file.
/// Has no side effects, and may be called from any thread.
///
/// # Errors
/// See [`MergeError`]. A conflict is not an error.
pub fn merge_texts(base: &str, ours: &str, theirs: &str) -> Result<Merge, MergeError> {
    if ours == theirs || base == theirs {
        return Ok(Merge::Clean(ours.to_owned()));
    }
    if base == ours {
        return Ok(Merge::Clean(theirs.to_owned()));
    }
    initialise();
    let [base, ours, theirs] = [base, ours, theirs].map(|text| {
        let mut input = MergeFileInput::new();
        input.content(text.as_bytes());
        input
    });
    let result = git2::merge_file(&base, &ours, &theirs, None)?;
    if result.is_automergeable() {
        Ok(Merge::Clean(std::str::from_utf8(result.content())?.to_owned()))
    } else {
        Ok(Merge::Conflict)
    }
}

/// Git's merge for planning.
#[derive(Debug, Clone, Copy, Default)]
pub struct GitMerge;

impl MergeTexts for GitMerge {
    fn merge(&self, base: &str, ours: &str, theirs: &str) -> Merge {
        merge_texts(base, ours, theirs).unwrap_or_else(|error| {
            // A merge that failed counts as a conflict.
            tracing::warn!("a merge could not be tried: {error}");
            Merge::Conflict
        })
    }
}

/// The id of a file with these bytes, as `git hash-object` prints it: 40 hex digits.
///
/// # Errors
/// When libgit2 fails, e.g. on gigabytes of text.
pub fn blob_id(bytes: &[u8]) -> Result<String, MergeError> {
    initialise();
    Ok(Oid::hash_object(ObjectType::Blob, bytes)?.to_string())
}

/// `git2::merge_file` expects that libgit2 is already initialised.
fn initialise() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(git2::Odb::new()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(base: &str, ours: &str, theirs: &str) -> Merge {
        merge_texts(base, ours, theirs).expect("libgit2 works")
    }

    #[test]
    fn lines_apart_merge_and_adjacent_ones_do_not() {
        let base = "a: 1\nb: 2\nc: 3\n";
        let clean = merge(base, "a: 9\nb: 2\nc: 3\n", "a: 1\nb: 2\nc: 8\n");
        assert_eq!(clean, Merge::Clean("a: 9\nb: 2\nc: 8\n".to_owned()));
        assert_eq!(merge(base, "a: 9\nb: 2\nc: 3\n", "a: 1\nb: 8\nc: 3\n"), Merge::Conflict);
        assert_eq!(merge(base, "a: 9\nb: 2\nc: 3\n", "a: 8\nb: 2\nc: 3\n"), Merge::Conflict);
    }

    #[test]
    fn one_sided_and_equal_changes_are_clean() {
        for (base, ours, theirs, clean) in [
            ("a\n", "b\n", "a\n", "b\n"),
            ("a\n", "a\n", "", ""),
            ("a\n", "b", "b", "b"),
            ("", "", "", ""),
        ] {
            assert_eq!(merge(base, ours, theirs), Merge::Clean(clean.to_owned()));
        }
    }

    #[test]
    fn blob_ids_are_those_of_git() {
        assert_eq!(blob_id(b"").expect("hashes"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(
            blob_id(b"hello\n").expect("hashes"),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
    }
}
