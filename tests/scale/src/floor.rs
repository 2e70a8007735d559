//! The minimum cost of a run.

use std::time::Instant;

use sapm::app_interface::{Sniff, sniff_schema};
use scale::{Estate, Needs, Urls};
use yaml11::{Limits, Tree};

use crate::Scenario;

/// How fast this machine parses datafiles in this run, with one thread.
pub struct Speeds {
    pub files: usize,
    pub bytes: u64,
    /// Bytes of files with a schema that promotions depend on.
    pub needed_bytes: u64,
    /// Bytes per second of the search for `$schema`.
    pub sniffed: f64,
    /// Bytes per second of the parser.
    pub parsed: f64,
}

const NEEDED: [&str; 7] = [
    "/app-sre/saas-file-2.yml",
    "/app-sre/saas-file-target-1.yml",
    "/app-sre/app-1.yml",
    "/openshift/namespace-1.yml",
    "/openshift/cluster-1.yml",
    "/app-sre/environment-1.yml",
    "/app-sre/slo-document-1.yml",
];

impl Speeds {
    /// Reads every file of the estate from memory, three times: the fastest counts.
    pub fn measure(estate: &Estate) -> Self {
        let files = estate.files(&Urls::default());
        let bytes: u64 = files.values().map(|text| text.len() as u64).sum();
        let mut needed = Vec::new();
        let (mut sniffing, mut parsing) = (f64::MAX, f64::MAX);
        for _ in 0..3 {
            let start = Instant::now();
            needed = files
                .values()
                .filter(|text| match sniff_schema(text.as_bytes()) {
                    Sniff::Found(schema) => NEEDED.contains(&&*schema),
                    Sniff::None => false,
                    Sniff::Unknown => true,
                })
                .collect();
            sniffing = sniffing.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            for text in &needed {
                let tree = Tree::parse(text.as_bytes(), &Limits::default());
                assert!(std::hint::black_box(tree).is_ok(), "a file of the estate is broken");
            }
            parsing = parsing.min(start.elapsed().as_secs_f64());
        }
        let needed_bytes: u64 = needed.iter().map(|text| text.len() as u64).sum();
        Self {
            files: files.len(),
            bytes,
            needed_bytes,
            sniffed: bytes as f64 / sniffing,
            parsed: needed_bytes as f64 / parsing,
        }
    }

    fn reading(&self) -> f64 {
        self.bytes as f64 / self.sniffed + self.needed_bytes as f64 / self.parsed
    }
}

/// Refs in one request of a forge.
const AT_ONCE: usize = 100;
/// Projects in one request of GitLab.
const PROJECTS_AT_ONCE: usize = 50;

/// The minimum cost of a run.
pub struct Floor {
    /// Seconds by stage.
    pub stages: Vec<(&'static str, f64)>,
    /// Seconds.
    pub total: f64,
    /// Processor seconds by stage: what reading the files takes on one core.
    pub reading: f64,
    /// Requests by kind.
    pub requests: Vec<(&'static str, usize)>,
}

impl Floor {
    /// Sequential round trips, because some responses are needed for later requests, and files to be read: according to
    /// the scenario's needs, not to what a run did.
    pub fn of(
        needs: &Needs,
        speeds: &Speeds,
        scenario: Scenario,
        (latency_ms, due): (u64, usize),
        concurrency: usize,
    ) -> Self {
        let latency = latency_ms as f64 / 1e3;
        let rounds = |requests: usize| requests.div_ceil(concurrency) as f64 * latency;
        let (github, gitlab) =
            (needs.github.div_ceil(AT_ONCE), needs.gitlab.div_ceil(PROJECTS_AT_ONCE));
        // What the refs are; in a new clone, what the server can do, and the objects.
        let clone = match scenario {
            Scenario::Cold => 3,
            Scenario::Steady | Scenario::Create | Scenario::Refresh => 1,
        };
        let writes = match scenario {
            Scenario::Create | Scenario::Refresh => 2 * due,
            Scenario::Steady | Scenario::Cold => 0,
        };
        let load = f64::from(clone) * latency + speeds.reading();
        // A record's key holds the commit: one lookup is before it. Services do not wait for each other.
        // An SLO's value is asked for when the records are known.
        let commits = [github, gitlab, needs.git].map(rounds).into_iter().fold(0.0, f64::max);
        let records = rounds(needs.records) + if commits > 0.0 { latency } else { 0.0 };
        let observe = commits.max(records) + rounds(needs.slos);
        // The two writes of a merge request follow each other.
        let apply = writes.div_ceil(sapm::apply::WRITES_AT_ONCE) as f64 * latency;
        Self {
            stages: vec![("load", load), ("observe", observe), ("apply", apply)],
            total: load + observe + apply,
            reading: speeds.reading(),
            requests: vec![
                ("clone", clone as usize),
                ("github", github),
                ("gitlab commits", gitlab),
                ("git hosts", needs.git),
                ("records", needs.records),
                ("prometheus", needs.slos),
                ("gitlab writes", writes),
            ],
        }
    }
}
