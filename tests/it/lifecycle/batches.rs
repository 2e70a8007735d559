//! Several promotions in one merge request.

use forge::{Fault, MergeRequest, MrState};
use sapm::plan::{Action, BatchBy, Reason};

use super::config::Shape;
use super::driver::{BOT, Run};
use super::lab::{Lab, block_on, deferred, reasons, sha, simple, spread, story};

/// Batches of so many promotions at most, of what is due for some targets.
async fn batched(config: super::config::Config, size: usize, due: &[usize]) -> (Lab, Run) {
    let lab = Lab::new(config);
    batch_by(&lab, BatchBy::All, size);
    due.iter().for_each(|id| lab.release_for(*id, 1));
    let run = lab.run().await;
    (lab, run)
}

fn batch_by(lab: &Lab, by: BatchBy, size: usize) {
    let mut settings = lab.bot.settings.borrow_mut();
    (settings.batch_by, settings.batch_size) = (by, size);
}

fn open(lab: &Lab) -> Vec<MergeRequest> {
    lab.bot.project.open_merge_requests()
}

fn set_pipeline(lab: &Lab, iid: u64, status: &'static str) {
    lab.bot.project.set_pipeline(iid, status);
}

/// The refs that the target branch has now.
fn refs(lab: &Lab) -> Vec<String> {
    let loaded = lab.bot.loaded(&lab.bot.main());
    let subscribers = loaded.inventory.subscribers();
    subscribers.map(|(_, target)| target.current_ref().to_owned()).collect()
}

fn merge(lab: &Lab, iid: u64) {
    lab.bot.project.merge("dev", iid).expect("a merge");
    lab.bot.forge.settle();
}

/// Which targets a merge request is about, by their numbers.
fn members(lab: &Lab, iid: u64) -> Vec<usize> {
    (0..20).filter(|id| lab.open(*id).is_some_and(|mr| mr.iid == iid)).collect()
}

#[test]
fn what_is_due_goes_into_one_merge_request_over_several_files() {
    block_on(async {
        let (lab, run) = batched(spread(Shape::Block, &[3, 2]), 10, &[0, 1, 2, 4]).await;
        let mr = lab.only_mr();
        assert!(mr.source_branch.starts_with("auto-promoter-v2/batch-all-1-"), "{mr:?}");
        assert!(mr.title.starts_with("[AutoPromoterV2] 4 promotions: "), "{}", mr.title);
        assert_eq!(members(&lab, mr.iid), [0, 1, 2, 4], "{:#?}", story(&run));
        lab.quiet().await;
        merge(&lab, mr.iid);
        assert_eq!(refs(&lab), [sha(1), sha(1), sha(1), sha(0), sha(1)]);
        lab.run().await;
        assert!(open(&lab).is_empty());
        lab.quiet().await;
    });
}

#[test]
fn more_than_fit_go_into_the_next_slot_and_the_lowest_free_one_is_taken_again() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 5), 2, &[0, 1, 2, 3, 4]).await;
        let slots: Vec<String> = open(&lab).iter().map(|mr| mr.source_branch.clone()).collect();
        assert_eq!(slots.len(), 3);
        for (slot, branch) in slots.iter().enumerate() {
            assert!(branch.contains(&format!("batch-all-{}-", slot + 1)), "{slots:?}");
        }
        merge(&lab, open(&lab)[0].iid);
        lab.run().await;
        lab.release_for(0, 2);
        lab.run().await;
        let newest = open(&lab).last().unwrap().source_branch.clone();
        // The one with a single promotion could be merged, so it takes nothing in.
        assert_eq!(newest, slots[0]);
        lab.quiet().await;
    });
}

