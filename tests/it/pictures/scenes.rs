//! Scenes of the shop, as people see them: merge requests, a note, and the log of a job.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use forge::{Access, MergeRequest};

use crate::ci_templates::shell::script_lines;
use crate::e2e::compare::{change, comments, open_request};
use crate::e2e::support::{CANARY, CATALOG_FILE, MAIL, ORDERS, ORDERS_FILE, REGIONAL, Sapm, World};
use crate::history::{self, GITHUB_TOKEN, ORDERS_EARLIER};
use crate::shop::{BUCKET, PAYMENTS_NEW, PROJECT};

/// The config repo's project, as the pictures name it.
const PROJECT_URL: &str = "https://gitlab.example.com/shop/app-interface";
const READER: &str = "glpat-reads-only";

/// What a picture shows.
pub struct Source {
    /// Name of its file.
    pub name: &'static str,
    /// The text.
    pub text: String,
}

/// Stands for the config repo's commit, which no two runs have in common.
const CONFIG_COMMIT: &str = "b5d9a1c7e03f4682b1d7c9e05a3f6284d1b7c9e0";

/// A text with names in place of the addresses of the fakes, and of what differs from run to run.
#[track_caller]
pub fn publish(world: &World, text: &str) -> String {
    let tip = world.project().tip("main").unwrap();
    let text = text
        .replace(&tip, CONFIG_COMMIT)
        .replace(&tip[..8], &CONFIG_COMMIT[..8])
        .replace(&world.forge().gitlab_url(), "https://gitlab.example.com")
        .replace(&world.forge().github_url(), "https://api.github.com")
        .replace(&world.forge().prometheus_url(), "https://prometheus.example.com")
        .replace(env!("CARGO_BIN_EXE_sapm"), "sapm");
    for own in ["127.0.0.1", env!("CARGO_MANIFEST_DIR"), &*world.folder.path().to_string_lossy()] {
        assert!(!text.contains(own), "{own} is in a picture");
    }
    text
}

/// A shop whose code repositories have commits.
fn shop() -> World {
    let world = World::start();
    history::add(&world.shop);
    world
}

/// `sapm` as the scheduled job calls it.
fn scheduled(world: &World) -> Sapm {
    let job = format!("{PROJECT_URL}/-/jobs/4711");
    let apply = world.sapm("apply").env("SAPM_CONCURRENCY", "1");
    let apply = apply.env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN).env("CI_PROJECT_URL", PROJECT_URL);
    let apply = apply.env("CI_COMMIT_BRANCH", "main").env("CI_JOB_NAME", "sapm-apply");
    apply.env("CI_JOB_URL", job).args(["--report-dir", "sapm-report/1"])
}

/// A promotion, one that goes back, and one that a gate holds.
pub fn merge_requests() -> (World, Vec<Source>) {
    let world = shop();
    let now = world.shop.now();
    // The branch of stage is reset to an earlier commit, which is deployed.
    let mut earlier = forge::CommitInfo::new(ORDERS_EARLIER);
    (earlier.message, earlier.date) = ("Print the address on parcels".to_owned(), now);
    world.forge().set_gitlab_ref("example-shop/orders", "main", earlier);
    world.shop.deploy("orders-stage", ORDERS_EARLIER, true, now - chrono::TimeDelta::minutes(40));
    scheduled(&world).expect(0);
    // The next deployment of the same commit fails.
    world.shop.deploy("payments-stage", PAYMENTS_NEW, false, now);
    scheduled(&world).expect(0);
    let sources = [("promotion.md", CANARY), ("rollback.md", MAIL), ("held.md", REGIONAL)];
    let sources = sources.map(|(name, target)| Source { name, text: page(&world.request(target)) });
    (world, sources.into())
}

/// Several promotions in one merge request.
pub fn batch() -> (World, Source) {
    let world = shop();
    scheduled(&world).env("SAPM_BATCH_BY", "all").expect(0);
    let [mr] = &world.project().open_merge_requests()[..] else { panic!("not one batch") };
    let text = page(mr);
    (world, Source { name: "batch.md", text })
}

