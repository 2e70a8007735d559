//! Requests that GitLab is merging.

use forge::MrState;
use sapm::plan::Reason;

use super::config::Shape;
use super::lab::{Lab, block_on, story};

#[test]
fn a_request_that_is_being_merged_is_left_alone() {
    block_on(async {
        let lab = Lab::with_requests(Shape::Block, 1).await;
        let request = lab.request(0);
        lab.bot.project.set_locked(request.iid, true);
        lab.quiet().await;
        // Also when other values are due, when nothing is, and when the target is gone.
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        assert_eq!(lab.bot.project.merge_requests().len(), 1);
        assert_eq!(lab.bot.project.tip(&request.source_branch), request.sha);
        // GitLab gave it up.
        lab.bot.project.set_locked(request.iid, false);
        lab.run().await;
        let state = lab.bot.project.merge_request(request.iid).unwrap().state;
        assert_eq!(state, MrState::Closed);
        lab.quiet().await;
    });
}

#[test]
fn a_merge_under_way_is_waited_for_though_its_branch_is_gone() {
    block_on(async {
        let lab = Lab::with_requests(Shape::Block, 1).await;
        let request = lab.request(0);
        lab.bot.project.set_locked(request.iid, true);
        assert!(lab.bot.project.delete_branch("dev", &request.source_branch));
        let run = lab.run().await;
        assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
        assert_eq!(run.plan.requests[0].reason_code, Reason::BeingMerged, "{:#?}", story(&run));
    });
}

#[test]
fn a_left_branch_whose_merge_begins_meanwhile_stays() {
    block_on(async {
        let lab = Lab::with_requests(Shape::Block, 1).await;
        let request = lab.request(0);
        lab.bot.project.close("dev", request.iid);
        let meanwhile = async {
            lab.bot.project.reopen("dev", request.iid).unwrap();
            lab.bot.project.set_locked(request.iid, true);
        };
        let run = lab.bot.run_with(meanwhile).await.unwrap();
        assert_eq!(run.plan.leftovers.len(), 1);
        assert_eq!(lab.bot.project.tip(&request.source_branch), request.sha);
    });
}
