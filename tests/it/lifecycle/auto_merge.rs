//! Auto-merge, which a person sets: a push or a draft ends it, so neither comes without need.

use forge::MrState;
use sapm::apply::Verdict;
use sapm::plan::{Action, PlannedMergeRequest, Reason};

use super::config::Shape;
use super::driver::Run;
use super::lab::{Lab, block_on, sha, simple, story};
use sapm::domain::MrIid;

/// One target, whose merge request has auto-merge set.
async fn set() -> Lab {
    let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
    lab.bot.project.set_auto_merge(1, true);
    lab
}

fn has_auto_merge(lab: &Lab, iid: u64) -> bool {
    lab.bot.project.merge_request(iid).unwrap().auto_merge
}

#[track_caller]
fn planned(run: &Run, iid: u64) -> &PlannedMergeRequest {
    let found = run.plan.merge_requests.iter().find(|planned| planned.iid == Some(MrIid(iid)));
    found.unwrap_or_else(|| panic!("nothing is planned for !{iid}: {:#?}", story(run)))
}

/// It is said before the write and after it.
#[track_caller]
fn says_that_it_ends(run: &Run, iid: u64) {
    let mr = planned(run, iid);
    assert!(mr.reason.contains("takes auto-merge away"), "{}", mr.reason);
    let outcome = &run.outcomes.merge_requests[&mr.branch];
    let message = outcome.message.as_deref().unwrap_or_default();
    assert_eq!(outcome.outcome, Verdict::Done, "{message}");
    assert!(message.contains("auto-merge was taken away"), "{message}");
}

#[test]
fn it_is_kept_while_the_target_branch_only_moves() {
    block_on(async {
        let lab = set().await;
        let before = lab.open(0).unwrap();
        lab.rewrite("elsewhere", |config| config.elsewhere = 7);
        lab.rewrite("a line far above", |config| config.saas[0].note = 7);
        let run = lab.run().await;
        assert_eq!(lab.bot.writes(), Vec::<String>::new());
        assert_eq!(planned(&run, 1).action, Action::Keep);
        assert_eq!(planned(&run, 1).reason_code, Reason::AutoMerge);
        let after = lab.open(0).unwrap();
        assert_eq!((after.sha, after.auto_merge), (before.sha, true));
        // Where it does not merge any more there is nothing left to keep.
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        let run = lab.run().await;
        assert_eq!(planned(&run, 1).reason_code, Reason::TargetBranchMoved);
        says_that_it_ends(&run, 1);
        assert!(!has_auto_merge(&lab, 1) && lab.bot.project.merges_cleanly(1));
        lab.quiet().await;
    });
}

#[test]
fn a_newer_commit_ends_it_and_says_so() {
    block_on(async {
        let lab = set().await;
        lab.release_for(0, 2);
        let run = lab.run().await;
        assert_eq!(planned(&run, 1).reason_code, Reason::Changed);
        says_that_it_ends(&run, 1);
        assert!(!has_auto_merge(&lab, 1));
        // Nothing is said where there is none.
        lab.release_for(0, 3);
        let run = lab.run().await;
        assert!(!planned(&run, 1).reason.contains("auto-merge"), "{:#?}", story(&run));
        assert_eq!(run.outcomes.merge_requests[&planned(&run, 1).branch].message, None);
    });
}

#[test]
fn a_hold_ends_it_and_says_so() {
    block_on(async {
        let lab = set().await;
        lab.set_slo(0, 0.1);
        let run = lab.run().await;
        assert_eq!(planned(&run, 1).reason_code, Reason::HeldByGate);
        says_that_it_ends(&run, 1);
        assert!(lab.open(0).unwrap().is_draft() && !has_auto_merge(&lab, 1));
    });
}

#[test]
fn it_is_not_ended_where_somebody_sets_it_while_a_run_plans() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.run().await;
        lab.release_for(0, 2);
        let set = async { lab.bot.project.set_auto_merge(1, true) };
        let run = lab.bot.run_with(set).await.unwrap();
        let outcome = &run.outcomes.merge_requests[&planned(&run, 1).branch];
        assert_eq!(outcome.outcome, Verdict::SomebodyWasFirst, "{:#?}", story(&run));
        assert!(has_auto_merge(&lab, 1));
        // The next run knows of it, and says what it ends.
        says_that_it_ends(&lab.run().await, 1);
    });
}

#[test]
fn others_have_to_fit_beside_it() {
    block_on(async {
        // The refs stand on lines next to each other.
        let lab = Lab::new(simple(Shape::Line, 2));
        let project = &lab.bot.project;
        lab.release_for(0, 1);
        lab.run().await;
        project.set_branch("dev", "stable", "main").unwrap();
        project.retarget("dev", 1, "stable").unwrap();
        lab.release_for(1, 1);
        lab.run().await;
        project.retarget("dev", 1, "main").unwrap();
        project.set_auto_merge(2, true);
        let before = project.merge_request(2).unwrap();
        let run = lab.run().await;
        let after = project.merge_request(2).unwrap();
        assert_eq!((after.state, &after.sha), (MrState::Opened, &before.sha), "{:#?}", story(&run));
        assert!(after.auto_merge && !after.is_draft());
        assert_eq!(planned(&run, 2).reason_code, Reason::AutoMerge);
        assert_eq!(planned(&run, 1).reason_code, Reason::WaitsForRequest, "{:#?}", story(&run));
        project.merge("dev", 2).unwrap();
        lab.run().await;
        assert!(lab.open(0).unwrap().title.contains(&sha(1)[..8]));
        assert!(project.merges_cleanly(lab.open(0).unwrap().iid));
        lab.quiet().await;
    });
}
