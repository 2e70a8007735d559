//! Users, tokens and projects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::git::repo::Repo;
use crate::gitlab::extras::Extras;
use crate::gitlab::pushes;
use crate::state::{
    Access, Code, CommitInfo, MergeMethod, Project, Protection, Token, User, Visibility,
};
use crate::world::{ProjectHandle, World};

impl World {
    /// Adds a user (or finds one); returns the id.
    pub fn add_user(&self, username: &str) -> u64 {
        let mut state = self.shared.state();
        if let Some(user) = state.user_named(username) {
            return user.id;
        }
        let id = state.users.len() as u64 + 1;
        state.users.push(User {
            id,
            username: username.to_owned(),
            name: username.to_owned(),
            email: format!("{username}@example.invalid"),
            bot: false,
            state: "active",
            email_is_public: false,
        });
        id
    }

    /// A user by name.
    pub fn user(&self, username: &str) -> Option<User> {
        self.shared.state().user_named(username).cloned()
    }

    /// Changes a user (created if needed): blocks one, or shows an email address.
    pub fn change_user(&self, username: &str, change: impl FnOnce(&mut User)) -> u64 {
        let id = self.add_user(username);
        let mut state = self.shared.state();
        change(state.users.iter_mut().find(|user| user.id == id).expect("a user"));
        id
    }

    /// Gives a user (created if needed) a token with these scopes.
    pub fn add_token(&self, username: &str, secret: &str, scopes: &[&str]) -> u64 {
        let user = self.add_user(username);
        let scopes: BTreeSet<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let token =
            Token { user, scopes, job: false, granular: false, revoked: false, expires_at: None };
        self.shared.state().tokens.insert(secret.to_owned(), token);
        user
    }

    /// A job token of this user: reads what GitLab allows such a token.
    pub fn add_job_token(&self, username: &str, secret: &str) {
        self.add_token(username, secret, &[]);
        self.change_token(secret, |token| token.job = true);
    }

    /// Changes a token: revokes it, expires it, removes a scope.
    pub fn change_token(&self, secret: &str, change: impl FnOnce(&mut Token)) {
        change(self.shared.state().tokens.get_mut(secret).expect("a token of this forge"));
    }

