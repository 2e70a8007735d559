//! Branches whose request is over.

use forge::MergeMethod;

use super::config::Shape;
use super::lab::{Lab, block_on};

#[test]
fn a_left_branch_whose_request_is_reopened_meanwhile_stays() {
    block_on(async {
        let lab = Lab::with_requests(Shape::Block, 1).await;
        let request = lab.request(0);
        lab.bot.project.close("dev", request.iid);
        let reopen = async { lab.bot.project.reopen("dev", request.iid).unwrap() };
        let run = lab.bot.run_with(reopen).await.unwrap();
        assert_eq!(run.plan.leftovers.len(), 1);
        lab.quiet().await;
        assert_eq!(lab.open(0).map(|open| open.iid), Some(request.iid));
    });
}

#[test]
fn a_rebased_branch_that_was_merged_is_cleared_away() {
    block_on(async {
        let lab = Lab::with_requests(Shape::Block, 1).await;
        let request = lab.request(0);
        let project = &lab.bot.project;
        project.commit("dev", "main", "elsewhere", [("data/by-hand.txt", Some("x"))]);
        project.rebase("dev", request.iid).unwrap();
        lab.bot.forge.settle();
        project.set_merge_method(MergeMethod::FastForward);
        let tip = project.tip(&request.source_branch).unwrap();
        // The commit itself is on the target branch then, and the branch is left.
        project.set_branch("dev", "main", &tip).unwrap();
        lab.run().await;
        assert_eq!(project.tip(&request.source_branch), None);
        lab.quiet().await;
    });
}
