//! Branches whose merge request is over.

use forge::MergeMethod;

use super::config::Shape;
use super::lab::{Lab, block_on};

#[test]
fn a_left_branch_whose_merge_request_is_reopened_meanwhile_stays() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        lab.bot.project.close("dev", mr.iid);
        let reopen = async { lab.bot.project.reopen("dev", mr.iid).unwrap() };
        let run = lab.bot.run_with(reopen).await.unwrap();
        assert_eq!(run.plan.leftovers.len(), 1);
        lab.quiet().await;
        assert_eq!(lab.open(0).map(|open| open.iid), Some(mr.iid));
    });
}

#[test]
fn a_rebased_branch_that_was_merged_is_cleared_away() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        let project = &lab.bot.project;
        project.commit("dev", "main", "elsewhere", [("data/by-hand.txt", Some("x"))]);
        project.rebase("dev", mr.iid).unwrap();
        lab.bot.forge.settle();
        project.set_merge_method(MergeMethod::FastForward);
        let tip = project.tip(&mr.source_branch).unwrap();
        // The commit itself is on the target branch then, and the branch is left.
        project.set_branch("dev", "main", &tip).unwrap();
        lab.run().await;
        assert_eq!(project.tip(&mr.source_branch), None);
        lab.quiet().await;
    });
}
