//! Who merges: labels, approvals, the queue's pace, and what becomes of ours afterwards.

use cut_over::{BOT, OLD_BOT, PROJECT, World};
use forge::old_bots::OldSapm;

const PRIORITY: &str = "bot/approved: progressive-delivery";

fn datafile(world: &World, path: &str, schema: &str, body: &str) {
    world.commit(&format!("data{path}"), &format!("---\n$schema: {schema}\n{body}"));
}

/// The config repo says that housekeeping looks after it, and who may put labels on.
fn with_housekeeping(world: &World, allowed: &str) {
    let url = format!("{}/{PROJECT}", world.forge.gitlab_url());
    let body = format!(
        "name: app-interface\ncodeComponents:\n- name: app-interface\n  url: {url}\n  gitlabHousekeeping:\n    \
         enabled: true\n{allowed}"
    );
    datafile(world, "/services/app-interface/app.yml", "/app-sre/app-1.yml", &body);
    datafile(
        world,
        "/roles/labels.yml",
        "/access/role-1.yml",
        "name: labels\nlabels: {}\npermissions: []\n",
    );
    world.project.add_label(PRIORITY);
}

const ALLOWED: &str = "    labels_allowed:\n    - role: {$ref: /roles/labels.yml}\n";

#[test]
fn s16_who_may_put_labels_on() {
    let world = World::start(1);
    with_housekeeping(&world, ALLOWED);
    let args = ["--label", PRIORITY];
    let asked = world.preflight(&args).expect(10);
    assert_eq!(asked.outcome("label_rights"), "fail");
    assert_eq!(asked.outcome("merge_labels"), "pass");
    // A bot of the role does not count.
    let member = format!("name: bot\norg_username: {BOT}\nroles:\n- $ref: /roles/labels.yml\n");
    datafile(&world, "/bots/sapm.yml", "/access/bot-1.yml", &member);
    let asked = world.preflight(&args).expect(10);
    assert!(asked.advice("label_rights").contains("bots of a role do not count"));
    datafile(&world, "/users/sapm.yml", "/access/user-1.yml", &member);
    assert_eq!(world.preflight(&args).expect(0).outcome("label_rights"), "pass");
}

#[test]
fn s16_housekeepings_own_user_may_always() {
    let world = World::start(1);
    with_housekeeping(&world, ALLOWED);
    let asked = world.preflight(&["--label", PRIORITY, "--old-user", BOT]).expect(0);
    assert_eq!(asked.outcome("label_rights"), "pass");
    assert_eq!(asked.outcome("same_user"), "warn");
}

#[test]
fn s16_labels_that_the_queue_does_not_merge_by() {
    let world = World::start(1);
    with_housekeeping(&world, "");
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("merge_labels"), "fail");
    assert_eq!(asked.outcome("label_rights"), "pass");
    let asked = world.preflight(&["--label", PRIORITY, "--label", "bot/hold"]).expect(10);
    assert!(asked.summary("merge_labels").contains("bot/hold"));
    let asked = world.preflight(&["--label", "bot/approved"]).expect(0);
    assert_eq!(asked.outcome("merge_labels"), "warn");
}

/// Change types, and a role of the bot's with self service over these files.
fn with_change_types(world: &World, files: &[String]) {
    with_housekeeping(world, "");
    let change_type = "name: promote\ndescription: x\ncontextType: datafile\npriority: progressive-delivery\nchanges: []\n";
    datafile(world, "/change-types/promote.yml", "/app-interface/change-type-1.yml", change_type);
    let files: String = files.iter().map(|file| format!("  - $ref: {file}\n")).collect();
    let role = format!(
        "name: promoter\nlabels: {{}}\npermissions: []\nself_service:\n- change_type: {{$ref: /change-types/promote.yml}}\n  \
         datafiles:\n{files}"
    );
    datafile(world, "/roles/promoter.yml", "/access/role-1.yml", &role);
    let member = format!("name: sapm\norg_username: {BOT}\nroles:\n- $ref: /roles/promoter.yml\n");
    datafile(world, "/bots/sapm.yml", "/access/bot-1.yml", &member);
}