#[test]
fn an_open_batch_takes_in_what_becomes_due_unless_it_could_be_merged() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 4), 3, &[0]).await;
        let first = lab.only_mr();
        set_pipeline(&lab, first.iid, "running");
        lab.release_for(1, 1);
        let run = lab.run().await;
        assert_eq!(reasons(&run), [(Action::Update, Reason::TakesIn)], "{:#?}", story(&run));
        assert_eq!(members(&lab, first.iid), [0, 1]);
        assert_eq!(lab.mr(1).labels, first.labels, "its place in the queue stays");
        // Now it is green: its light is not taken away.
        lab.release_for(2, 1);
        lab.run().await;
        assert_eq!(members(&lab, first.iid), [0, 1]);
        let second = lab.mr(2).iid;
        assert_ne!(second, first.iid);
        // A full one takes nothing in either, nor does one that fails.
        set_pipeline(&lab, second, "failed");
        lab.release_for(3, 1);
        lab.run().await;
        assert_eq!(open(&lab).len(), 3);
        lab.quiet().await;
    });
}

#[test]
fn promotions_of_different_apps_stay_apart_by_app() {
    block_on(async {
        let lab = Lab::new(spread(Shape::Block, &[2, 2]));
        batch_by(&lab, BatchBy::App, 10);
        (0..4).for_each(|id| lab.release_for(id, 1));
        lab.run().await;
        // The lab has one app.
        let mr = lab.only_mr();
        assert!(mr.source_branch.starts_with("auto-promoter-v2/batch-app-"), "{mr:?}");
        lab.quiet().await;
    });
}

#[test]
fn a_member_that_is_held_leaves_and_comes_back_and_a_batch_of_held_ones_is_a_draft() {
    block_on(async {
        let mut config = simple(Shape::Block, 3);
        config.target_mut(0).slo = true;
        let lab = Lab::new(config);
        lab.set_slo(0, 1.0);
        batch_by(&lab, BatchBy::All, 10);
        (0..2).for_each(|id| lab.release_for(id, 1));
        lab.run().await;
        let iid = lab.only_mr().iid;
        lab.set_slo(0, 0.1);
        let run = lab.run().await;
        assert_eq!(reasons(&run)[0], (Action::Update, Reason::MemberLeft), "{:#?}", story(&run));
        assert_eq!(members(&lab, iid), [1]);
        lab.quiet().await;
        // Its neighbour is moved by hand: nothing is left.
        set_pipeline(&lab, iid, "running");
        lab.set_slo(0, 1.0);
        lab.run().await;
        assert_eq!(members(&lab, iid), [0, 1]);
        lab.rewrite("by hand", |config| config.target_mut(1).git_ref = sha(1));
        lab.set_slo(0, 0.1);
        lab.run().await;
        let held = lab.open(0).unwrap();
        assert!(held.is_draft() && held.title.contains("held by slo"), "{}", held.title);
        assert_eq!((held.iid, members(&lab, iid)), (iid, vec![0]));
        lab.quiet().await;
        lab.set_slo(0, 1.0);
        lab.run().await;
        assert!(!lab.open(0).unwrap().is_draft());
        lab.quiet().await;
    });
}

#[test]
fn a_newer_commit_and_a_moved_target_branch_rebuild_it_in_place() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1]).await;
        let iid = lab.only_mr().iid;
        lab.release_for(1, 2);
        let run = lab.run().await;
        assert_eq!(reasons(&run), [(Action::Update, Reason::Changed)], "{:#?}", story(&run));
        lab.rewrite("a line above a ref", |config| config.target_mut(0).note = Some(1));
        assert!(!lab.bot.project.merges_cleanly(iid));
        let run = lab.run().await;
        let expected = [(Action::Update, Reason::TargetBranchMoved)];
        assert_eq!(reasons(&run), expected, "{:#?}", story(&run));
        lab.quiet().await;
        merge(&lab, iid);
        assert_eq!(refs(&lab), [sha(1), sha(2), sha(0)]);
    });
}

#[test]
fn nothing_is_left_of_it_once_all_is_up_to_date() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 2), 10, &[0, 1]).await;
        let mr = lab.only_mr();
        lab.rewrite("by hand", |config| {
            (0..2).for_each(|id| config.target_mut(id).git_ref = sha(1));
        });
        let run = lab.run().await;
        assert_eq!(reasons(&run), [(Action::Close, Reason::NothingDue)], "{:#?}", story(&run));
        assert!(lab.bot.project.tip(&mr.source_branch).is_none());
        lab.quiet().await;
    });
}

