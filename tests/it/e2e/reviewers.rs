//! Whom merge requests ask to review.

use std::collections::BTreeMap;

use forge::{Access, Fault, Service};

use super::support::*;
use crate::shop::CATALOG_NEXT;

const OWNERS: (&str, &str) = ("SAPM_REVIEWERS", "owners");
const CODE_OWNERS: (&str, &str) = ("SAPM_REVIEWERS", "codeowners");

fn run(world: &World, command: &str, (name, value): (&str, &str)) -> Sapm {
    world.forge().clear_log();
    world.sapm(command).env("SAPM_CONCURRENCY", "1").env(name, value)
}

fn apply(world: &World, option: (&str, &str)) -> Plan {
    run(world, "apply", option).args(["--format", "json"]).expect(0).plan()
}

/// Puts files on main.
fn put(world: &World, files: &[(&str, &str)]) {
    let files = files.iter().map(|&(path, text)| (path, Some(text.to_owned())));
    world.project().commit("alice", "main", "People\n", files);
}

/// Users who may read the config repo.
fn members(world: &World, names: &[&str]) {
    for name in names {
        world.project().add_member(name, Access::Developer);
    }
}

/// User names of the reviewers of the newest merge request of a target, as GitLab has them.
#[track_caller]
fn reviewers(world: &World, label: &str) -> Vec<String> {
    let ids = world.request(label).reviewers;
    let all = ["alice", "ann", "bob", "cy", "dee", "eve", "sapm-bot", "catalog"];
    let names: BTreeMap<u64, &str> =
        all.iter().filter_map(|name| Some((world.forge().user(name)?.id, *name))).collect();
    ids.iter().map(|id| names[id].to_owned()).collect()
}

fn lookups(world: &World) -> usize {
    world.count(|entry| entry.path.starts_with("/api/v4/users?"))
}

/// A role with users, who want to be mentioned.
fn put_role(world: &World, datafile: &str, users: &[&str]) {
    let role = format!(
        "$schema: /access/role-1.yml\nname: team\nself_service:\n- change_type: {{$ref: /c.yml}}\n  \
         datafiles: [{{$ref: {datafile}}}]\n"
    );
    put(world, &[("data/access/role.yml", &role)]);
    users.iter().for_each(|user| put_user(world, user, "true"));
}

fn put_user(world: &World, user: &str, tagged: &str) {
    let text = format!(
        "$schema: /access/user-1.yml\nname: {user}\norg_username: {user}\n\
         roles: [{{$ref: /access/role.yml}}]\ntag_on_merge_requests: {tagged}\n"
    );
    put(world, &[(&format!("data/access/{user}.yml"), &text)]);
}

#[test]
fn nobody_is_asked_by_default() {
    let world = World::start();
    members(&world, &["ann"]);
    put(&world, &[("CODEOWNERS", "* @ann\n")]);
    put_role(&world, "/services/catalog/app.yml", &["ann"]);
    world.apply();
    assert_eq!(lookups(&world), 0);
    let opened = world.forge().writes();
    let opened = opened.iter().filter(|entry| entry.path.ends_with("/merge_requests"));
    let bodies: Vec<_> = opened.map(|entry| format!("{entry:?}")).collect();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| !body.contains("reviewer")), "{bodies:?}");
    assert_eq!(reviewers(&world, CANARY), [""; 0]);
}

#[test]
fn users_of_roles_come_before_service_owners() {
    let world = World::start();
    members(&world, &["Ann", "bob", "catalog"]);
    world.forge().change_user("catalog", |user| {
        (user.email, user.email_is_public) = ("Catalog@example.com".to_owned(), true);
    });
    put_role(&world, "/services/catalog/cicd/saas.yml", &["ann"]);
    put_user(&world, "bob", "false");
    let plan = apply(&world, OWNERS);
    assert_eq!(reviewers(&world, CANARY), ["ann", "catalog"]);
    assert_eq!(plan.request(CANARY)["reviewers"], serde_json::json!(["@Ann", "@catalog"]));
    world.forge().assert_no_unknown_routes();
}

