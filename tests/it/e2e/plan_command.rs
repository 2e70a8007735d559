//! `plan` writes nothing and needs no write access; `apply` works from a checkout.

use forge::{Access, MergeMethod, Service};

use super::support::*;
use crate::shop::{CATALOG_NEW, ORDERS_DB_NEW, ORDERS_NEW, PROJECT};

const READER: &str = "glpat-token-of-a-reader";

/// `sapm plan` with a read-only token of another user than the bot.
fn reader(world: &World) -> Sapm {
    world.project().add_bot("reader", READER, Access::Reporter, &["read_api", "read_repository"]);
    world.forge().clear_log();
    let plan = world.sapm("plan").env("SAPM_GITLAB_TOKEN", READER);
    plan.args(["--bot-user", "sapm-bot", "--format", "json"])
}

#[test]
fn plan_shows_what_apply_would_do_and_writes_nothing() {
    let world = World::start();
    let planned = reader(&world).expect(0).plan();
    assert_eq!(planned.actions(), ["create"; 4]);
    world.assert_nothing_written();
    let applied = world.apply_json();
    let without_outcome = |plan: &Plan, label: &str| {
        let request = plan.request(label);
        ["branch", "title", "labels", "targets", "files"].map(|key| request[key].clone())
    };
    for label in [CANARY, PRODUCTION, MAIL, REGIONAL] {
        assert_eq!(without_outcome(&planned, label), without_outcome(&applied, label));
        assert!(planned.request(label).get("outcome").is_none());
    }
    assert_eq!(planned.decisions(), applied.decisions());
}

#[test]
fn plan_needs_a_read_token_and_the_bots_name() {
    let world = World::start();
    world.apply();
    let plan = reader(&world).expect(0).plan();
    assert_eq!(plan.actions(), ["keep"; 4]);
    world.shop.next_catalog();
    let plan = reader(&world).expect(0).plan();
    assert_eq!(plan.action(CANARY), "update: changed");
    world.assert_nothing_written();
    world.forge().assert_no_unknown_routes();
}

#[test]
fn a_dry_run_is_a_plan() {
    let world = World::start();
    let plan = world.sapm("apply").args(["--dry-run", "--format", "json"]).expect(0).plan();
    assert_eq!(plan.actions(), ["create"; 4]);
    assert!(plan.request(CANARY).get("outcome").is_none());
    world.assert_nothing_written();
    let run = world.sapm("apply").env("SAPM_GITLAB_TOKEN", READER).env("SAPM_DRY_RUN", "yes");
    world.project().add_bot("reader", READER, Access::Reporter, &["read_api", "read_repository"]);
    run.expect(0);
    world.assert_nothing_written();
}

#[test]
fn the_detailed_exit_code_reports_pending_changes() {
    let world = World::start();
    let plan = || world.sapm("plan").arg("--detailed-exitcode");
    plan().expect(10);
    world.sapm("plan").expect(0);
    world.apply();
    plan().expect(0);
    world.shop.next_catalog();
    plan().expect(10);
    world.apply();
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    plan().expect(10);
    world.apply();
    plan().expect(0);
    world.forge().remove_github_repo("example-shop/payments-ledger");
    plan().expect(5);
}

/// The code of the orders moves to a git host that is not a GitLab.
fn elsewhere(world: &World) {
    let forge = world.forge();
    forge.set_git_ref("example-shop/orders", "main", ORDERS_NEW);
    forge.set_git_ref("example-shop/orders-db", "release-2", ORDERS_DB_NEW);
    let here = format!("{}/example-shop/", forge.gitlab_url());
    let text = world.text("main", ORDERS_FILE).replace(&here, &forge.git_url("example-shop/"));
    world.project().commit("alice", "main", "Move\n", [(ORDERS_FILE, Some(text))]);
}

#[test]
fn without_gitlab_plan_warns_that_no_merge_request_counts_as_open() {
    let world = World::start();
    elsewhere(&world);
    world.apply();
    world.forge().clear_log();
    let ran = world
        .sapm("plan")
        .env("SAPM_APP_INTERFACE", world.checkout())
        .without("SAPM_GITLAB_URL")
        .without("SAPM_GITLAB_TOKEN")
        .args(["--format", "json"])
        .expect(0);
    assert!(ran.err.contains("no merge request counts as open"), "{}", ran.err);
    assert_eq!(ran.plan().actions(), ["create"; 4]);
    assert_eq!(world.count(|entry| entry.service == Service::GitLab), 0);
    assert_eq!(world.count(|entry| entry.service == Service::Git), 2, "one question for each ref");
    let with = world.sapm("plan").expect(0);
    assert!(!with.err.contains("no merge request counts as open"), "{}", with.err);
}