/// Pipelines of what has a bad member fail, all others pass.
fn run_pipelines(lab: &Lab, bad: &[usize]) {
    for mr in open(lab) {
        let fails = members(lab, mr.iid).iter().any(|id| bad.contains(id));
        set_pipeline(lab, mr.iid, if fails { "failed" } else { "success" });
    }
}

#[test]
fn a_failing_batch_is_halved_until_the_bad_ones_are_alone() {
    block_on(async {
        let all: Vec<usize> = (0..10).collect();
        let bad = [3, 7];
        let (lab, _) = batched(simple(Shape::Block, 10), 10, &all).await;
        let first = lab.only_mr().iid;
        // 10, 5 and 5, 3, 2, 3 and 2, and then 1 or 2.
        for round in 0..4 {
            run_pipelines(&lab, &bad);
            let run = lab.run().await;
            let halved = reasons(&run)
                .iter()
                .filter(|it| **it == (Action::Update, Reason::PipelineFailed))
                .count();
            assert_eq!(halved > 0, round < 3, "round {round}: {:#?}", story(&run));
            let mut promoted: Vec<usize> =
                open(&lab).iter().flat_map(|mr| members(&lab, mr.iid)).collect();
            promoted.sort_unstable();
            assert_eq!(promoted, all, "each target is in one merge request");
        }
        for mr in open(&lab) {
            let about = members(&lab, mr.iid);
            let is_bad = about.iter().any(|id| bad.contains(id));
            assert!(about.len() == 1 || !is_bad, "{about:?}");
        }
        let mr = lab.bot.project.merge_request(first).unwrap();
        let told = mr.comments().filter(|note| note.body.contains("<!-- sapm:split=")).count();
        assert_eq!(told, 2);
        lab.quiet().await;
        // What is left of a split takes nothing in.
        lab.release_for(0, 2);
        lab.run().await;
        lab.quiet().await;
    });
}

#[test]
fn nothing_is_halved_on_an_old_pipeline_or_while_the_target_branch_fails() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1]).await;
        let iid = lab.only_mr().iid;
        set_pipeline(&lab, iid, "failed");
        lab.bot.project.add_branch_pipeline("main", "failed");
        lab.quiet().await;
        lab.bot.project.add_branch_pipeline("main", "running");
        lab.quiet().await;
        // What cannot be looked up has not failed.
        lab.bot.forge.fault(Fault::status(500, "no").method("GET").path("/pipelines"));
        lab.quiet().await;
        lab.bot.forge.clear_faults();
        lab.bot.project.add_branch_pipeline("main", "success");
        // A canceled one says nothing of the content.
        set_pipeline(&lab, iid, "canceled");
        lab.quiet().await;
        set_pipeline(&lab, iid, "failed");
        lab.bot.settings.borrow_mut().allow_opening = false;
        lab.quiet().await;
        lab.bot.settings.borrow_mut().allow_opening = true;
        lab.bot.settings.borrow_mut().max_new_merge_requests = 0;
        lab.quiet().await;
        lab.bot.settings.borrow_mut().max_new_merge_requests = 25;
        // New content has no pipeline yet that is over.
        lab.release_for(0, 2);
        lab.run().await;
        assert_eq!(open(&lab).len(), 2, "it was halved, with the new values");
        lab.quiet().await;
    });
}

#[test]
fn a_run_that_dies_between_the_halves_loses_nothing() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 4), 10, &[0, 1, 2, 3]).await;
        let first = lab.only_mr().iid;
        set_pipeline(&lab, first, "failed");
        // The first half is written, the second is not.
        lab.bot
            .forge
            .fault(Fault::status(403, "no").method("POST").path("/repository/commits").nth(2));
        lab.run().await;
        lab.bot.forge.clear_faults();
        assert_eq!(members(&lab, first), [0, 1]);
        lab.run().await;
        let both: Vec<_> = open(&lab).iter().map(|mr| members(&lab, mr.iid)).collect();
        assert_eq!(both, [vec![0, 1], vec![2, 3]]);
        lab.quiet().await;
    });
}