#[test]
fn who_does_not_want_to_be_mentioned_is_not_asked() {
    let world = World::start();
    members(&world, &["ann", "bob", "catalog"]);
    world.forge().change_user("catalog", |user| {
        (user.email, user.email_is_public) = ("catalog@example.com".to_owned(), true);
    });
    put_role(&world, "/services/catalog/app.yml", &["ann", "bob", "catalog"]);
    put_user(&world, "catalog", "false");
    // As in qontract-reconcile, nobody is mentioned who does not say so. A broken datafile of a user harms nobody.
    let silent =
        world.text("main", "data/access/bob.yml").replace("tag_on_merge_requests: true", "");
    put(&world, &[("data/access/bob.yml", &silent)]);
    let broken = "$schema: /access/user-1.yml\ntag_on_merge_requests: [\n";
    put(&world, &[("data/access/broken.yml", broken)]);
    let plan = apply(&world, OWNERS);
    assert_eq!(reviewers(&world, CANARY), ["ann"]);
    assert!(!plan.problems().iter().any(|problem| problem.contains("datafile")));
}

#[test]
fn the_last_entry_of_each_section_counts() {
    let world = World::start();
    members(&world, &["ann", "bob", "cy", "dee"]);
    put(
        &world,
        &[
            (".gitlab/CODEOWNERS", "* @dee\n"),
            (
                "docs/CODEOWNERS",
                "* @dee\n/data/services/catalog/ @ann @shop/admins @@maintainer\n\n\
                 ^[Optional]\nsaas.yml @bob\n",
            ),
        ],
    );
    let plan = apply(&world, CODE_OWNERS);
    assert_eq!(reviewers(&world, CANARY), ["ann", "bob"]);
    assert_eq!(reviewers(&world, MAIL), ["dee"]);
    assert_eq!(lookups(&world), 3, "each person is looked up once");
    assert!(!plan.problems().iter().any(|problem| problem.contains("review")));
    world.forge().assert_no_unknown_routes();
}

