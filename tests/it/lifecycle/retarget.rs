//! Requests that a person sends to another target branch.

use forge::MrState;
use sapm::plan::Reason;

use super::config::Shape;
use super::driver::LABEL;
use super::lab::{Lab, block_on, story};
use super::safety::{TAKEN_OVER, TAKEN_OVER_LABEL, comments};

#[test]
fn a_request_that_a_person_sent_elsewhere_is_theirs() {
    block_on(async {
        let lab = Lab::with_requests(Shape::Block, 1).await;
        let request = lab.request(0);
        let project = &lab.bot.project;
        project.set_branch("dev", "stable", "main").unwrap();
        project.retarget("dev", request.iid, "stable").unwrap();
        let run = lab.run().await;
        assert_eq!(run.plan.requests.len(), 1);
        assert_eq!(run.plan.requests[0].reason_code, Reason::TakenOver);
        assert!(run.plan.requests[0].reason.contains("stable"), "{:#?}", story(&run));
        // The bot does not vouch for what it brings to another branch.
        let now = project.merge_request(request.iid).unwrap();
        assert!(!now.labels.contains(LABEL) && now.labels.contains(TAKEN_OVER_LABEL));
        assert_eq!(comments(&now, lab.bot.id, TAKEN_OVER), 1);
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        assert_eq!(project.tip(&request.source_branch), request.sha);
        // Sent back it is the bot's again.
        project.retarget("dev", request.iid, "main").unwrap();
        lab.run().await;
        assert_eq!(project.merge_request(request.iid).unwrap().state, MrState::Closed);
    });
}
