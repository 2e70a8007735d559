//! Several promotions in one merge request.

use forge::{MergeRequest, MrState};
use sapm::plan::{Action, BatchBy, Reason};

use super::config::Shape;
use super::driver::{BOT, Run};
use super::lab::{Lab, block_on, reasons, sha, simple, spread, story};

/// Batches of so many promotions at most, of what is due for some targets.
pub(super) async fn batched(
    config: super::config::Config,
    size: usize,
    due: &[usize],
) -> (Lab, Run) {
    let lab = Lab::new(config);
    batch_by(&lab, BatchBy::All, size);
    due.iter().for_each(|id| lab.release_for(*id, 1));
    let run = lab.run().await;
    (lab, run)
}

pub(super) fn batch_by(lab: &Lab, by: BatchBy, size: usize) {
    let mut settings = lab.bot.settings.borrow_mut();
    (settings.batch_by, settings.batch_size) = (by, size);
}

pub(super) fn open(lab: &Lab) -> Vec<MergeRequest> {
    lab.bot.project.open_merge_requests()
}

pub(super) fn set_pipeline(lab: &Lab, iid: u64, status: &'static str) {
    lab.bot.project.set_pipeline(iid, status);
}

/// The refs that the target branch has now.
pub(super) fn refs(lab: &Lab) -> Vec<String> {
    let loaded = lab.bot.loaded(&lab.bot.main());
    let subscribers = loaded.inventory.subscribers();
    subscribers.map(|(_, target)| target.current_ref().to_owned()).collect()
}

pub(super) fn merge(lab: &Lab, iid: u64) {
    lab.bot.project.merge("dev", iid).expect("a merge");
    lab.bot.forge.settle();
}

/// Which targets a merge request is about, by their numbers.
pub(super) fn members(lab: &Lab, iid: u64) -> Vec<usize> {
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
