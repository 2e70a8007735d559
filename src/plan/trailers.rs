//! What the bot needs to know later, in the commit's trailers: an edited
//! description harms nothing.
//!
//! They are what a commit says of itself, and anybody can write them: see [`super::verify`].

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::batch::MAX_BATCH_SIZE;
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

/// What a commit writes at one edit site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The file that it changes.
    pub path: RepoPath,
    /// The subscribers that it promotes.
    pub targets: BTreeSet<TargetUid>,
    /// The values that it writes.
    pub values: Values,
}

/// What makes a commit a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchMark {
    /// What may go together: `all`, or `app:<name>`; with the share of one of several jobs `all:2/3`.
    pub scope: String,
    /// A part of one that was split: it takes nothing in.
    pub is_sealed: bool,
}

/// What a commit of the bot says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailers {
    /// What it writes, sorted; exactly one but for a batch.
    pub members: Vec<Member>,
    /// The branch that it is for.
    pub target_branch: String,
    /// Datafiles in which the targets would be hidden if they were broken.
    pub depends_on: BTreeSet<String>,
    /// The labels that its merge request was given.
    pub labels: BTreeSet<String>,
    /// `None` of what was opened for one edit site alone.
    pub batch: Option<BatchMark>,
}

impl Trailers {
    /// All subscribers that it promotes.
    pub fn targets(&self) -> impl Iterator<Item = &TargetUid> {
        self.members.iter().flat_map(|member| &member.targets)
    }

    /// Does it promote this subscriber?
    pub fn names(&self, target: &TargetUid) -> bool {
        self.members.iter().any(|member| member.targets.contains(target))
    }

    /// The files that it changes.
    pub fn paths(&self) -> BTreeSet<&RepoPath> {
        self.members.iter().map(|member| &member.path).collect()
    }

    /// The first member: the only one but for a batch.
    pub(super) fn first(&self) -> &Member {
        &self.members[0]
    }

    /// As the last paragraph of a commit message.
    pub fn render(&self) -> String {
        let mut lines = match &self.batch {
            None => self.lines_of_one(),
            Some(batch) => self.lines_of_batch(batch),
        };
        let join = |items: &BTreeSet<String>| {
            items.iter().map(|item| encode(item)).collect::<Vec<_>>().join(",")
        };
        lines.push(("Sapm-Depends-On", join(&self.depends_on)));
        lines.push(("Sapm-Labels", join(&self.labels)));
        lines
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect()
    }

    fn lines_of_one(&self) -> Vec<(&'static str, String)> {
        let Member { path, targets, values } = self.first();
        vec![
            ("Sapm-Version", "1".to_owned()),
            ("Sapm-Targets", join_targets(targets)),
            ("Sapm-Target-Branch", encode(&self.target_branch)),
            ("Sapm-Path", encode(path.as_str())),
            ("Sapm-Ref", encode_ref(&values.git_ref)),
            ("Sapm-Hashes", render_hashes(values)),
        ]
    }

    fn lines_of_batch(&self, batch: &BatchMark) -> Vec<(&'static str, String)> {
        let sealed = if batch.is_sealed { "split" } else { "" };
        let mut lines = vec![
            ("Sapm-Version", "2".to_owned()),
            ("Sapm-Target-Branch", encode(&self.target_branch)),
            ("Sapm-Scope", encode(&batch.scope)),
            ("Sapm-Sealed", sealed.to_owned()),
        ];
        lines.extend(self.members.iter().map(|Member { path, targets, values }| {
            let parts = [
                join_targets(targets),
                encode(path.as_str()),
                encode_ref(&values.git_ref),
                render_hashes(values),
            ];
            ("Sapm-Place", parts.join(";"))
        }));
        lines
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
        let texts = |key: &str| {
            list(key).filter_map(decode).filter(|text| !text.is_empty()).collect::<BTreeSet<_>>()
        };
        let (members, batch) = match get("Sapm-Version")? {
            "1" => {
                let [targets, hashes] =
                    ["Sapm-Targets", "Sapm-Hashes"].map(|key| get(key).unwrap_or_default());
                let (path, git_ref) = (get("Sapm-Path")?, get("Sapm-Ref")?);
                (vec![Member::parse([targets, path, git_ref, hashes])?], None)
            }
            "2" => {
                let scope = decode(get("Sapm-Scope")?)?;
                let is_sealed = get("Sapm-Sealed") == Some("split");
                (parse_places(message)?, Some(BatchMark { scope, is_sealed }))
            }
            _ => return None,
        };
        Some(Self {
            members,
            target_branch: decode(get("Sapm-Target-Branch")?)?,
            depends_on: texts("Sapm-Depends-On"),
            labels: texts("Sapm-Labels"),
            batch,
        })
    }
}

