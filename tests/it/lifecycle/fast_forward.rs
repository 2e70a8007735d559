//! Projects that merge nothing that is behind the target branch.

use forge::{Fault, FaultKind, MergeMethod, MergeRequest};
use sapm::plan::{Action, Reason};

use super::config::Shape;
use super::driver::Run;
use super::lab::{Lab, block_on, sha, simple, spread, story};
use sapm::domain::MrIid;

const METHODS: [MergeMethod; 2] = [MergeMethod::FastForward, MergeMethod::RebaseMerge];

/// A merge request for each of some targets; then the target branch moves elsewhere.
async fn behind(method: MergeMethod, targets: usize) -> Lab {
    let files: Vec<usize> = vec![1; targets];
    let lab = Lab::new(spread(Shape::Block, &files));
    lab.bot.project.set_merge_method(method);
    lab.bot.settings.borrow_mut().max_new_merge_requests = targets;
    (0..targets).for_each(|id| lab.release_for(id, 1));
    lab.run().await;
    move_on(&lab, 1);
    lab
}

/// The target branch moves elsewhere.
fn move_on(lab: &Lab, number: u32) {
    lab.rewrite("elsewhere", |config| config.elsewhere = number);
}

fn is_on_tip(lab: &Lab, mr: &MergeRequest) -> bool {
    let tip = lab.bot.project.tip(&mr.source_branch).unwrap();
    lab.bot.project.parents(&tip) == [lab.bot.main()]
}

fn codes(run: &Run) -> Vec<(Action, Reason)> {
    let mut merge_requests: Vec<_> = run.plan.merge_requests.iter().collect();
    merge_requests.sort_by_key(|planned| planned.iid);
    merge_requests.iter().map(|planned| (planned.action, planned.reason_code)).collect()
}

#[test]
fn what_is_behind_is_rebuilt_on_the_tip_and_merges() {
    block_on(async {
        for method in METHODS {
            let lab = behind(method, 1).await;
            let before = lab.open(0).unwrap();
            let refused = lab.bot.project.merge("dev", before.iid);
            assert!(refused.is_err(), "{method:?}: it is behind");
            let run = lab.run().await;
            assert_eq!(codes(&run), [(Action::Update, Reason::BehindTargetBranch)]);
            let after = lab.open(0).unwrap();
            assert!(is_on_tip(&lab, &after), "{:#?}", story(&run));
            assert_eq!((after.iid, after.title), (before.iid, before.title));
            assert_eq!((after.description, after.labels), (before.description, before.labels));
            lab.quiet().await;
            lab.bot.project.merge("dev", after.iid).unwrap();
            let run = lab.run().await;
            assert_eq!(codes(&run), [], "{:#?}", story(&run));
            let loaded = lab.bot.loaded(&lab.bot.main());
            let promoted = sha(1);
            assert!(loaded.inventory.targets.iter().any(|t| t.current_ref() == promoted));
        }
    });
}

#[test]
fn a_project_that_makes_merge_commits_gets_nothing_rebuilt() {
    block_on(async {
        let lab = behind(MergeMethod::Merge, 1).await;
        lab.quiet().await;
        lab.bot.project.merge("dev", 1).unwrap();
    });
}

#[test]
fn auto_merge_and_a_merge_under_way_are_left_alone() {
    block_on(async {
        let lab = behind(MergeMethod::FastForward, 2).await;
        lab.bot.project.set_auto_merge(1, true);
        lab.bot.project.set_locked(2, true);
        let run = lab.run().await;
        assert_eq!(lab.bot.writes(), Vec::<String>::new());
        let left = [(Action::Keep, Reason::AutoMerge), (Action::Keep, Reason::BeingMerged)];
        assert_eq!(codes(&run), left);
        let kept =
            run.plan.merge_requests.iter().find(|planned| planned.iid == Some(MrIid(1))).unwrap();
        assert!(kept.reason.contains("behind the target branch"), "{}", kept.reason);
        assert!(lab.bot.project.merge_request(1).unwrap().auto_merge);
    });
}

#[test]
fn a_run_rebuilds_the_oldest_ten_and_says_what_is_left() {
    block_on(async {
        let lab = behind(MergeMethod::FastForward, 12).await;
        let run = lab.run().await;
        let mut expected = vec![(Action::Update, Reason::BehindTargetBranch); 10];
        expected.extend([(Action::Keep, Reason::BehindTargetBranch); 2]);
        assert_eq!(codes(&run), expected);
        let mr = |iid: u64| lab.bot.project.merge_request(iid).unwrap();
        assert!((1..=10).all(|iid| is_on_tip(&lab, &mr(iid))));
        let left =
            run.plan.merge_requests.iter().find(|planned| planned.iid == Some(MrIid(12))).unwrap();
        assert!(left.reason.contains("a run rebuilds 10 at most"), "{}", left.reason);
        lab.run().await;
        assert!((1..=12).all(|iid| is_on_tip(&lab, &mr(iid))));
        lab.quiet().await;
    });
}

#[test]
fn drafts_are_not_rebuilt_before_they_can_be_merged() {
    block_on(async {
        let mut config = spread(Shape::Block, &[1, 1]);
        config.target_mut(0).slo = true;
        let lab = Lab::new(config);
        lab.bot.project.set_merge_method(MergeMethod::FastForward);
        lab.set_slo(0, 1.0);
        (0..2).for_each(|id| lab.release_for(id, 1));
        lab.run().await;
        lab.set_slo(0, 0.1);
        let (held, persons) = (lab.open(0).unwrap(), lab.open(1).unwrap());
        lab.bot.project.set_title("dev", persons.iid, &format!("Draft: {}", persons.title));
        lab.run().await;
        move_on(&lab, 1);
        lab.quiet().await;
        // Ready and on the tip at once.
        lab.set_slo(0, 1.0);
        lab.bot.project.set_title("dev", persons.iid, &persons.title);
        lab.run().await;
        for before in [&held, &persons] {
            let after = lab.bot.project.merge_request(before.iid).unwrap();
            assert_eq!(after.title, before.title);
            assert!(is_on_tip(&lab, &after));
        }
        lab.quiet().await;
    });
}

#[test]
fn a_left_branch_that_is_behind_is_rebuilt_before_it_gets_a_merge_request() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.bot.project.set_merge_method(MergeMethod::FastForward);
        lab.release_for(0, 1);
        let down = FaultKind::Status(500, String::new(), Vec::new());
        lab.bot.forge.fault(Fault::new(down).method("POST").path("/merge_requests"));
        lab.run().await;
        lab.bot.forge.clear_faults();
        assert_eq!(lab.bot.project.branches().len(), 2);
        move_on(&lab, 1);
        lab.run().await;
        assert!(is_on_tip(&lab, &lab.open(0).unwrap()));
        lab.quiet().await;
    });
}
