//! The state that all servers and all people share.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use crate::git::host::Refs;
use crate::git::repo::{Person, Repo};
use crate::github::GitHub;
use crate::gitlab::background::Task;
use crate::gitlab::branches::BranchLists;
use crate::gitlab::extras::Extras;
use crate::gitlab::model::{Mention, MergeRequest, Pipeline, QuickAction, Reference};
use crate::history::History;
use crate::prometheus::Prometheus;
use crate::settings::Settings;

/// GitLab's access levels (GitLab docs, api/members).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Access {
    /// Sees the project, but not its code.
    Guest = 10,
    /// Reads.
    Reporter = 20,
    /// Pushes to unprotected branches, opens and edits merge requests.
    Developer = 30,
    /// Pushes to protected branches, merges.
    Maintainer = 40,
    /// Everything.
    Owner = 50,
}

/// A person or a bot.
#[derive(Debug, Clone)]
pub struct User {
    /// GitLab's id.
    pub id: u64,
    /// The name after the `@`.
    pub username: String,
    /// The displayed name.
    pub name: String,
    /// The email address in commits.
    pub email: String,
    /// The user of a project or group access token.
    pub bot: bool,
    /// `active`, `blocked` or `deactivated`.
    pub state: &'static str,
    /// Is the email address public?
    pub email_is_public: bool,
}

impl User {
    pub(crate) fn person(&self) -> Person {
        Person { name: self.name.clone(), email: self.email.clone() }
    }
}

/// The rights of a token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its user.
    pub user: u64,
    /// `api`, `read_api`, `read_repository`, `write_repository`, `read_user`.
    pub scopes: BTreeSet<String>,
    /// A CI job's token: reads what GitLab allows such a token, whatever its scopes.
    pub job: bool,
    /// A fine-grained token: its rights are per endpoint, and its only scope is `granular`.
    pub granular: bool,
    /// Refused as revoked.
    pub revoked: bool,
    /// Refused from this time on.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A commit without a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// 40 hex digits.
    pub sha: String,
    /// When it was committed.
    pub date: DateTime<Utc>,
    /// Its message.
    pub message: String,
    /// Its author's name.
    pub author: String,
    /// The commits that it follows, of those in [`crate::World::add_history`].
    pub parents: Vec<String>,
}

impl CommitInfo {
    /// A commit of which only the hash matters.
    pub fn new(sha: impl Into<String>) -> Self {
        Self {
            sha: sha.into(),
            date: DateTime::UNIX_EPOCH + Duration::days(20_000),
            message: "change".to_owned(),
            author: "Dev".to_owned(),
            parents: Vec::new(),
        }
    }
}

/// Who may see a project without being a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Members.
    Private,
    /// Everybody who is signed in.
    Internal,
    /// Everybody.
    Public,
}

/// How a project merges (GitLab docs, user/project/merge_requests/methods).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMethod {
    /// A merge commit.
    Merge,
    /// A merge commit, of a branch that is not behind.
    RebaseMerge,
    /// No merge commit, of a branch that is not behind.
    FastForward,
}

impl MergeMethod {
    /// GitLab's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::RebaseMerge => "rebase_merge",
            Self::FastForward => "ff",
        }
    }
}

/// Where a project's commits are.
pub(crate) enum Code {
    Real(Box<Repo>),
    /// Only refs, for the many repositories of which only tips are looked up.
    Virtual(BTreeMap<String, CommitInfo>),
}

pub(crate) struct Project {
    pub id: u64,
    pub path: String,
    pub default_branch: String,
    pub visibility: Visibility,
    pub members: BTreeMap<u64, Access>,
    /// Branch, or a pattern with `*`, to what the rule allows.
    pub protected: BTreeMap<String, Protection>,
    pub archived: bool,
    pub merge_requests_enabled: bool,
    pub merge_method: MergeMethod,
    pub repository_enabled: bool,
    /// Members through a group that the project is shared with, which the project does not list itself.
    pub by_group: BTreeMap<u64, Access>,
    pub code: Code,
    pub merge_requests: Vec<MergeRequest>,
    pub pipelines: Vec<Pipeline>,
    pub extras: Extras,
}