/// The members of a batch, if there is any and not one too many.
fn parse_places(message: &str) -> Option<Vec<Member>> {
    let lines = message.lines().filter_map(|line| line.trim().strip_prefix("Sapm-Place: "));
    let members: Option<Vec<Member>> = lines
        .take(MAX_BATCH_SIZE + 1)
        .map(|line| Member::parse(<[&str; 4]>::try_from(line.split(';').collect::<Vec<_>>()).ok()?))
        .collect();
    members.filter(|members| !members.is_empty() && members.len() <= MAX_BATCH_SIZE)
}

impl Member {
    fn parse([targets, path, git_ref, hashes]: [&str; 4]) -> Option<Self> {
        let parse_hash = |item: &str| {
            let parts: Option<Vec<String>> = item.split('=').map(decode).collect();
            let [channel, parent_saas, target_config_hash] =
                <[String; 3]>::try_from(parts?).ok()?;
            Some(CurrentHash { channel, parent_saas, target_config_hash })
        };
        let hashes = hashes.split(',').filter(|item| !item.is_empty());
        Some(Self {
            path: RepoPath::new(decode(path)?),
            targets: targets.split(',').map(TargetUid::parse).collect::<Option<_>>()?,
            values: Values {
                git_ref: decode(git_ref)?,
                hashes: hashes.map(parse_hash).collect::<Option<_>>()?,
            },
        })
    }
}

fn join_targets(targets: &BTreeSet<TargetUid>) -> String {
    targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn render_hashes(values: &Values) -> String {
    let hashes = values.hashes.iter().map(|hash| {
        [&hash.channel, &hash.parent_saas, &hash.target_config_hash]
            .map(|part| encode(part))
            .join("=")
    });
    hashes.collect::<Vec<_>>().join(",")
}

pub(super) fn encode(text: &str) -> String {
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
        let member = Member {
            path: RepoPath::new("data/a b,c\n/close/GL-7-8/é-1.yml"),
            targets: [TargetUid::parse(sha)].into_iter().flatten().collect(),
            values: Values {
                git_ref: sha.to_owned(),
                hashes: vec![CurrentHash {
                    channel: "a=b, @all;".to_owned(),
                    parent_saas: "x\nSapm-Ref: evil".to_owned(),
                    target_config_hash: "ü".to_owned(),
                }],
            },
        };
        Trailers {
            members: vec![member],
            target_branch: "main".to_owned(),
            depends_on: ["/a.yml".to_owned()].into(),
            labels: ["a, b".to_owned(), "bot/approved: x".to_owned()].into(),
            batch: None,
        }
    }

    fn batch() -> Trailers {
        let trailers = trailers();
        let mut other = trailers.members[0].clone();
        other.path = RepoPath::new("data/other;.yml");
        other.values.hashes.clear();
        let batch = BatchMark { scope: "app:a;\nSapm-Place: x".to_owned(), is_sealed: true };
        Trailers {
            members: vec![trailers.members[0].clone(), other],
            batch: Some(batch),
            ..trailers
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let trailers = trailers();
        let text = format!("[AutoPromoterV2] x\n\nbody\n\n{}", trailers.render());
        assert_eq!(Trailers::parse(&text), Some(trailers));
        let text = format!("[AutoPromoterV2] x\n\n{}", batch().render());
        assert_eq!(Trailers::parse(&text), Some(batch()));
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
    fn a_batch_of_nothing_or_of_too_much_is_none() {
        let mut trailers = batch();
        trailers.members = vec![trailers.members[0].clone(); MAX_BATCH_SIZE];
        assert!(Trailers::parse(&trailers.render()).is_some());
        trailers.members.push(trailers.members[0].clone());
        assert_eq!(Trailers::parse(&trailers.render()), None);
        trailers.members.clear();
        assert_eq!(Trailers::parse(&trailers.render()), None);
    }

    #[test]
    fn no_value_can_add_a_line() {
        let lines =
            batch().render().lines().filter(|line| line.starts_with("Sapm-Place: ")).count();
        assert_eq!(lines, 2);
        let rendered = trailers().render();
        assert!(rendered.lines().all(|line| line.starts_with("Sapm-")), "{rendered}");
        assert!(rendered.contains("/GL%2D7%2D8/%C3%A9%2D1.yml"), "{rendered}");
        assert!(
            rendered.contains("Sapm-Ref: %632a6b03f190dfb2b4aa91f8af8d477a9bc3401dc\n"),
            "{rendered}"
        );
    }
}