#[test]
fn at_most_three_are_asked_and_each_promotion_begins_at_another_one() {
    let world = World::start();
    let five = ["ann", "bob", "cy", "dee", "eve"];
    members(&world, &five);
    put(&world, &[("CODEOWNERS", "* @ann @bob @cy @dee @eve\n")]);
    let plan = run(&world, "plan", CODE_OWNERS).args(["--format", "json"]).expect(0).plan();
    world.assert_nothing_written();
    apply(&world, CODE_OWNERS);
    let mut first = Vec::new();
    for label in [CANARY, ORDERS, MAIL, REPORTING] {
        let Some(request) =
            world.project().merge_requests().into_iter().find(|mr| mr.title.contains(label))
        else {
            continue;
        };
        let asked = reviewers(&world, label);
        assert_eq!(asked.len(), 3, "{}", request.title);
        let planned: Vec<String> = plan.request(label)["reviewers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| text(name).trim_start_matches('@').to_owned())
            .collect();
        assert_eq!(asked, planned, "as planned");
        first.push(asked[0].clone());
    }
    first.sort();
    first.dedup();
    assert!(first.len() > 1, "{first:?}");
    assert!(lookups(&world) <= five.len());
}

#[test]
fn gitlab_free_keeps_the_first_one() {
    let world = World::start();
    world.forge().configure(|settings| settings.several_reviewers = false);
    members(&world, &["ann", "bob", "cy", "dee", "eve"]);
    put(&world, &[("CODEOWNERS", "* @ann @bob @cy @dee @eve\n")]);
    let plan = apply(&world, CODE_OWNERS);
    for mr in plan.list("merge_requests").iter().filter(|mr| mr["action"] == "create") {
        let kept = reviewers(&world, &text(&mr["title"]));
        assert_eq!(kept, [text(&mr["reviewers"][0]).trim_start_matches('@')]);
    }
}

#[test]
fn who_cannot_be_asked_is_one_warning() {
    let world = World::start();
    members(&world, &["ann", "bob", "cy"]);
    world.forge().add_user("stranger");
    world.forge().change_user("bob", |user| user.state = "blocked");
    world.forge().change_user("cy", |user| user.state = "deactivated");
    put(
        &world,
        &[("CODEOWNERS", "* @gone @bob @cy @sapm-bot @ann hidden@example.com @stranger\n")],
    );
    let plan = apply(&world, CODE_OWNERS);
    for mr in plan.list("merge_requests").iter().filter(|mr| mr["action"] == "create") {
        // GitLab leaves out who may not read the project.
        assert_eq!(reviewers(&world, &text(&mr["title"])), ["ann"]);
    }
    let problem = plan.problem("reviewer_not_found");
    let message = text(&problem["message"]);
    for name in ["4 names", "@bob", "@cy", "@gone", "hidden@example.com"] {
        assert!(message.contains(name), "{message}");
    }
    assert!(!message.contains("sapm-bot") && !message.contains("@ann"), "{message}");
    assert_eq!(problem["severity"], "warning");
}

#[test]
fn a_failed_lookup_is_one_warning_and_delays_nothing() {
    let world = World::start();
    members(&world, &["ann", "bob", "cy", "dee", "eve"]);
    put(&world, &[("CODEOWNERS", "* @ann @bob @cy @dee @eve\n")]);
    world.forge().fault(Fault::status(503, "").on(Service::GitLab).path("/api/v4/users"));
    let plan = apply(&world, CODE_OWNERS);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    assert_eq!(reviewers(&world, CANARY), [""; 0]);
    assert_eq!(plan.problem("reviewers_not_looked_up")["severity"], "warning");
    assert!(lookups(&world) <= 5, "each is asked for once");
    world.forge().clear_faults();
    let plan = apply(&world, CODE_OWNERS);
    assert_eq!(world.writes(), [""; 0], "what is open stays as it is");
    assert_eq!(lookups(&world), 0);
    assert!(!plan.problems().iter().any(|problem| problem.contains("review")));
}

#[test]
fn later_runs_and_people_have_the_last_word() {
    let world = World::start();
    members(&world, &["ann", "bob"]);
    put(&world, &[("CODEOWNERS", "* @ann\n")]);
    apply(&world, CODE_OWNERS);
    assert_eq!(reviewers(&world, CANARY), ["ann"]);
    apply(&world, CODE_OWNERS);
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(lookups(&world), 0);
    // A person removes the reviewer, and the merge request gets another commit.
    let iid = world.request(CANARY).iid;
    world.project().set_reviewers(iid, &[]);
    put(&world, &[("CODEOWNERS", "* @bob\n")]);
    world.shop.next_catalog();
    apply(&world, CODE_OWNERS);
    assert_eq!(world.request(CANARY).iid, iid);
    assert!(world.request(CANARY).title.contains(&CATALOG_NEXT[..8]), "it was updated");
    assert_eq!(reviewers(&world, CANARY), [""; 0]);
    // Closed and opened again by a person, it keeps its reviewers.
    let other = world.request(MAIL).iid;
    world.project().close("alice", other);
    world.project().reopen("alice", other).unwrap();
    apply(&world, CODE_OWNERS);
    assert_eq!(world.request(MAIL).iid, other);
    assert_eq!(reviewers(&world, MAIL), ["ann"]);
}

#[test]
fn a_batch_asks_for_all_its_promotions_together() {
    let world = World::start();
    members(&world, &["ann", "bob", "cy", "dee"]);
    put(
        &world,
        &[("CODEOWNERS", "/data/services/catalog/ @ann @bob\n/data/services/orders/ @ann @cy\n")],
    );
    run(&world, "apply", CODE_OWNERS).env("SAPM_BATCH_BY", "all").expect(0);
    let open = world.project().open_merge_requests();
    let [mr] = open.as_slice() else { panic!("{open:#?}") };
    let mut asked = reviewers(&world, &mr.title);
    asked.sort();
    assert_eq!(asked, ["ann", "bob", "cy"]);
    assert_eq!(lookups(&world), 3);
}

#[test]
fn a_plan_shows_whom_it_would_ask() {
    let world = World::start();
    members(&world, &["ann"]);
    put(&world, &[("CODEOWNERS", "* @ann\n")]);
    let ran = run(&world, "plan", CODE_OWNERS).expect(0);
    assert!(ran.out.contains("; asks @ann to review"), "{}", ran.out);
    world.assert_nothing_written();
    let ran = run(&world, "plan", CODE_OWNERS).args(["--format", "markdown"]).expect(0);
    assert!(ran.out.contains("; asks `@ann` to review"), "nobody is mentioned: {}", ran.out);
}

#[test]
fn recorded_facts_name_the_same_people_and_without_gitlab_those_who_are_declared() {
    let world = World::start();
    members(&world, &["ann"]);
    put(&world, &[("CODEOWNERS", "* @gone @ann\n")]);
    let (facts, checkout) = (world.path("facts.json"), world.checkout());
    let plan = || run(&world, "plan", CODE_OWNERS).args(["--format", "json"]);
    let live = plan().arg("--save-snapshot").arg(&facts).expect(0);
    let offline = || {
        let plan = plan().env("SAPM_APP_INTERFACE", &checkout).arg("--snapshot").arg(&facts);
        plan.without("SAPM_STATE").without("SAPM_GITLAB_TOKEN").expect(0)
    };
    assert_eq!(live.out, offline().out);
    assert_eq!(live.plan().request(CANARY)["reviewers"], serde_json::json!(["@ann"]));
    let mut without: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&facts).unwrap()).unwrap();
    without.as_object_mut().unwrap().remove("config_repo");
    std::fs::write(&facts, without.to_string()).unwrap();
    let mut declared = offline().plan().request(CANARY)["reviewers"].as_array().unwrap().clone();
    declared.sort_by_key(ToString::to_string);
    assert_eq!(declared, ["@ann", "@gone"]);
}

