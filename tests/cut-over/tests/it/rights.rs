//! What the token and the project's rules let the bot do, and the schedule.

use cut_over::World;
use forge::{Access, Fault};
use serde_json::json;

#[test]
fn s14_a_rule_that_covers_all_branches() {
    let world = World::start(2);
    world.project.protect_with("auto-promoter-v2/*", None, true);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("branch_rules"), "fail");
    assert!(asked.summary("branch_rules").contains("auto-promoter-v2/*"));
    // An older GitLab shows the rules to Maintainers alone.
    world.forge.configure(|settings| settings.lists_protection = Access::Maintainer);
    let asked = world.preflight(&[]).expect(5);
    assert_eq!(asked.outcome("branch_rules"), "not_known");
    assert!(asked.summary("branch_rules").contains("403"), "{}", asked.summary("branch_rules"));
    assert!(asked.advice("branch_rules").contains("Maintainer"));
}

#[test]
fn s14_a_rule_that_covers_one_of_ten_names_its_target() {
    let world = World::start(10);
    world.project.protect_with("auto-promoter-v2/saas-app7-*", None, false);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("branch_rules"), "fail");
    let targets = &asked.check("branch_rules")["evidence"]["targets"];
    assert_eq!(targets, &json!(["saas-app7/api/prod01/app7-production"]));
    assert!(asked.summary("branch_rules").contains("1 target"));
}

#[test]
fn s15_push_rules_are_tried_on_real_names() {
    let world = World::start(1);
    assert_eq!(world.preflight(&[]).outcome("push_rules"), "skipped");
    let rule = json!({ "branch_name_regex": "^(feat|fix)/", "commit_message_regex": "" });
    world.project.set_push_rule(rule.clone(), Access::Developer);
    let asked = world.preflight(&[]).expect(10);
    let summary = asked.summary("push_rules");
    assert_eq!(asked.outcome("push_rules"), "fail");
    assert!(summary.contains("auto-promoter-v2/saas-app0-"), "{summary}");
    world.project.set_push_rule(rule, Access::Maintainer);
    let asked = world.preflight(&[]).expect(5);
    assert_eq!(asked.outcome("push_rules"), "not_known");
}

#[test]
fn s15_messages_addresses_and_paths_are_tried_as_well() {
    let world = World::start(1);
    world.release(0, 1);
    for (rule, field) in [
        (json!({ "commit_message_regex": "^JIRA-" }), "commit_message_regex"),
        (json!({ "commit_message_negative_regex": "saas-app0" }), "commit_message_negative_regex"),
        (json!({ "author_email_regex": "@redhat.com$" }), "author_email_regex"),
        (json!({ "file_name_regex": "saas.yml$" }), "file_name_regex"),
    ] {
        world.project.set_push_rule(rule, Access::Developer);
        let asked = world.preflight(&[]);
        assert_eq!(asked.outcome("push_rules"), "fail", "{field}: {}", asked.text);
        assert!(asked.summary("push_rules").contains(field));
    }
    let fine =
        json!({ "branch_name_regex": "^auto-promoter-v2/", "reject_unsigned_commits": true });
    world.project.set_push_rule(fine, Access::Developer);
    let asked = world.preflight(&[]);
    assert_eq!(asked.outcome("push_rules"), "warn");
    assert!(asked.summary("push_rules").contains("reject_unsigned_commits"));
}

#[test]
fn s25_the_schedule_is_off_until_the_gate_is_green() {
    let world = World::start(1);
    assert_eq!(world.preflight(&[]).expect(0).outcome("schedule"), "pass");
    world.project.change_schedules(|schedule| schedule.active = true);
    assert_eq!(world.preflight(&[]).expect(0).outcome("schedule"), "warn");
    world.project.change_schedules(|schedule| schedule.branch = "other".to_owned());
    assert_eq!(world.preflight(&[]).expect(10).outcome("schedule"), "fail");
    assert_eq!(world.preflight(&["--phase", "prepare"]).expect(0).outcome("schedule"), "warn");
}

#[test]
fn s25_afterwards_it_is_on_and_green() {
    let world = World::start(1);
    let after = ["--phase", "after"];
    assert_eq!(world.preflight(&after).outcome("schedule"), "fail");
    world.project.change_schedules(|schedule| schedule.active = true);
    assert_eq!(world.preflight(&after).outcome("schedule"), "pass");
    world.project.set_process_mode("sapm-1", "unordered");
    assert_eq!(world.preflight(&after).outcome("schedule"), "warn");
    world.project.set_process_mode("sapm-1", "newest_ready_first");
    assert_eq!(world.preflight(&after).outcome("schedule"), "pass");
    world.project.change_schedules(|schedule| schedule.last_status = Some("failed".to_owned()));
    assert_eq!(world.preflight(&after).outcome("schedule"), "fail");
    world.project.block_owner("alice");
    assert!(world.preflight(&after).summary("schedule").contains("blocked"));
}

#[test]
fn what_apply_lacks_is_a_failure() {
    let world = World::start(1);
    world.project.add_member(cut_over::BOT, Access::Reporter);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("token"), "fail");
    assert!(asked.summary("token").contains("Reporter"), "{}", asked.summary("token"));
}

#[test]
fn settings_that_stand_in_the_way_are_a_warning() {
    let world = World::start(1);
    world.project.set_setting("squash_option", json!("always"));
    world.project.set_setting("only_allow_merge_if_all_discussions_are_resolved", json!(true));
    let asked = world.preflight(&[]).expect(0);
    let summary = asked.summary("project_settings");
    assert!(summary.contains("squashed") && summary.contains("threads"), "{summary}");
    world.forge.fault(Fault::status(500, "no").path_regex("/push_rule$"));
    assert_eq!(world.preflight(&[]).expect(5).outcome("push_rules"), "not_known");
}
