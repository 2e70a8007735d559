//! The config repo as a whole.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use fastrand::Rng;
use sapm::snapshot::Snapshot;
use serde_json::json;

use crate::service::{Host, Service};
use crate::world::record;
use crate::{files, others};

/// The size, and the amount of due work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Saas files; six targets each.
    pub services: usize,
    /// Files in the repo, including irrelevant ones.
    pub files: usize,
    /// Services whose canary is due.
    pub due: usize,
}

impl Size {
    /// 1,000 saas files, 6,000 targets and 10,000 files, times `factor`.
    pub fn times(factor: usize, due: usize) -> Self {
        Self { services: 1_000 * factor, files: 10_000 * factor, due }
    }
}

/// What a run has to fetch, without duplicates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Distinct (repository, ref) pairs on GitHub.
    pub github: usize,
    /// The same on GitLab.
    pub gitlab: usize,
    /// The same on the git host.
    pub git: usize,
    /// Distinct deployment records.
    pub records: usize,
    /// Distinct SLO queries.
    pub slos: usize,
}

/// A config repo and the world that it describes.
pub struct Estate {
    /// How large it is.
    pub size: Size,
    /// One for each saas file.
    pub services: Vec<Service>,
    seed: u64,
}

impl Estate {
    /// The same for the same size and seed.
    pub fn generate(size: Size, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut services: Vec<Service> = (0..size.services)
            .map(|number| Service::generate(number, size.due, &mut rng))
            .collect();
        // A repository has one history: all services that share it are at the same commit.
        for number in 1..services.len() {
            if services[number].repo != number {
                let (state, old) = (services[number - 1].state, services[number - 1].old.clone());
                services[number].state = state;
                services[number].old = old;
            }
        }
        Self { size, services, seed }
    }

    /// Path to text, from the repository's root. `urls` are the addresses of GitLab, the git host and Prometheus.
    pub fn files(&self, urls: &Urls) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for service in &self.services {
            files::service(service, urls, &mut found);
        }
        let apps: BTreeSet<usize> = self.services.iter().map(|service| service.app).collect();
        for app in apps {
            files::app(app, &mut found);
        }
        files::clusters(self.size.services, urls, &mut found);
        others::fill(self.size.files, self.seed, &mut found);
        found
    }

    /// The facts as a run would find them, without GitLab's: for what needs no network.
    pub fn snapshot(&self, urls: &Urls, now: DateTime<Utc>) -> Snapshot {
        let mut commits = serde_json::Map::new();
        let mut records = serde_json::Map::new();
        for service in &self.services {
            let key = format!("{}@main", files::url(service, urls));
            commits.insert(key, json!({ "sha": service.new }));
            for (stage, sha, success, at) in service.records(now) {
                records.extend([record(service, stage, sha, success, at)]);
            }
        }
        let facts = json!({
            "version": 1,
            "observed_at": now.to_rfc3339_opts(SecondsFormat::Secs, true),
            "commits": commits,
            "deployment_records": records,
        });
        Snapshot::from_json(facts.to_string().as_bytes()).expect("a snapshot")
    }

    /// What a run has to fetch.
    pub fn needs(&self) -> Needs {
        let repos: BTreeMap<usize, Host> =
            self.services.iter().map(|service| (service.repo, service.host)).collect();
        let on = |host: Host| repos.values().filter(|found| **found == host).count();
        Needs {
            github: on(Host::GitHub),
            gitlab: on(Host::GitLab),
            git: on(Host::Git),
            records: self.services.len() * 2,
            slos: self.services.iter().filter(|service| service.asks_slo()).count(),
        }
    }
}

/// URLs in the files. The default ones do not exist.
#[derive(Debug, Clone)]
pub struct Urls {
    /// GitLab.
    pub gitlab: String,
    /// The git host.
    pub git: String,
    /// Prometheus.
    pub prometheus: String,
}

impl Default for Urls {
    fn default() -> Self {
        Self {
            gitlab: "https://gitlab.example.com".to_owned(),
            git: "https://git.example.com".to_owned(),
            prometheus: "https://prometheus.example.com".to_owned(),
        }
    }
}
