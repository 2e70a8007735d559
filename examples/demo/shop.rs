//! The demo's world: a small shop with three apps on the fakes. The
//! end-to-end tests use it too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use forge::{Access, CommitInfo, Forge, ProjectHandle, PromAnswer};
use sapm::domain::{TargetIdentity, UidDigest};

/// Path of the config repo's project.
pub const PROJECT: &str = "shop/app-interface";
/// The bot's token.
pub const TOKEN: &str = "glpat-demo-token-of-the-bot";
/// Bucket with the deployment records.
pub const BUCKET: &str = "shop-state";

/// Commits of the code repositories.
pub const CATALOG_OLD: &str = "9d562e12ee5220a41f29bc0fb79f0700d13b4473";
pub const CATALOG_NEW: &str = "9705190ced53cafa7066f65786fc6d00876035ae";
pub const CATALOG_NEXT: &str = "5af558f9b1601fdbe2f990a5639c177da74ff7f7";
pub const ORDERS_NEW: &str = "fa5cf13d8e6cd560053070344efd23dd37f66dc5";
pub const ORDERS_DB_NEW: &str = "5c7bb03f57e6f83278fc2b9be4b5e889459855fa";
pub const PAYMENTS_NEW: &str = "2c46ebdd91eba18c13818212b1d577ef6aaf6bc0";
pub const PAYMENTS_CANARY: &str = "0fbe78850eb14138a10aff1caeff8798bf28a611";
pub const LEDGER_BLOCKED: &str = "54b3e020ba34ae934354449a54c18995051d92d8";

/// The shop on running fakes.
pub struct Shop {
    /// The fakes; they stop when this is dropped.
    pub forge: Forge,
    /// The config repo's project.
    pub project: ProjectHandle,
    now: DateTime<Utc>,
}

/// A publisher and the channel that it publishes to.
pub struct Publisher<'a> {
    pub channel: &'a str,
    pub saas_file: &'a str,
    pub template: &'a str,
    pub cluster: &'a str,
    pub namespace: &'a str,
}

/// The publisher of each channel of the shop.
pub const PUBLISHERS: [Publisher<'static>; 6] = [
    Publisher {
        channel: "catalog-stage",
        saas_file: "saas-catalog",
        template: "catalog-api",
        cluster: "stage01",
        namespace: "catalog-stage",
    },
    Publisher {
        channel: "catalog-canary",
        saas_file: "saas-catalog",
        template: "catalog-api",
        cluster: "prod01",
        namespace: "catalog-canary",
    },
    Publisher {
        channel: "orders-stage",
        saas_file: "saas-orders",
        template: "orders-api",
        cluster: "stage01",
        namespace: "orders-stage",
    },
    Publisher {
        channel: "payments-stage",
        saas_file: "saas-payments",
        template: "payments-api",
        cluster: "stage01",
        namespace: "payments-stage",
    },
    Publisher {
        channel: "payments-canary",
        saas_file: "saas-payments",
        template: "payments-api",
        cluster: "prod01",
        namespace: "payments-canary",
    },
    Publisher {
        channel: "ledger-stage",
        saas_file: "saas-payments",
        template: "payments-ledger",
        cluster: "stage01",
        namespace: "payments-stage",
    },
];

impl Shop {
    /// Starts the fakes and fills them, as of `now`.
    pub async fn start(now: DateTime<Utc>) -> Self {
        Self::start_with(now, None).await
    }

    /// Starts with another Prometheus than the fake.
    pub async fn start_with(now: DateTime<Utc>, prometheus: Option<&str>) -> Self {
        let forge = Forge::builder().bucket(BUCKET).start().await;
        let own = forge.prometheus_url();
        let files = config_repo(&forge.gitlab_url(), prometheus.unwrap_or(&own));
        let project = forge.create_project(PROJECT, files);
        project.add_bot("sapm-bot", TOKEN, Access::Developer, &["api"]);
        let shop = Self { forge, project, now };
        shop.code();
        shop.deployments();
        let expression = "sum(rate(payments_fast[28d])) / sum(rate(payments_all[28d]))";
        shop.forge.set_prometheus(expression, PromAnswer::Value(0.93));
        shop
    }

    /// Tips of the code repositories.
    fn code(&self) {
        let made = |hours: i64, sha: &str, subject: &str| {
            let mut commit = CommitInfo::new(sha);
            commit.message = subject.to_owned();
            commit.date = self.now - TimeDelta::hours(hours);
            commit
        };
        let commit = |sha: &str, subject: &str| made(30, sha, subject);
        let github = [
            ("example-shop/catalog", CATALOG_NEW, "Show pictures in search results"),
            ("example-shop/payments", PAYMENTS_NEW, "Take vouchers"),
            ("example-shop/payments-ledger", LEDGER_BLOCKED, "Round refunds"),
        ];
        for (repo, sha, subject) in github {
            self.forge.set_github_ref(repo, "main", commit(sha, subject));
        }
        let earlier = made(100, CATALOG_OLD, "Find misspelled words");
        self.forge.set_github_ref("example-shop/catalog", "v1", earlier);
        self.forge.set_gitlab_ref(
            "example-shop/orders",
            "main",
            commit(ORDERS_NEW, "Print on both sides"),
        );
        self.forge.set_gitlab_ref(
            "example-shop/orders-db",
            "release-2",
            commit(ORDERS_DB_NEW, "Add an index"),
        );
    }

