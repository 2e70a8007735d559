//! What a person pushes to a branch of the bot makes the merge request theirs; what GitLab rebases does not.

use sapm::plan::Reason;

use super::config::Shape;
use super::driver::LABEL;
use super::lab::{Lab, block_on, sha, story};
use super::safety::{AGAIN, TAKEN_OVER, TAKEN_OVER_LABEL, comments};
use sapm::domain::MrIid;

#[test]
fn a_takeover_is_commented_on_once_and_can_be_handed_back() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let taken = lab.mr(0);
        let change = [("data/by-hand.txt", Some("x"))];
        let tip = lab.bot.project.commit("dev", &taken.source_branch, "by hand", change);
        for number in 2..5 {
            lab.release_for(0, number);
            let run = lab.run().await;
            let planned =
                run.plan.merge_requests.iter().find(|mr| mr.iid == Some(MrIid(taken.iid)));
            assert_eq!(planned.map(|planned| planned.reason_code), Some(Reason::TakenOver));
        }
        let now = lab.bot.project.merge_request(taken.iid).unwrap();
        assert_eq!((comments(&now, lab.bot.id, TAKEN_OVER), &now.title), (1, &taken.title));
        assert_eq!(lab.bot.project.tip(&taken.source_branch), Some(tip));
        assert!(!now.labels.contains(LABEL) && now.labels.contains(TAKEN_OVER_LABEL));
        lab.bot.project.set_labels("dev", taken.iid, &[AGAIN], &[]);
        lab.bot.project.close("dev", taken.iid);
        lab.bot.project.delete_branch("dev", &taken.source_branch);
        lab.run().await;
        assert_ne!(lab.mr(0).iid, taken.iid);
        lab.quiet().await;
    });
}

#[test]
fn a_rebase_is_no_takeover() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let first = lab.mr(0);
        lab.rewrite("top", |config| config.saas[0].note = 5);
        lab.bot.project.approve("dev", first.iid);
        lab.bot.project.rebase("dev", first.iid).unwrap();
        lab.quiet().await;
        let rebased = lab.mr(0);
        assert_ne!(rebased.sha, first.sha);
        assert_eq!(rebased.approvals.len(), 1);
        lab.release_for(0, 2);
        lab.run().await;
        assert_eq!(lab.mr(0).iid, first.iid);
        assert!(lab.mr(0).title.contains(&sha(2)[..8]));
        lab.quiet().await;
    });
}

#[test]
fn a_persons_commit_below_the_bots_is_not_overwritten() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        let project = &lab.bot.project;
        // Rebased onto work of theirs that is not on the target branch (any more).
        let main = lab.bot.main();
        project.commit("dev", "main", "mine", [("data/by-hand.txt", Some("x"))]);
        project.rebase("dev", mr.iid).unwrap();
        lab.bot.forge.settle();
        project.set_branch("dev", "main", &main).unwrap();
        let tip = project.tip(&mr.source_branch);
        assert_ne!(tip, mr.sha);
        lab.release_for(0, 2);
        let run = lab.run().await;
        assert_eq!(project.tip(&mr.source_branch), tip, "{:#?}", story(&run));
        assert_eq!(run.plan.merge_requests[0].reason_code, Reason::TakenOver);
    });
}
