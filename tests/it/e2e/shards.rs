//! Parallel jobs (`parallel: N`) together do the same as one job.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;

use super::support::*;
use crate::shop::{BUCKET, ORDERS_NEW};

/// The job of node `index` of `total`, as GitLab starts it.
pub(super) fn node(world: &World, command: &str, index: u32, total: u32) -> Sapm {
    let run = world.sapm(command).env("CI_NODE_INDEX", index.to_string());
    run.env("CI_NODE_TOTAL", total.to_string())
}

/// Runs all nodes one after the other; returns the writes of each.
pub(super) fn nodes(world: &World, total: u32) -> Vec<Vec<String>> {
    let run = |index| {
        world.forge().clear_log();
        node(world, "apply", index, total).expect(0);
        world.writes()
    };
    (1..=total).map(run).collect()
}

/// Runs all jobs in parallel, and checks that each succeeds.
#[track_caller]
fn at_once(jobs: Vec<Sapm>) {
    let mut children: Vec<_> = jobs.into_iter().map(Sapm::start).collect();
    for child in &mut children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

/// The visible state of the bot, without numbers of merge requests, which depend on the order.
fn seen(world: &World) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for branch in world.branches() {
        for (path, bytes) in world.project().files(&branch) {
            let text = normalise(&String::from_utf8_lossy(&bytes), world.forge());
            seen.insert(format!("{branch} {path}"), text);
        }
    }
    for request in world.project().merge_requests() {
        let text = format!("{}\n{:?}\n{}", request.title, request.labels, request.description);
        let key = format!("{:?} from {}", request.state, request.source_branch);
        seen.insert(key, normalise(&text, world.forge()));
    }
    seen
}

pub(super) fn exported(world: &World) -> Vec<u8> {
    world.forge().get_object(BUCKET, EXPORT).expect("the state export")
}

/// Checks that nothing is left to do, neither for a node nor for an undivided run.
#[track_caller]
fn quiet(world: &World, total: u32) {
    for index in 1..=total {
        world.forge().clear_log();
        node(world, "apply", index, total).expect(0);
        world.assert_nothing_written();
    }
    world.apply();
    world.assert_nothing_written();
    let open = world.project().open_merge_requests();
    let branches: BTreeSet<_> = open.iter().map(|request| &request.source_branch).collect();
    assert_eq!(branches.len(), open.len());
    assert_eq!(world.branches().len(), open.len());
    world.forge().assert_no_unknown_routes();
}

/// Two worlds at the same time: one for the nodes, one for an undivided run.
pub(super) fn two_worlds() -> (World, World) {
    let now = Utc::now();
    (World::start_at(now), World::start_at(now))
}

#[test]
fn nodes_together_do_the_same_as_one_run() {
    let (shared, whole) = two_worlds();
    nodes(&shared, 3);
    whole.apply();
    assert_eq!(seen(&shared), seen(&whole));
    assert_eq!(exported(&shared), exported(&whole));
    quiet(&shared, 3);
    for world in [&shared, &whole] {
        world.shop.next_catalog();
    }
    // It also works with another number of nodes.
    nodes(&shared, 4);
    whole.apply();
    assert_eq!(seen(&shared), seen(&whole));
    assert_eq!(exported(&shared), exported(&whole));
    quiet(&shared, 4);
}

#[test]
fn concurrent_nodes_do_the_same() {
    let (shared, whole) = two_worlds();
    at_once((1..=3).map(|index| node(&shared, "apply", index, 3)).collect());
    whole.apply();
    assert_eq!(seen(&shared), seen(&whole));
    assert_eq!(exported(&shared), exported(&whole));
    quiet(&shared, 3);
}

