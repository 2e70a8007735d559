//! Parses lists of refs, and resolves names in them.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::pkt_line::{Packet, PktError, next_packet};
use crate::clients::http::{BodyReader, one_line};
use crate::domain::{CommitSha, no_commit};

/// Refs with their object ids; annotated tags are peeled.
pub(super) type Refs = BTreeMap<String, String>;

/// The full names that `git_ref` may mean, of which the first that exists counts:
/// `HEAD`; a branch; a tag; a name with its kind (`heads/x`, `tags/x`); a full
/// name. A branch takes precedence over a tag of the same name, as with `git clone
/// --branch` (and unlike `git rev-parse`), because a moving ref is usually a branch.
pub(super) fn candidates(git_ref: &str) -> Vec<String> {
    if git_ref == "HEAD" || git_ref.starts_with("refs/") {
        return vec![git_ref.to_owned()];
    }
    ["refs/heads/", "refs/tags/", "refs/"].iter().map(|kind| format!("{kind}{git_ref}")).collect()
}

/// Can this be the name of a ref at all? It becomes a line of the protocol.
pub(super) fn is_plausible(git_ref: &str) -> bool {
    (1..=1000).contains(&git_ref.len()) && !git_ref.chars().any(|c| c.is_control() || c == ' ')
}

/// The commit of `git_ref`, or why there is none.
pub(super) fn choose(refs: &Refs, git_ref: &str) -> Result<CommitSha, String> {
    let Some(id) = candidates(git_ref).iter().find_map(|name| refs.get(name)) else {
        let is_hash = git_ref.len() >= 4 && git_ref.bytes().all(|byte| byte.is_ascii_hexdigit());
        return Err(if is_hash {
            format!(
                "no branch or tag {git_ref}: a commit on this host needs all 40 digits, in lower \
                 case"
            )
        } else {
            format!("no branch or tag {git_ref}")
        });
    };
    CommitSha::parse(id).ok_or_else(|| format!("{git_ref}: {}", no_commit(id)))
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

/// The format of a list of refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The response to `ls-refs`: `<id> <name>[ symref-target:<name>][ peeled:<id>]`.
    LsRefs,
    /// The response to `info/refs?service=git-upload-pack`.
    Advertisement,
}

impl Form {
    /// The content type of the response.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::LsRefs => "application/x-git-upload-pack-result",
            Self::Advertisement => "application/x-git-upload-pack-advertisement",
        }
    }
}

/// Parses a list of refs as it arrives, and keeps those that one name may mean.
pub(super) struct RefList {
    form: Form,
    wanted: Vec<String>,
    /// The beginning of a packet.
    rest: Vec<u8>,
    /// Is this the announcement, which is a section of its own? Protocol v2 may omit it.
    announced: bool,
    /// Is the first line of the list still to come, and has the list ended?
    first: bool,
    over: bool,
    /// The host supports protocol v2, so use `ls-refs`.
    pub version_2: bool,
    /// The matching refs.
    pub refs: Refs,
}

impl RefList {
    pub fn new(form: Form, git_ref: &str) -> Self {
        Self {
            form,
            wanted: candidates(git_ref),
            rest: Vec::new(),
            announced: false,
            first: true,
            over: false,
            version_2: false,
            refs: Refs::new(),
        }
    }

    /// Checks that the list is complete.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn complete(self) -> Result<Self, String> {
        if self.over { Ok(self) } else { Err("its response is cut off".to_owned()) }
    }

    fn packet(&mut self, packet: &Packet<'_>) -> Result<(), String> {
        match packet {
            Packet::Flush => self.over |= !std::mem::take(&mut self.announced),
            Packet::Data(line) if !self.over => self.line(&String::from_utf8_lossy(line))?,
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if let Some(message) = line.strip_prefix("ERR ") {
            let message = one_line(message);
            if message.contains("object format") {
                let why = "its commits have SHA-256 ids; sapm promotes only SHA-1 ids (40 digits)";
                return Err(format!("{why} ({message})"));
            }
            return Err(format!("it says: {message}"));
        }
        if self.form == Form::Advertisement && self.first && line.starts_with("# service=") {
            self.announced = true;
            return Ok(());
        }
        let first = std::mem::replace(&mut self.first, false);
        match self.form {
            Form::LsRefs => self.ls_refs_line(line),
            Form::Advertisement if self.version_2 => Ok(()),
            Form::Advertisement if first && line == "version 2" => {
                self.version_2 = true;
                Ok(())
            }
            Form::Advertisement if first && line == "version 1" => Ok(()),
            Form::Advertisement => self.advertised_line(line),
        }
    }

    fn ls_refs_line(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err("a line has no ref name".to_owned());
        };
        if id == "unborn" {
            return Ok(());
        }
        check_id(id)?;
        let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
        self.store_ref(name, peeled.unwrap_or(id))
    }

    fn advertised_line(&mut self, line: &str) -> Result<(), String> {
        let line = line.split('\0').next().unwrap_or_default();
        let Some((id, name)) = line.split_once(' ') else {
            return Err("a line has no ref name".to_owned());
        };
        // `shallow <id>` also has two words, but is not a ref.
        if id == "shallow" || name == "capabilities^{}" {
            return Ok(());
        }
        check_id(id)?;
        // A peeled tag follows its tag and replaces it.
        self.store_ref(name.strip_suffix("^{}").unwrap_or(name), id)
    }

    fn store_ref(&mut self, name: &str, id: &str) -> Result<(), String> {
        check_id(id)?;
        if self.wanted.iter().any(|wanted| wanted == name) {
            self.refs.insert(name.to_owned(), id.to_owned());
        }
        Ok(())
    }
}

