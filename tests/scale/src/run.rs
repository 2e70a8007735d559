//! One run of the program, measured from outside and by its own metrics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use forge::{Entry, Service};
use scale::{Filled, wait};

/// How to run it.
pub struct Run<'a> {
    pub sapm: &'a Path,
    pub filled: &'a Filled,
    pub cache: Option<PathBuf>,
    pub report: PathBuf,
    pub concurrency: usize,
    pub with: Vec<String>,
    /// As this node (from 1) of so many.
    pub node: Option<(usize, usize)>,
}

/// What a stage took, by the program's own metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stage {
    pub wall: f64,
    pub cpu: f64,
    /// Bytes.
    pub peak: f64,
}

/// What a run took.
pub struct Ran {
    pub wall: Duration,
    /// Processor time, of the process as the system counts it.
    pub cpu: Duration,
    /// Bytes.
    pub peak: u64,
    /// From the start of the process.
    pub first_mr: Duration,
    /// In the order that they were run.
    pub stages: Vec<(String, Stage)>,
    /// Requests and bytes of answers by kind.
    pub traffic: BTreeMap<&'static str, (usize, usize)>,
    /// Datafiles seen and parsed.
    pub datafiles: (u64, u64),
}

const STAGES: [&str; 6] = ["load", "observe", "plan", "apply", "export", "report"];

impl Run<'_> {
    /// `sapm apply`, which has to go well.
    pub fn go(&self) -> Ran {
        self.command("apply").go()
    }

    /// Another command.
    pub fn command(&self, command: &'static str) -> Started<'_> {
        Started { run: self, command }
    }
}

/// A command that is about to be run.
pub struct Started<'a> {
    run: &'a Run<'a>,
    command: &'static str,
}

impl Started<'_> {
    /// Runs it to its end.
    pub fn go(&self) -> Ran {
        let run = self.run;
        let temporary = run.report.with_file_name("tmp");
        std::fs::create_dir_all(&temporary).unwrap();
        let mut command = Command::new(run.sapm);
        command
            .arg(self.command)
            .args(&run.with)
            .env_clear()
            .envs(run.filled.environment())
            .env("SAPM_REPORT_DIR", &run.report)
            .env("SAPM_CONCURRENCY", run.concurrency.to_string())
            .env("TMPDIR", &temporary)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(cache) = &run.cache {
            command.env("SAPM_CACHE_DIR", cache);
        }
        if let Some((index, total)) = run.node {
            command.env("CI_NODE_INDEX", index.to_string()).env("CI_NODE_TOTAL", total.to_string());
        }
        run.filled.forge.clear_log();
        let start = Instant::now();
        let child = command.spawn().expect("sapm starts");
        let (status, cpu, peak) = wait(child);
        let wall = start.elapsed();
        assert_eq!(status, 0, "sapm {} ended with wait status {status}", self.command);
        let log = run.filled.forge.log();
        let metrics = std::fs::read_to_string(run.report.join("metrics.txt")).unwrap();
        let metric = |name: &str| {
            let line = metrics.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        };
        let stage = |kind: &str, stage: &str| metric(&format!("{kind}{{stage=\"{stage}\"}}"));
        let stages = STAGES.iter().filter_map(|name| {
            let wall = stage("sapm_stage_duration_seconds", name)?;
            let cpu = stage("sapm_stage_cpu_seconds", name).unwrap_or(0.0);
            let peak = stage("sapm_stage_peak_memory_bytes", name).unwrap_or(0.0);
            Some(((*name).to_owned(), Stage { wall, cpu, peak }))
        });
        let files =
            |state| metric(&format!("sapm_datafiles{{state=\"{state}\"}}")).unwrap_or(0.0) as u64;
        let first = log.iter().map(|entry| entry.arrived).min();
        Ran {
            wall,
            cpu,
            peak,
            first_mr: first.map_or(Duration::ZERO, |first| first - start),
            stages: stages.collect(),
            traffic: traffic(&log),
            datafiles: (files("seen"), files("parsed")),
        }
    }
}

fn traffic(log: &[Entry]) -> BTreeMap<&'static str, (usize, usize)> {
    let mut found = BTreeMap::new();
    for entry in log {
        let kind = match entry.service {
            Service::GitLab if entry.path.contains(".git/") => "clone",
            Service::GitLab if entry.is_write() => "gitlab writes",
            Service::GitLab
                if entry.path.contains("/repository/commits/main")
                    || entry.path == "/api/graphql" =>
            {
                "gitlab commits"
            }
            Service::GitLab => "gitlab",
            Service::GitHub => "github",
            Service::S3 if entry.path.contains("/promotions_v2/") => "records",
            Service::S3 => "state export",
            Service::Prometheus => "prometheus",
            Service::Git => "git hosts",
        };
        let (requests, bytes) = found.entry(kind).or_insert((0, 0));
        *requests += 1;
        *bytes += entry.response_bytes;
    }
    found
}
