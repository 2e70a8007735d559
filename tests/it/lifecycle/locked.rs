//! Merge requests that GitLab is merging.

use forge::MrState;
use sapm::plan::Reason;

use super::config::Shape;
use super::lab::{Lab, block_on, story};

#[test]
fn a_merge_request_that_is_being_merged_is_left_alone() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        lab.bot.project.set_locked(mr.iid, true);
        lab.quiet().await;
        // Also when other values are due, when nothing is, and when the target is gone.
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        assert_eq!(lab.bot.project.merge_requests().len(), 1);
        assert_eq!(lab.bot.project.tip(&mr.source_branch), mr.sha);
        // GitLab gave it up.
        lab.bot.project.set_locked(mr.iid, false);
        lab.run().await;
        let state = lab.bot.project.merge_request(mr.iid).unwrap().state;
        assert_eq!(state, MrState::Closed);
        lab.quiet().await;
    });
}

#[test]
fn a_merge_under_way_is_waited_for_though_its_branch_is_gone() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        lab.bot.project.set_locked(mr.iid, true);
        assert!(lab.bot.project.delete_branch("dev", &mr.source_branch));
        let run = lab.run().await;
        assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
        assert_eq!(
            run.plan.merge_requests[0].reason_code,
            Reason::BeingMerged,
            "{:#?}",
            story(&run)
        );
    });
}

#[test]
fn a_left_branch_whose_merge_begins_meanwhile_stays() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        lab.bot.project.close("dev", mr.iid);
        let meanwhile = async {
            lab.bot.project.reopen("dev", mr.iid).unwrap();
            lab.bot.project.set_locked(mr.iid, true);
        };
        let run = lab.bot.run_with(meanwhile).await.unwrap();
        assert_eq!(run.plan.leftovers.len(), 1);
        assert_eq!(lab.bot.project.tip(&mr.source_branch), mr.sha);
    });
}