impl BodyReader for RefList {
    fn begin(&mut self, headers: &HeaderMap) -> Result<(), String> {
        let found =
            headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let found = found.as_deref().unwrap_or("none");
        if found.eq_ignore_ascii_case(self.form.content_type()) {
            return Ok(());
        }
        let found = one_line(found);
        Err(format!("its response (content type {found}) is not from a smart git host"))
    }

    fn read(&mut self, part: &[u8]) -> Result<(), String> {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(part);
        let mut left = bytes.as_slice();
        loop {
            match next_packet(left) {
                Ok(Some((packet, rest))) => {
                    self.packet(&packet)?;
                    left = rest;
                }
                // The rest of a packet has not arrived yet. No packet is larger than 64 KiB.
                Ok(None) | Err(PktError::CutOff) => break,
                Err(error @ PktError::Length) => return Err(error.to_string()),
            }
        }
        self.rest = left.to_vec();
        Ok(())
    }
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

    /// Parses a list in parts of this size.
    fn read_in(size: usize, form: Form, git_ref: &str, bytes: &[u8]) -> Result<RefList, String> {
        let mut list = RefList::new(form, git_ref);
        bytes.chunks(size).try_for_each(|part| list.read(part))?;
        list.complete()
    }

    fn read(form: Form, git_ref: &str, bytes: &str) -> Result<RefList, String> {
        let whole = read_in(bytes.len().max(1), form, git_ref, bytes.as_bytes());
        let in_parts = read_in(3, form, git_ref, bytes.as_bytes());
        assert_eq!(
            whole.as_ref().map(|list| (&list.refs, list.version_2)),
            in_parts.as_ref().map(|list| (&list.refs, list.version_2))
        );
        whole
    }

    fn chosen(form: Form, git_ref: &str, bytes: &str) -> String {
        let list = read(form, git_ref, bytes).and_then(|list| choose(&list.refs, git_ref));
        list.map_or_else(|error| error, String::from)
    }

    #[test]
    fn version_2_with_peeled_tags_and_branches_first() {
        let tag = format!("{B} refs/tags/v1 peeled:{C}");
        let both = format!("{A} refs/heads/v1");
        let other = format!("{B} refs/heads/v10");
        let bytes = frame(&[&both, &other, &tag]);
        let chosen = |git_ref| chosen(Form::LsRefs, git_ref, &bytes);
        assert_eq!(chosen("v1"), A);
        assert_eq!(chosen("tags/v1"), C);
        assert_eq!(chosen("refs/heads/v10"), B);
        assert!(chosen("v").contains("no branch or tag v"));
        assert!(chosen("ABCDEF12").contains("all 40 digits"));
    }

    #[test]
    fn version_0_and_1() {
        let first = format!("{A} HEAD\0multi_ack symref=HEAD:refs/heads/main");
        let (main, tag, peeled) = (
            format!("{A} refs/heads/main"),
            format!("{B} refs/tags/v1"),
            format!("{C} refs/tags/v1^{{}}"),
        );
        let announced = frame(&["# service=git-upload-pack"]);
        for version in [&["version 1"][..], &[]] {
            let lines: Vec<&str> =
                version.iter().copied().chain([first.as_str(), &main, &tag, &peeled]).collect();
            let bytes = announced.clone() + &frame(&lines);
            for (git_ref, id) in [("main", A), ("v1", C), ("HEAD", A)] {
                assert_eq!(chosen(Form::Advertisement, git_ref, &bytes), id);
            }
        }
        for bytes in [announced.clone(), String::new()] {
            let bytes = bytes + &frame(&["version 2", "ls-refs"]);
            assert!(read(Form::Advertisement, "x", &bytes).expect("reads").version_2);
        }
        let zero = format!("{} capabilities^{{}}\0x", "0".repeat(40));
        let empty = read(Form::Advertisement, "x", &(announced + &frame(&[&zero])));
        assert_eq!(empty.map(|list| list.refs), Ok(Refs::new()));
    }

    #[test]
    fn an_invalid_list_of_refs_is_an_error() {
        for form in [Form::LsRefs, Form::Advertisement] {
            for bytes in ["<html>", "", "0008abc\n0000", "0009ERR x", "000", "00ff"] {
                assert!(read(form, "x", bytes).is_err(), "{form:?} {bytes}");
            }
        }
        assert!(!is_plausible("a\nb") && !is_plausible("") && is_plausible("feature/ä"));
    }

    #[test]
    fn only_requested_refs_of_a_long_list_are_kept() {
        let mut list = RefList::new(Form::LsRefs, "main");
        for number in 0..100_000 {
            let line = data(&format!("{A} refs/heads/branch-{number}\n"));
            list.read(line.as_bytes()).expect("reads");
        }
        assert_eq!((list.refs.len(), list.rest.capacity() < 1000), (0, true));
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(
            lines in proptest::collection::vec("\\PC{0,60}", 0..6),
            raw in any::<Vec<u8>>(),
            size in 1..70_usize,
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            for form in [Form::LsRefs, Form::Advertisement] {
                let _ = read_in(size, form, "x", frame(&lines).as_bytes());
                let _ = read_in(size, form, "x", &raw);
            }
        }
    }
}
