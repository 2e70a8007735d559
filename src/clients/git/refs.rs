//! Which of a repository's refs a name means, and reading lists of refs.

use std::collections::BTreeMap;

use super::pkt_line::section;
use crate::domain::CommitSha;

/// Refs with their objects, annotated tags already peeled.
pub(super) type Refs = BTreeMap<String, String>;

/// The full names that `git_ref` may mean, the first that exists counts:
/// `HEAD`; a branch; a tag; a name with its kind (`heads/x`, `tags/x`); a full
/// name. A branch comes before a tag of the same name, as with `git clone
/// --branch` (and unlike `git rev-parse`): a moving ref is a branch as a rule.
pub(super) fn candidates(git_ref: &str) -> Vec<String> {
    if git_ref == "HEAD" || git_ref.starts_with("refs/") {
        return vec![git_ref.to_owned()];
    }
    ["refs/heads/", "refs/tags/", "refs/"].iter().map(|kind| format!("{kind}{git_ref}")).collect()
}

/// Can this be the name of a ref at all? (It becomes a line of the protocol.)
pub(super) fn is_plausible(git_ref: &str) -> bool {
    (1..=1000).contains(&git_ref.len()) && !git_ref.chars().any(|c| c.is_control() || c == ' ')
}

/// The commit that `git_ref` means, or why there is none.
pub(super) fn choose(refs: &Refs, git_ref: &str) -> Result<CommitSha, String> {
    let Some(id) = candidates(git_ref).iter().find_map(|name| refs.get(name)) else {
        let is_hash = git_ref.len() >= 4 && git_ref.bytes().all(|byte| byte.is_ascii_hexdigit());
        return Err(if is_hash {
            format!(
                "no branch or tag {git_ref}: a commit of this host needs all 40 digits, in lower case"
            )
        } else {
            format!("no branch or tag {git_ref}")
        });
    };
    CommitSha::parse(id).ok_or_else(|| format!("{git_ref} is at {id}, which is no SHA-1 commit id"))
}

/// The body of protocol v2's `ls-refs` for the names that `git_ref` may mean.
pub(super) fn ls_refs_request(git_ref: &str) -> String {
    use super::pkt_line::data;
    let prefixes: String =
        candidates(git_ref).iter().map(|name| data(&format!("ref-prefix {name}\n"))).collect();
    format!(
        "{}{}0001{}{prefixes}0000",
        data("command=ls-refs\n"),
        data("object-format=sha1\n"),
        data("peel\n")
    )
}

/// Reads the answer to `ls-refs`: `<id> <name>[ symref-target:<name>][ peeled:<id>]`.
pub(super) fn read_ls_refs(bytes: &[u8]) -> Result<Refs, String> {
    let (lines, _) = section(bytes)?;
    let mut refs = Refs::new();
    for line in lines {
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err("a line has no name of a ref".to_owned());
        };
        if id == "unborn" {
            continue;
        }
        check_id(id)?;
        let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
        refs.insert(name.to_owned(), peeled.unwrap_or(id).to_owned());
    }
    Ok(refs)
}

/// What a host answers to `info/refs`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advertisement {
    /// It speaks protocol v2: ask it with `ls-refs`.
    Version2,
    /// Protocol v0 or v1: all its refs.
    Refs(Refs),
}

/// Reads the answer to `info/refs?service=git-upload-pack`.
pub(super) fn read_advertisement(bytes: &[u8]) -> Result<Advertisement, String> {
    let (head, rest) = section(bytes)?;
    let announced = head.first().is_some_and(|line| line.starts_with("# service="));
    // Protocol v2 may come without the announcement.
    let lines = if announced { section(rest)?.0 } else { head };
    let mut lines = lines.into_iter().peekable();
    match lines.peek() {
        Some(&"version 2") => return Ok(Advertisement::Version2),
        Some(&"version 1") => drop(lines.next()),
        _ => {}
    }
    let mut refs = Refs::new();
    for line in lines {
        let line = line.split('\0').next().unwrap_or_default();
        let Some((id, name)) = line.split_once(' ') else {
            // `shallow <id>` has two words, too, and is no id.
            return Err("a line has no name of a ref".to_owned());
        };
        if id == "shallow" || name == "capabilities^{}" {
            continue;
        }
        check_id(id)?;
        // A peeled tag follows its tag and replaces it.
        refs.insert(name.strip_suffix("^{}").unwrap_or(name).to_owned(), id.to_owned());
    }
    Ok(Advertisement::Refs(refs))
}

