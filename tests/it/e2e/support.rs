//! Runs `sapm` in a shop, and reads the results.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, Utc};
use forge::{Access, Entry, Forge, MergeRequest, ProjectHandle, Service};
use serde_json::Value;
use tempfile::TempDir;

use crate::shop::{BUCKET, PROJECT, Shop};

pub const CANARY: &str = "saas-catalog/catalog-api/prod01/catalog-canary";
pub const PRODUCTION: &str = "saas-catalog/catalog-api/prod01/catalog-production";
pub const INDEX: &str = "saas-catalog/catalog-index/prod01/catalog-production";
pub const ORDERS: &str = "saas-orders/orders-api/prod01/orders-production";
pub const ORDERS_DB: &str = "saas-orders/orders-db/prod01/orders-production";
pub const MAIL: &str = "saas-orders/orders-mail/prod01/orders-canary";
pub const PRINT: &str = "saas-orders/orders-print/prod01/orders-canary";
pub const PAYMENTS: &str = "saas-payments/payments-api/prod01/payments-production";
pub const REPORTING: &str = "saas-payments/payments-api/reporting/prod01/payments-production";
pub const REGIONAL: &str = "saas-payments/payments-api/regional/prod01/payments-eu";
pub const REGIONAL_US: &str = "saas-payments/payments-api/regional/prod01/payments-us";
pub const LEDGER: &str = "saas-payments/payments-ledger/prod01/payments-production";

pub const CATALOG_FILE: &str = "data/services/catalog/cicd/saas.yml";
pub const ORDERS_FILE: &str = "data/services/orders/cicd/saas.yml";
pub const ORDERS_TARGET_FILE: &str = "data/services/orders/cicd/targets/canary.yml";
pub const PAYMENTS_FILE: &str = "data/services/payments/cicd/saas.yml";

/// Prefix of all branches of the bot.
pub const PREFIX: &str = "auto-promoter-v2/";
/// Key of the state export.
pub const EXPORT: &str = "state/saas-auto-promotions-manager/publisher-data.json";

/// A shop of its own, and a folder for the output of the runs.
pub struct World {
    pub shop: Shop,
    pub folder: TempDir,
}

impl World {
    pub fn start() -> Self {
        Self::start_at(Utc::now())
    }

    pub fn start_at(now: DateTime<Utc>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let shop = runtime.block_on(Shop::start(now));
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { shop, folder }
    }

    pub fn forge(&self) -> &Forge {
        &self.shop.forge
    }

