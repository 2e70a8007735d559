//! What people do in the project beside the bot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;

use forge::{ProjectHandle, World};

use super::driver::load_files;
use super::forgery::Forgery;
use super::look::{Marks, exact};

/// What of people's work a check has to know and GitLab does not tell.
#[derive(Debug, Default)]
pub struct Persons {
    /// Commits that people made on branches with the bot's prefix.
    pub pushed: BTreeSet<String>,
    /// Merge requests that people made drafts.
    pub drafted: BTreeSet<u64>,
    /// Branches and requests that people touched while a run was under way.
    pub touched_branches: BTreeSet<String>,
    pub touched_merge_requests: BTreeSet<u64>,
    pub touched_main: bool,
    /// What went wrong when they merged.
    pub complaints: Vec<String>,
}

impl Persons {
    /// What was touched matters for the run that was under way.
    pub fn forget(&mut self) {
        self.touched_branches.clear();
        self.touched_merge_requests.clear();
        self.touched_main = false;
    }
}

/// The project, shared with the threads of the fakes.
pub struct Scene {
    pub world: World,
    pub project: ProjectHandle,
    pub bot: u64,
    pub persons: Mutex<Persons>,
    /// What is known of commits: whether they are what they declare.
    pub honest: Mutex<BTreeMap<String, Result<(), String>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Merge(u64),
    /// GitLab begins to merge it, or gives that up.
    Locked(u64, bool),
    Close(u64),
    Reopen(u64),
    Title(u64, u32),
    Describe(u64, u32),
    Label(u64, &'static str, bool),
    Draft(u64, bool),
    Comment(u64),
    Approve(u64),
    Rebase(u64),
    /// GitLab is to merge it once its checks pass.
    AutoMerge(u64),
    /// A commit on top of a branch, or a branch of their own.
    Push(String, u32),
    /// A commit in the bot's name on a branch of the bot's.
    Forge(Forgery),
    /// Puts a commit of the bot back on its branch.
    HandBack(String, String),
    DeleteBranch(String),
    /// Reverts the merge of a merge request on the target branch.
    Revert(u64),
    /// A merge request of their own from this branch.
    Open(String),
    /// A line at the end of a file of the target branch.
    Elsewhere(u32),
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a person: {self:?}")
    }
}

impl Deed {
    /// Does it, and remembers what checks have to know.
    pub fn act(&self, scene: &Scene) {
        let project = &scene.project;
        let mr = |iid: &u64| project.merge_request(*iid).expect("a request");
        let mut persons = scene.persons.lock().unwrap();
        match self {
            Self::Merge(iid) => {
                persons.touched_main = true;
                drop(persons);
                merge(scene, *iid);
                return self.touch(scene);
            }
            Self::Locked(iid, locked) => {
                if !mr(iid).is_draft() {
                    project.set_locked(*iid, *locked);
                }
            }
            Self::Close(iid) => project.close("dev", *iid),
            Self::Reopen(iid) => drop(project.reopen("dev", *iid)),
            Self::Title(iid, number) => {
                project.set_title("dev", *iid, &format!("Please look at this, {number}"));
                persons.drafted.remove(iid);
            }
            Self::Describe(iid, number) => {
                project.set_description("dev", *iid, &format!("My own words, {number}"));
            }
            Self::Label(iid, label, true) => project.set_labels("dev", *iid, &[label], &[]),
            Self::Label(iid, label, false) => project.set_labels("dev", *iid, &[], &[label]),
            Self::Draft(iid, true) => {
                if !mr(iid).is_draft() {
                    let title = format!("Draft: {}", mr(iid).title);
                    project.set_title("dev", *iid, &title);
                    persons.drafted.insert(*iid);
                }
            }
            Self::Draft(iid, false) => {
                let title = mr(iid).title;
                let ready = title.strip_prefix("Draft: ").unwrap_or(&title);
                project.set_title("dev", *iid, ready);
                persons.drafted.remove(iid);
            }
            Self::Comment(iid) => {
                project.comment("dev", *iid, "Why? <!-- sapm:closed-by-bot -->");
            }
            Self::Approve(iid) => project.approve("dev", *iid),
            Self::AutoMerge(iid) => project.set_auto_merge(*iid, true),
            Self::Rebase(iid) => {
                let branch = mr(iid).source_branch;
                let theirs = project.tip(&branch).filter(|tip| persons.pushed.contains(tip));
                if project.rebase("dev", *iid).is_ok() && theirs.is_some() {
                    // What was a person's stays a person's.
                    scene.world.settle();
                    persons.pushed.extend(project.tip(&branch));
                }
            }
            Self::Push(branch, number) => {
                // A rebase that is under way would make another commit of it.
                scene.world.settle();
                let text = format!("{number}");
                let change = [("data/by-hand.txt", Some(text))];
                persons.pushed.insert(project.commit("dev", branch, "by hand", change));
            }
            Self::Forge(forgery) => {
                scene.world.settle();
                forgery.push(project, &mut persons.pushed);
            }
            Self::HandBack(branch, commit) => {
                scene.world.settle();
                project.set_branch("dev", branch, commit).expect("a branch that can be pushed");
            }
            Self::DeleteBranch(branch) => {
                project.delete_branch("dev", branch);
            }
            Self::Revert(iid) => {
                if let Some(commit) = mr(iid).merge_commit_sha {
                    persons.touched_main |= project.revert("dev", "main", &commit).is_ok();
                }
            }
            Self::Open(branch) => {
                let title = "A request of my own";
                drop(project.open_merge_request("dev", branch, "main", title, "by me"));
            }
            Self::Elsewhere(number) => {
                let change = [("data/readme.md", Some(format!("{number}\n")))];
                project.commit("dev", "main", "elsewhere", change);
                persons.touched_main = true;
            }
        }
        drop(persons);
        self.touch(scene);
    }

