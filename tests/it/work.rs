//! The amount of work of a run in a realistic config repo, as exact counts, so that an increase is visible immediately.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
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
        let metrics = self.run("apply", &[]);
        let asked = Asked::of(&self.filled.forge.log());
        let of_git = metric(&metrics, "sapm_requests{service=\"git\"}");
        assert_eq!(of_git, (asked.facts.git + asked.clone) as f64, "{metrics}");
        (asked, metrics)
    }

    /// A successful command: its metrics.
    #[track_caller]
    fn run(&self, command: &str, variables: &[(&str, &str)]) -> String {
        self.filled.forge.settle();
        self.filled.forge.clear_log();
        let report = self.folder.path().join("report");
        let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
            .arg(command)
            .env_clear()
            .envs(self.filled.environment())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.folder.path())
            .env("SAPM_REPORT_DIR", &report)
            .env("SAPM_CACHE_DIR", self.folder.path().join("cache"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.filled.forge.assert_no_unknown_routes();
        std::fs::read_to_string(report.join("metrics.txt")).unwrap()
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
    // All five are updated: each and its branch are rechecked right before.
    world.filled.move_on(&world.estate);
    let (asked, metrics) = world.apply();
    let update = Asked { gitlab: 6 + 2 * 5, comparisons, writes: 10, state_export: 2, ..steady };
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
    let each = |asked: &Asked, other: usize| (api(asked) - api(&steady) - other) / 5;
    // The search for batches and the list of what is being merged are for all that are opened.
    assert_eq!(documented_requests("each further merge request opened"), [each(&first, 2)]);
    assert_eq!(documented_requests("each further merge request updated"), [each(&update, 0)]);
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

/// How many datafiles were seen, parsed, and known from an earlier run.
fn datafiles(metrics: &str) -> [usize; 3] {
    ["seen", "parsed", "known"]
        .map(|state| metric(metrics, &format!("sapm_datafiles{{state=\"{state}\"}}")) as usize)
}

/// Removes what differs between two runs at different times.
fn remove_times(value: &mut serde_json::Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|key, value| {
            let soaked = value.as_str().is_some_and(|text| text.starts_with("soaked for "));
            !soaked && !["observed_at", "soaked_days"].contains(&key.as_str())
        });
        fields.values_mut().for_each(remove_times);
    }
    value.as_array_mut().into_iter().flatten().for_each(remove_times);
}

/// The only file with parsed datafiles.
fn parsed_file(cache: &Path) -> PathBuf {
    let files = std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    let is_parsed =
        |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("parsed-");
    let found: Vec<_> = files.filter(is_parsed).collect();
    let [file] = found.as_slice() else { panic!("{found:?}") };
    file.clone()
}

#[test]
fn a_datafile_is_parsed_once_whatever_happens_to_the_cache() {
    let world = World::start();
    let cache = world.folder.path().join("cache");
    let plan = || {
        let text = std::fs::read_to_string(world.folder.path().join("report/plan.json")).unwrap();
        let mut plan: serde_json::Value = serde_json::from_str(&text).unwrap();
        remove_times(&mut plan);
        plan
    };
    let (_, metrics) = world.apply();
    let [seen, all, known] = datafiles(&metrics);
    assert_eq!((seen, known), (SIZE.files, 0));
    let steady = |expected: [usize; 3], why: &str| {
        let (_, metrics) = world.apply();
        assert_eq!(datafiles(&metrics), expected, "{why}");
        plan()
    };
    let with_known = steady([seen, 0, all], "all are known");
    assert_eq!(steady([seen, 0, all], "they stay known"), with_known);

    let file = parsed_file(&cache);
    let good = std::fs::read(&file).unwrap();
    for (at, why) in [(40, "an id"), (good.len() / 2, "a tree"), (good.len() - 1, "the code")] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&file, bad).unwrap();
        assert_eq!(steady([seen, all, 0], why), with_known, "{why} is damaged");
        assert_eq!(std::fs::read(&file).unwrap(), good, "the next run knows all again");
    }
    std::fs::write(&file, &good[..good.len() / 2]).unwrap();
    assert_eq!(steady([seen, all, 0], "half a file"), with_known);
    std::fs::remove_dir_all(&cache).unwrap();
    std::fs::create_dir_all(&file).unwrap();
    assert_eq!(steady([seen, all, 0], "a folder in its place"), with_known);

    std::fs::remove_dir(&file).unwrap();
    steady([seen, all, 0], "no file");
    let files = world.filled.project.files("main");
    let (path, text) = files.iter().find(|(path, _)| path.contains("/saas-")).unwrap();
    let text = format!("{}# changed\n", String::from_utf8_lossy(text));
    world.filled.project.commit(
        "sapm-bot",
        "main",
        "Change a comment",
        [(path.clone(), Some(text))],
    );
    let with_change = steady([seen, 1, all - 1], "one has changed");
    std::fs::remove_dir_all(&cache).unwrap();
    assert_eq!(steady([seen, all, 0], "all anew"), with_change);
}

/// Somebody may write to the cache, but does not have the token of the bot.
#[test]
fn datafiles_that_were_parsed_with_another_token_are_not_believed() {
    let world = World::start();
    let cache = world.folder.path().join("cache");
    let all = datafiles(&world.apply().1)[1];
    let file = parsed_file(&cache);
    world.filled.forge.add_token("sapm-bot", "glpat-other-token-0123456789", &["api"]);
    let foreign = world.folder.path().join("foreign");
    let with_other = [
        ("SAPM_GITLAB_TOKEN", "glpat-other-token-0123456789"),
        ("SAPM_CACHE_DIR", foreign.to_str().unwrap()),
    ];
    world.run("plan", &with_other);
    std::fs::copy(parsed_file(&foreign), &file).unwrap();
    assert_eq!(datafiles(&world.apply().1)[1..], [all, 0]);
    assert_eq!(datafiles(&world.apply().1)[1..], [0, all]);
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
