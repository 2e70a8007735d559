//! Members of a batch that are declared elsewhere, or whose merge is under way.

use sapm::plan::{Action, BatchBy, Reason};

use super::config::Shape;
use super::lab::{Lab, block_on, reasons, sha, simple, story};

/// An open batch of two promotions in one file.
async fn batch_of_two() -> Lab {
    let lab = Lab::new(simple(Shape::Block, 2));
    lab.bot.settings.borrow_mut().batch_by = BatchBy::All;
    (0..2).for_each(|id| lab.release_for(id, 1));
    lab.run().await;
    lab.only_mr();
    lab
}

/// How many promotions the open batch declares, as its description counts them.
fn declared(lab: &Lab) -> usize {
    let branch = lab.only_mr().source_branch;
    let message = lab.bot.project.message(&branch).unwrap();
    message.lines().filter(|line| line.starts_with("Sapm-Place: ")).count()
}

#[test]
fn promotions_that_come_to_share_a_place_are_one_member_of_their_batch() {
    block_on(async {
        let lab = batch_of_two().await;
        let iid = lab.only_mr().iid;
        assert_eq!(declared(&lab), 2);
        lab.rewrite("an alias", |config| {
            config.target_mut(1).alias_of = Some(0);
            config.target_mut(1).channels = config.target_mut(0).channels.clone();
        });
        let run = lab.run().await;
        assert_eq!(reasons(&run), [(Action::Update, Reason::MemberLeft)], "{:#?}", story(&run));
        assert_eq!((lab.only_mr().iid, declared(&lab)), (iid, 1));
        lab.quiet().await;
        // And each has a place of its own again.
        lab.rewrite("no alias", |config| config.target_mut(1).alias_of = None);
        lab.run().await;
        lab.quiet().await;
        let about = |id| lab.open(id).map(|mr| mr.iid);
        assert!(about(0).is_some() && about(1).is_some(), "{:#?}", story(&run));
    });
}

#[test]
fn a_reverted_batch_is_not_opened_again_where_its_targets_move_to_target_files() {
    block_on(async {
        for by in [BatchBy::None, BatchBy::App, BatchBy::All] {
            let lab = batch_of_two().await;
            lab.bot.project.merge("dev", lab.only_mr().iid).unwrap();
            lab.bot.forge.settle();
            lab.rewrite("revert", |config| {
                (0..2).for_each(|id| config.target_mut(id).git_ref = sha(0));
                config.target_mut(0).file = Some(1);
            });
            lab.bot.settings.borrow_mut().batch_by = by;
            let run = lab.run().await;
            let expected = [(Action::Defer, Reason::RolledBack); 2];
            assert_eq!(reasons(&run), expected, "{by:?}: {:#?}", story(&run));
            lab.quiet().await;
        }
    });
}

#[test]
fn a_batch_whose_merge_is_under_way_is_waited_for_though_its_branch_is_gone() {
    block_on(async {
        for by in [BatchBy::None, BatchBy::App, BatchBy::All] {
            let lab = batch_of_two().await;
            let mr = lab.only_mr();
            lab.bot.project.set_locked(mr.iid, true);
            assert!(lab.bot.project.delete_branch("dev", &mr.source_branch));
            lab.bot.settings.borrow_mut().batch_by = by;
            let run = lab.run().await;
            assert!(lab.bot.writes().is_empty(), "{by:?}: {:#?}", story(&run));
            let expected = [(Action::Defer, Reason::BeingMerged); 2];
            assert_eq!(reasons(&run), expected, "{by:?}: {:#?}", story(&run));
        }
    });
}

#[test]
fn a_merge_under_way_is_waited_for_where_its_target_is_declared_elsewhere_and_its_branch_is_gone() {
    block_on(async {
        for by in [BatchBy::None, BatchBy::All] {
            let mut config = simple(Shape::Block, 1);
            config.target_mut(0).file = Some(0);
            let lab = Lab::new(config);
            lab.release_for(0, 1);
            lab.run().await;
            let mr = lab.only_mr();
            lab.bot.project.set_locked(mr.iid, true);
            lab.rewrite("another file", |config| config.target_mut(0).file = Some(1));
            assert!(lab.bot.project.delete_branch("dev", &mr.source_branch));
            lab.bot.settings.borrow_mut().batch_by = by;
            let run = lab.run().await;
            let expected = [(Action::Defer, Reason::BeingMerged)];
            assert_eq!(reasons(&run), expected, "{by:?}: {:#?}", story(&run));
        }
    });
}