    pub fn project(&self) -> &ProjectHandle {
        &self.shop.project
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `sapm COMMAND` with only the shop's environment.
    pub fn sapm(&self, command: &str) -> Sapm {
        let mut sapm = Command::new(env!("CARGO_BIN_EXE_sapm"));
        sapm.arg(command)
            .env_clear()
            .envs(self.shop.environment())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.path("tmp"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        Sapm(sapm)
    }

    /// Runs `sapm apply` successfully, with a log of only this run. It writes one merge request after the other, so
    /// that their numbers are always the same.
    pub fn apply(&self) -> Ran {
        self.forge().clear_log();
        self.sapm("apply").env("SAPM_CONCURRENCY", "1").expect(0)
    }

    /// The plan of a successful `sapm apply`.
    pub fn apply_json(&self) -> Plan {
        self.forge().clear_log();
        self.sapm("apply").args(["--format", "json"]).expect(0).plan()
    }

    /// The newest merge request of a target.
    #[track_caller]
    pub fn request(&self, label: &str) -> MergeRequest {
        let all = self.project().merge_requests();
        let found = all.into_iter().rev().find(|request| request.title.contains(label));
        found.unwrap_or_else(|| panic!("no merge request is about {label}"))
    }

    /// A person replaces a text, which occurs once, in a file on main.
    #[track_caller]
    pub fn edit(&self, path: &str, old: &str, new: &str) -> String {
        let text = self.text("main", path);
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {path}");
        let text = text.replacen(old, new, 1);
        self.project().commit("alice", "main", "A change\n", [(path, Some(text))])
    }

    /// A file's text at a branch or commit.
    #[track_caller]
    pub fn text(&self, rev: &str, path: &str) -> String {
        let bytes = self.project().file(rev, path).unwrap_or_else(|| panic!("no {path} at {rev}"));
        String::from_utf8(bytes).unwrap()
    }

    /// The bot's branches.
    pub fn branches(&self) -> Vec<String> {
        let all = self.project().branches().into_keys();
        all.filter(|branch| branch.starts_with(PREFIX)).collect()
    }

    /// The writes of the log as `METHOD path`.
    pub fn writes(&self) -> Vec<String> {
        let writes = self.forge().writes();
        writes.iter().map(|entry| format!("{} {}", entry.method, entry.path)).collect()
    }

    /// Number of writes to the bucket.
    pub fn puts(&self) -> usize {
        self.count(|entry| entry.service == Service::S3 && entry.method == "PUT")
    }

    /// Number of matching requests in the log.
    pub fn count(&self, such: impl Fn(&Entry) -> bool) -> usize {
        self.forge().log().iter().filter(|entry| such(entry)).count()
    }

    /// The state export.
    pub fn export(&self) -> Value {
        let bytes = self.forge().get_object(BUCKET, EXPORT).expect("the state export");
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Checks that neither GitLab nor the bucket was written to.
    #[track_caller]
    pub fn assert_nothing_written(&self) {
        assert_eq!(self.writes(), Vec::<String>::new());
        assert_eq!(self.puts(), 0);
    }

    /// The plan with a token that cannot use git: it reads branches through the API, and starts from a checkout.
    pub fn plan_by_api(&self, checkout: &Path) -> Plan {
        let token = "glpat-reader";
        self.project().add_bot("reader", token, Access::Reporter, &["read_api"]);
        let run = self.sapm("plan").args(["--format", "json", "--bot-user", "sapm-bot"]);
        run.env("SAPM_APP_INTERFACE", checkout).env("SAPM_GITLAB_TOKEN", token).expect(0).plan()
    }

    /// A checkout of main whose `origin` is GitLab.
    pub fn checkout(&self) -> PathBuf {
        let path = self.path("checkout");
        let bare = self.project().repository_dir();
        let repo = git2::Repository::clone(bare.to_str().unwrap(), &path).unwrap();
        let url = format!("{}/{PROJECT}.git", self.forge().gitlab_url());
        repo.remote_set_url("origin", &url).unwrap();
        path
    }

    /// Checks another commit out.
    pub fn detach(&self, checkout: &Path, commit: &str) {
        let repo = git2::Repository::open(checkout).unwrap();
        let id = git2::Oid::from_str(commit).unwrap();
        repo.set_head_detached(id).unwrap();
        repo.checkout_head(Some(git2::build::CheckoutBuilder::new().force())).unwrap();
    }
}

/// A call of `sapm` under construction.
pub struct Sapm(Command);

impl Sapm {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.0.args(args);
        self
    }

    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(key, value);
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.0.env_remove(key);
        self
    }

    /// Runs it with standard output in a file.
    #[track_caller]
    pub fn printing_to(mut self, file: std::fs::File) {
        assert!(self.0.stdout(file).stderr(Stdio::null()).status().unwrap().success());
    }

    /// Starts it, ignoring its output.
    pub fn start(mut self) -> Child {
        self.0.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts it with its log in a pipe.
    pub fn start_with_log(mut self) -> Child {
        self.0.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn run(mut self) -> Ran {
        let output = self.0.output().unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs it and checks the exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Ran {
        let ran = self.run();
        assert_eq!(ran.code, Some(code), "{}\n{}", ran.out, ran.err);
        ran
    }
}

/// The result of a call.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Standard output, which must be JSON only.
    #[track_caller]
    pub fn plan(&self) -> Plan {
        Plan(serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out)))
    }
}

/// A plan in its public form.
pub struct Plan(pub Value);

impl Plan {
    pub fn read(path: &Path) -> Self {
        Self(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    }

    pub fn list(&self, key: &str) -> &Vec<Value> {
        self.0[key].as_array().expect("a list")
    }

    /// `decision`, or `decision by gate`, by the targets' labels.
    pub fn decisions(&self) -> BTreeMap<String, String> {
        let line = |subscriber: &Value| {
            let decision = text(&subscriber["decision"]);
            let decision = match subscriber["held_by"].as_str() {
                Some(gate) => format!("{decision} by {gate}"),
                None => decision,
            };
            (label(subscriber), decision)
        };
        self.list("subscribers").iter().map(line).collect()
    }

    /// The decision on a target.
    #[track_caller]
    pub fn decision(&self, label: &str) -> String {
        self.decisions().remove(label).unwrap_or_else(|| panic!("no subscriber {label}"))
    }

    /// `action: reason_code` of the one request about a target.
    #[track_caller]
    pub fn action(&self, label: &str) -> String {
        let request = self.request(label);
        format!("{}: {}", text(&request["action"]), text(&request["reason_code"]))
    }

    /// All actions, sorted.
    pub fn actions(&self) -> Vec<String> {
        let mut all: Vec<_> =
            self.list("merge_requests").iter().map(|r| text(&r["action"])).collect();
        all.sort();
        all
    }

    /// The one request about a target.
    #[track_caller]
    pub fn request(&self, label: &str) -> &Value {
        let about = |request: &&Value| text(&request["title"]).contains(label);
        let found: Vec<_> = self.list("merge_requests").iter().filter(about).collect();
        assert_eq!(found.len(), 1, "requests about {label}: {found:?}");
        found[0]
    }

    /// The problems as `severity code`, in their order.
    pub fn problems(&self) -> Vec<String> {
        let line = |p: &Value| format!("{} {}", text(&p["severity"]), text(&p["code"]));
        self.list("problems").iter().map(line).collect()
    }

    /// The one problem with this code.
    #[track_caller]
    pub fn problem(&self, code: &str) -> &Value {
        let found: Vec<_> = self.list("problems").iter().filter(|p| p["code"] == code).collect();
        assert_eq!(found.len(), 1, "{code}: {:?}", self.list("problems"));
        found[0]
    }
}

/// A JSON text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// `saas-file/resource-template[/name]/cluster/namespace`.
pub fn label(target: &Value) -> String {
    let parts = ["saas_file", "resource_template", "target", "cluster", "namespace"];
    let parts: Vec<&str> = parts.iter().filter_map(|part| target[*part].as_str()).collect();
    parts.join("/")
}

/// Replaces what differs from run to run by names: addresses, times, time spans.
pub fn normalise(text: &str, forge: &Forge) -> String {
    let named = text
        .replace(&forge.gitlab_url(), "GITLAB")
        .replace(&forge.prometheus_url(), "PROMETHEUS")
        .replace(&forge.github_url(), "GITHUB");
    let time = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( ?UTC|Z)?";
    let time = fancy_regex::Regex::new(time).unwrap().replace_all(&named, "TIME").into_owned();
    let span = fancy_regex::Regex::new(r"\d+ h \d+ min|(?<=soaked for )\d+\.\d(?= of)").unwrap();
    span.replace_all(&time, "SPAN").into_owned()
}

/// All files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}