    fn touch(&self, scene: &Scene) {
        let mut persons = scene.persons.lock().unwrap();
        match self {
            Self::Push(branch, _)
            | Self::Forge(Forgery { branch, .. })
            | Self::HandBack(branch, _)
            | Self::DeleteBranch(branch)
            | Self::Open(branch) => {
                persons.touched_branches.insert(branch.clone());
                for mr in scene.project.merge_requests() {
                    if mr.source_branch == *branch {
                        persons.touched_merge_requests.insert(mr.iid);
                    }
                }
            }
            Self::Elsewhere(_) => {}
            Self::Merge(iid)
            | Self::Locked(iid, _)
            | Self::Close(iid)
            | Self::Reopen(iid)
            | Self::Title(iid, _)
            | Self::Describe(iid, _)
            | Self::Label(iid, ..)
            | Self::Draft(iid, _)
            | Self::Comment(iid)
            | Self::Approve(iid)
            | Self::Rebase(iid)
            | Self::AutoMerge(iid)
            | Self::Revert(iid) => {
                let branch = scene.project.merge_request(*iid).expect("a request").source_branch;
                persons.touched_merge_requests.insert(*iid);
                persons.touched_branches.insert(branch);
            }
        }
    }
}

/// Merges as GitLab's button does. What the bot's merge request brings must be what
/// it says, and nothing of what is on the target branch may be lost.
fn merge(scene: &Scene, iid: u64) {
    let project = &scene.project;
    // Nobody merges while a rebase is under way.
    scene.world.settle();
    let mr = project.merge_request(iid).expect("a request");
    let before = project.files("main");
    let tip = project.tip(&mr.source_branch);
    let pushed = scene.persons.lock().unwrap().pushed.clone();
    let tip = tip.filter(|tip| !pushed.contains(tip));
    if project.merge("dev", iid).is_err() || mr.author != scene.bot {
        return;
    }
    let marks = tip.map_or(Vec::new(), |tip| Marks::all_of(project, &tip));
    if marks.is_empty() {
        return;
    }
    let marks: Vec<&Marks> = marks.iter().collect();
    let old = load_files(&before).inventory;
    let base = mr.versions.last().map(|version| project.files(&version.base));
    let base = base.map(|files| load_files(&files).inventory);
    if let Err(error) = exact(base.as_ref(), (&before, &old), &project.files("main"), &marks) {
        let mut persons = scene.persons.lock().unwrap();
        persons.complaints.push(format!("merging !{iid} into main: {error}"));
    }
}
