//! From an empty folder to a merged promotion, by the commands of docs/set-up.md ("I start from nothing"), on the fakes.
//!
//! Each command is printed as a person types it, with its output and the time that it took.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use forge::{Access, CommitInfo, Forge};

use crate::headline;

const PROJECT: &str = "service/my-config";
const COMMIT: &str = "9705190ced53cafa7066f65786fc6d00876035ae";
/// Tells git the token of the person who pushes, without showing it in a list of processes.
const CREDENTIALS: &str = "!f() { echo username=oauth2; echo \"password=$PUSH_TOKEN\"; }; f";

/// What the commands run in.
struct Terminal {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
    spent: Duration,
}

/// Plays all of it.
pub fn play(sapm: &Path) {
    let forge = Forge::builder().bucket("my-state").start_blocking();
    forge.configure(|settings| settings.allow_git_push = true);
    let none: [(String, Vec<u8>); 0] = [];
    let project = forge.create_project(PROJECT, none);
    project.add_member("alice", Access::Maintainer);
    forge.add_token("alice", "glpat-alice", &["api", "write_repository"]);
    project.add_bot("sapm-bot", "glpat-bot", Access::Developer, &["api"]);
    forge.set_gitlab_ref("shop/shop", "main", CommitInfo::new(COMMIT));
    let mut terminal = Terminal::open(&forge, sapm);

    headline("1. The config repo");
    terminal.run("sapm init my-config --gitlab-url $SAPM_GITLAB_URL --gitlab-project service/my-config --state $SAPM_STATE");
    terminal.run("sapm validate --app-interface my-config");
    terminal.run("git -C my-config init --quiet --initial-branch main");
    terminal.run("git -C my-config add . && git -C my-config commit --quiet --message Start");
    terminal.run("git -C my-config push --quiet $SAPM_APP_INTERFACE main");

    headline("2. Before the first deployment, nothing is promoted");
    terminal.run("sapm apply");
    terminal.run("sapm explain shop-production");

    headline(
        "3. A deployment of stage reports itself (two days ago, so that the soak time is over)",
    );
    let at = (Utc::now() - TimeDelta::days(2)).format("%Y-%m-%dT%H:%M:%SZ");
    terminal.run(&format!("sapm record shop-stage --commit {COMMIT} --succeeded --at {at}"));

    headline("4. The scheduled job opens a merge request, and a person merges it");
    terminal.run("sapm apply");
    for open in project.open_merge_requests() {
        project.merge("alice", open.iid).expect("a clean merge");
        println!("alice merges !{}: {}\n", open.iid, open.title);
    }

    headline("5. Nothing is left to do");
    forge.clear_log();
    terminal.run("sapm apply");
    println!("write requests in this run: {}", forge.writes().len());
    println!("all commands together: {:.1} s", terminal.spent.as_secs_f64());
}

impl Terminal {
    fn open(forge: &Forge, sapm: &Path) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let own = sapm.parent().expect("a folder").display();
        let (key, secret) = forge.s3_keys();
        let variables = vec![
            ("PATH", format!("{own}:{path}")),
            ("SAPM_LOG", "warn".to_owned()),
            ("SAPM_GITLAB_URL", forge.gitlab_url()),
            ("SAPM_APP_INTERFACE", format!("{}/{PROJECT}.git", forge.gitlab_url())),
            ("SAPM_GITLAB_TOKEN", "glpat-bot".to_owned()),
            ("SAPM_STATE", "s3://my-state".to_owned()),
            ("AWS_ENDPOINT_URL_S3", forge.s3_endpoint()),
            ("AWS_ACCESS_KEY_ID", key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("PUSH_TOKEN", "glpat-alice".to_owned()),
            ("GIT_CONFIG_COUNT", "3".to_owned()),
            ("GIT_CONFIG_KEY_0", "credential.helper".to_owned()),
            ("GIT_CONFIG_VALUE_0", CREDENTIALS.to_owned()),
            ("GIT_CONFIG_KEY_1", "user.name".to_owned()),
            ("GIT_CONFIG_VALUE_1", "Alice".to_owned()),
            ("GIT_CONFIG_KEY_2", "user.email".to_owned()),
            ("GIT_CONFIG_VALUE_2", "alice@example.com".to_owned()),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, variables, spent: Duration::ZERO }
    }

    /// Runs a command line, which must succeed.
    fn run(&mut self, line: &str) {
        println!("$ {line}");
        let start = Instant::now();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.folder.path()).env_clear();
        let status = shell.envs(self.variables.iter().cloned()).status().expect("a shell");
        let took = start.elapsed();
        self.spent += took;
        println!("[{:.2} s]\n", took.as_secs_f64());
        assert!(status.success(), "{line}: {status}");
    }
}
