//! One service: a saas file with the chain stage -> canary -> production.

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

/// Where the code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// GitHub: six in ten.
    GitHub,
    /// The config repo's own GitLab: three in ten.
    GitLab,
    /// A git host without an API: one in twenty.
    Git,
}

/// How far the service's newest commit has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everywhere: nothing to do.
    Settled,
    /// Deployed on stage; canary is due.
    Due,
    /// Deployed on stage and canary; production waits for its soak time.
    Soaking,
    /// Pushed, and not deployed on stage yet.
    Pushed,
    /// Its deployment on stage failed.
    Failed,
    /// Deployed on stage and canary; production is closed by its schedule.
    Closed,
}

/// What a saas file is made from.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its number, from 0.
    pub number: usize,
    /// The app that it belongs to; two services share one.
    pub app: usize,
    /// Where the code is.
    pub host: Host,
    /// The code repository; one in ten services shares that of the service before it.
    pub repo: usize,
    /// How far its newest commit has come.
    pub state: State,
    /// Production is one selector for all clusters instead of three targets.
    pub selector: bool,
    /// The canary target is a shared target file.
    pub target_file: bool,
    /// Production has an SLO document.
    pub slo: bool,
    /// What is deployed everywhere.
    pub old: String,
    /// The newest commit.
    pub new: String,
}

impl Service {
    /// The service with this number; `due` services in a row from the first on are due.
    pub fn generate(number: usize, due: usize, rng: &mut Rng) -> Self {
        let shares = number % 10 == 9;
        let (dice, repo) = (rng.u8(..100), if shares { number - 1 } else { number });
        // Services of one repository agree on the host.
        let host = match repo * 7 % 20 {
            0 => Host::Git,
            1..=6 => Host::GitLab,
            _ => Host::GitHub,
        };
        let state = match dice {
            _ if number < due => State::Due,
            // Some of those with an SLO document ask for it.
            _ if number % 30 == 7 => State::Soaking,
            0..=4 => State::Soaking,
            5..=7 => State::Pushed,
            8..=9 => State::Failed,
            10..=11 => State::Closed,
            _ => State::Settled,
        };
        let old = hash(repo, 0);
        let pinned = state == State::Settled;
        Self {
            number,
            app: number / 2,
            host,
            repo,
            state,
            selector: number % 20 == 3,
            target_file: number % 10 == 5,
            slo: number % 10 == 7,
            new: hash(repo, 1),
            old: if pinned { hash(repo, 1) } else { old },
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        format!("svc-{:05}", self.number)
    }

    /// Name of the app.
    pub fn app_name(&self) -> String {
        format!("app-{:05}", self.app)
    }

    /// `team/name` of the code repository.
    pub fn repo_path(&self) -> String {
        format!("team-{:03}/code-{:05}", self.repo % 97, self.repo)
    }

    /// What is deployed on canary.
    pub fn on_canary(&self) -> &str {
        match self.state {
            State::Settled | State::Soaking | State::Closed => &self.new,
            State::Due | State::Pushed | State::Failed => &self.old,
        }
    }

    /// What is deployed in production.
    pub fn on_production(&self) -> &str {
        if self.state == State::Settled { &self.new } else { &self.old }
    }

    /// Does a run have to ask for the SLO of its production? Not where nothing is due there.
    pub fn asks_slo(&self) -> bool {
        self.slo && matches!(self.state, State::Soaking | State::Closed)
    }

    /// Deployment records: channel kind, commit, success, when.
    pub fn records(&self, now: DateTime<Utc>) -> Vec<(&'static str, &str, bool, DateTime<Utc>)> {
        let (recent, long_ago) = (now - TimeDelta::hours(2), now - TimeDelta::days(9));
        let stage = match self.state {
            State::Settled => vec![("stage", self.new.as_str(), true, long_ago)],
            State::Due | State::Soaking | State::Closed => {
                vec![
                    ("stage", self.old.as_str(), true, long_ago),
                    ("stage", &self.new, true, recent),
                ]
            }
            State::Pushed => vec![("stage", self.old.as_str(), true, long_ago)],
            State::Failed => {
                vec![
                    ("stage", self.old.as_str(), true, long_ago),
                    ("stage", &self.new, false, recent),
                ]
            }
        };
        let canary = (
            "canary",
            self.on_canary(),
            true,
            match self.state {
                State::Soaking | State::Closed => recent,
                _ => long_ago,
            },
        );
        stage.into_iter().chain([canary]).collect()
    }
}

/// A hash that looks like a commit's.
pub(crate) fn hash(repo: usize, age: u64) -> String {
    let mut rng = Rng::with_seed((repo as u64) << 8 | age);
    format!("{:016x}{:016x}{:08x}", rng.u64(..), rng.u64(..), rng.u32(..))
}
