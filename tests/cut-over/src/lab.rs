//! Days of `sapm shadow` in this process: runs every ten minutes beside an old promoter.

use std::cell::RefCell;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use forge::old_bots::{OldSapm, Promotion, dump};
use sapm::cli::{Cli, Command, shadow};
use sapm::report::{Paint, shadow_junit, shadow_markdown, shadow_metrics, shadow_text};
use sapm::shadow::{Ledger, Observed};
use serde_json::Value;
use tempfile::TempDir;

use crate::asking::TestClock;
use crate::world::{BUCKET, OLD_BOT, PROJECT, World};

/// The evening before the day that tests are about.
pub const EVENING: &str = "2026-03-01T22:00:00Z";
/// From one run to the next, in minutes.
const STEP: i64 = 10;

/// A world, its old promoter, and the ledger of what happens in it.
pub struct Lab {
    /// The world.
    pub world: World,
    /// The old promoter.
    pub sapm: RefCell<OldSapm>,
    /// Where the ledger is.
    pub folder: TempDir,
    /// Does the old promoter write its export?
    pub alive: RefCell<bool>,
    observed: RefCell<Option<Observed>>,
}

/// A comparison.
pub struct Shadowed {
    /// The exit code.
    pub code: u8,
    /// The report as JSON.
    pub json: Value,
    /// As plain text.
    pub text: String,
    /// As Markdown.
    pub markdown: String,
    /// As a JUnit document.
    pub junit: String,
    /// As metrics.
    pub metrics: String,
    /// Why there is none.
    pub error: Option<String>,
}

impl Lab {
    /// Files as the old promoter's dumper leaves them, and half a night in which nothing happens: it is ten o'clock.
    pub fn start(apps: usize) -> Self {
        Self::prepared(apps, |_| {})
    }

    /// The same with a config repo that was changed before the first run.
    pub fn prepared(apps: usize, change: impl FnOnce(&World)) -> Self {
        let world = World::start(apps);
        world.forge.set_time(EVENING.parse().unwrap());
        (0..apps).for_each(|app| world.release(app, 0));
        change(&world);
        for app in 0..apps {
            let path = World::path(app);
            world.commit(&path, &dump(&world.text(&path)));
        }
        let sapm = RefCell::new(OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET));
        let folder = tempfile::tempdir().unwrap();
        let lab =
            Self { world, sapm, folder, alive: RefCell::new(true), observed: RefCell::default() };
        lab.run();
        lab.idle(12 * 60);
        lab
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }

    /// A run that is recorded.
    #[track_caller]
    pub fn run(&self) -> Shadowed {
        self.run_with(&[])
    }

    /// The same with more options.
    #[track_caller]
    pub fn run_with(&self, args: &[&str]) -> Shadowed {
        if *self.alive.borrow() {
            self.world.ago(2, |world| self.sapm.borrow().export(&world.export()));
        }
        let folder = self.folder.path().display().to_string();
        let args: Vec<&str> = ["--shadow-dir", &folder].iter().chain(args).copied().collect();
        self.shadow(&args)
    }

    /// A call with these options alone.
    #[track_caller]
    pub fn shadow(&self, args: &[&str]) -> Shadowed {
        let url = format!("{}/{PROJECT}.git", self.world.forge.gitlab_url());
        let (gitlab, github) = (self.world.forge.gitlab_url(), self.world.forge.github_url());
        let always = [
            "sapm",
            "shadow",
            "--app-interface",
            &url,
            "--gitlab-url",
            &gitlab,
            "--github-url",
            &github,
            "--allowed-hosts",
            "127.0.0.1",
            "--concurrency",
            "4",
        ];
        let cli = Cli::try_parse_from(always.iter().chain(args)).unwrap();
        let Command::Shadow(args) = cli.command else { panic!("another command") };
        self.world.forge.settle();
        self.world.forge.clear_log();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let environment = self.world.environment();
        let clock = TestClock::new(&self.world);
        let answer = runtime.block_on(shadow::answer(&args, &environment, &clock));
        let writes = self.world.forge.writes();
        assert!(writes.is_empty(), "{writes:#?}");
        self.world.forge.assert_no_unknown_routes();
        match answer {
            Ok(answer) => {
                shadow::save(&args, &answer).unwrap();
                let shown = Shadowed::of(&answer);
                if answer.observed.is_some() {
                    *self.observed.borrow_mut() = answer.observed;
                }
                shown
            }
            Err(fatal) => Shadowed::failed(fatal.exit as u8, fatal.for_people()),
        }
    }

    /// Runs every ten minutes in which nothing changes.
    pub fn idle(&self, minutes: i64) {
        let mut ledger = self.ledger();
        let mut run = self.observed.borrow().clone().expect("a run");
        run.merge_requests.clear();
        for _ in 0..minutes / STEP {
            self.world.pass(STEP);
            run.at = self.now();
            for watched in run.targets.values_mut() {
                (watched.interval.from, watched.interval.to) = (run.at, run.at);
            }
            if *self.alive.borrow() {
                run.export_written_at = Some(run.at - TimeDelta::minutes(2));
            }
            ledger.record(&run);
        }
        std::fs::write(self.folder.path().join("ledger.json"), ledger.to_json()).unwrap();
    }

    /// The ledger as it is on disk.
    pub fn ledger(&self) -> Ledger {
        let bytes = std::fs::read(self.folder.path().join("ledger.json")).unwrap();
        Ledger::from_json(&bytes, Some(PROJECT)).unwrap()
    }

    /// The old promoter opens a merge request.
    pub fn open(&self, batch: &[Promotion]) -> u64 {
        self.sapm.borrow_mut().open(batch)
    }

    /// The old promoter opens one that people merge half an hour later, with runs between.
    pub fn promote(&self, batch: &[Promotion]) -> u64 {
        let iid = self.open(batch);
        self.run();
        self.idle(30);
        self.world.project.merge("alice", iid).unwrap();
        self.run();
        iid
    }

    /// A file below the ledger's folder.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path: &Path = self.folder.path();
        let path = path.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Shadowed {
    fn of(answer: &shadow::Answer) -> Self {
        let report = &answer.report;
        Self {
            code: shadow::exit_of(report) as u8,
            json: serde_json::from_str(&report.to_json()).unwrap(),
            text: shadow_text(report, Paint::Plain),
            markdown: shadow_markdown(report),
            junit: shadow_junit(report),
            metrics: shadow_metrics(report),
            error: None,
        }
    }

    fn failed(code: u8, error: String) -> Self {
        let empty = String::new;
        Self {
            code,
            json: Value::Null,
            text: empty(),
            markdown: empty(),
            junit: empty(),
            metrics: empty(),
            error: Some(error),
        }
    }

    /// All moves as `app class reasons`.
    pub fn moves(&self) -> Vec<String> {
        let moves = self.json["moves"].as_array().unwrap_or_else(|| panic!("{:?}", self.error));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |one: &Value| {
            let label = text(&one["label"]);
            let app = label.split('/').next().unwrap_or_default().replace("saas-", "");
            let reasons: Vec<String> = one["reasons"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reason| text(&reason["code"]))
                .collect();
            format!("{app} {} {}", text(&one["class"]), reasons.join(" ")).trim_end().to_owned()
        };
        let mut lines: Vec<String> = moves.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// What today comes to.
    pub fn verdict(&self) -> &str {
        self.json["verdict"].as_str().unwrap_or("none")
    }

    /// How many moves nothing explains.
    pub fn unexplained(&self) -> usize {
        let moves = self.json["moves"].as_array().unwrap().iter();
        moves.filter(|one| one["explained"] == false).count()
    }
}
