//! The amount of work of a run in a realistic config repo, as exact counts, so that an increase is visible immediately.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use chrono::Utc;
use forge::{Entry, Forge, Service};
use scale::{Estate, Filled, Host, Needs, Size, Urls};
use tempfile::TempDir;

const SIZE: Size = Size { services: 40, files: 400, due: 5 };

struct World {
    estate: Estate,
    filled: Filled,
    folder: TempDir,
}

impl World {
    fn start() -> Self {
        Self::of(SIZE)
    }

    fn of(size: Size) -> Self {
        let estate = Estate::generate(size, 7);
        let filled = estate.fill(Forge::builder().start_blocking(), Utc::now());
        Self { estate, filled, folder: tempfile::tempdir().unwrap() }
    }

    /// A successful `sapm apply`: its requests by service, and its metrics.
    #[track_caller]
    fn apply(&self) -> (Asked, String) {
        self.filled.forge.settle();
        self.filled.forge.clear_log();
        let report = self.folder.path().join("report");
        let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
            .arg("apply")
            .env_clear()
            .envs(self.filled.environment())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.folder.path())
            .env("SAPM_REPORT_DIR", &report)
            .env("SAPM_CACHE_DIR", self.folder.path().join("cache"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.filled.forge.assert_no_unknown_routes();
        let metrics = std::fs::read_to_string(report.join("metrics.txt")).unwrap();
        let asked = Asked::of(&self.filled.forge.log());
        let of_git = metric(&metrics, "sapm_requests{service=\"git\"}");
        assert_eq!(of_git, (asked.facts.git + asked.clone) as f64, "{metrics}");
        (asked, metrics)
    }
}

/// Requests by purpose.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    facts: Needs,
    /// GitLab, without commits: the token, the user, the project, its branch, its protected branches, open merge
    /// requests, and whatever a due merge request takes.
    gitlab: usize,
    /// GitLab and GitHub, about the commits of code that descriptions tell of.
    comparisons: [usize; 2],
    clone: usize,
    writes: usize,
    state_export: usize,
    bucket: usize,
}

impl Asked {
    fn of(log: &[Entry]) -> Self {
        let mut asked = Self::default();
        for entry in log {
            let path = entry.path.as_str();
            *match entry.service {
                _ if entry.is_write() => &mut asked.writes,
                Service::GitHub if path.contains("/compare/") => &mut asked.comparisons[1],
                Service::GitHub => &mut asked.facts.github,
                Service::Git => &mut asked.facts.git,
                Service::Prometheus => &mut asked.facts.slos,
                Service::S3 if path.contains("/promotions_v2/") => &mut asked.facts.records,
                Service::S3 if path.contains("publisher-data.json") => &mut asked.state_export,
                Service::S3 => &mut asked.bucket,
                Service::GitLab if path.contains(".git/") => &mut asked.clone,
                Service::GitLab if is_comparison(path) => &mut asked.comparisons[0],
                Service::GitLab
                    if path.contains("/repository/commits/main") || path == "/api/graphql" =>
                {
                    &mut asked.facts.gitlab
                }
                Service::GitLab => &mut asked.gitlab,
            } += 1;
        }
        asked
    }
}

fn is_comparison(path: &str) -> bool {
    path.contains("/repository/merge_base") || path.contains("/repository/commits?")
}