#[test]
fn nodes_concurrent_with_a_manual_run_reach_the_right_state() {
    let (shared, whole) = two_worlds();
    let jobs = || {
        let nodes = (1..=3).map(|index| node(&shared, "apply", index, 3));
        nodes.chain([shared.sapm("apply").env("CI_NODE_TOTAL", "1")]).collect()
    };
    at_once(jobs());
    // The second one may have left something to the next run.
    shared.apply();
    whole.apply();
    let open = |world: &World| -> BTreeSet<String> {
        world
            .project()
            .open_merge_requests()
            .into_iter()
            .map(|request| request.source_branch)
            .collect()
    };
    assert_eq!(open(&shared), open(&whole));
    assert_eq!(shared.project().merge_requests().len(), 4, "none was opened twice");
    assert_eq!(seen(&shared), seen(&whole));
    quiet(&shared, 3);
    for world in [&shared, &whole] {
        world.shop.next_catalog();
        let old = "    name: regional\n";
        world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    }
    at_once(jobs());
    shared.apply();
    whole.apply();
    assert_eq!(seen(&shared), seen(&whole));
    quiet(&shared, 3);
}

/// How many nodes wrote; checks that the result is that of an undivided run.
#[track_caller]
fn as_undivided(shared: &World, whole: &World, total: u32) -> usize {
    let written = nodes(shared, total);
    // A merge request that another node's closing made possible is opened in the next run.
    nodes(shared, total);
    whole.apply();
    let still_open = |world: &World| -> BTreeMap<String, String> {
        seen(world).into_iter().filter(|(key, _)| !key.starts_with("Closed")).collect()
    };
    assert_eq!(still_open(shared), still_open(whole));
    quiet(shared, total);
    written.iter().filter(|writes| !writes.is_empty()).count()
}

#[test]
fn one_node_closes_the_branch_of_a_removed_target() {
    let (shared, whole) = two_worlds();
    for world in [&shared, &whole] {
        world.apply();
        let old = "    name: regional\n";
        world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    }
    assert_eq!(as_undivided(&shared, &whole, 4), 1);
    assert_eq!(shared.project().open_merge_requests().len(), 3);
    for world in [&shared, &whole] {
        let gone = [(CATALOG_FILE, None::<Vec<u8>>)];
        world.project().commit("alice", "main", "The catalog is no more\n", gone);
    }
    assert_eq!(as_undivided(&shared, &whole, 4), 1, "its file is gone as well");
    assert_eq!(shared.project().open_merge_requests().len(), 1);
}

#[test]
fn merge_requests_follow_a_file_to_another_node() {
    let (shared, whole) = two_worlds();
    for world in [&shared, &whole] {
        world.apply();
        let text = world.text("main", CATALOG_FILE);
        let moved = [(CATALOG_FILE, None), ("data/services/catalog/cicd/b.yml", Some(text))];
        world.project().commit("alice", "main", "Another name\n", moved);
    }
    let moved = sapm::domain::Shard::new(2, 4).unwrap();
    assert!(moved.has("/services/catalog/cicd/saas.yml"));
    assert!(!moved.has("/services/catalog/cicd/b.yml"));
    assert_eq!(as_undivided(&shared, &whole, 4), 1);
    assert_eq!(shared.project().merge_requests().len(), 4, "updated in place");
}

/// One of two users of a shared target file moves to the saas file itself.
#[test]
fn an_edit_site_split_between_nodes_keeps_one_branch() {
    let inline = "  - namespace:\n      $ref: /services/orders/namespaces/orders-canary.yml\n    \
                  ref: d83e8878b794cd2c379af53482024695a2d42eb7\n    promotion:\n      auto: true\n      \
                  subscribe:\n      - orders-stage\n";
    let (shared, whole) = two_worlds();
    for world in [&shared, &whole] {
        world.apply();
        let old = "  path: /deploy/print.yml\n  targets:\n";
        let shared_file = "  - $ref: /services/orders/cicd/targets/canary.yml\n";
        let new = format!("{old}{inline}");
        world.edit(ORDERS_FILE, &format!("{old}{shared_file}"), &new);
    }
    as_undivided(&shared, &whole, 4);
    for target in [MAIL, PRINT] {
        let request = shared.request(target);
        let open = shared.project().open_merge_requests();
        assert!(open.iter().any(|other| other.iid == request.iid), "{target}");
    }
    assert_eq!(shared.project().open_merge_requests().len(), 5);
}