#[test]
fn a_label_takes_it_apart() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1, 2]).await;
        let first = lab.only_mr().iid;
        lab.bot.project.set_labels("dev", first, &["sapm/split"], &[]);
        lab.bot.settings.borrow_mut().max_new_merge_requests = 1;
        lab.run().await;
        assert_eq!(
            (open(&lab).len(), members(&lab, first)),
            (2, vec![0, 1]),
            "as far as the run may"
        );
        lab.run().await;
        assert_eq!((open(&lab).len(), members(&lab, first)), (3, vec![0]));
        lab.quiet().await;
    });
}

#[test]
fn a_closed_batch_is_a_rejection_of_each_of_its_promotions() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1]).await;
        let mr = lab.only_mr();
        lab.bot.project.close("dev", mr.iid);
        let run = lab.run().await;
        deferred(&run, Reason::ClosedByPerson);
        assert!(open(&lab).is_empty(), "{:#?}", story(&run));
        assert!(lab.bot.project.tip(&mr.source_branch).is_some(), "the branch tells of it");
        // Others go on, from another slot; another commit is another question.
        lab.release_for(2, 1);
        lab.release_for(1, 2);
        lab.run().await;
        assert_eq!(members(&lab, open(&lab)[0].iid), [1, 2]);
        // Also where somebody deleted the branch, and by another scope: the description tells.
        lab.bot.project.delete_branch("dev", &mr.source_branch);
        batch_by(&lab, BatchBy::App, 2);
        let run = lab.run().await;
        deferred(&run, Reason::ClosedByPerson);
        lab.bot.project.set_labels("dev", mr.iid, &["sapm/again"], &[]);
        lab.run().await;
        assert!(lab.open(0).is_some());
        lab.quiet().await;
    });
}

#[test]
fn a_merged_and_reverted_batch_is_not_opened_again() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 2), 10, &[0, 1]).await;
        merge(&lab, lab.only_mr().iid);
        lab.run().await;
        lab.rewrite("revert a part", |config| config.target_mut(0).git_ref = sha(0));
        let run = lab.run().await;
        let reason = deferred(&run, Reason::RolledBack);
        assert!(reason.contains("sapm/again"), "{reason}");
        assert!(open(&lab).is_empty());
        lab.quiet().await;
    });
}

#[test]
fn what_people_hold_or_push_to_stays_theirs_and_its_targets_wait() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1]).await;
        let mr = lab.only_mr();
        lab.bot.project.set_labels("dev", mr.iid, &["sapm/hold"], &[]);
        set_pipeline(&lab, mr.iid, "failed");
        lab.release_for(2, 1);
        lab.run().await;
        assert_eq!((open(&lab).len(), lab.mr(0).sha), (2, mr.sha.clone()));
        lab.bot.project.set_labels("dev", mr.iid, &[], &["sapm/hold"]);
        let change = [("README.md".to_owned(), Some(b"mine".to_vec()))];
        lab.bot.project.commit("dev", &mr.source_branch, "mine", change);
        lab.bot.forge.settle();
        let run = lab.run().await;
        let labels = lab.bot.project.merge_request(mr.iid).unwrap().labels;
        assert!(labels.contains("sapm/taken-over") && !labels.contains("sapm"), "{labels:?}");
        let left = run.plan.merge_requests.iter().find(|it| it.iid.map(|it| it.0) == Some(mr.iid));
        assert_eq!(left.unwrap().targets.len(), 2, "{:#?}", story(&run));
        let suppressed = run.plan.problems.iter().filter(|it| it.message.contains("taken over"));
        assert_eq!(suppressed.count(), 2, "{:#?}", story(&run));
        assert_eq!(open(&lab).len(), 2);
        lab.quiet().await;
    });
}

