//! Finds refs that can be neither a commit nor the name of a branch or tag (git's check-ref-format).

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for target in &repo.inventory.targets {
        let Ok(git_ref) = &target.git_ref else { continue };
        if let Some(why) = wrong(git_ref.as_str()) {
            let message = format!("{}: ref `{git_ref}` is not a valid ref: {why}", target.label());
            problems.push(place_below(
                Problem::new(ProblemCode::InvalidRef, message),
                target,
                "ref",
            ));
        }
    }
}

/// Why a text cannot be the name of a ref.
pub(super) fn wrong(text: &str) -> Option<&'static str> {
    let odd = |c: char| matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    Some(match text {
        "" => "it is empty",
        "@" => "`@` alone is not a name",
        _ if text.contains(char::is_whitespace) => "it contains whitespace",
        _ if text.contains(char::is_control) => "it contains a control character",
        _ if text.contains(odd) => "it contains one of ~ ^ : ? * [ \\",
        _ if text.contains("..") || text.contains("@{") => "it contains `..` or `@{`",
        _ if text.starts_with('-') => "it begins with `-`",
        _ if text.ends_with('.') => "it ends with a dot",
        _ if text.split('/').any(bad_part) => {
            "a part between slashes is empty, begins with a dot or ends with `.lock`"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn ref_names_are_checked_as_in_git() {
        for name in ["main", "release/1.2", "v1.2.3", "a@b", "x-y_z", "feature/ü", "refs/heads/a"]
        {
            assert_eq!(wrong(name), None, "{name}");
        }
        for name in [
            "", "@", "a b", "a\tb", "a..b", "a~1", "HEAD^", "a:b", "a?", "a*", "a[b", "a\\b", "/a",
            "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a@{1}", "-a", " main",
            "\u{7f}",
        ] {
            assert!(wrong(name).is_some(), "{name}");
        }
    }
}