#[test]
fn a_node_fetches_facts_of_its_shard() {
    let (world, whole) = two_worlds();
    let lookups = |world: &World, run: Sapm| {
        world.forge().clear_log();
        let plan = run.args(["--format", "json"]).expect(0).plan();
        let about =
            |part: &str| world.count(|entry| entry.method == "GET" && entry.path.contains(part));
        ([about("/commits"), about("promotions_v2"), plan.list("publishers").len()], plan)
    };
    let (all, _) = lookups(&whole, whole.sapm("apply"));
    let mut sums = [0; 3];
    for index in 1..=3 {
        let (own, plan) = lookups(&world, node(&world, "apply", index, 3));
        assert_eq!(plan.0["share"]["node_index"], index);
        assert_eq!(plan.0["share"]["node_total"], 3);
        for (sum, (own, all)) in sums.iter_mut().zip(own.into_iter().zip(all)) {
            assert!(own < all, "node {index}: {own} of {all}");
            *sum += own;
        }
    }
    // The node of a shared target file looks up a publisher of a saas file that is another node's.
    assert_eq!(sums, all.map(|all| all + 1));
}

#[test]
fn problems_of_the_config_repo_are_reported_by_one_node() {
    let break_it = |world: &World| {
        world.edit(ORDERS_FILE, "      soakDays: 7\n", "      soakDays: -7\n");
        world.edit(CATALOG_FILE, "schedule: \"* 4 1 1 *\"", "schedule: nonsense");
        world.forge().remove_github_repo("example-shop/payments-ledger");
        let old = "  - namespace:\n      $ref: /services/payments/namespaces/payments-canary.yml\n";
        world.edit(PAYMENTS_FILE, old, &format!("  - ref: main\n{old}"));
    };
    let (shared, whole) = two_worlds();
    break_it(&shared);
    break_it(&whole);
    let problems = |run: Sapm| -> Vec<String> {
        let plan = run.args(["--format", "json"]).run().plan();
        plan.list("problems").iter().map(|problem| problem.to_string()).collect()
    };
    let undivided = problems(whole.sapm("plan"));
    assert!(undivided.len() >= 4, "{undivided:#?}");
    let mut together = Vec::new();
    for index in 1..=4 {
        together.extend(problems(node(&shared, "plan", index, 4)));
    }
    let place = |text: String, world: &World| normalise(&text, world.forge());
    let undivided: Vec<_> = undivided.into_iter().map(|text| place(text, &whole)).collect();
    let mut together: Vec<_> = together.into_iter().map(|text| place(text, &shared)).collect();
    together.sort();
    let mut sorted = undivided.clone();
    sorted.sort();
    assert_eq!(together, sorted);
}

#[test]
fn a_shard_is_replayed_from_its_snapshot() {
    let world = World::start();
    let checkout = world.checkout();
    let facts = world.path("facts.json");
    let plan = |run: Sapm| {
        let run = run.env("SAPM_APP_INTERFACE", &checkout).args(["--format", "json"]);
        run.expect(0).plan().0
    };
    let seen = plan(node(&world, "plan", 3, 3).arg("--save-snapshot").arg(&facts));
    assert_eq!(plan(world.sapm("plan").arg("--snapshot").arg(&facts)), seen);
}