#[test]
fn a_held_member_is_given_up_to_an_older_merge_request_that_a_person_reopens() {
    block_on(async {
        let mut config = simple(Shape::Block, 2);
        (0..2).for_each(|id| config.target_mut(id).slo = true);
        let lab = Lab::new(config);
        (0..2).for_each(|id| lab.set_slo(id, 1.0));
        lab.release_for(0, 1);
        lab.run().await;
        let older = lab.only_mr();
        let change = [("README.md".to_owned(), Some(b"mine".to_vec()))];
        lab.bot.project.commit("dev", &older.source_branch, "mine", change);
        lab.bot.project.close("dev", older.iid);
        batch_by(&lab, BatchBy::All, 10);
        (0..2).for_each(|id| lab.release_for(id, 2));
        lab.run().await;
        let batch = open(&lab)[0].iid;
        assert_eq!(members(&lab, batch), [0, 1]);
        (0..2).for_each(|id| lab.set_slo(id, 0.1));
        lab.run().await;
        assert!(open(&lab)[0].is_draft());
        lab.bot.project.reopen("dev", older.iid).unwrap();
        let run = lab.run().await;
        let targets = |iid| {
            let mut planned = run.plan.merge_requests.iter();
            planned.find(|it| it.iid.map(|it| it.0) == Some(iid)).unwrap().targets.len()
        };
        assert_eq!((targets(older.iid), targets(batch)), (1, 1), "{:#?}", story(&run));
        assert!(lab.mr(1).is_draft() && lab.mr(1).iid == batch);
        lab.quiet().await;
    });
}

#[test]
fn switched_off_open_batches_live_on_and_nothing_is_taken_in() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 4), 10, &[0, 1]).await;
        let first = lab.only_mr().iid;
        set_pipeline(&lab, first, "running");
        batch_by(&lab, BatchBy::None, 10);
        lab.release_for(2, 1);
        lab.release_for(0, 2);
        lab.run().await;
        assert_eq!(members(&lab, first), [0, 1]);
        assert!(!lab.mr(2).source_branch.contains("batch"), "as it always was");
        lab.quiet().await;
        set_pipeline(&lab, first, "failed");
        lab.run().await;
        assert_eq!((open(&lab).len(), members(&lab, first)), (3, vec![0]));
        lab.quiet().await;
        // And on again: what is open alone stays alone.
        batch_by(&lab, BatchBy::All, 10);
        lab.quiet().await;
    });
}

#[test]
fn of_two_that_two_runs_opened_at_once_the_older_one_keeps_the_target() {
    block_on(async {
        // What a run without batches opens for the second target alone.
        let other = Lab::new(simple(Shape::Block, 2));
        other.release_for(1, 1);
        other.run().await;
        let alone = other.only_mr();
        let tip = alone.sha.as_deref().unwrap();
        let (message, path) =
            (other.bot.project.message(tip).unwrap(), "data/services/app/cicd/saas0.yml");
        let text = other.bot.project.files(tip)[path].clone();

        let (lab, _) = batched(simple(Shape::Block, 2), 10, &[0, 1]).await;
        let (project, main) = (&lab.bot.project, lab.bot.main());
        let (batch, branch) = (lab.only_mr().iid, &alone.source_branch);
        project.commit_from(BOT, branch, Some(&main), &message, [(path.to_owned(), Some(text))]);
        let younger =
            project.open_merge_request(BOT, branch, "main", &alone.title, &alone.description);
        lab.bot.forge.settle();
        let run = lab.run().await;
        let state = project.merge_request(younger.unwrap()).unwrap().state;
        assert_eq!(state, MrState::Closed, "{:#?}", story(&run));
        assert_eq!(members(&lab, batch), [0, 1]);
        lab.quiet().await;
    });
}

#[test]
fn what_another_run_opened_meanwhile_ends_the_taking_in() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0]).await;
        let first = lab.only_mr().iid;
        set_pipeline(&lab, first, "running");
        lab.release_for(1, 1);
        // Between planning and the first write.
        let second = async {
            let main = lab.bot.main();
            let branch = "auto-promoter-v2/batch-all-2-0123456789abcdef0123";
            let readme = [("README.md".to_owned(), Some(b"other".to_vec()))];
            lab.bot.project.commit_from(BOT, branch, Some(&main), "another run's", readme);
            lab.bot.project.open_merge_request(BOT, branch, "main", "t", "").unwrap();
            lab.bot.forge.settle();
        };
        let run = lab.bot.run_with(second).await.unwrap();
        assert_eq!(members(&lab, first), [0], "{:#?}", story(&run));
        lab.run().await;
        assert_eq!(members(&lab, first), [0, 1]);
    });
}
