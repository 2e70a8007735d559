//! How many requests a run makes, and to which services: each fact once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forge::{Fault, FaultKind, Service};

use super::support::*;

/// Number of requests of each kind, without queries, project numbers, uids and commits.
fn asked(world: &World, service: Service) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for entry in world.forge().log() {
        if entry.service == service {
            let path = entry.path.split('?').next().unwrap_or_default();
            let path = path.replace(&format!("/{}/", world.project().id()), "/ID/");
            let path = match path.split_once("/promotions_v2/") {
                Some((_, key)) => format!("record of {}", key.split('/').next().unwrap()),
                None => path,
            };
            *counts.entry(format!("{} {path}", entry.method)).or_insert(0) += 1;
        }
    }
    counts.into_iter().map(|(request, count)| format!("{count} {request}")).collect()
}

/// GitLab in a run with nothing to do.
const STEADY: [&str; 10] = [
    "1 GET /api/v4/personal_access_tokens/self",
    "1 GET /api/v4/projects/ID/merge_requests",
    "1 GET /api/v4/projects/ID/protected_branches",
    "1 GET /api/v4/projects/ID/repository/branches/main",
    "1 GET /api/v4/projects/example-shop%2Forders-db/repository/commits/release-2",
    "1 GET /api/v4/projects/example-shop%2Forders/repository/commits/main",
    "1 GET /api/v4/projects/shop%2Fapp-interface",
    "1 GET /api/v4/user",
    // The clone, and all branches of the bot at once.
    "2 GET /shop/app-interface.git/info/refs",
    "4 POST /shop/app-interface.git/git-upload-pack",
];

const GITHUB: [&str; 3] = [
    "1 GET /repos/example-shop/catalog/commits/main",
    "1 GET /repos/example-shop/payments-ledger/commits/main",
    "1 GET /repos/example-shop/payments/commits/main",
];

const RECORDS: [&str; 7] = [
    "1 GET record of catalog-canary",
    "1 GET record of catalog-stage",
    "1 GET record of ledger-stage",
    "1 GET record of orders-db-stage",
    "1 GET record of orders-stage",
    "1 GET record of payments-canary",
    "1 GET record of payments-stage",
];

const EXPORT_PATH: &str = "/shop-state/state/saas-auto-promotions-manager/publisher-data.json";

#[test]
fn a_first_run_fetches_each_fact_once() {
    let world = World::start();
    world.apply();
    let mut gitlab = STEADY.map(str::to_owned).to_vec();
    // Two more per branch: is there an earlier rejection, and did another run act meanwhile? And the first
    // one for the branches that targets at a shared edit site would have alone. And what is GitLab merging?
    gitlab[1] = "16 GET /api/v4/projects/ID/merge_requests".to_owned();
    // There are no branches to fetch yet.
    *gitlab.last_mut().unwrap() = "2 POST /shop/app-interface.git/git-upload-pack".to_owned();
    // Each branch is rechecked right before its merge request is opened.
    let branches = world.branches().into_iter().map(|branch| branch.replace('/', "%2F"));
    let looks =
        branches.map(|name| format!("1 GET /api/v4/projects/ID/repository/branches/{name}"));
    gitlab.extend(looks);
    gitlab.push("4 POST /api/v4/projects/ID/merge_requests".to_owned());
    gitlab.push("4 POST /api/v4/projects/ID/repository/commits".to_owned());
    // How do the commits of a description relate? This GitLab does not know them, so it is not asked for the list.
    let orders = "/api/v4/projects/example-shop%2Forders/repository";
    gitlab.push(format!("1 GET {orders}/merge_base"));
    let mut found = asked(&world, Service::GitLab);
    gitlab.sort();
    found.sort();
    assert_eq!(found, gitlab);
    assert_eq!(asked(&world, Service::GitHub), GITHUB);
    let mut state = vec![format!("1 GET {EXPORT_PATH}")];
    state.extend(RECORDS.map(str::to_owned));
    // The export is missing: does the bucket exist at all?
    state.extend(["1 HEAD /shop-state/".to_owned(), format!("1 PUT {EXPORT_PATH}")]);
    assert_eq!(asked(&world, Service::S3), state);
    assert_eq!(asked(&world, Service::Prometheus), ["1 GET /api/v1/query"]);
    assert_eq!(asked(&world, Service::Git), Vec::<String>::new());
}

#[test]
fn a_run_without_changes_makes_no_unnecessary_request() {
    let world = World::start();
    world.apply();
    world.apply();
    assert_eq!(asked(&world, Service::GitLab), STEADY);
    assert_eq!(asked(&world, Service::GitHub), GITHUB);
    let mut state = vec![format!("1 GET {EXPORT_PATH}")];
    state.extend(RECORDS.map(str::to_owned));
    assert_eq!(asked(&world, Service::S3), state);
    assert_eq!(asked(&world, Service::Prometheus), ["1 GET /api/v1/query"]);
}

