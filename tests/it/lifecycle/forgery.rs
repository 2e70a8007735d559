//! Commits that claim to be the bot's: author, committer and message are what their maker writes.

use std::collections::BTreeSet;

use fastrand::Rng;
use forge::{MrState, ProjectHandle};

use super::driver::BOT;
use super::lab::sha;
use super::look::{Look, Marks, PREFIX};
use super::safety::{HOLD, TAKEN_OVER_LABEL};

/// What a forged commit contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The change that it declares, with another file beside it.
    FileBeside,
    /// Other files only.
    OtherFiles,
    /// Another value than the declared one.
    OtherValue,
    /// The declared value, and a second ref of the same file.
    SecondTarget,
    /// Just what it declares, on top of a commit that is not on the target branch.
    OnForeignBase,
    /// Just what it declares: whoever made it, it is the bot's content.
    Faithful,
}

impl Content {
    const ALL: [Self; 6] = [
        Self::FileBeside,
        Self::OtherFiles,
        Self::OtherValue,
        Self::SecondTarget,
        Self::OnForeignBase,
        Self::Faithful,
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgery {
    /// Where it is pushed, by force.
    pub branch: String,
    pub content: Content,
    /// The bot's commit that it copies.
    pub original: String,
    /// What there is of a merge request from that branch.
    pub state: &'static str,
    pub number: u32,
}

impl Forgery {
    /// A forgery of something that the bot has made in this world: on the branch that has it, or on one
    /// of the same name that is gone.
    pub fn any(look: &Look, project: &ProjectHandle, rng: &mut Rng) -> Option<Self> {
        let heads = look.merge_requests.values().flat_map(|mr| {
            let heads = mr.versions.iter().map(|version| version.head.clone());
            heads.map(|head| (mr.source_branch.clone(), head))
        });
        let tips = look.branches.iter().map(|(name, tip)| (name.clone(), tip.clone()));
        let known: Vec<(String, String)> = heads
            .chain(tips)
            .filter(|(branch, commit)| {
                branch.starts_with(PREFIX) && Marks::of(project, commit).is_some()
            })
            .filter(|(branch, _)| !look.is_locked(branch))
            .collect();
        let (branch, original) = rng.choice(&known)?.clone();
        let content = *rng.choice(&Content::ALL)?;
        let state = state_of(look, &branch);
        Some(Self { branch, content, original, state, number: rng.u32(1..1000) })
    }

    /// Makes and pushes it; remembers what is not what it declares.
    pub fn push(&self, project: &ProjectHandle, pushed: &mut BTreeSet<String>) {
        let Some(marks) = Marks::of(project, &self.original) else { return };
        let base = project.parents(&self.original).first().cloned();
        let Some(base) = base.filter(|_| !pushed.contains(&self.original)) else { return };
        let text = |commit: &str| {
            let bytes = project.file(commit, &marks.path).unwrap_or_default();
            String::from_utf8(bytes).expect("a text")
        };
        let after = text(&self.original);
        let evil = sha(300_000 + self.number as usize);
        let path = marks.path.clone();
        let beside = (".gitlab-ci.yml".to_owned(), format!("evil: {evil}\n"));
        let changes = match self.content {
            Content::FileBeside => vec![(path, after.clone()), beside],
            Content::OtherFiles => vec![beside, ("data/role.yml".to_owned(), evil)],
            Content::OtherValue => vec![(path, after.replacen(&marks.git_ref, &evil, 1))],
            Content::SecondTarget => vec![(path, with_second_ref(&after, &marks.git_ref, &evil))],
            Content::OnForeignBase | Content::Faithful => vec![(path, after.clone())],
        };
        let named = (BOT, "sapm-bot@noreply.example.invalid");
        let commit = |start: &str, message: &str, changes: Vec<(String, String)>| {
            let changes = changes.into_iter().map(|(path, text)| (path, Some(text)));
            project.commit_in_name_of("dev", named, &self.branch, start, message, changes)
        };
        let start = if self.content == Content::OnForeignBase {
            let below = format!("{}-below", self.number);
            commit(&base, "below", vec![("data/below.txt".to_owned(), below)])
        } else {
            base
        };
        let message = project.message(&self.original).unwrap_or_default();
        let faithful =
            self.content != Content::OnForeignBase && changes == [(marks.path.clone(), after)];
        let made = commit(&start, &message, changes);
        if !faithful {
            pushed.insert(made);
        }
    }
}

fn state_of(look: &Look, branch: &str) -> &'static str {
    let newest = look.merge_requests.values().rfind(|mr| mr.source_branch == branch);
    match newest {
        None => "a branch without a request",
        Some(mr) if mr.state != MrState::Opened => "a branch whose request is over",
        Some(mr) if mr.labels.contains(HOLD) => "an open request to be left alone",
        Some(mr) if mr.labels.contains(TAKEN_OVER_LABEL) => "a request taken over before",
        Some(mr) if mr.is_draft() => "a draft",
        Some(_) => "an open request",
    }
}

/// The text with another of its refs replaced.
fn with_second_ref(text: &str, own: &str, evil: &str) -> String {
    let is_ref = |word: &&str| word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_ref);
    match words.find(|word| *word != own) {
        Some(other) => text.replacen(other, evil, 1),
        None => format!("{text}# {evil}\n"),
    }
}
