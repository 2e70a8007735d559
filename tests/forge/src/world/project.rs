//! What people do in a project on GitLab, and what they see there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use git2::{FileMode, Oid};

use crate::git::repo::{Edit, Person};
use crate::gitlab::model::{MergeRequest, MrState, Pipeline};
use crate::gitlab::requests::{NewMergeRequest, Refused};
use crate::gitlab::{merging, pushes, quick_actions, requests};
use crate::state::{Access, MergeMethod, Protection, State, Visibility};
use crate::world::World;

/// A project on GitLab. People are named by username; one who is not a member becomes a maintainer.
#[derive(Clone)]
pub struct ProjectHandle {
    pub(crate) world: World,
    pub(crate) id: u64,
}

fn said(refused: Refused) -> String {
    format!("{}: {}", refused.0, refused.1)
}

impl ProjectHandle {
    /// The project's number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The project's path.
    pub fn path(&self) -> String {
        self.world.shared.state().project(self.id).path.clone()
    }

    /// The address to clone from.
    pub fn clone_url(&self) -> String {
        format!("{}/{}.git", self.world.gitlab_url(), self.path())
    }

    /// The bare repository's folder (a `file://` URL of it can be cloned too).
    pub fn repository_dir(&self) -> PathBuf {
        self.world.shared.state().project(self.id).repo().expect("a real repository").dir.clone()
    }

    /// Makes a user (found by name) a member.
    pub fn add_member(&self, username: &str, access: Access) -> u64 {
        let user = self.world.add_user(username);
        self.world.shared.state().project_mut(self.id).members.insert(user, access);
        user
    }

    /// A project access token: a bot user with this level, and its token.
    pub fn add_bot(&self, username: &str, secret: &str, access: Access, scopes: &[&str]) -> u64 {
        let user = self.world.add_token(username, secret, scopes);
        let mut state = self.world.shared.state();
        state.project_mut(self.id).members.insert(user, access);
        if let Some(found) = state.users.iter_mut().find(|found| found.id == user) {
            found.bot = true;
        }
        user
    }

    /// Who may see the project without being a member.
    pub fn set_visibility(&self, visibility: Visibility) {
        self.world.shared.state().project_mut(self.id).visibility = visibility;
    }

    /// Makes a user (found by name) a member by a group that the project is shared with.
    pub fn add_member_by_group(&self, username: &str, access: Access) {
        let user = self.world.add_user(username);
        self.world.shared.state().project_mut(self.id).by_group.insert(user, access);
    }

    /// Archives the project: it takes no writes.
    pub fn archive(&self) {
        self.world.shared.state().project_mut(self.id).archived = true;
    }

    /// Sets how the project merges.
    pub fn set_merge_method(&self, method: MergeMethod) {
        self.world.shared.state().project_mut(self.id).merge_method = method;
    }

    /// How the project merges.
    pub fn merge_method(&self) -> MergeMethod {
        self.world.shared.state().project(self.id).merge_method
    }

    /// Switches features on or off: merge requests, the repository.
    pub fn set_features(&self, merge_requests: bool, repository: bool) {
        let mut state = self.world.shared.state();
        let project = state.project_mut(self.id);
        (project.merge_requests_enabled, project.repository_enabled) = (merge_requests, repository);
    }

    /// Who may push to a branch (or a pattern of such) and merge into it; none lifts the protection.
    pub fn protect(&self, branch: &str, access: Option<Access>) {
        match access {
            Some(_) => self.protect_with(branch, access, false),
            None => {
                self.world.shared.state().project_mut(self.id).protected.remove(branch);
            }
        }
    }

    /// Adds a rule of protected branches: who may push (nobody without a role), and whether they may force it.
    pub fn protect_with(&self, branch: &str, push: Option<Access>, allow_force_push: bool) {
        let mut state = self.world.shared.state();
        let rules = &mut state.project_mut(self.id).protected;
        rules.insert(branch.to_owned(), Protection { push, allow_force_push });
    }

    /// The user's number; makes the user and the membership if need be.
    fn person(&self, username: &str) -> u64 {
        let user = self.world.add_user(username);
        let mut state = self.world.shared.state();
        state.project_mut(self.id).members.entry(user).or_insert(Access::Maintainer);
        user
    }

    fn act<T>(&self, username: &str, action: impl FnOnce(&mut State, u64) -> T) -> T {
        let user = self.person(username);
        action(&mut self.world.shared.state(), user)
    }