#[test]
fn an_update_reads_only_its_own_merge_request() {
    let world = World::start();
    world.apply();
    let request = world.request(CANARY);
    world.shop.next_catalog();
    world.apply();
    let found = asked(&world, Service::GitLab);
    let more: Vec<&str> =
        found.iter().map(String::as_str).filter(|line| !STEADY.contains(line)).collect();
    let branch = request.source_branch.replace('/', "%2F");
    let own = [
        format!("GET /api/v4/projects/ID/repository/branches/{branch}"),
        format!("GET /api/v4/projects/ID/merge_requests/{}", request.iid),
    ];
    let (looks, writes): (Vec<&str>, Vec<&str>) =
        more.into_iter().partition(|line| line.contains(" GET "));
    assert!(looks.iter().all(|line| own.iter().any(|own| line.ends_with(own))), "{looks:?}");
    let looks: u32 = looks.iter().map(|line| line[..1].parse::<u32>().unwrap()).sum();
    assert!((1..=3).contains(&looks), "right before each write: {looks}");
    let change = format!("1 PUT /api/v4/projects/ID/merge_requests/{}", request.iid);
    assert_eq!(writes, ["1 POST /api/v4/projects/ID/repository/commits", &change]);
    for line in STEADY {
        assert!(found.iter().any(|found| found == line), "{line}");
    }
}

#[test]
fn a_closing_takes_the_documented_requests() {
    let world = World::start();
    world.apply();
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    let plan = world.apply_json();
    assert_eq!(plan.action(REGIONAL), "close: target_gone");
    let api = |lines: &[String]| -> usize {
        let counts = lines.iter().filter(|line| line.contains(" /api/v4/"));
        counts.map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    };
    let more = api(&asked(&world, Service::GitLab)) - api(&STEADY.map(str::to_owned));
    assert_eq!(crate::work::documented_requests("each merge request closed"), [more]);
}

#[test]
fn a_shared_ref_is_looked_up_once() {
    let world = World::start();
    let here = "# held by its schedule: one hour a year\n";
    let more = "- name: more
  url: https://GitHub.com/example-shop/catalog.git
  path: /deploy/more.yml
  targets:
  - namespace:
      $ref: /services/catalog/namespaces/catalog-stage.yml
    ref: main
    promotion:
      publish:
      - nobody-listens
  - namespace:
      $ref: /services/catalog/namespaces/catalog-canary.yml
    ref: main
    promotion:
      publish:
      - nobody-listens

";
    world.edit(CATALOG_FILE, here, &format!("{more}{here}"));
    world.apply();
    assert_eq!(asked(&world, Service::GitHub), GITHUB);
    let records = asked(&world, Service::S3);
    let records: Vec<_> = records.iter().filter(|line| line.contains("record of")).collect();
    assert_eq!(records, RECORDS.iter().collect::<Vec<_>>());
    let exported = world.export();
    for namespace in ["stage01/catalog-stage", "prod01/catalog-canary"] {
        let key = format!("catalog/saas-catalog/more/None/{namespace}/False");
        assert_eq!(exported[&key]["commit_sha"], crate::shop::CATALOG_NEW);
        assert_eq!(exported[&key]["deployment_state"], "success");
    }
}

#[test]
fn a_slow_service_delays_no_other() {
    let world = World::start();
    // GitHub's first response comes after everything that does not depend on it was requested.
    let (forge, done) = (world.forge().world(), Arc::new(AtomicBool::new(false)));
    let flag = done.clone();
    let hook = move |_: &forge::RequestInfo| {
        let wanted = [
            "/promotions_v2/catalog-canary/",
            "/promotions_v2/payments-canary/",
            "/promotions_v2/orders-stage/",
            "/promotions_v2/orders-db-stage/",
            "/merge_requests?",
        ];
        for _ in 0..3_000 {
            let log = forge.log();
            if wanted.iter().all(|text| log.iter().any(|entry| entry.path.contains(text))) {
                return flag.store(true, Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    world.forge().fault(Fault::new(FaultKind::Pass).on(Service::GitHub).nth(1).calling(hook));
    world.sapm("plan").expect(0);
    assert!(done.load(Ordering::Relaxed), "another service waited for GitHub");
}

#[test]
fn a_run_without_a_github_token_warns_about_the_rate_limit() {
    let world = World::start();
    let ran = world.sapm("plan").expect(0);
    assert_eq!(ran.err.matches("SAPM_GITHUB_TOKEN is not set").count(), 1, "{}", ran.err);
    world.forge().add_github_token("ghp-token");
    let ran = world.sapm("plan").env("SAPM_GITHUB_TOKEN", "ghp-token").expect(0);
    assert!(!ran.err.contains("SAPM_GITHUB_TOKEN"), "{}", ran.err);
}