#[test]
fn a_plan_names_its_shard_and_explain_covers_all_targets() {
    let world = World::start();
    let ran = node(&world, "plan", 2, 3).expect(0);
    assert!(ran.out.contains("targets (shard 2 of 3): "), "{}", ran.out);
    assert!(ran.out.contains(CANARY) && !ran.out.contains(PAYMENTS), "{}", ran.out);
    let ran = node(&world, "plan", 2, 3).args(["--format", "markdown"]).expect(0);
    assert!(ran.out.contains("targets (shard 2 of 3): "), "{}", ran.out);
    let ran = node(&world, "explain", 2, 3).arg(PAYMENTS).expect(0);
    assert!(ran.out.contains("[slo]") || ran.out.contains("SLO"), "{}", ran.out);
    let ran = world.sapm("plan").args(["--node-index=2", "--node-total=3"]);
    let ran = ran.env("CI_NODE_INDEX", "1").env("CI_NODE_TOTAL", "2").expect(0);
    assert!(ran.out.contains("(shard 2 of 3)"), "a flag wins: {}", ran.out);
    for (index, total) in [("", "1"), ("1", "1"), ("", "")] {
        let ran = world.sapm("plan").env("CI_NODE_INDEX", index).env("CI_NODE_TOTAL", total);
        let ran = ran.expect(0);
        assert!(!ran.out.contains("(share"), "{}", ran.out);
    }
}

#[test]
fn an_invalid_shard_is_a_usage_error() {
    let world = World::start();
    for (index, total, word) in [
        ("0", "3", "node 0 of 3 does not exist"),
        ("4", "3", "node 4 of 3 does not exist"),
        ("2", "1", "node 2 of 1 does not exist"),
        ("0", "0", "node 0 of 0 does not exist"),
        ("", "3", "--node-index"),
        ("2", "", "--node-total"),
        ("one", "3", "one"),
        ("1", "-3", "-3"),
        ("1", "99999999999999", "99999999999999"),
    ] {
        let run = world.sapm("apply").env("CI_NODE_INDEX", index).env("CI_NODE_TOTAL", total);
        let ran = run.expect(2);
        assert!(ran.err.contains("error: ") && ran.err.contains(word), "{word}: {}", ran.err);
    }
    assert_eq!(world.forge().request_count(), 0);
}

#[test]
fn shards_of_a_filtered_run_are_the_filtered_run() {
    let (shared, whole) = two_worlds();
    for index in 1..=3 {
        node(&shared, "apply", index, 3).args(["--app-name", "orders"]).expect(0);
    }
    whole.sapm("apply").args(["--app-name", "orders"]).expect(0);
    assert_eq!(seen(&shared), seen(&whole));
    assert_eq!(exported(&shared), exported(&whole));
}

/// Two targets on adjacent lines, whose merge requests would conflict.
#[test]
fn merge_requests_of_two_filtered_runs_do_not_conflict() {
    let world = World::start();
    let target = |name: &str, namespace: &str| {
        format!(
            "  - {{namespace: {{$ref: /services/orders/namespaces/{namespace}.yml}}, name: {name}, ref: \
             d83e8878b794cd2c379af53482024695a2d42eb7, promotion: {{auto: true, subscribe: [orders-stage]}}}}\n"
        )
    };
    let old = "  path: /deploy/db.yml\n  targets:\n";
    let template = format!(
        "- name: orders-cron\n  url: {}/example-shop/orders\n  path: /deploy/cron.yml\n  targets:\n{}{}",
        world.forge().gitlab_url(),
        target("one", "orders-stage"),
        target("two", "orders-canary"),
    );
    let db = "# held by deployment: the commit of its publisher is not deployed yet\n";
    assert!(world.text("main", ORDERS_FILE).contains(old));
    world.edit(ORDERS_FILE, db, &format!("{template}{db}"));
    world.sapm("apply").args(["--env-name", "shop-stage"]).expect(0);
    assert!(world.request("orders-cron/one").title.contains(&ORDERS_NEW[..8]));
    let run = world.sapm("apply").args(["--env-name", "shop-production", "--format", "json"]);
    let plan = run.expect(0).plan();
    assert_eq!(plan.action("orders-cron/two"), "defer: waits_for_request");
}