#[test]
fn a_file_that_cannot_be_used_is_a_warning() {
    let world = World::start();
    let plan = apply(&world, CODE_OWNERS);
    assert!(text(&plan.problem("code_owners_unusable")["message"]).contains("no CODEOWNERS"));
    assert_eq!(world.project().open_merge_requests().len(), 4);
    for (text_of_file, why) in [
        ("* @ann\n".repeat(10_001), "10001 lines"),
        ("# no owners here\n".repeat(70_000), "the limit is 1048576"),
    ] {
        put(&world, &[("CODEOWNERS", &text_of_file)]);
        let plan = apply(&world, CODE_OWNERS);
        let message = text(&plan.problem("code_owners_unusable")["message"]);
        assert!(message.contains(why), "{message}");
    }
}

/// Nobody is asked in the name of somebody else: GitLab's search also finds displayed names, which users choose.
#[test]
fn an_address_as_displayed_name_is_not_the_person() {
    let world = World::start();
    members(&world, &["eve", "ann"]);
    world.forge().change_user("eve", |user| user.name = "Catalog@example.com (me)".to_owned());
    world.forge().change_user("ann", |user| {
        (user.email, user.email_is_public) = ("orders@example.com".to_owned(), true);
    });
    let plan = apply(&world, OWNERS);
    assert_eq!(reviewers(&world, CANARY), [""; 0]);
    assert_eq!(reviewers(&world, MAIL), ["ann"]);
    assert!(text(&plan.problem("reviewer_not_found")["message"]).contains("catalog@example.com"));
}

/// A tenant who writes CODEOWNERS can have at most three people asked for a merge request, and few looked up.
#[test]
fn a_crowd_in_code_owners_is_not_asked() {
    let world = World::start();
    members(&world, &["ann", "bob", "cy", "dee"]);
    let crowd: String =
        (0..5_000).map(|n| format!(" @nobody-{n} nobody-{n}@example.com")).collect();
    let file = format!("* @ann @bob @cy @dee{crowd}\n{}", "[s] @dee\n*\n".repeat(2_000));
    put(&world, &[("CODEOWNERS", &file)]);
    let plan = apply(&world, CODE_OWNERS);
    assert!(lookups(&world) <= 40, "ten for each of four merge requests");
    for mr in world.project().open_merge_requests() {
        assert!(mr.reviewers.len() <= 3);
    }
    let message = text(&plan.problem("reviewer_not_found")["message"]);
    assert!(message.len() < 500 && message.contains(" more"), "{message}");
}