/// The note on a merge request that changes when services are promoted.
pub fn note() -> (World, Source) {
    let world = shop();
    let (folder, base) = (world.checkout(), world.project().tip("main").unwrap());
    world.project().add_bot("sapm-notes", "glpat-writes-notes", Access::Reporter, &["api"]);
    let title = "Promote orders after a day in stage, and the index at five";
    let iid = open_request(&world, title);
    change(&folder, ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    change(&folder, CATALOG_FILE, "schedule: \"* 4 1 1 *\"", "schedule: \"* 5 * * *\"");
    change(&folder, CATALOG_FILE, "      soakDays: 1\n", "      soakDays: soon\n");
    let plan = world.sapm("plan").env("SAPM_APP_INTERFACE", &folder);
    let plan = plan
        .env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN)
        .env("CI_JOB_URL", format!("{PROJECT_URL}/-/jobs/4720"));
    let plan = plan.args(["--compare-to", &base, "--note-on", &iid.to_string()]);
    plan.env("SAPM_NOTE_TOKEN", "glpat-writes-notes").expect(5);
    let mr = world.project().merge_request(iid).unwrap();
    let [(_, body)] = &comments(&mr)[..] else { panic!("not one note") };
    let text = format!("{}{body}\n", head(&mr, "sapm-notes"));
    (world, Source { name: "note.md", text })
}

/// The log of the job that answers a tenant.
pub fn explanation() -> (World, Source) {
    let world = shop();
    world.project().add_bot(
        "sapm-reader",
        READER,
        Access::Reporter,
        &["read_api", "read_repository"],
    );
    let services = format!(
        "AWS_ENDPOINT_URL_S3={} AWS_EC2_METADATA_DISABLED=true SAPM_GITHUB_URL={} SAPM_ALLOWED_HOSTS=127.0.0.1",
        world.forge().s3_endpoint(),
        world.forge().github_url()
    );
    let inputs = [
        ("command", env!("CARGO_BIN_EXE_sapm")),
        ("gitlab-url", &world.forge().gitlab_url()),
        ("only-in-project", PROJECT),
        ("state", &format!("s3://{BUCKET}")),
        ("bot-user", "sapm-bot"),
        ("environment", &services),
    ];
    let mut script = String::new();
    for line in script_lines("explain", &inputs) {
        let _ = writeln!(script, "printf '\\033[32;1m$ %s\\033[0;m\\n' {}\n{line}", quoted(&line));
    }
    let text = run_job(&world, &script);
    (world, Source { name: "explain.log", text })
}

/// A line of a script as the job's log shows it, quoted for the shell.
fn quoted(line: &str) -> String {
    let shown = match line.trim_end().split_once('\n') {
        Some((first, _)) => format!("{first} # collapsed multi-line command"),
        None => line.to_owned(),
    };
    format!("'{}'", shown.replace('\'', r"'\''"))
}

/// Runs the script of the explain job in a checkout. Returns its log: what it writes to a pipe, as to GitLab's runner.
fn run_job(world: &World, script: &str) -> String {
    let (key, secret) = world.forge().s3_keys();
    let output = Command::new("sh")
        .args(["-e", "-c", &format!("exec 2>&1\n{script}")])
        .env_clear()
        .envs([("GITLAB_CI", "true"), ("SAPM_EXPLAIN", ORDERS), ("SAPM_PLAN_TOKEN", READER)])
        .envs([("SAPM_PLAN_GITHUB_TOKEN", GITHUB_TOKEN), ("AWS_REGION", "us-east-1")])
        .envs([("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)])
        .envs([("CI_DEFAULT_BRANCH", "main"), ("CI_COMMIT_BRANCH", "main"), ("CI_JOB_ID", "4733")])
        .env("TMPDIR", world.path("tmp"))
        .current_dir(world.checkout())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// A merge request, with its description.
fn page(mr: &MergeRequest) -> String {
    format!("{}{}\n", head(mr, "sapm-bot"), mr.description)
}

/// What a page shows around a text that `writer` wrote.
fn head(mr: &MergeRequest, writer: &str) -> String {
    let labels: Vec<&str> = mr.labels.iter().map(String::as_str).collect();
    format!(
        "---\nnumber: {}\ntitle: {}\nlabels: {}\nbranch: {}\nwriter: {writer}\n---\n\n",
        mr.iid,
        mr.title,
        labels.join(", "),
        mr.source_branch
    )
}
