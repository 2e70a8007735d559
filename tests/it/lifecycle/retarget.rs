//! Merge requests that a person sends to another target branch.

use forge::MrState;
use sapm::plan::Reason;

use super::config::Shape;
use super::driver::LABEL;
use super::lab::{Lab, block_on, story};
use super::safety::{TAKEN_OVER, TAKEN_OVER_LABEL, comments};

#[test]
fn a_merge_request_that_a_person_sent_elsewhere_is_theirs() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        let project = &lab.bot.project;
        project.set_branch("dev", "stable", "main").unwrap();
        project.retarget("dev", mr.iid, "stable").unwrap();
        let run = lab.run().await;
        assert_eq!(run.plan.merge_requests.len(), 1);
        assert_eq!(run.plan.merge_requests[0].reason_code, Reason::TakenOver);
        assert!(run.plan.merge_requests[0].reason.contains("stable"), "{:#?}", story(&run));
        // The bot does not vouch for what it brings to another branch.
        let now = project.merge_request(mr.iid).unwrap();
        assert!(!now.labels.contains(LABEL) && now.labels.contains(TAKEN_OVER_LABEL));
        assert_eq!(comments(&now, lab.bot.id, TAKEN_OVER), 1);
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        assert_eq!(project.tip(&mr.source_branch), mr.sha);
        // Sent back it is the bot's again.
        project.retarget("dev", mr.iid, "main").unwrap();
        lab.run().await;
        assert_eq!(project.merge_request(mr.iid).unwrap().state, MrState::Closed);
    });
}
