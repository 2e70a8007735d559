//! Which merge requests the bot closes, with which words, and what a person's closing or roll-back says to it.

use forge::{Fault, MrState};
use sapm::plan::Reason;

use super::config::Shape;
use super::lab::{Lab, block_on, deferred, sha, simple, story};
use super::safety::{AGAIN, CLOSING, comments};

#[test]
fn a_merge_request_is_closed_when_the_publisher_goes_back_to_the_commit_of_its_target() {
    block_on(async {
        // The record of that commit says that it failed, or is gone.
        for is_there in [true, false] {
            let lab = Lab::new(simple(Shape::Block, 1));
            lab.release_for(0, 1);
            lab.run().await;
            let opened = lab.open(0).unwrap();
            lab.publish(0, 0, &sha(0));
            if is_there {
                lab.deploy(0, 0, &sha(0), false, "hash0");
            } else {
                lab.bot.facts.lock().unwrap().records.clear();
            }
            let run = lab.run().await;
            let mr = lab.bot.project.merge_request(opened.iid).unwrap();
            assert_eq!(mr.state, MrState::Closed, "{:#?}", story(&run));
            assert!(mr.comments().any(|note| note.body.contains("nothing is due")));
            lab.quiet().await;
        }
    });
}

#[test]
fn a_blocked_commit_closes_its_merge_request() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let iid = lab.open(0).unwrap().iid;
        lab.rewrite("never this one", |config| config.blocked.push(sha(1)));
        let run = lab.run().await;
        assert_eq!(
            run.plan.merge_requests[0].reason_code,
            Reason::CommitBlocked,
            "{:#?}",
            story(&run)
        );
        let closed = lab.bot.project.merge_request(iid).unwrap();
        assert_eq!((closed.state, comments(&closed, lab.bot.id, CLOSING)), (MrState::Closed, 1));
        lab.quiet().await;
    });
}

/// The bot's words on a closing, the oldest first.
fn closings(lab: &Lab) -> Vec<String> {
    let mr = lab.bot.project.merge_request(1).unwrap();
    let own = mr.comments().filter(|note| note.body.trim_end().ends_with(CLOSING));
    own.map(|note| note.body.clone()).collect()
}

#[test]
fn a_closing_gives_its_own_reason_also_after_one_that_failed() {
    block_on(async {
        for blocked in [false, true] {
            let lab = Lab::with_merge_requests(Shape::Block, 1).await;
            let mr = lab.mr(0);
            lab.publish(0, 0, &sha(0));
            lab.bot.forge.fault(Fault::status(403, "no").method("PUT"));
            for _ in 0..2 {
                lab.run().await;
                assert_eq!(closings(&lab).len(), 1, "one comment, however often it fails");
            }
            lab.bot.forge.clear_faults();
            // Due again: it stays open, and nothing says that it was closed.
            lab.publish(0, 0, &sha(1));
            lab.quiet().await;
            assert_eq!(lab.open(0).unwrap().iid, mr.iid);
            assert!(!closings(&lab)[0].starts_with("Closed"), "{}", closings(&lab)[0]);
            if blocked {
                lab.rewrite("never this one", |config| config.blocked.push(sha(1)));
            } else {
                lab.publish(0, 0, &sha(0));
            }
            lab.run().await;
            assert_eq!(lab.bot.project.merge_request(1).unwrap().state, MrState::Closed);
            let said = closings(&lab);
            assert_eq!(said.len(), if blocked { 2 } else { 1 }, "{said:#?}");
            let reason = if blocked { "is blocked now" } else { "nothing is due any more" };
            assert!(said.last().unwrap().contains(reason), "{said:#?}");
            lab.quiet().await;
        }
    });
}

#[test]
fn what_the_bot_closed_itself_does_not_count() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let first = lab.mr(0).iid;
        lab.rewrite("off", |config| config.target_mut(0).disabled = true);
        lab.run().await;
        let closed = lab.bot.project.merge_request(first).unwrap();
        assert_eq!((closed.state, comments(&closed, lab.bot.id, CLOSING)), (MrState::Closed, 1));
        assert!(lab.bot.project.tip(&closed.source_branch).is_none());
        lab.rewrite("on", |config| config.target_mut(0).disabled = false);
        lab.run().await;
        assert_ne!(lab.mr(0).iid, first);
        lab.quiet().await;
    });
}

#[test]
fn what_a_person_closed_stays_closed_until_asked_for() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let first = lab.mr(0).iid;
        lab.bot.project.close("dev", first);
        let reason = deferred(&lab.run().await, Reason::ClosedByPerson);
        assert!(reason.contains(AGAIN) && reason.contains(&format!("!{first}")), "{reason}");
        lab.quiet().await;
        lab.bot.project.set_labels("dev", first, &[AGAIN], &[]);
        lab.run().await;
        let second = lab.mr(0).iid;
        // The same again, by deleting the branch: the older label does not count for it.
        lab.bot.project.delete_branch("dev", &lab.mr(0).source_branch);
        let reason = deferred(&lab.run().await, Reason::ClosedByPerson);
        assert!(reason.contains(&format!("!{second}")), "{reason}");
        // Other values are another matter.
        lab.release_for(0, 2);
        lab.run().await;
        assert!(lab.mr(0).title.contains(&sha(2)[..8]));
        lab.quiet().await;
    });
}

#[test]
fn what_was_rolled_back_is_opened_again_when_asked_for() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let iid = lab.mr(0).iid;
        let merged = lab.bot.project.merge("dev", iid).unwrap();
        lab.quiet().await;
        lab.bot.project.revert("dev", "main", &merged).unwrap();
        let reason = deferred(&lab.run().await, Reason::RolledBack);
        assert!(reason.contains(AGAIN), "{reason}");
        lab.quiet().await;
        lab.bot.project.set_labels("dev", iid, &[AGAIN], &[]);
        lab.run().await;
        assert_ne!(lab.mr(0).iid, iid);
        lab.quiet().await;
    });
}
