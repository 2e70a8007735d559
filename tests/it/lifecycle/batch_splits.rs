//! Halving of batches whose pipeline fails.

use forge::Fault;
use sapm::plan::{Action, Reason};

use super::batches::{batched, members, open, set_pipeline};
use super::config::Shape;
use super::lab::{Lab, block_on, reasons, simple, story};

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