fn check_id(id: &str) -> Result<(), String> {
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { Ok(()) } else { Err("a line has no id".to_owned()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pkt_line::data;
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";
    const C: &str = "3333333333333333333333333333333333333333";

    fn frame(lines: &[&str]) -> String {
        lines.iter().map(|line| data(&format!("{line}\n"))).collect::<String>() + "0000"
    }

    fn chosen(refs: &Refs, git_ref: &str) -> String {
        choose(refs, git_ref).map_or_else(|error| error, String::from)
    }

    #[test]
    fn version_2_with_peeled_tags_and_branches_first() {
        let tag = format!("{B} refs/tags/v1 peeled:{C}");
        let both = format!("{A} refs/heads/v1");
        let other = format!("{B} refs/heads/v10");
        let refs = read_ls_refs(frame(&[&both, &other, &tag]).as_bytes()).expect("reads");
        assert_eq!(chosen(&refs, "v1"), A);
        assert_eq!(chosen(&refs, "tags/v1"), C);
        assert_eq!(chosen(&refs, "refs/heads/v10"), B);
        assert!(chosen(&refs, "v").contains("no branch or tag v"));
        assert!(chosen(&refs, "ABCDEF12").contains("all 40 digits"));
    }

    #[test]
    fn version_0_and_1() {
        let first = format!("{A} HEAD\0multi_ack symref=HEAD:refs/heads/main");
        let (main, tag, peeled) = (
            format!("{A} refs/heads/main"),
            format!("{B} refs/tags/v1"),
            format!("{C} refs/tags/v1^{{}}"),
        );
        for version in [&["version 1"][..], &[]] {
            let lines: Vec<&str> =
                version.iter().copied().chain([first.as_str(), &main, &tag, &peeled]).collect();
            let bytes = frame(&["# service=git-upload-pack"]) + &frame(&lines);
            let Ok(Advertisement::Refs(refs)) = read_advertisement(bytes.as_bytes()) else {
                panic!("not read")
            };
            assert_eq!((chosen(&refs, "main"), chosen(&refs, "v1")), (A.to_owned(), C.to_owned()));
            assert_eq!(chosen(&refs, "HEAD"), A);
        }
        let bytes = frame(&["# service=git-upload-pack"]) + &frame(&["version 2", "ls-refs"]);
        assert_eq!(read_advertisement(bytes.as_bytes()), Ok(Advertisement::Version2));
        let zero = "0".repeat(40);
        let empty = frame(&["# service=git-upload-pack"])
            + &frame(&[&format!("{zero} capabilities^{{}}\0x")]);
        assert_eq!(read_advertisement(empty.as_bytes()), Ok(Advertisement::Refs(Refs::new())));
    }

    #[test]
    fn what_no_host_says_is_an_error() {
        for bytes in [&b"<html>"[..], b"", b"0000", b"0008abc\n0000"] {
            assert!(read_ls_refs(bytes).is_err() || bytes == b"0000");
            assert!(read_advertisement(bytes).is_err() || bytes == b"0000");
        }
        assert!(!is_plausible("a\nb") && !is_plausible("") && is_plausible("feature/ä"));
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(
            lines in proptest::collection::vec("\\PC{0,60}", 0..6),
            raw in any::<Vec<u8>>(),
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let framed = frame(&lines);
            let _ = (read_ls_refs(framed.as_bytes()), read_advertisement(framed.as_bytes()));
            let _ = (read_ls_refs(&raw), read_advertisement(&raw));
        }
    }
}
