//! The estate on running fakes.

use chrono::{DateTime, TimeDelta, Utc};
use forge::{Access, CommitInfo, Forge, ProjectHandle, PromAnswer};
use sapm::domain::{TargetIdentity, UidDigest};
use serde_json::Value;

use crate::estate::{Estate, Urls};
use crate::files::cluster;
use crate::service::{Host, Service, hash};

/// Path of the config repo's project.
pub const PROJECT: &str = "estate/app-interface";
/// The bot's token.
pub const TOKEN: &str = "glpat-token-of-the-bot";
/// GitHub's token.
const GITHUB_TOKEN: &str = "ghp-token-of-the-bot";
/// Bucket with the deployment records.
pub const BUCKET: &str = "estate-state";

/// An estate that is served.
pub struct Filled {
    /// The fakes; they stop when this is dropped.
    pub forge: Forge,
    /// The config repo's project.
    pub project: ProjectHandle,
    /// Bytes of the files below `data/`.
    pub bytes: u64,
    now: DateTime<Utc>,
}

impl Estate {
    /// Puts everything on fakes, as of `now`.
    pub fn fill(&self, forge: Forge, now: DateTime<Utc>) -> Filled {
        forge.create_bucket(BUCKET);
        forge.add_github_token(GITHUB_TOKEN);
        forge.set_prometheus_default(PromAnswer::Value(0.999));
        let files = self.files(&Urls {
            gitlab: forge.gitlab_url(),
            git: forge.git_url("").trim_end_matches('/').trim_end_matches("/.git").to_owned(),
            prometheus: forge.prometheus_url(),
        });
        let bytes = files.values().map(|text| text.len() as u64).sum();
        let project = forge.create_project(PROJECT, files);
        project.add_bot("sapm-bot", TOKEN, Access::Developer, &["api"]);
        project.pack();
        let filled = Filled { forge, project, bytes, now };
        for service in &self.services[..self.size.due.min(self.services.len())] {
            filled.follow(&service.old, &service.new);
        }
        for service in &self.services {
            filled.push(service, &service.new);
            for (channel, sha, success, at) in service.records(now) {
                filled.deploy(service, channel, sha, success, at);
            }
        }
        filled
    }
}

impl Filled {
    /// In the history of its code, a commit follows another one.
    fn follow(&self, old: &str, new: &str) {
        let mut commit = CommitInfo::new(new);
        commit.parents = vec![old.to_owned()];
        self.forge.add_history([CommitInfo::new(old), commit]);
    }

    /// The service's branch points to a commit.
    fn push(&self, service: &Service, sha: &str) {
        let mut commit = CommitInfo::new(sha);
        commit.date = self.now - TimeDelta::hours(4);
        commit.message = format!("Change {}", service.name());
        let path = service.repo_path();
        match service.host {
            Host::GitHub => self.forge.set_github_ref(&path, "main", commit),
            Host::GitLab => self.forge.set_gitlab_ref(&path, "main", commit),
            Host::Git => self.forge.set_git_ref(&path, "main", sha),
        }
    }

    fn deploy(&self, service: &Service, stage: &str, sha: &str, success: bool, at: DateTime<Utc>) {
        let (key, record) = record(service, stage, sha, success, at);
        let key = format!("state/openshift-saas-deploy/{key}");
        self.forge.put_object(BUCKET, &key, record.to_string());
    }

    /// The services that are due get a newer commit, deployed well: their open requests are to be refreshed.
    pub fn move_on(&self, estate: &Estate) {
        for service in &estate.services[..estate.size.due] {
            let sha = hash(service.repo, 2);
            self.follow(&service.new, &sha);
            self.push(service, &sha);
            self.deploy(service, "stage", &sha, true, self.now - TimeDelta::minutes(5));
        }
    }

    /// What `sapm` needs to be pointed at it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SAPM_APP_INTERFACE", self.project.clone_url()),
            ("SAPM_GITLAB_URL", self.forge.gitlab_url()),
            ("SAPM_GITLAB_TOKEN", TOKEN.to_owned()),
            ("SAPM_GITHUB_URL", self.forge.github_url()),
            ("SAPM_GITHUB_TOKEN", GITHUB_TOKEN.to_owned()),
            ("SAPM_ALLOWED_HOSTS", "127.0.0.1".to_owned()),
            ("SAPM_STATE", format!("s3://{BUCKET}")),
            ("AWS_ENDPOINT_URL_S3", self.forge.s3_endpoint()),
            ("AWS_ACCESS_KEY_ID", self.forge.s3_keys().0.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.forge.s3_keys().1.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }
}

/// Key (as in snapshots) and content of a deployment record.
pub(crate) fn record(
    service: &Service,
    stage: &str,
    sha: &str,
    success: bool,
    at: DateTime<Utc>,
) -> (String, Value) {
    let (name, app) = (service.name(), service.app_name());
    let uid = TargetIdentity {
        saas_file: &format!("saas-{name}"),
        resource_template: &name,
        target: None,
        cluster: &cluster(service.app, stage),
        namespace: &format!("{app}-{stage}"),
    }
    .uid(UidDigest::Blake2s);
    let record = serde_json::json!({
        "success": success,
        "target_config_hash": "5ca1ab1e5ca1ab1e",
        "saas_file": format!("saas-{name}"),
        "check_in": at.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string(),
        "has_succeeded_once": success,
    });
    (format!("promotions_v2/{name}-{stage}/{uid}/{sha}"), record)
}
