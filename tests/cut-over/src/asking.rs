//! Calls of `sapm preflight` in this process, by the clock of the fakes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use clap::Parser;
use forge::Service;
use sapm::cli::{Cli, Command, preflight};
use sapm::report::{Paint, preflight_junit, preflight_markdown, preflight_text};
use serde_json::Value;

use crate::world::{BUCKET, PROJECT, TOKEN, World};

/// Something that happens at a time.
type Event = (DateTime<Utc>, Box<dyn FnOnce() + Send>);

/// The clock of the fakes: waiting moves it on, and lets happen what is due.
pub struct TestClock {
    world: forge::World,
    events: Mutex<Vec<Event>>,
}

impl TestClock {
    /// Without anything that happens.
    pub fn new(world: &World) -> Self {
        Self { world: world.forge.world(), events: Mutex::default() }
    }

    /// Something happens in so many seconds.
    pub fn after(self, seconds: i64, what: impl FnOnce() + Send + 'static) -> Self {
        let at = self.world.now() + chrono::TimeDelta::seconds(seconds);
        self.events.lock().unwrap().push((at, Box::new(what)));
        self
    }
}

#[async_trait]
impl preflight::Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }

    async fn sleep(&self, time: Duration) {
        let until = self.now() + chrono::TimeDelta::from_std(time).unwrap();
        loop {
            let mut events = self.events.lock().unwrap();
            let next = events.iter().map(|event| event.0).filter(|at| *at <= until).min();
            let Some(at) = next else { break };
            let position = events.iter().position(|event| event.0 == at).unwrap();
            let (_, what) = events.remove(position);
            drop(events);
            self.world.set_time(at);
            what();
        }
        self.world.set_time(until);
    }
}

/// What was answered.
pub struct Asked {
    /// The exit code.
    pub code: u8,
    /// The answer, as JSON.
    pub json: Value,
    /// As plain text.
    pub text: String,
    /// As Markdown.
    pub markdown: String,
    /// As a JUnit document.
    pub junit: String,
    /// Why there is no answer.
    pub error: Option<String>,
}

impl World {
    /// The environment of a job.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let (key, secret) = self.forge.s3_keys();
        [
            ("SAPM_GITLAB_TOKEN", TOKEN),
            ("APP_INTERFACE_STATE_BUCKET", BUCKET),
            ("APP_INTERFACE_STATE_BUCKET_REGION", "us-east-1"),
            ("APP_INTERFACE_STATE_BUCKET_ACCESS_KEY_ID", key),
            ("APP_INTERFACE_STATE_BUCKET_SECRET_ACCESS_KEY", secret),
            ("AWS_ENDPOINT_URL_S3", &self.forge.s3_endpoint()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// Asks twice: both answers must be equal, and neither may have written anything.
    #[track_caller]
    pub fn preflight(&self, args: &[&str]) -> Asked {
        let first = self.ask(args, &self.environment(), &TestClock::new(self));
        let second = self.ask(args, &self.environment(), &TestClock::new(self));
        assert_eq!(first.json, second.json, "the same world, another answer");
        assert_eq!(first.text, second.text);
        first
    }

    /// Asks while the clock of the fakes goes on.
    #[track_caller]
    pub fn preflight_by(&self, args: &[&str], clock: &TestClock) -> Asked {
        self.ask(args, &self.environment(), clock)
    }

    /// Asks in another environment.
    #[track_caller]
    pub fn ask(
        &self,
        args: &[&str],
        environment: &BTreeMap<String, String>,
        clock: &TestClock,
    ) -> Asked {
        let url = format!("{}/{PROJECT}.git", self.forge.gitlab_url());
        let (gitlab, github) = (self.forge.gitlab_url(), self.forge.github_url());
        let always = [
            "sapm",
            "preflight",
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
        let Command::Preflight(args) = cli.command else { panic!("another command") };
        self.forge.settle();
        self.forge.clear_log();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(preflight::answer(&args, environment, clock));
        self.assert_only_read();
        let asked = shown(answer);
        for secret in [TOKEN, self.forge.s3_keys().1] {
            let all = [&asked.text, &asked.markdown, &asked.junit, &asked.json.to_string()];
            assert!(all.iter().all(|text| !text.contains(secret)), "a secret in the output");
        }
        asked
    }

    /// Neither GitLab nor the bucket were written to, and nothing was asked that no GitLab knows.
    #[track_caller]
    fn assert_only_read(&self) {
        let writes = self.forge.writes();
        assert!(writes.is_empty(), "{writes:#?}");
        let puts = self.forge.log().into_iter().filter(|entry| {
            entry.service == Service::S3 && entry.method != "GET" && entry.method != "HEAD"
        });
        assert_eq!(puts.count(), 0, "the bucket was written to");
        self.forge.assert_no_unknown_routes();
    }
}

impl Asked {
    /// A check by its name.
    #[track_caller]
    pub fn check(&self, id: &str) -> &Value {
        let checks = self.json["checks"].as_array().unwrap_or_else(|| panic!("{:?}", self.error));
        let found = checks.iter().find(|check| check["id"] == id);
        found.unwrap_or_else(|| panic!("no check {id}"))
    }

    /// What came out of a check.
    #[track_caller]
    pub fn outcome(&self, id: &str) -> &str {
        self.check(id)["outcome"].as_str().unwrap()
    }

    /// What a check found.
    #[track_caller]
    pub fn summary(&self, id: &str) -> &str {
        self.check(id)["summary"].as_str().unwrap()
    }

    /// What to do about a check.
    #[track_caller]
    pub fn advice(&self, id: &str) -> &str {
        self.check(id)["advice"].as_str().unwrap_or_default()
    }

    /// Names of the checks with an outcome.
    pub fn with(&self, outcome: &str) -> Vec<&str> {
        let checks = self.json["checks"].as_array().unwrap().iter();
        checks
            .filter(|check| check["outcome"] == outcome)
            .map(|c| c["id"].as_str().unwrap())
            .collect()
    }

    /// The open merge requests of the old promoter.
    pub fn old(&self) -> &Vec<Value> {
        self.json["old_requests"].as_array().unwrap()
    }

    /// The answer must be this one.
    #[track_caller]
    pub fn expect(self, code: u8) -> Self {
        assert_eq!(self.code, code, "{}\n{:?}", self.text, self.error);
        self
    }
}

fn shown(answer: Result<preflight::Answer, sapm::cli::Fatal>) -> Asked {
    match answer {
        Ok(answer) => Asked {
            code: preflight::exit_of(&answer.report) as u8,
            json: serde_json::from_str(&answer.report.to_json()).unwrap(),
            text: preflight_text(&answer.report, Paint::Plain),
            markdown: preflight_markdown(&answer.report),
            junit: preflight_junit(&answer.report),
            error: None,
        },
        Err(fatal) => Asked {
            code: fatal.exit as u8,
            json: Value::Null,
            text: String::new(),
            markdown: String::new(),
            junit: String::new(),
            error: Some(fatal.for_people()),
        },
    }
}
