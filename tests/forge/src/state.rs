//! The one state that all servers and all people share.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use crate::git::host::Refs;
use crate::git::repo::{Person, Repo};
use crate::github::GitHub;
use crate::gitlab::background::Task;
use crate::gitlab::model::{Mention, MergeRequest, Pipeline, QuickAction, Reference};
use crate::prometheus::Prometheus;

/// GitLab's access levels (GitLab docs, api/members).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Access {
    /// Sees the project, not its code.
    Guest = 10,
    /// Reads.
    Reporter = 20,
    /// Pushes to branches that are not protected, opens and edits merge requests.
    Developer = 30,
    /// Pushes to protected branches, merges.
    Maintainer = 40,
    /// Everything.
    Owner = 50,
}

/// A person or a bot.
#[derive(Debug, Clone)]
pub struct User {
    /// GitLab's number.
    pub id: u64,
    /// The name after the `@`.
    pub username: String,
    /// The name that is shown.
    pub name: String,
    /// The address in commits.
    pub email: String,
    /// A project or group access token's user.
    pub bot: bool,
}

impl User {
    pub(crate) fn person(&self) -> Person {
        Person { name: self.name.clone(), email: self.email.clone() }
    }
}

/// What a token may do.
#[derive(Debug, Clone)]
pub struct Token {
    /// Whose it is.
    pub user: u64,
    /// `api`, `read_api`, `read_repository`, `write_repository`, `read_user`.
    pub scopes: BTreeSet<String>,
    /// A CI job's token: reads what GitLab allows such a token, whatever its scopes.
    pub job: bool,
    /// Refused as revoked.
    pub revoked: bool,
    /// Refused from then on.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A commit that needs no repository.
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
}

impl CommitInfo {
    /// A commit of which only the hash matters.
    pub fn new(sha: impl Into<String>) -> Self {
        Self {
            sha: sha.into(),
            date: DateTime::UNIX_EPOCH + Duration::days(20_000),
            message: "change".to_owned(),
            author: "Dev".to_owned(),
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

/// Where a project's commits are.
pub(crate) enum Code {
    Real(Box<Repo>),
    /// Refs only, for the many repositories whose tips are asked and nothing else.
    Virtual(BTreeMap<String, CommitInfo>),
}

pub(crate) struct Project {
    pub id: u64,
    pub path: String,
    pub default_branch: String,
    pub visibility: Visibility,
    pub members: BTreeMap<u64, Access>,
    /// Branch, or a pattern with `*`, to who may push and merge.
    pub protected: BTreeMap<String, Access>,
    pub archived: bool,
    pub merge_requests_enabled: bool,
    pub repository_enabled: bool,
    /// Members by a group that the project is shared with: not among those that the project tells of itself.
    pub by_group: BTreeMap<u64, Access>,
    pub code: Code,
    pub merge_requests: Vec<MergeRequest>,
    pub pipelines: Vec<Pipeline>,
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

    /// Who may push to a branch that is protected; of several rules that match, the most permissive counts (GitLab
    /// docs, user/project/repository/branches/protected).
    pub fn protection(&self, branch: &str) -> Option<Access> {
        let rules = self.protected.iter().filter(|(pattern, _)| covers(pattern, branch));
        rules.map(|(_, least)| *least).min()
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

/// How a list of merge requests tells of conflicts that were not checked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListStatus {
    /// The last verdict, however old (the worst that GitLab does).
    Stale,
    /// `unchecked`, without conflicts.
    Unchecked,
    /// The truth.
    Fresh,
}

/// Which GraphQL API there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GraphQl {
    /// Today's.
    #[default]
    Served,
    /// One of before 2025: a repository has no field `commit`.
    Old,
    /// None: 404.
    Absent,
}

/// How this GitLab is set up. Change it any time with [`crate::World::configure`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many reads of a request (or rechecks by a list) see `checking` before the verdict.
    pub checking_reads: u32,
    /// What lists say of the merge status.
    pub list_status: ListStatus,
    /// How many later requests to GitLab still see the world without what happens in the background.
    pub background_delay: u64,
    /// Drop approvals when a push changes the patch.
    pub reset_approvals: bool,
    /// How many approvals a merge needs.
    pub required_approvals: usize,
    /// Refuse a merge without `sha` (newer groups can demand it).
    pub require_merge_sha: bool,
    /// A merge deletes the source branch whatever the request says.
    pub remove_source_branch: bool,
    /// No more than this many pipelines a minute of the forge's clock: further requests get none, silently.
    pub pipelines_per_minute: Option<usize>,
    /// No more than this many notes a minute of the forge's clock: 429 without headers.
    pub notes_per_minute: Option<usize>,
    /// How long a minute is for these two.
    pub minute: Duration,
    /// Accept pushes by git over HTTP.
    pub allow_git_push: bool,
    /// Totals are left out of page headers above this many records.
    pub max_total: usize,
    /// Only `need_rebase` or a fast-forward: the project's merge method is fast-forward.
    pub fast_forward_only: bool,
    /// Its GraphQL API.
    pub graphql: GraphQl,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            checking_reads: 1,
            list_status: ListStatus::Stale,
            background_delay: 2,
            reset_approvals: true,
            required_approvals: 0,
            require_merge_sha: false,
            remove_source_branch: false,
            pipelines_per_minute: None,
            notes_per_minute: None,
            minute: Duration::minutes(1),
            allow_git_push: false,
            max_total: 10_000,
            fast_forward_only: false,
            graphql: GraphQl::default(),
        }
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
    /// Requests that GitLab has seen.
    pub ticks: u64,
    pub background: Vec<Task>,
    pub quick_actions: Vec<QuickAction>,
    pub mentions: Vec<Mention>,
    pub references: Vec<Reference>,
    pub next_id: u64,
    pub github: GitHub,
    pub prometheus: Prometheus,
    /// Repositories of the git host by path.
    pub git_host: BTreeMap<String, Refs>,
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

    pub fn user_named(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username.eq_ignore_ascii_case(username))
    }

    /// A project by number or path (letter case does not matter, as in GitLab).
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
