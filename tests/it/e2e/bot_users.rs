//! The bot under another user than before: its token was replaced.

use forge::{Access, MrState};

use super::support::*;
use crate::shop::CATALOG_NEXT;

const NEW_TOKEN: &str = "glpat-made-anew-that-nobody-may-see";

/// The old user opened four requests, of which a person closed one; and there is a new user.
fn with_new_user() -> World {
    let world = World::start();
    world.apply();
    world.project().close("alice", world.request(MAIL).iid);
    world.project().add_bot("sapm-bot-anew", NEW_TOKEN, Access::Developer, &["api"]);
    world
}

/// `sapm apply` by the new user, with a log of this run alone.
fn apply(world: &World) -> Sapm {
    world.forge().clear_log();
    world.sapm("apply").args(["--format", "json"]).env("SAPM_GITLAB_TOKEN", NEW_TOKEN)
}

fn knowing_the_old(world: &World) -> Plan {
    apply(world).args(["--former-bot-user", "@sapm-bot"]).expect(0).plan()
}

#[test]
fn without_the_option_what_the_old_user_did_is_somebody_elses() {
    let world = with_new_user();
    let closed = world.request(MAIL);
    let plan = apply(&world).expect(5).plan();
    // What a person said to the old user is not known.
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
    // The branch that the closed one left, and nothing else.
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
    // What the bot closed under either user is no person's word.
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
fn a_former_user_that_is_not_there_ends_the_run_and_says_what_to_check() {
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
fn another_bot_that_closes_is_named_by_an_option_and_never_silent_without() {
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
    // Two targets share the place.
    assert!(read("metrics.txt").contains(&format!("{metric} 2\n")), "{}", read("metrics.txt"));
    let junit = read("junit.xml");
    assert!(junit.contains("promotion_suppressed") && junit.contains("<skipped"), "{junit}");

    apply().env("SAPM_OTHER_BOTS", "@devtools-bot").expect(0);
    assert!(read("metrics.txt").contains(&format!("{metric} 0\n")));
    assert_ne!(world.request(MAIL).iid, closed.iid);
    // What the bot's own user does cannot be told from what another program does by it.
    let ran = apply().env("SAPM_OTHER_BOTS", "sapm-bot").expect(4);
    assert!(ran.err.contains("--other-bot") && ran.err.contains("`sapm-bot`"), "{}", ran.err);
}