fn metric(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The numbers in the docs' request budget, for the row that begins with this: requests to GitLab's API, and by git.
pub(crate) fn documented_requests(row: &str) -> Vec<usize> {
    let page = super::security::read("docs/limits.md");
    let line = page.lines().find(|line| line.starts_with(&format!("| {row}")));
    let line = line.unwrap_or_else(|| panic!("docs/limits.md has no row {row:?}"));
    line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect()
}

#[test]
fn a_run_fetches_each_fact_once_and_writes_twice_per_merge_request() {
    let world = World::start();
    let needs = world.estate.needs();
    assert!((10..=100).contains(&needs.github) && (10..=50).contains(&needs.gitlab), "{needs:?}");
    assert!(needs.git > 0 && needs.slos > 0, "{needs:?}");
    // From ten refs per forge, one request looks up all of them.
    let facts = Needs { github: 1, gitlab: 1, ..needs };
    // The first run: the export is missing; per branch, earlier rejections are looked up, and right before the branch
    // is created, whether another run has opened a merge request meanwhile; and the branch is rechecked right before
    // its merge request is opened. One search tells whether there are closed or merged batches, and one list
    // what GitLab is merging.
    let (asked, _) = world.apply();
    // Descriptions tell of each pair of commits: two requests on GitLab, one on GitHub.
    let pairs = [Host::GitLab, Host::GitHub].map(|host| {
        let due = world.estate.services[..SIZE.due].iter().filter(|one| one.host == host);
        due.map(|service| service.repo).collect::<BTreeSet<_>>().len()
    });
    assert!(pairs.iter().all(|&pairs| pairs > 0), "{pairs:?}");
    let comparisons = [2 * pairs[0], pairs[1]];
    let first = Asked {
        facts,
        gitlab: 6 + 3 * 5 + 2,
        comparisons,
        clone: 3 + 1,
        writes: 10,
        state_export: 2,
        bucket: 1,
    };
    assert_eq!(asked, first);
    assert_eq!(documented_requests("each pair of commits"), [2]);
    // Nothing to do. The branches take three exchanges, however many there are.
    let (asked, metrics) = world.apply();
    let steady = Asked {
        gitlab: 6,
        comparisons: [0, 0],
        clone: 1 + 3,
        writes: 0,
        state_export: 1,
        bucket: 0,
        ..first
    };
    assert_eq!(asked, steady);
    assert_eq!(metric(&metrics, "sapm_merge_requests{action=\"keep\"}"), 5.0);
    // All five are updated: each is rechecked right before it is written to.
    world.filled.move_on(&world.estate);
    let (asked, metrics) = world.apply();
    let update = Asked { gitlab: 6 + 3 * 5, comparisons, writes: 10, state_export: 2, ..steady };
    assert_eq!(asked, update);
    assert_eq!(metric(&metrics, "sapm_merge_requests{action=\"update\"}"), 5.0);
    // The docs have the same numbers.
    let api = |asked: &Asked| asked.gitlab + asked.facts.gitlab + asked.writes;
    for (row, asked) in [
        ("nothing to do", &steady),
        ("first run, 5 merge requests opened", &first),
        ("5 merge requests updated", &update),
    ] {
        assert_eq!(documented_requests(row), [api(asked), asked.clone], "{row}");
    }
    let each = (api(&update) - api(&steady)) / 5;
    assert_eq!(documented_requests("each further merge request"), [each]);
}

/// Then GitLab is the committer of what its API commits, so only the content shows whose a branch is. Git fetches it
/// for all branches at once.
#[test]
fn fifty_open_merge_requests_on_a_signing_gitlab_take_no_comparison() {
    let size = Size { services: 80, files: 800, due: 50 };
    let world = World::of(size);
    world.filled.forge.configure(|settings| settings.sign_web_commits = true);
    // A run opens 25.
    let opened = [world.apply(), world.apply()];
    assert_eq!(opened.map(|(asked, _)| asked.writes), [50; 2]);
    let (asked, metrics) = world.apply();
    assert_eq!(metric(&metrics, "sapm_merge_requests{action=\"keep\"}"), 50.0);
    assert_eq!((asked.gitlab, asked.writes), (6, 0));
    let log = world.filled.forge.log();
    let compared = log.iter().filter(|entry| entry.path.contains("/compare"));
    assert_eq!(compared.map(|entry| &entry.path).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn only_the_datafiles_that_promotions_depend_on_are_parsed() {
    let world = World::start();
    let (_, metrics) = world.apply();
    let files = world.estate.files(&Urls::default());
    assert_eq!(files.len(), SIZE.files);
    let needed = files.values().filter(|text| {
        let schema = text.lines().find_map(|line| line.strip_prefix("$schema: /"));
        schema.is_some_and(|schema| {
            let of_sapm = ["saas-file-", "app-1", "environment-1", "slo-document-1"];
            let of_openshift = ["openshift/namespace-1", "openshift/cluster-1"];
            of_sapm.iter().any(|name| schema.starts_with(&format!("app-sre/{name}")))
                || of_openshift.iter().any(|name| schema.starts_with(name))
        })
    });
    assert_eq!(metric(&metrics, "sapm_datafiles{state=\"seen\"}"), SIZE.files as f64);
    assert_eq!(metric(&metrics, "sapm_datafiles{state=\"parsed\"}"), needed.count() as f64);
}

#[test]
fn an_estate_is_a_function_of_size_and_seed() {
    let files = |seed| Estate::generate(SIZE, seed).files(&Urls::default());
    assert_eq!(files(7), files(7));
    assert_ne!(files(7), files(8));
    let by_folder = files(7).keys().fold(BTreeMap::new(), |mut counts, path| {
        let folder = path.split('/').nth(1).unwrap_or_default().to_owned();
        *counts.entry(folder).or_insert(0) += 1;
        counts
    });
    assert!(by_folder.values().sum::<usize>() == SIZE.files && by_folder["services"] > 100);
}
