//! What the bot needs to know later, in the commit's trailers: an edited
//! description harms nothing.
//!
//! They are what a commit says of itself, and anybody can write them: see [`super::verify`].

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::markup::break_references;
use crate::app_interface::CurrentHash;
use crate::domain::{RepoPath, TargetUid, is_commit_sha};

/// All that could mean something to GitLab in a commit message: references, addresses, `[skip-ci]`.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/');

/// The values that a promotion writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Values {
    /// The ref.
    pub git_ref: String,
    /// Config hashes, sorted.
    pub hashes: Vec<CurrentHash>,
}

impl Values {
    /// A short digest: equal for equal values.
    pub fn digest(&self) -> String {
        let mut text = self.git_ref.clone();
        for hash in &self.hashes {
            text.push_str(&format!(
                "\n{}\t{}\t{}",
                encode(&hash.channel),
                encode(&hash.parent_saas),
                encode(&hash.target_config_hash)
            ));
        }
        text_digest(&text)
    }
}

/// A digest of a text (16 bytes of sha256, hex), to tell whether it is the same one.
pub fn text_digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What a commit of the bot says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailers {
    /// The subscribers that it promotes.
    pub targets: BTreeSet<TargetUid>,
    /// The branch that it is for.
    pub target_branch: String,
    /// The file that it changes.
    pub path: RepoPath,
    /// The values that it writes.
    pub values: Values,
    /// Datafiles in which the targets would be hidden if they were broken.
    pub depends_on: BTreeSet<String>,
    /// The labels that its merge request was given.
    pub labels: BTreeSet<String>,
}

impl Trailers {
    /// As the last paragraph of a commit message.
    pub fn render(&self) -> String {
        let join = |items: Vec<String>| items.join(",");
        let hashes = self.values.hashes.iter().map(|hash| {
            [&hash.channel, &hash.parent_saas, &hash.target_config_hash]
                .map(|part| encode(part))
                .join("=")
        });
        let lines = [
            ("Sapm-Version", "1".to_owned()),
            ("Sapm-Targets", join(self.targets.iter().map(ToString::to_string).collect())),
            ("Sapm-Target-Branch", encode(&self.target_branch)),
            ("Sapm-Path", encode(self.path.as_str())),
            ("Sapm-Ref", encode_ref(&self.values.git_ref)),
            ("Sapm-Hashes", join(hashes.collect())),
            ("Sapm-Depends-On", join(self.depends_on.iter().map(|path| encode(path)).collect())),
            ("Sapm-Labels", join(self.labels.iter().map(|label| encode(label)).collect())),
        ];
        lines
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect()
    }

    /// Reads a commit message; `None` if it carries no trailers of ours.
    pub fn parse(message: &str) -> Option<Self> {
        let get = |key: &str| {
            let lines = message.lines().rev().map(str::trim);
            lines
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.trim())
        };
        let list = |key: &str| get(key).into_iter().flat_map(|value| value.split(','));
        if get("Sapm-Version") != Some("1") {
            return None;
        }
        let texts = |key: &str| {
            list(key).filter_map(decode).filter(|text| !text.is_empty()).collect::<BTreeSet<_>>()
        };
        let mut hashes = Vec::new();
        for item in list("Sapm-Hashes") {
            let parts: Option<Vec<String>> = item.split('=').map(decode).collect();
            let [channel, parent_saas, target_config_hash] =
                <[String; 3]>::try_from(parts?).ok()?;
            hashes.push(CurrentHash { channel, parent_saas, target_config_hash });
        }
        Some(Self {
            targets: list("Sapm-Targets").map(TargetUid::parse).collect::<Option<_>>()?,
            target_branch: decode(get("Sapm-Target-Branch")?)?,
            path: RepoPath::new(decode(get("Sapm-Path")?)?),
            values: Values { git_ref: decode(get("Sapm-Ref")?)?, hashes },
            depends_on: texts("Sapm-Depends-On"),
            labels: texts("Sapm-Labels"),
        })
    }
}

fn encode(text: &str) -> String {
    break_references(&utf8_percent_encode(text, UNSAFE).to_string(), "%2D")
}

/// A commit by its whole id would be a reference for GitLab: its first digit is encoded.
fn encode_ref(git_ref: &str) -> String {
    match git_ref.as_bytes() {
        [first, ..] if is_commit_sha(git_ref) => format!("%{first:02X}{}", &git_ref[1..]),
        _ => encode(git_ref),
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers() -> Trailers {
        let sha = "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc";
        Trailers {
            targets: [TargetUid::parse(sha)].into_iter().flatten().collect(),
            target_branch: "main".to_owned(),
            path: RepoPath::new("data/a b,c\n/close/GL-7-8/é-1.yml"),
            values: Values {
                git_ref: sha.to_owned(),
                hashes: vec![CurrentHash {
                    channel: "a=b, @all".to_owned(),
                    parent_saas: "x\nSapm-Ref: evil".to_owned(),
                    target_config_hash: "ü".to_owned(),
                }],
            },
            depends_on: ["/a.yml".to_owned()].into(),
            labels: ["a, b".to_owned(), "bot/approved: x".to_owned()].into(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let trailers = trailers();
        let text = format!("[AutoPromoterV2] x\n\nbody\n\n{}", trailers.render());
        assert_eq!(Trailers::parse(&text), Some(trailers));
        assert_eq!(Trailers::parse("something else"), None);
    }

    /// Found by fuzzing.
    #[test]
    fn an_empty_path_is_none() {
        let text = trailers().render().replace("Sapm-Depends-On: /a.yml", "Sapm-Depends-On: ,,");
        let read = Trailers::parse(&text).map(|trailers| trailers.depends_on);
        assert_eq!(read, Some(BTreeSet::new()));
    }

    #[test]
    fn no_value_can_add_a_line() {
        let rendered = trailers().render();
        assert!(rendered.lines().all(|line| line.starts_with("Sapm-")), "{rendered}");
        assert!(rendered.contains("/GL%2D7%2D8/%C3%A9%2D1.yml"), "{rendered}");
        assert!(
            rendered.contains("Sapm-Ref: %632a6b03f190dfb2b4aa91f8af8d477a9bc3401dc\n"),
            "{rendered}"
        );
    }
}