    /// Creates a project on GitLab with the branch `main` and these files in one commit (no commit without files).
    pub fn create_project<P, B>(
        &self,
        path: &str,
        files: impl IntoIterator<Item = (P, B)>,
    ) -> ProjectHandle
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        self.create_project_on(path, "main", files)
    }

    /// Creates a project with another default branch.
    pub fn create_project_on<P, B>(
        &self,
        path: &str,
        default_branch: &str,
        files: impl IntoIterator<Item = (P, B)>,
    ) -> ProjectHandle
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        let dir = self.shared.gitlab_dir.join(format!("{path}.git"));
        let repo = Repo::init(&dir, default_branch);
        let project = self.insert_project(
            path,
            default_branch,
            Code::Real(Box::new(repo)),
            Visibility::Private,
        );
        let files: Vec<(String, Option<Vec<u8>>)> =
            files.into_iter().map(|(path, bytes)| (path.into(), Some(bytes.into()))).collect();
        if !files.is_empty() {
            project.commit("root", default_branch, "Initial commit", files);
        }
        project
    }

    /// A project with the files of a folder (without `.git`).
    pub fn create_project_from_dir(
        &self,
        path: &str,
        default_branch: &str,
        dir: &Path,
    ) -> ProjectHandle {
        let mut files = BTreeMap::new();
        read_dir(dir, "", &mut files);
        self.create_project_on(path, default_branch, files)
    }

    pub(crate) fn insert_project(
        &self,
        path: &str,
        branch: &str,
        code: Code,
        visibility: Visibility,
    ) -> ProjectHandle {
        let mut state = self.shared.state();
        let id = 1000 + state.projects.len() as u64;
        let project = Project {
            id,
            path: path.to_owned(),
            default_branch: branch.to_owned(),
            visibility,
            members: BTreeMap::from([(1, Access::Owner)]),
            protected: BTreeMap::from([(
                branch.to_owned(),
                Protection { push: Some(Access::Maintainer), allow_force_push: false },
            )]),
            archived: false,
            merge_requests_enabled: true,
            merge_method: MergeMethod::Merge,
            repository_enabled: true,
            by_group: BTreeMap::new(),
            code,
            merge_requests: Vec::new(),
            pipelines: Vec::new(),
            extras: Extras::default(),
        };
        state.projects.insert(id, project);
        state.paths.insert(path.to_ascii_lowercase(), id);
        drop(state);
        ProjectHandle { world: self.clone(), id }
    }

    /// A project by path.
    pub fn project(&self, path: &str) -> Option<ProjectHandle> {
        let id = self.shared.state().project_id(path)?;
        Some(ProjectHandle { world: self.clone(), id })
    }

    /// Moves a project: the old path returns 301 from then on.
    pub fn move_project(&self, old: &str, new: &str) {
        let mut state = self.shared.state();
        let id = state.paths.remove(&old.to_ascii_lowercase()).expect("a project of this forge");
        state.paths.insert(new.to_ascii_lowercase(), id);
        state.project_mut(id).path = new.to_owned();
        state.moved.insert(old.to_ascii_lowercase(), new.to_owned());
    }

    /// Removes a project: 404 from then on.
    pub fn delete_project(&self, path: &str) {
        let mut state = self.shared.state();
        if let Some(id) = state.paths.remove(&path.to_ascii_lowercase()) {
            state.projects.remove(&id);
            state.background.clear();
        }
    }

    /// Sets the tip of a ref of a code repository without objects on GitLab. Creates the project if needed (internal:
    /// every signed-in user sees it).
    pub fn set_gitlab_ref(&self, path: &str, reference: &str, commit: CommitInfo) {
        let known = self.shared.state().project_id(path);
        let id = known.unwrap_or_else(|| {
            self.insert_project(path, "main", Code::Virtual(BTreeMap::new()), Visibility::Internal)
                .id
        });
        let mut state = self.shared.state();
        match &mut state.project_mut(id).code {
            Code::Virtual(refs) => drop(refs.insert(reference.to_owned(), commit)),
            Code::Real(_) => panic!("{path} has a real repository: commit to it"),
        }
    }

    /// Removes a ref of a code repository on GitLab.
    pub fn remove_gitlab_ref(&self, path: &str, reference: &str) {
        let mut state = self.shared.state();
        let Some(id) = state.project_id(path) else { return };
        if let Code::Virtual(refs) = &mut state.project_mut(id).code {
            refs.remove(reference);
        }
    }

    /// Expires a token at a time of the forge's clock.
    pub fn expire_token(&self, secret: &str, at: DateTime<Utc>) {
        self.change_token(secret, |token| token.expires_at = Some(at));
    }
}

fn read_dir(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".git" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            read_dir(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, std::fs::read(entry.path()).expect("a readable file"));
        }
    }
}

impl ProjectHandle {
    /// Renames the default branch as people do: a new branch becomes the default, and the old one is
    /// deleted. Merge requests into the old one stay open.
    pub fn rename_default_branch(&self, username: &str, name: &str) {
        let user = self.world.add_user(username);
        let mut state = self.world.shared.state();
        let project = state.project_mut(self.id);
        let old = std::mem::replace(&mut project.default_branch, name.to_owned());
        let rule = project.protected.remove(&old);
        project.protected.extend(rule.map(|rule| (name.to_owned(), rule)));
        let repo = project.repo().expect("a real repository");
        let tip = repo.tip(&old).expect("a tip");
        repo.set_branch(name, tip).expect("a name of a branch");
        repo.git.set_head(&format!("refs/heads/{name}")).expect("a new head");
        pushes::delete_branch(&mut state, self.id, user, &old);
    }
}