#[test]
fn plan_reads_the_files_of_a_checkout_or_a_plain_folder() {
    let world = World::start();
    world.apply();
    let folder = world.checkout();
    let plan = || {
        let plan = world.sapm("plan").env("SAPM_APP_INTERFACE", &folder);
        plan.args(["--format", "json", "--gitlab-project", PROJECT]).expect(0).plan()
    };
    assert_eq!(plan().actions(), ["keep"; 4]);
    let file = folder.join(CATALOG_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    let new = text.replace("9d562e12ee5220a41f29bc0fb79f0700d13b4473", CATALOG_NEW);
    std::fs::write(&file, new).unwrap();
    assert_eq!(plan().decision(CANARY), "up_to_date");
    std::fs::remove_dir_all(folder.join(".git")).unwrap();
    assert_eq!(plan().decision(CANARY), "up_to_date");
    std::fs::write(&file, text).unwrap();
    assert_eq!(plan().actions(), ["keep"; 4]);
}

#[test]
fn apply_works_from_a_checkout_of_the_branch() {
    let world = World::start();
    let folder = world.checkout();
    // Uncommitted changes are ignored.
    std::fs::write(folder.join(CATALOG_FILE), "nonsense: [").unwrap();
    let apply = || {
        world.forge().clear_log();
        let apply = world.sapm("apply").env("SAPM_APP_INTERFACE", &folder);
        apply.args(["--format", "json"]).expect(0).plan()
    };
    assert_eq!(apply().actions(), ["create"; 4]);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    apply();
    world.assert_nothing_written();
    // The branches are still fetched with git, next to the objects of the checkout.
    let exchanges = world.count(|entry| entry.path.contains("git-upload-pack"));
    assert!((1..=3).contains(&exchanges), "{exchanges}");
    world.apply();
    world.assert_nothing_written();
}

#[test]
fn apply_works_from_an_older_commit_of_the_branch() {
    let world = World::start();
    let old = world.project().tip("main").unwrap();
    let folder = world.checkout();
    world.edit(CATALOG_FILE, "description: how catalog is deployed", "description: another");
    world.detach(&folder, &old);
    world.sapm("apply").env("SAPM_APP_INTERFACE", &folder).expect(0);
    let requests = world.project().open_merge_requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert!(world.project().merges_cleanly(request.iid), "{}", request.title);
        assert!(world.project().contains(&request.source_branch, &old));
    }
    world.apply();
    world.assert_nothing_written();
}

/// A branch based on a newer commit than the run reads is not behind.
#[test]
fn apply_from_an_older_commit_rebuilds_nothing() {
    let world = World::start();
    world.project().set_merge_method(MergeMethod::FastForward);
    let old = world.project().tip("main").unwrap();
    let folder = world.checkout();
    world.edit(CATALOG_FILE, "description: how catalog is deployed", "description: another");
    world.apply();
    world.detach(&folder, &old);
    world.forge().clear_log();
    world.sapm("apply").env("SAPM_APP_INTERFACE", &folder).expect(0);
    world.assert_nothing_written();
}

#[test]
fn apply_refuses_a_commit_that_is_not_on_the_branch() {
    let world = World::start();
    let other = world.project().commit("alice", "other", "Elsewhere\n", [("x", Some("x"))]);
    let folder = world.checkout();
    world.detach(&folder, &other);
    let ran = world.sapm("apply").env("SAPM_APP_INTERFACE", &folder).expect(2);
    assert!(ran.err.contains("is not on the branch main"), "{}", ran.err);
    assert!(ran.err.contains("hint: check out the target branch"), "{}", ran.err);
    world.assert_nothing_written();
}

/// In a job, the summary has collapsible sections, but a file is read later and elsewhere.
#[test]
fn a_file_gets_plain_text_in_a_job_too() {
    let world = World::start();
    let path = world.path("plan.txt");
    let file = std::fs::File::create(&path).unwrap();
    world.sapm("plan").env("GITLAB_CI", "true").printing_to(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("Targets\n") && text.contains(PRODUCTION), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let piped = world.sapm("plan").env("GITLAB_CI", "true").expect(0).out;
    assert!(piped.contains("section_start:"), "{piped}");
}
