//! References to issues in texts (GitLab docs, user/project/issues: closing issues automatically).

use std::sync::LazyLock;

use regex_lite::Regex;

/// Words after which a merge into the default branch closes the issue. GitLab searches for them in the raw texts of
/// title, description and commit messages, so a code span does not disable them.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    let word = "(?:[Cc]los(?:e[sd]?|ing)|[Ff]ix(?:e[sd]|ing)?|[Rr]esolv(?:e[sd]?|ing)|[Ii]mplement(?:s|ed|ing)?)";
    let issue = r"(?:[\w./-]*#\d+|GL-\d+|\[(?:issue|work_item):[^\]\s]+\]|\w[\w+.-]*://[^\s>]+|[A-Z][A-Z0-9_]+-\d+)";
    Regex::new(&format!(r"\b{word}:? +(?:issues? +)?{issue}")).expect("a pattern")
});

/// An issue, merge request or work item in GitLab, or an issue of another tracker.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[#!]\d+|GL-\d+|\[(?:issue|work_item|epic):[^\]\s]+\]|\b[A-Z][A-Z0-9_]+-\d+")
        .expect("a pattern")
});

fn all(pattern: &Regex, text: &str) -> Vec<String> {
    pattern.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

/// References that close issues.
pub(crate) fn closing(text: &str) -> Vec<String> {
    all(&CLOSING, text)
}

/// References in a text without code.
pub(crate) fn references(text: &str) -> Vec<String> {
    all(&REFERENCE, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitlab_finds_these() {
        let text = "Promotes `x closes #7/y`, fixes: a/b#8 and implements OPS-9; Resolved https://h/-/issues/1.";
        let found =
            ["closes #7", "fixes: a/b#8", "implements OPS-9", "Resolved https://h/-/issues/1."];
        assert_eq!(closing(text), found);
        assert_eq!(closing("closes [work_item:a/b/7]"), ["closes [work_item:a/b/7]"]);
        assert_eq!(closing("closed by 7, prefixes #7, closes `#7`"), Vec::<String>::new());
        assert_eq!(
            references("GL-7 saas-rbac stage-2 crcp01ue1-7 #1 !2 UTF-8"),
            ["GL-7", "#1", "!2", "UTF-8"]
        );
    }
}
