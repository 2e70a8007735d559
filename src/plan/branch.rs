//! Branch names: a pure function of target branch and place, never of the content.

use sha2::{Digest, Sha256};

use crate::inventory::EditSiteKey;

/// What all branches of the bot begin with.
pub const PREFIX: &str = "auto-promoter-v2/";

/// What the branches of batches begin with.
pub(super) const BATCH_PREFIX: &str = "auto-promoter-v2/batch-";

/// Longest readable part of a name.
const READABLE: usize = 60;

/// The branch of a place: readable, valid for git and GitLab whatever the names are, at most 160
/// bytes, and different for different places.
pub fn name(target_branch: &str, place: &EditSiteKey) -> String {
    let [first, second] = &place.names;
    format!("{PREFIX}{}-{}-{}", slug(first), slug(second), digest(target_branch, &place.key))
}

/// The branch of a batch: of what goes together (`scope`), and of the lowest number that was free. Never of its members.
pub(super) fn name_of_batch(target_branch: &str, scope: &str, slot: usize) -> String {
    let key = format!("batch\n{scope}\n{slot}");
    format!("{BATCH_PREFIX}{}-{slot}-{}", slug(scope), digest(target_branch, &key))
}

/// A name as all have them, that no place has.
pub fn example() -> String {
    format!("{PREFIX}any-branch-{}", digest("", ""))
}

/// The part of a name that tells branches apart.
pub(super) fn digest(target_branch: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{target_branch}\n{key}").as_bytes());
    digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect()
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
        let branch = name("main", &place("abc", "saas-rbac", "rbac-prod"));
        assert!(branch.starts_with("auto-promoter-v2/saas-rbac-rbac-prod-"), "{branch}");
        assert_ne!(branch, name("stable", &place("abc", "saas-rbac", "rbac-prod")));
        assert_ne!(branch, name("main", &place("abd", "saas-rbac", "rbac-prod")));
        assert_eq!(digest_in(&branch), digest("main", "abc"));
    }

    #[test]
    fn any_name_makes_a_valid_branch() {
        for text in ["", "..", "a..b~^:?*[\\ \u{7f}", "-x.lock", "ä/ö", &"x".repeat(500), "@{"] {
            let branch = name("main", &place("s", text, text));
            assert!(branch.len() <= 200, "{branch}");
            let rest = &branch[PREFIX.len()..];
            assert!(
                rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{branch}"
            );
            assert!(!rest.starts_with('-'), "{branch}");
        }
    }
}