impl Project {
    pub fn repo(&self) -> Option<&Repo> {
        match &self.code {
            Code::Real(repo) => Some(repo),
            Code::Virtual(_) => None,
        }
    }

    pub fn request(&self, iid: u64) -> Option<&MergeRequest> {
        self.merge_requests.get(usize::try_from(iid).ok()?.checked_sub(1)?)
    }

    pub fn request_mut(&mut self, iid: u64) -> Option<&mut MergeRequest> {
        self.merge_requests.get_mut(usize::try_from(iid).ok()?.checked_sub(1)?)
    }

    pub fn access(&self, user: Option<u64>) -> Option<Access> {
        let by = |members: &BTreeMap<u64, Access>| members.get(&user?).copied();
        by(&self.members).max(by(&self.by_group))
    }

    /// The combined rules that match a branch; none if it is not protected. The most
    /// permissive rule counts for each right (GitLab docs, user/project/repository/branches/protected).
    pub fn protection(&self, branch: &str) -> Option<Protection> {
        let rules = self.protected.iter().filter(|(pattern, _)| covers(pattern, branch));
        rules.map(|(_, rule)| *rule).reduce(|a, b| Protection {
            push: a.push.into_iter().chain(b.push).min(),
            allow_force_push: a.allow_force_push || b.allow_force_push,
        })
    }
}

/// The permissions of a rule for protected branches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protection {
    /// Who may push and merge: this role and higher ones; nobody if absent.
    pub push: Option<Access>,
    pub allow_force_push: bool,
}

impl Protection {
    /// Whether a member with this role may push.
    pub fn lets_push(&self, access: Option<Access>) -> bool {
        self.push.is_some_and(|least| access >= Some(least))
    }
}

/// Does a pattern, in which `*` is any text, match a name?
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|end| covers(tail, end)))
        }),
    }
}

/// The forge's clock: the machine's, or one that only tests move.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Clock {
    #[default]
    Real,
    Fixed(DateTime<Utc>),
}

#[derive(Default)]
pub(crate) struct State {
    pub users: Vec<User>,
    pub tokens: BTreeMap<String, Token>,
    pub projects: BTreeMap<u64, Project>,
    /// Old paths of moved projects.
    pub moved: BTreeMap<String, String>,
    pub paths: BTreeMap<String, u64>,
    pub settings: Settings,
    pub clock: Clock,
    /// Number of requests to GitLab.
    pub ticks: u64,
    pub background: Vec<Task>,
    /// Lists of branches that were returned before.
    pub branch_lists: BranchLists,
    pub quick_actions: Vec<QuickAction>,
    pub mentions: Vec<Mention>,
    pub references: Vec<Reference>,
    pub next_id: u64,
    pub github: GitHub,
    pub prometheus: Prometheus,
    /// Repositories of the git host by path.
    pub git_host: BTreeMap<String, Refs>,
    /// Of code repositories without objects.
    pub history: History,
}

impl State {
    pub fn now(&self) -> DateTime<Utc> {
        match self.clock {
            Clock::Real => Utc::now(),
            Clock::Fixed(time) => time,
        }
    }

    pub fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub fn user(&self, id: u64) -> &User {
        self.users.iter().find(|user| user.id == id).expect("a user of this forge")
    }

    /// The committer of this user's commits through API or buttons: GitLab itself, if it signs such commits (GitLab
    /// docs, user/project/repository/signed_commits/web_commits).
    pub fn committer(&self, user: u64) -> Person {
        if self.settings.sign_web_commits {
            let (name, email) = ("GitLab".to_owned(), "noreply@gitlab.com".to_owned());
            return Person { name, email };
        }
        self.user(user).person()
    }

    pub fn user_named(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username.eq_ignore_ascii_case(username))
    }

    /// A project by id or path (ignoring letter case, as in GitLab).
    pub fn project_id(&self, name: &str) -> Option<u64> {
        let by_number = name.parse().ok().filter(|id| self.projects.contains_key(id));
        by_number.or_else(|| self.paths.get(&name.to_ascii_lowercase()).copied())
    }

    pub fn project(&self, id: u64) -> &Project {
        self.projects.get(&id).expect("a project of this forge")
    }

    pub fn project_mut(&mut self, id: u64) -> &mut Project {
        self.projects.get_mut(&id).expect("a project of this forge")
    }
}