fn saas(app: usize) -> String {
    format!("/services/app{app}/saas.yml")
}

#[test]
fn s17_approval_by_a_footer_and_a_role() {
    let world = World::start(5);
    with_change_types(&world, &(0..5).map(saas).collect::<Vec<_>>());
    let asked = world.preflight(&["--label", PRIORITY]).expect(10);
    assert_eq!(asked.outcome("approval"), "fail");
    assert!(asked.advice("approval").contains("--description-footer /lgtm"));
    let args = ["--label", PRIORITY, "--description-footer", "/lgtm"];
    let asked = world.preflight(&args).expect(0);
    assert_eq!(asked.outcome("approval"), "pass", "{}", asked.text);
    world.project.add_label("bot/approved: high");
    let asked = world
        .preflight(&["--label", "bot/approved: high", "--description-footer", "/lgtm"])
        .expect(0);
    assert_eq!(asked.outcome("approval"), "warn");
}

#[test]
fn s17_a_role_that_covers_three_of_five_names_two() {
    let world = World::start(5);
    with_change_types(&world, &(0..3).map(saas).collect::<Vec<_>>());
    let asked = world.preflight(&["--label", PRIORITY, "--description-footer", "/lgtm"]).expect(10);
    let summary = asked.summary("approval");
    assert!(
        summary.contains(&saas(3)) && summary.contains(&saas(4)) && !summary.contains(&saas(2)),
        "{summary}"
    );
}

#[test]
fn s18_the_first_burst_and_the_queue() {
    let world = World::start(60);
    (0..60).for_each(|app| world.release(app, 1));
    world.merged_by_people(16, 2);
    world.ago(24 * 60, |world| {
        let mut sapm = OldSapm::new(&world.project, OLD_BOT);
        for batch in 0..5 {
            let batch: Vec<_> =
                (batch * 5..batch * 5 + 5).map(|app| World::promotion(app, 0, 1)).collect();
            sapm.open(&batch);
        }
    });
    let asked = world.preflight(&["--max-drain", "4h"]).expect(10);
    let run = &asked.json["first_run"];
    assert_eq!(
        (&run["create"], &run["runs"], &run["drain_seconds"]),
        (&60.into(), &3.into(), &27000.into())
    );
    assert_eq!(
        (&run["covered_by_old"], &run["by_environment"]["production"]),
        (&25.into(), &60.into())
    );
    assert_eq!(asked.outcome("first_run"), "fail");
    assert!(
        asked.advice("first_run").contains("--max-new-merge-requests 1"),
        "{}",
        asked.advice("first_run")
    );
    let asked = world.preflight(&["--max-drain", "8h"]).expect(10);
    assert_eq!(asked.outcome("first_run"), "warn");
    // Five targets each: what was a merge request is five now.
    assert_eq!(asked.outcome("steady_load"), "pass", "{}", asked.summary("steady_load"));
}

#[test]
fn s24_afterwards_ours_get_pipelines_keep_labels_and_are_merged() {
    let world = World::start(2);
    world.project.change_schedules(|schedule| schedule.active = true);
    let after = ["--phase", "after"];
    world.release(0, 1);
    world.ago(121, |world| world.apply(&["AutoPromoterV2"]));
    let iid = world.project.open_merge_requests()[0].iid;
    assert_eq!(world.preflight(&after).expect(0).outcome("new_merge_requests"), "pass");
    world.project.without_pipeline(iid);
    let asked = world.preflight(&after).expect(10);
    assert!(asked.summary("new_merge_requests").contains(&format!("!{iid}")));
    world.project.set_labels("housekeeper", iid, &[], &["AutoPromoterV2"]);
    let asked = world.preflight(&after).expect(10);
    assert!(asked.summary("new_merge_requests").contains("@housekeeper"), "{}", asked.text);
    world.project.merge("alice", iid).unwrap();
    let asked = world.preflight(&after).expect(0);
    assert_eq!(asked.outcome("new_merge_requests"), "pass");
    assert!(asked.summary("new_merge_requests").starts_with("1 merged"));
}
