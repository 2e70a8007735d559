//! Branch names: a pure function of prefix, target branch and place, never of the content.

use sha2::{Digest, Sha256};

use crate::domain::explain_invalid_ref;
use crate::inventory::EditSiteKey;

/// What the bot's branches begin with, unless it is set otherwise.
pub const PREFIX: &str = "auto-promoter-v2/";

/// Longest prefix: a name has at most 160 bytes with the usual one.
const MAX_PREFIX: usize = 60;

/// What the bot's branches begin with: new ones, and those that it made when it was set otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchPrefixes {
    /// New ones first, without duplicates.
    all: Vec<String>,
}

impl Default for BranchPrefixes {
    fn default() -> Self {
        Self { all: vec![PREFIX.to_owned()] }
    }
}

impl BranchPrefixes {
    /// Branches begin with `new`; earlier ones with one of `former` or with the usual prefix.
    pub fn new(new: String, former: impl IntoIterator<Item = String>) -> Self {
        let mut all = Vec::new();
        for prefix in std::iter::once(new).chain(former).chain([PREFIX.to_owned()]) {
            if !all.contains(&prefix) {
                all.push(prefix);
            }
        }
        Self { all }
    }

    /// What new branches begin with.
    pub fn of_new(&self) -> &str {
        &self.all[0]
    }

    /// All of them, that of new branches first.
    pub fn all(&self) -> &[String] {
        &self.all
    }

    /// Does a branch begin with one of them?
    pub fn are_of(&self, branch: &str) -> bool {
        self.all.iter().any(|prefix| branch.starts_with(prefix.as_str()))
    }
}

/// Reads a prefix of branches.
///
/// # Errors
/// When git or GitLab would refuse branches that begin so, or when the rest of the name would run into it.
pub fn parse_prefix(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() < 3 || text.len() > MAX_PREFIX {
        return Err(format!("expected 3 to {MAX_PREFIX} characters"));
    }
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins_well || !text.ends_with(['/', '-', '_']) {
        return Err("it must begin with a letter or a digit, and end with / or - or _".to_owned());
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./#+=@".contains(&byte)) {
        return Err("use letters, digits and - _ . / # + = @ only".to_owned());
    }
    if let Some(why) = explain_invalid_ref(&format!("{text}name")) {
        return Err(format!("git refuses branches that begin so: {why}"));
    }
    Ok(text.to_owned())
}

/// Bytes of the digest that a name ends with.
const DIGEST_BYTES: usize = 10;

/// Longest readable part of a name.
const READABLE: usize = 60;

/// The branch of a place: readable, valid for git and GitLab whatever the names are, at most 160
/// bytes, and different for different places.
pub fn name(prefix: &str, target_branch: &str, place: &EditSiteKey) -> String {
    let [first, second] = &place.names;
    format!("{prefix}{}-{}-{}", slug(first), slug(second), digest(target_branch, &place.key))
}

/// The branch of a batch: of what goes together (`scope`), and of the lowest number that was free. Never of its members.
pub(super) fn name_of_batch(prefix: &str, target_branch: &str, scope: &str, slot: usize) -> String {
    let key = format!("batch\n{scope}\n{slot}");
    format!("{prefix}batch-{}-{slot}-{}", slug(scope), digest(target_branch, &key))
}

/// A name as all have them, that no place has.
pub fn example(prefix: &str) -> String {
    format!("{prefix}any-branch-{}", digest("", ""))
}

/// May the bot have named this branch, with whatever prefix?
pub fn has_digest(branch: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digest = branch.rsplit_once('-').map_or("", |(_, digest)| digest);
    digest.len() == DIGEST_BYTES * 2 && digest.bytes().all(is_digit)
}

/// The part of a name that tells branches apart.
pub(super) fn digest(target_branch: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{target_branch}\n{key}").as_bytes());
    digest.iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// That part of a branch's name.
pub(super) fn digest_in(branch: &str) -> &str {
    branch.rsplit('-').next().unwrap_or(branch)
}

/// Letters, digits and single dashes: nothing that git, GitLab or a shell could stumble over.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for char in text.chars() {
        if slug.len() >= READABLE {
            break;
        }
        match char.to_ascii_lowercase() {
            char @ ('a'..='z' | '0'..='9') => slug.push(char),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "x".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: &str, first: &str, second: &str) -> EditSiteKey {
        EditSiteKey { key: key.to_owned(), names: [first.to_owned(), second.to_owned()] }
    }

    #[test]
    fn names_are_readable_and_differ_by_target_branch_and_place() {
        let branch = name(PREFIX, "main", &place("abc", "saas-rbac", "rbac-prod"));
        assert!(branch.starts_with("auto-promoter-v2/saas-rbac-rbac-prod-"), "{branch}");
        assert_ne!(branch, name(PREFIX, "stable", &place("abc", "saas-rbac", "rbac-prod")));
        assert_ne!(branch, name(PREFIX, "main", &place("abd", "saas-rbac", "rbac-prod")));
        assert_eq!(digest_in(&branch), digest("main", "abc"));
        assert!(has_digest(&branch) && has_digest(&example("feature/sapm-")));
        assert!(!has_digest("auto-promoter-v2/mine") && !has_digest("SAPM-a1b2c3"));
    }

    #[test]
    fn any_name_makes_a_valid_branch() {
        for text in ["", "..", "a..b~^:?*[\\ \u{7f}", "-x.lock", "ä/ö", &"x".repeat(500), "@{"] {
            let branch = name(PREFIX, "main", &place("s", text, text));
            assert!(branch.len() <= 200, "{branch}");
            let rest = &branch[PREFIX.len()..];
            assert!(
                rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{branch}"
            );
            assert!(!rest.starts_with('-'), "{branch}");
        }
    }

    #[test]
    fn a_prefix_makes_valid_names_or_is_refused() {
        for good in ["auto-promoter-v2/", "feature/sapm-", "bot/JIRA-12_", "a/b/c/", "fix/#1-"] {
            assert_eq!(parse_prefix(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "a/",
            "/ab/",
            "-ab/",
            "a..b/",
            "a b/",
            "ab",
            "abc",
            "a//b/",
            "a/.b/",
            "a.lock/",
            "a@{b/",
            "feature/ü-",
            "a:b-",
            "a~b/",
            "a\\b-",
            "a\nb/",
            &format!("{}/", "a".repeat(60)),
        ] {
            assert!(parse_prefix(bad).is_err(), "{bad:?}");
        }
    }
}