    /// Deployment records: all publishers except the database's have deployed.
    fn deployments(&self) {
        let day_ago = self.now - TimeDelta::hours(26);
        self.deploy("catalog-stage", CATALOG_NEW, true, day_ago);
        self.deploy("catalog-canary", CATALOG_OLD, true, self.now - TimeDelta::days(3));
        self.deploy("orders-stage", ORDERS_NEW, true, day_ago);
        self.deploy("payments-stage", PAYMENTS_NEW, true, day_ago);
        self.deploy("payments-canary", PAYMENTS_CANARY, true, day_ago);
        self.deploy("ledger-stage", LEDGER_BLOCKED, true, day_ago);
    }

    /// The time that its records and commits count from.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Key of the record of a commit on the publisher of a channel.
    pub fn record_key(channel: &str, sha: &str) -> String {
        let publisher = PUBLISHERS
            .iter()
            .find(|publisher| publisher.channel == channel)
            .expect("a channel of the shop");
        let uid = TargetIdentity {
            saas_file: publisher.saas_file,
            resource_template: publisher.template,
            target: None,
            cluster: publisher.cluster,
            namespace: publisher.namespace,
        }
        .uid(UidDigest::Blake2s);
        format!("state/openshift-saas-deploy/promotions_v2/{channel}/{uid}/{sha}")
    }

    /// Writes the record of a deployment.
    pub fn deploy(&self, channel: &str, sha: &str, success: bool, at: DateTime<Utc>) {
        let publisher = PUBLISHERS
            .iter()
            .find(|publisher| publisher.channel == channel)
            .expect("a channel of the shop");
        let record = serde_json::json!({
            "success": success,
            "target_config_hash": "5ca1ab1e5ca1ab1e",
            "saas_file": publisher.saas_file,
            "check_in": at.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string(),
            "has_succeeded_once": success,
        });
        self.forge.put_object(BUCKET, &Self::record_key(channel, sha), record.to_string());
    }

    /// Adds the URL of the deployment job to a record.
    pub fn link_job(&self, channel: &str, sha: &str, url: impl Into<serde_json::Value>) {
        let key = Self::record_key(channel, sha);
        let stored = self.forge.get_object(BUCKET, &key).expect("a record");
        let mut record: serde_json::Value = serde_json::from_slice(&stored).expect("JSON");
        record["url"] = url.into();
        self.forge.put_object(BUCKET, &key, record.to_string());
    }

    /// Gives the catalog's stage a new commit that is deployed successfully.
    pub fn next_catalog(&self) {
        let mut commit = CommitInfo::new(CATALOG_NEXT);
        commit.message = "Show prices in search results".to_owned();
        self.forge.set_github_ref("example-shop/catalog", "main", commit);
        self.deploy("catalog-stage", CATALOG_NEXT, true, self.now - TimeDelta::minutes(5));
    }

    /// The environment that points `sapm` to the shop.
    pub fn environment(&self) -> BTreeMap<String, String> {
        [
            ("SAPM_APP_INTERFACE", format!("{}/{PROJECT}.git", self.forge.gitlab_url())),
            ("SAPM_GITLAB_URL", self.forge.gitlab_url()),
            ("SAPM_GITLAB_TOKEN", TOKEN.to_owned()),
            ("SAPM_GITHUB_URL", self.forge.github_url()),
            // Its Prometheus and git host are on this machine, which datafiles may otherwise not use.
            ("SAPM_ALLOWED_HOSTS", "127.0.0.1".to_owned()),
            ("SAPM_STATE", format!("s3://{BUCKET}")),
            ("AWS_ENDPOINT_URL_S3", self.forge.s3_endpoint()),
            ("AWS_ACCESS_KEY_ID", self.forge.s3_keys().0.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.forge.s3_keys().1.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}

/// The config repo's files, with the URLs of the fakes.
fn config_repo(gitlab: &str, prometheus: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/config-repo");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the demo's config repo") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a text");
            let text = text.replace("GITLAB_URL", gitlab).replace("PROMETHEUS_URL", prometheus);
            let name = path.strip_prefix(&root).expect("below the root");
            files.push((name.to_string_lossy().into_owned(), text));
        }
    }
    files.sort();
    files
}