    /// Pushes a commit to a branch (made from the default branch if it is not there): a path's new bytes, or none to
    /// delete it. Gives the hash.
    pub fn commit<P, B>(
        &self,
        username: &str,
        branch: &str,
        message: &str,
        changes: impl IntoIterator<Item = (P, Option<B>)>,
    ) -> String
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        self.commit_from(username, branch, None, message, changes)
    }

    /// As [`Self::commit`], on top of any commit: a force push when the branch stood elsewhere.
    pub fn commit_from<P, B>(
        &self,
        username: &str,
        branch: &str,
        start: Option<&str>,
        message: &str,
        changes: impl IntoIterator<Item = (P, Option<B>)>,
    ) -> String
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        self.act(username, |state, user| {
            let project = state.project(self.id);
            let repo = project.repo().expect("a real repository");
            let parent = match start {
                Some(start) => Some(repo.resolve(start).expect("a commit to start from")),
                None => repo.tip(branch).or_else(|| repo.tip(&project.default_branch)),
            };
            let edits: BTreeMap<String, Edit> = changes
                .into_iter()
                .map(|(path, bytes)| {
                    (path.into(), bytes.map(|bytes| (bytes.into(), FileMode::Blob)))
                })
                .collect();
            let tree = repo.edit(parent, &edits).expect("usable paths");
            let person = state.user(user).person();
            let parents: Vec<Oid> = parent.into_iter().collect();
            let commit =
                repo.commit(tree, &parents, (&person, &person), state.now().timestamp(), message);
            pushes::push(state, self.id, user, branch, commit)
                .expect("a branch that can be pushed");
            quick_actions::look_at(state, self.id, 0, user, "commit message", message);
            commit.to_string()
        })
    }

    /// Replaces a branch by a commit on `start` that names anybody as author and committer, as git lets
    /// everybody do who may push. Gives the hash.
    pub fn commit_in_name_of<P, B>(
        &self,
        username: &str,
        named: (&str, &str),
        branch: &str,
        start: &str,
        message: &str,
        changes: impl IntoIterator<Item = (P, Option<B>)>,
    ) -> String
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        self.act(username, |state, user| {
            let repo = state.project(self.id).repo().expect("a real repository");
            let parent = repo.resolve(start).expect("a commit to start from");
            let edits: BTreeMap<String, Edit> = changes
                .into_iter()
                .map(|(path, bytes)| {
                    (path.into(), bytes.map(|bytes| (bytes.into(), FileMode::Blob)))
                })
                .collect();
            let tree = repo.edit(Some(parent), &edits).expect("usable paths");
            let person = Person { name: named.0.to_owned(), email: named.1.to_owned() };
            let now = state.now().timestamp();
            let commit = repo.commit(tree, &[parent], (&person, &person), now, message);
            pushes::push(state, self.id, user, branch, commit)
                .expect("a branch that can be pushed");
            commit.to_string()
        })
    }

    /// Points a branch at a commit, by force if need be.
    pub fn set_branch(&self, username: &str, branch: &str, commit: &str) -> Result<(), String> {
        self.act(username, |state, user| {
            let found = state.project(self.id).repo().and_then(|repo| repo.resolve(commit));
            pushes::push(state, self.id, user, branch, found.ok_or("no such commit")?)
        })
    }

    /// Reverts a commit (a merge as well) on a branch: the new commit, or the paths in conflict.
    pub fn revert(&self, username: &str, branch: &str, commit: &str) -> Result<String, String> {
        self.act(username, |state, user| {
            let repo = state.project(self.id).repo().ok_or("no repository")?;
            let (found, tip) =
                repo.resolve(commit).zip(repo.tip(branch)).ok_or("no such commit or branch")?;
            let tree = repo.cherry_pick(found, tip, true).map_err(|paths| paths.join(", "))?;
            let person = state.user(user).person();
            let message = format!("Revert {commit}\n");
            let new =
                repo.commit(tree, &[tip], (&person, &person), state.now().timestamp(), &message);
            pushes::push(state, self.id, user, branch, new)?;
            Ok(new.to_string())
        })
    }

    /// Deletes a branch; false when there is none.
    pub fn delete_branch(&self, username: &str, branch: &str) -> bool {
        self.act(username, |state, user| pushes::delete_branch(state, self.id, user, branch))
    }

    /// Opens a request: its number, or GitLab's refusal.
    pub fn open_merge_request(
        &self,
        username: &str,
        source: &str,
        target: &str,
        title: &str,
        description: &str,
    ) -> Result<u64, String> {
        let new = NewMergeRequest {
            source_branch: source.to_owned(),
            target_branch: target.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            labels: Vec::new(),
            remove_source_branch: false,
            squash: false,
        };
        self.act(username, |state, user| requests::open(state, self.id, user, new)).map_err(said)
    }

    /// Merges a request now, as the button does.
    pub fn merge(&self, username: &str, iid: u64) -> Result<String, String> {
        self.act(username, |state, user| {
            merging::merge(state, self.id, iid, user, &merging::Options::default())
                .map_err(said)?;
            let request = state.project(self.id).request(iid).ok_or("no such request")?;
            Ok(request.merge_commit_sha.clone().unwrap_or_default())
        })
    }

    /// GitLab begins to merge a request (and is at it until it is told to stop, or for ever if it crashed).
    pub fn set_locked(&self, iid: u64, locked: bool) {
        let mut state = self.world.shared.state();
        let request = state.project_mut(self.id).request_mut(iid).expect("a request");
        request.state = if locked { MrState::Locked } else { MrState::Opened };
    }

    /// Asks GitLab to merge an open request once its checks pass (also by a merge train), or no longer to do so.
    pub fn set_auto_merge(&self, iid: u64, auto_merge: bool) {
        let mut state = self.world.shared.state();
        let request = state.project_mut(self.id).request_mut(iid).expect("a request");
        request.auto_merge = auto_merge && request.state == MrState::Opened;
    }

    /// Changes the target branch of a request.
    pub fn retarget(&self, username: &str, iid: u64, target: &str) -> Result<(), String> {
        self.act(username, |state, user| requests::retarget(state, self.id, iid, user, target))
            .map_err(said)
    }

    /// Closes a request.
    pub fn close(&self, username: &str, iid: u64) {
        self.act(username, |state, user| {
            requests::set_state(state, self.id, iid, user, MrState::Closed)
        });
    }

    /// Reopens a request.
    pub fn reopen(&self, username: &str, iid: u64) -> Result<(), String> {
        self.act(username, |state, user| requests::reopen(state, self.id, iid, user)).map_err(said)
    }

    /// Changes the title.
    pub fn set_title(&self, username: &str, iid: u64, title: &str) {
        self.act(username, |state, user| requests::set_title(state, self.id, iid, user, title));
    }

    /// Changes the description.
    pub fn set_description(&self, username: &str, iid: u64, text: &str) {
        self.act(username, |state, user| {
            requests::set_description(state, self.id, iid, user, text)
        });
    }

    /// Adds and removes labels.
    pub fn set_labels(&self, username: &str, iid: u64, add: &[&str], remove: &[&str]) {
        let own =
            |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        let (add, remove) = (own(add), own(remove));
        self.act(username, |state, user| {
            requests::set_labels(state, self.id, iid, user, &add, &remove)
        });
    }

    /// Replaces the reviewers.
    pub fn set_reviewers(&self, iid: u64, users: &[u64]) {
        let mut state = self.world.shared.state();
        requests::set_reviewers(&mut state, self.id, iid, users);
    }

    /// Writes a comment.
    pub fn comment(&self, username: &str, iid: u64, body: &str) {
        self.act(username, |state, user| requests::comment(state, self.id, iid, user, body));
    }

    /// Approves.
    pub fn approve(&self, username: &str, iid: u64) {
        self.act(username, |state, user| {
            state.project_mut(self.id).request_mut(iid).expect("a request").approvals.insert(user)
        });
    }

    /// Presses the rebase button; the rebase happens in the background.
    pub fn rebase(&self, username: &str, iid: u64) -> Result<(), String> {
        self.act(username, |state, user| merging::start_rebase(state, self.id, iid, user))
            .map_err(said)
    }

    /// A branch's tip.
    pub fn tip(&self, branch: &str) -> Option<String> {
        let state = self.world.shared.state();
        state.project(self.id).repo()?.tip(branch).map(|id| id.to_string())
    }

    /// Branches and their tips.
    pub fn branches(&self) -> BTreeMap<String, String> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo().expect("a real repository");
        repo.branches().into_iter().map(|(name, id)| (name, id.to_string())).collect()
    }

    /// A file's bytes at a branch, tag or commit.
    pub fn file(&self, rev: &str, path: &str) -> Option<Vec<u8>> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo()?;
        repo.blob(repo.resolve(rev)?, path).map(|blob| blob.bytes)
    }

    /// All files at a branch, tag or commit.
    pub fn files(&self, rev: &str) -> BTreeMap<String, Vec<u8>> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo().expect("a real repository");
        repo.files(repo.resolve(rev).expect("a commit"))
    }

    /// A commit's parents.
    pub fn parents(&self, rev: &str) -> Vec<String> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo().expect("a real repository");
        let commit = repo.resolve(rev).expect("a commit");
        let commit = repo.git.find_commit(commit).expect("a commit");
        commit.parent_ids().map(|id| id.to_string()).collect()
    }

    /// A commit's message.
    pub fn message(&self, rev: &str) -> Option<String> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo()?;
        let commit = repo.git.find_commit(repo.resolve(rev)?).ok()?;
        commit.message().ok().map(str::to_owned)
    }

    /// The paths that differ between two commits.
    pub fn changed(&self, from: &str, to: &str) -> Vec<String> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo().expect("a real repository");
        let diff = repo.diff(repo.resolve(from), repo.resolve(to).expect("a commit"));
        diff.into_iter().map(|file| file.new_path).collect()
    }

    /// Whether `descendant` contains `ancestor`.
    pub fn contains(&self, descendant: &str, ancestor: &str) -> bool {
        let state = self.world.shared.state();
        let Some(repo) = state.project(self.id).repo() else { return false };
        repo.resolve(descendant)
            .zip(repo.resolve(ancestor))
            .is_some_and(|(new, old)| repo.contains(new, old))
    }

    /// Merges branches one after the other into a copy of `onto`, in memory: the files that come out, or the branch
    /// that conflicts and where. Nothing is changed.
    pub fn try_merge(
        &self,
        onto: &str,
        sources: &[&str],
    ) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let state = self.world.shared.state();
        let repo = state.project(self.id).repo().ok_or("no repository")?;
        let person = state.user(1).person();
        let mut tip = repo.resolve(onto).ok_or("no such commit")?;
        for source in sources {
            let head = repo.resolve(source).ok_or_else(|| format!("{source}: no such commit"))?;
            let tree =
                repo.merge(tip, head).map_err(|paths| format!("{source}: {}", paths.join(", ")))?;
            tip = repo.commit(tree, &[tip, head], (&person, &person), 0, "try");
        }
        Ok(repo.files(tip))
    }

    /// Whether a request merges cleanly into the present tip of its target.
    pub fn merges_cleanly(&self, iid: u64) -> bool {
        !merging::conflicts(self.world.shared.state().project(self.id), iid)
    }

    /// All requests, oldest first.
    pub fn merge_requests(&self) -> Vec<MergeRequest> {
        self.world.shared.state().project(self.id).merge_requests.clone()
    }

    /// The open requests, oldest first.
    pub fn open_merge_requests(&self) -> Vec<MergeRequest> {
        self.merge_requests()
            .into_iter()
            .filter(|request| request.state == MrState::Opened)
            .collect()
    }

    /// One request.
    pub fn merge_request(&self, iid: u64) -> Option<MergeRequest> {
        self.world.shared.state().project(self.id).request(iid).cloned()
    }

    /// All pipelines, oldest first, with those that the limit has dropped.
    pub fn pipelines(&self) -> Vec<Pipeline> {
        self.world.shared.state().project(self.id).pipelines.clone()
    }

    /// Ends the newest pipeline of a merge request, or begins it again, with one of GitLab's words.
    pub fn set_pipeline(&self, iid: u64, status: &'static str) {
        let mut state = self.world.shared.state();
        let pipelines = state.project_mut(self.id).pipelines.iter_mut().rev();
        let newest = pipelines.into_iter().find(|pipeline| pipeline.merge_request == Some(iid));
        newest.expect("a pipeline").status = status;
    }

    /// A pipeline of a branch itself, that is over or runs.
    pub fn add_branch_pipeline(&self, branch: &str, status: &'static str) {
        let sha = self.tip(branch).expect("a branch");
        let mut state = self.world.shared.state();
        pushes::start_pipeline(&mut state, self.id, 0, branch, &sha, None);
        let newest = state.project_mut(self.id).pipelines.last_mut();
        newest.expect("the one that was started").status = status;
    }

    /// Packs the repository, which makes clones of a large one fast.
    pub fn pack(&self) {
        let dir = self.repository_dir();
        let done = std::process::Command::new("git").arg("-C").arg(dir).args(["gc", "-q"]).status();
        assert!(done.is_ok_and(|status| status.success()), "git gc failed");
    }
}
