//! The bot has another user than before, because its token was replaced.

use forge::{Access, MrState};

use super::support::*;
use crate::shop::CATALOG_NEXT;

const NEW_TOKEN: &str = "glpat-made-anew-that-nobody-may-see";

/// The old user opened four merge requests, of which a person closed one. The bot has a new user.
fn with_new_user() -> World {
    let world = World::start();
    world.apply();
    world.project().close("alice", world.request(MAIL).iid);
    world.project().add_bot("sapm-bot-anew", NEW_TOKEN, Access::Developer, &["api"]);
    world
}

/// `sapm apply` by the new user, with a log of only this run.
fn apply(world: &World) -> Sapm {
    world.forge().clear_log();
    world.sapm("apply").args(["--format", "json"]).env("SAPM_GITLAB_TOKEN", NEW_TOKEN)
}

fn knowing_the_old(world: &World) -> Plan {
    apply(world).args(["--former-bot-user", "@sapm-bot"]).expect(0).plan()
}

#[test]
fn without_the_option_actions_of_the_old_user_are_foreign() {
    let world = with_new_user();
    let closed = world.request(MAIL);
    let plan = apply(&world).expect(5).plan();
    // The rejection towards the old user is not known.
    assert_eq!(plan.action(MAIL), "create: due");
    assert_ne!(world.request(MAIL).iid, closed.iid);
    assert_eq!(plan.problems(), ["error branch_not_ours"; 3]);
    for problem in plan.list("problems") {
        let message = text(&problem["message"]);
        let at = |words: &str| message.find(words).unwrap_or_else(|| panic!("{words}: {message}"));
        let remedies = [at("SAPM_BOT_USER"), at("SAPM_FORMER_BOT_USERS"), at("delete the branch")];
        assert!(remedies.is_sorted() && message.contains("`sapm-bot`"), "{message}");
    }
}

#[test]
fn with_the_option_a_rejection_holds_and_open_merge_requests_are_kept() {
    let world = with_new_user();
    let before = world.project().merge_requests().len();
    let plan = knowing_the_old(&world);
    assert_eq!(plan.action(MAIL), "defer: closed_by_person");
    assert_eq!(plan.actions(), ["defer", "keep", "keep", "keep"]);
    assert_eq!(plan.problems(), ["warning promotion_suppressed"]);
    // Only the branch of the closed one.
    let writes = world.writes();
    assert!(writes.len() == 1 && writes[0].starts_with("DELETE "), "{writes:?}");
    assert_eq!(world.project().merge_requests().len(), before);
    // The variable does the same.
    let named = apply(&world).env("SAPM_FORMER_BOT_USERS", " nobody-any-more-not , sapm-bot ,");
    let ran = named.expect(4);
    assert!(ran.err.contains("`nobody-any-more-not`"), "{}", ran.err);
    let named = apply(&world).env("SAPM_FORMER_BOT_USERS", " SAPM-bot ,sapm-bot-anew,");
    assert_eq!(named.expect(0).plan().actions(), ["defer", "keep", "keep", "keep"]);
}

#[test]
fn an_open_merge_request_of_the_old_user_is_updated_and_closed_by_the_new_one() {
    let world = with_new_user();
    let old = world.request(CANARY);
    world.shop.next_catalog();
    let plan = knowing_the_old(&world);
    assert_eq!(plan.action(CANARY), "update: changed");
    let branches: Vec<String> =
        world.project().open_merge_requests().into_iter().map(|open| open.source_branch).collect();
    let each = branches.iter().filter(|branch| **branch == old.source_branch).count();
    assert_eq!(each, 1, "{branches:?}");
    assert_eq!(world.request(CANARY).iid, old.iid);
    assert!(world.text(&old.source_branch, CATALOG_FILE).contains(CATALOG_NEXT));
    // Closings by either user of the bot are not rejections.
    let disabled = "    name: regional\n";
    let regional = world.request(REGIONAL);
    world.edit(PAYMENTS_FILE, disabled, &format!("{disabled}    disable: true\n"));
    assert_eq!(knowing_the_old(&world).action(REGIONAL), "close: target_gone");
    let now = world.project().merge_request(regional.iid).expect("a request");
    assert_eq!((now.state, now.comments().count()), (MrState::Closed, 1));
    let text = world.text("main", PAYMENTS_FILE).replace("    disable: true\n", "");
    world.project().commit("alice", "main", "Back\n", [(PAYMENTS_FILE, Some(text))]);
    assert_eq!(knowing_the_old(&world).action(REGIONAL), "create: due");
}

#[test]
fn an_unknown_former_user_ends_the_run_with_a_hint() {
    let world = World::start();
    for name in ["nobody", "@nobody"] {
        let ran = world.sapm("plan").args(["--former-bot-user", name]).expect(4);
        let said = ran.err.contains("no user `nobody`");
        assert!(
            said && ran.err.contains("--former-bot-user (SAPM_FORMER_BOT_USERS)"),
            "{}",
            ran.err
        );
    }
    let ran = world.sapm("plan").args(["--bot-user", "nobody"]).expect(4);
    assert!(ran.err.contains("check --bot-user (SAPM_BOT_USER)"), "{}", ran.err);
    let many: Vec<String> = (0..11).map(|number| format!("bot-{number}")).collect();
    let ran = world.sapm("plan").env("SAPM_FORMER_BOT_USERS", many.join(",")).expect(2);
    assert!(ran.err.contains("SAPM_FORMER_BOT_USERS"), "{}", ran.err);
}

#[test]
fn a_closing_by_another_bot_is_reported_without_the_option() {
    let world = World::start();
    world.sapm("apply").env("SAPM_DESCRIPTION_FOOTER", "/lgtm").expect(0);
    let closed = world.request(MAIL);
    assert!(closed.description.lines().any(|line| line == "/lgtm"), "{}", closed.description);
    world.project().add_member("devtools-bot", Access::Maintainer);
    world.project().close("devtools-bot", closed.iid);
    let report = world.path("report");
    let apply = || world.sapm("apply").arg("--report-dir").arg(&report);
    apply().expect(0);
    let read = |name: &str| std::fs::read_to_string(report.join(name)).unwrap();
    let metric = "sapm_subscribers_suppressed{reason=\"closed_by_person\"}";
    // Two targets share the edit site.
    assert!(read("metrics.txt").contains(&format!("{metric} 2\n")), "{}", read("metrics.txt"));
    let junit = read("junit.xml");
    assert!(junit.contains("promotion_suppressed") && junit.contains("<skipped"), "{junit}");

    apply().env("SAPM_OTHER_BOTS", "@devtools-bot").expect(0);
    assert!(read("metrics.txt").contains(&format!("{metric} 0\n")));
    assert_ne!(world.request(MAIL).iid, closed.iid);
    // Actions of the bot's own user cannot be attributed to another program with the same user.
    let ran = apply().env("SAPM_OTHER_BOTS", "sapm-bot").expect(4);
    assert!(ran.err.contains("--other-bot") && ran.err.contains("`sapm-bot`"), "{}", ran.err);
}
