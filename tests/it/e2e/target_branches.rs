//! Merge requests of the bot for another target branch than the run's.

use forge::{MrState, Service};

use super::support::*;

/// Number of requests of a run whose path contains this.
fn asked(world: &World, path: &str) -> usize {
    world.count(|entry| entry.service == Service::GitLab && entry.path.contains(path))
}

#[test]
fn merge_requests_to_a_renamed_target_branch_are_one_warning_with_help() {
    let world = World::start();
    world.apply();
    let left = world.project().open_merge_requests();
    world.project().rename_default_branch("alice", "trunk");
    world.forge().settle();
    let plan = world.apply_json();
    // They take no target from the new branch.
    assert_eq!(plan.actions(), ["create"; 4]);
    assert_eq!(plan.problems(), ["warning other_target_branch"]);
    let problem = plan.problem("other_target_branch");
    let message = text(&problem["message"]);
    for words in ["4 open merge requests", "(!1, !2, !3, !4)", "`main`", "leaves them alone"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let help = text(&problem["help"]);
    assert!(help.contains("close them") && help.contains("`trunk`"), "{help}");
    for old in &left {
        let now = world.project().merge_request(old.iid).expect("a request");
        assert_eq!(
            (now.state, &now.title, &now.labels),
            (MrState::Opened, &old.title, &old.labels)
        );
        assert_eq!(now.comments().count(), 0);
    }
    // A run without changes takes one request more: does the branch still not exist?
    let plan = world.apply_json();
    assert_eq!(plan.problems(), ["warning other_target_branch"]);
    world.assert_nothing_written();
    assert_eq!(asked(&world, "/repository/branches/main"), 1);
    assert_eq!(asked(&world, "/merge_requests"), 1);
    for old in &left {
        world.project().close("alice", old.iid);
    }
    let plan = world.apply_json();
    assert_eq!((plan.problems(), plan.actions()), (Vec::new(), vec!["keep".to_owned(); 4]));
}

#[test]
fn one_of_several_jobs_reports_a_renamed_target_branch() {
    let world = World::start();
    world.apply();
    world.project().rename_default_branch("alice", "trunk");
    world.forge().settle();
    let problems = |index: &str| {
        let run =
            world.sapm("plan").args(["--format", "json", "--node-total=2", "--node-index", index]);
        run.expect(0).plan().problems()
    };
    let told = [problems("1"), problems("2")];
    assert_eq!(told, [vec!["warning other_target_branch".to_owned()], Vec::new()]);
    let narrowed = world.sapm("plan").args(["--format", "json", "--app-name", "catalog"]).expect(0);
    assert_eq!(narrowed.plan().problems(), ["warning other_target_branch"]);
}

#[test]
fn jobs_for_different_branches_ignore_each_other() {
    let world = World::start();
    let main = world.project().tip("main").expect("a tip");
    world.project().set_branch("alice", "stable", &main).expect("a branch");
    world.apply();
    let stable = || {
        world.forge().clear_log();
        let run = world.sapm("apply").args(["--format", "json", "--target-branch", "stable"]);
        run.expect(0).plan()
    };
    let plan = stable();
    assert_eq!((plan.actions(), plan.problems()), (vec!["create".to_owned(); 4], Vec::new()));
    assert_eq!(world.project().open_merge_requests().len(), 8);
    for plan in [world.apply_json(), stable()] {
        assert_eq!((plan.actions(), plan.problems()), (vec!["keep".to_owned(); 4], Vec::new()));
        world.assert_nothing_written();
        // Those of the other job are in the same list, not fetched one by one.
        assert_eq!(asked(&world, "/merge_requests"), 1);
    }
    // Each job closes only its own.
    let disabled = "    name: regional\n";
    world.edit(PAYMENTS_FILE, disabled, &format!("{disabled}    disable: true\n"));
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 7);
    assert_eq!(stable().actions(), ["keep"; 4]);
}
