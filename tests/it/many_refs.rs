//! Looking up many refs at once or cheaply: the results are the same in every way.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chrono::Utc;
use forge::{Entry, Fault, FaultKind, Forge, GraphQl, Service, Settings};
use scale::{Estate, Filled, Needs, Size};
use serde_json::Value;
use tempfile::TempDir;

const SIZE: Size = Size { services: 60, files: 500, due: 3 };

/// So many refs that both forges get several queries: more than make a host count as silent.
const LARGE: Size = Size { services: 450, files: 3_500, due: 0 };

struct World {
    needs: Needs,
    filled: Filled,
    folder: TempDir,
}

/// The results and requests of a run.
struct Found {
    commits: Value,
    problems: Value,
    code: i32,
    log: Vec<Entry>,
}

impl World {
    fn start() -> Self {
        Self::of(SIZE)
    }

    fn of(size: Size) -> Self {
        let estate = Estate::generate(size, 3);
        let needs = estate.needs();
        // Enough for batched requests on both forges.
        assert!(needs.github >= 20 && needs.gitlab >= 10, "{needs:?}");
        let filled = estate.fill(Forge::builder().start_blocking(), Utc::now());
        Self { needs, filled, folder: tempfile::tempdir().unwrap() }
    }

    fn graphql(&self, gitlab: GraphQl, github: bool) {
        self.filled.forge.configure(|settings: &mut Settings| settings.graphql = gitlab);
        self.filled.forge.set_github_graphql(github);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sapm(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sapm"));
        command
            .args(["plan", "--format", "json", "--save-snapshot"])
            .arg(self.path("snapshot.json"))
            .env_clear()
            .envs(self.filled.environment())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.folder.path());
        command
    }

    #[track_caller]
    fn run(&self, command: &mut Command) -> Found {
        self.filled.forge.clear_log();
        let Output { status, stdout, stderr } = command.output().unwrap();
        let code = status.code().unwrap();
        assert!(matches!(code, 0 | 5), "{code}: {}", String::from_utf8_lossy(&stderr));
        self.filled.forge.assert_no_unknown_routes();
        let plan: Value = serde_json::from_slice(&stdout).unwrap();
        let snapshot = std::fs::read(self.path("snapshot.json")).unwrap();
        let snapshot: Value = serde_json::from_slice(&snapshot).unwrap();
        Found {
            commits: snapshot["commits"].clone(),
            problems: plan["problems"].clone(),
            code,
            log: self.filled.forge.log(),
        }
    }

    /// The results of lookups one by one, which everything else must match.
    #[track_caller]
    fn one_by_one(&self) -> Found {
        self.graphql(GraphQl::Absent, false);
        let found = self.run(&mut self.sapm());
        self.graphql(GraphQl::Served, true);
        found
    }
}

impl Found {
    fn count(&self, service: Service, part: &str) -> usize {
        let asked = self.log.iter().filter(|entry| entry.service == service);
        asked.filter(|entry| entry.path.contains(part)).count()
    }

    /// When the first request arrived whose path contains this.
    #[track_caller]
    fn first(&self, service: Service, part: &str) -> Instant {
        let mut asked = self.log.iter().filter(|entry| entry.service == service);
        asked.find(|entry| entry.path.contains(part)).expect("a request").arrived
    }

    /// Requests for refs to (GitHub, GitLab): for many, and for one.
    fn asked(&self) -> [(usize, usize); 2] {
        [
            (self.count(Service::GitHub, "/graphql"), self.count(Service::GitHub, "/commits/")),
            (
                self.count(Service::GitLab, "/api/graphql"),
                self.count(Service::GitLab, "/repository/commits/main"),
            ),
        ]
    }
}

#[test]
fn one_request_finds_what_many_find() {
    let world = World::start();
    let many = world.run(&mut world.sapm());
    assert_eq!(many.asked(), [(1, 0), (1, 0)]);
    assert!(many.log.iter().all(|entry| !entry.is_write()), "a query is no write");
    let single = world.one_by_one();
    // One request shows that the API does not exist.
    assert_eq!(single.asked(), [(1, world.needs.github), (1, world.needs.gitlab)]);
    assert_eq!(many.commits, single.commits);
    assert_eq!((many.code, single.code), (0, 0));
}

#[test]
fn missing_refs_have_the_same_message_and_the_rest_are_found() {
    let world = World::start();
    let paths = |found: &Found, host: &str| {
        let keys = found.commits.as_object().unwrap().keys();
        let of_host = keys.filter(|key| key.contains(host)).map(|key| {
            let path = key.split("://").nth(1).unwrap().split_once('/').unwrap().1;
            path.trim_end_matches("@main").trim_end_matches(".git").to_owned()
        });
        of_host.collect::<Vec<_>>()
    };
    let all = world.one_by_one();
    let github = paths(&all, "github.com");
    world.filled.forge.remove_github_repo(&github[0]);
    world.filled.forge.remove_github_ref(&github[1], "main");
    world.filled.forge.move_github_repo(&github[2], "somewhere/else");
    let many = world.run(&mut world.sapm());
    let single = world.one_by_one();
    assert_eq!((many.code, single.code), (5, 5));
    assert_eq!(many.problems, single.problems);
    assert!(many.problems.as_array().unwrap().len() >= 2, "{:#}", many.problems);
    assert_eq!(many.commits, single.commits);
    let [(for_many, for_one), _] = many.asked();
    assert_eq!((for_many, for_one), (1, 2), "only what is missing is asked for by itself");
}

#[test]
fn without_graphql_refs_are_looked_up_one_by_one() {
    let world = World::start();
    let expected = world.one_by_one().commits;
    let [github, gitlab] = [world.needs.github, world.needs.gitlab];
    // A GitLab without the field; only GitHub's GraphQL limit is exhausted.
    world.graphql(GraphQl::Old, true);
    world.filled.forge.set_github_graphql_limit(5_000, 0, 1_800);
    let found = world.run(&mut world.sapm());
    assert_eq!(found.asked(), [(1, github), (1, gitlab)]);
    assert_eq!(found.commits, expected);
    world.filled.forge.set_github_graphql_limit(5_000, 5_000, 1_800);
    world.graphql(GraphQl::Served, true);
    // It fails, or disappears in the middle.
    let faults: [fn() -> Fault; 3] = [
        || Fault::status(500, "{}"),
        || Fault::new(FaultKind::DropAfter),
        || Fault::new(FaultKind::Truncate),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        for service in [Service::GitHub, Service::GitLab] {
            world.filled.forge.fault(fault().on(service).path("/graphql"));
        }
        let found = world.run(&mut world.sapm());
        world.filled.forge.clear_faults();
        assert_eq!(found.commits, expected, "fault {number}");
        assert_eq!(found.asked(), [(1, github), (1, gitlab)], "fault {number}");
    }
}

#[test]
fn hanging_queries_delay_nothing_else() {
    let world = World::of(LARGE);
    world.filled.forge.fault(Fault::new(FaultKind::Hang).path("/graphql"));
    let found = world.run(&mut world.sapm());
    let Needs { github, gitlab, .. } = world.needs;
    assert_eq!(found.asked(), [(github.div_ceil(100), github), (gitlab.div_ceil(50), gitlab)]);
    assert!(found.asked().iter().all(|(queries, _)| *queries >= 3), "{:?}", found.asked());
    assert_eq!((found.code, found.problems), (0, Value::Array(Vec::new())));
    let found = found.commits.as_object().unwrap().values();
    assert!(found.clone().count() >= github + gitlab);
    assert!(found.clone().all(|commit| commit["sha"].is_string()));
}

#[test]
fn a_forge_that_rate_limits_a_query_gets_no_requests_during_the_pause() {
    let world = World::start();
    let expected = world.one_by_one().commits;
    for service in [Service::GitHub, Service::GitLab] {
        world.filled.forge.fault(Fault::throttled(1).on(service).path("/graphql"));
    }
    let found = world.run(&mut world.sapm());
    assert_eq!(found.asked(), [(1, world.needs.github), (1, world.needs.gitlab)]);
    for (service, query, single) in [
        (Service::GitHub, "/graphql", "/commits/"),
        (Service::GitLab, "/api/graphql", "/repository/commits/main"),
    ] {
        let (told, next) = (found.first(service, query), found.first(service, single));
        assert!(next >= told + Duration::from_secs(1), "{service:?}: {:?}", next - told);
    }
    assert_eq!((found.code, found.commits), (0, expected));
}

#[test]
fn a_token_that_graphql_rejects_is_not_sent_again() {
    let world = World::start();
    let found = world.run(world.sapm().env_remove("SAPM_GITHUB_TOKEN"));
    assert_eq!(found.asked(), [(0, world.needs.github), (1, 0)]);
    assert_eq!(found.code, 0);
}

#[test]
fn unchanged_github_responses_do_not_count() {
    let world = World::start();
    world.graphql(GraphQl::Served, false);
    let cache = world.path("cache");
    let run = || world.run(world.sapm().arg("--cache-dir").arg(&cache));
    let first = run();
    // From now on, only changed refs need a full lookup: of the new hash, and of that commit.
    let changed = first.commits.as_object().unwrap().keys().find(|key| key.contains("github.com"));
    let path = changed.unwrap().split("github.com/").nth(1).unwrap();
    let path = path.trim_end_matches("@main").trim_end_matches(".git");
    let sha = "ab".repeat(20);
    world.filled.forge.set_github_ref(path, "main", forge::CommitInfo::new(&sha));
    world.filled.forge.set_github_rate_limit(5_000, 3, 1_800, 403);
    let second = run();
    assert_eq!(second.code, 0, "{:#}", second.problems);
    let unchanged = second.log.iter().filter(|entry| entry.status == Some(304)).count();
    assert_eq!(unchanged, world.needs.github - 1);
    assert_eq!(second.commits[changed.unwrap()]["sha"], sha);
    assert_eq!(second.commits.as_object().unwrap().len(), first.commits.as_object().unwrap().len());
    // A damaged file counts as missing.
    world.filled.forge.set_github_rate_limit(5_000, 5_000, 1_800, 403);
    std::fs::write(cache.join("github-commits.json"), "{\"version\":1,\"commits\":{").unwrap();
    world.graphql(GraphQl::Served, true);
    let third = run();
    assert_eq!((third.code, &third.commits), (0, &second.commits));
    let text = std::fs::read_to_string(cache.join("github-commits.json")).unwrap();
    assert!(text.contains(&sha) && !text.contains("ghp-token"), "{text}");
    // Results of queries are cached, too.
    world.graphql(GraphQl::Served, false);
    let fourth = run();
    let unchanged = fourth.log.iter().filter(|entry| entry.status == Some(304)).count();
    assert_eq!((unchanged, &fourth.commits), (world.needs.github, &second.commits));
}
