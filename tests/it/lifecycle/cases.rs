//! What random worlds come to rarely: one test for each rule.

use forge::{MergeRequest, MrState};
use sapm::plan::{Action, Reason};
use sapm::ports::ForgeReader;

use super::config::Shape;
use super::driver::{LABEL, Run};
use super::lab::{Lab, block_on, sha, simple, story};
use super::safety::{AGAIN, CLOSING, HOLD, TAKEN_OVER, TAKEN_OVER_LABEL, comments};
use sapm::domain::MrIid;

/// Some targets with an open request each.
async fn open(shape: Shape, count: usize) -> Lab {
    let lab = Lab::new(simple(shape, count));
    for id in 0..count {
        lab.release_for(id, 1);
    }
    lab.run().await;
    lab
}

fn request(lab: &Lab, id: usize) -> MergeRequest {
    lab.open(id).unwrap_or_else(|| panic!("no open request for target {id}"))
}

fn deferred(run: &Run, code: Reason) -> String {
    let found = run.plan.requests.iter().find(|request| request.action == Action::Defer);
    let found = found.unwrap_or_else(|| panic!("nothing is deferred: {:#?}", story(run)));
    assert_eq!(found.reason_code, code, "{:#?}", story(run));
    found.reason.clone()
}

#[test]
fn two_runs_at_once_open_one_request_for_each_target() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 4));
        (0..4).for_each(|id| lab.release_for(id, 1));
        let (one, two) = tokio::join!(lab.bot.run(), lab.bot.run());
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(lab.bot.project.merge_requests().len(), 4);
        assert!((0..4).all(|id| lab.open(id).is_some()));
        lab.quiet().await;
    });
}

#[test]
fn two_runs_at_once_close_with_one_comment() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let iid = request(&lab, 0).iid;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        let second = async { assert!(lab.bot.run().await.is_ok()) };
        assert!(lab.bot.run_with(second).await.is_ok());
        let closed = lab.bot.project.merge_request(iid).unwrap();
        assert_eq!(closed.state, MrState::Closed);
        assert_eq!(comments(&closed, lab.bot.id, CLOSING), 1);
        lab.quiet().await;
    });
}

#[test]
fn a_stale_word_of_a_conflict_changes_nothing() {
    block_on(async {
        let lab = open(Shape::Line, 1).await;
        let iid = request(&lab, 0).iid;
        let reader = lab.bot.reader().await.unwrap();
        let before = lab.bot.main();
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(9));
        for _ in 0..3 {
            reader.request(MrIid(iid)).await.unwrap();
        }
        lab.bot.project.revert("dev", "main", &lab.bot.main()).unwrap();
        assert_eq!(lab.bot.project.files("main"), lab.bot.project.files(&before));
        let listed = reader.open_requests("auto-promoter-v2/").await.unwrap();
        assert_eq!(listed[0].detailed_merge_status.as_deref(), Some("conflict"));
        lab.quiet().await;
    });
}

#[test]
fn approvals_stay_whatever_moves() {
    block_on(async {
        let lab = open(Shape::Block, 3).await;
        let (kept, other) = (request(&lab, 0), request(&lab, 2));
        lab.bot.project.approve("dev", kept.iid);
        lab.bot.project.merge("dev", other.iid).unwrap();
        lab.rewrite("elsewhere", |config| {
            config.elsewhere = 1;
            config.saas[0].note = 1;
            config.target_mut(1).note = Some(1);
        });
        lab.run().await;
        let now = request(&lab, 0);
        assert_eq!((now.sha, now.approvals.len(), now.lost_approvals), (kept.sha, 1, 0));
        assert_eq!(now.versions.len(), 1);
        lab.quiet().await;
    });
}

#[test]
fn what_a_person_closed_stays_closed_until_asked_for() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let first = request(&lab, 0).iid;
        lab.bot.project.close("dev", first);
        let reason = deferred(&lab.run().await, Reason::ClosedByPerson);
        assert!(reason.contains(AGAIN) && reason.contains(&format!("!{first}")), "{reason}");
        lab.quiet().await;
        lab.bot.project.set_labels("dev", first, &[AGAIN], &[]);
        lab.run().await;
        let second = request(&lab, 0).iid;
        // The same again, by deleting the branch: the older label does not count for it.
        lab.bot.project.delete_branch("dev", &request(&lab, 0).source_branch);
        let reason = deferred(&lab.run().await, Reason::ClosedByPerson);
        assert!(reason.contains(&format!("!{second}")), "{reason}");
        // Other values are another matter.
        lab.release_for(0, 2);
        lab.run().await;
        assert!(request(&lab, 0).title.contains(&sha(2)[..8]));
        lab.quiet().await;
    });
}

#[test]
fn what_was_rolled_back_is_opened_again_when_asked_for() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let iid = request(&lab, 0).iid;
        let merged = lab.bot.project.merge("dev", iid).unwrap();
        lab.quiet().await;
        lab.bot.project.revert("dev", "main", &merged).unwrap();
        let reason = deferred(&lab.run().await, Reason::RolledBack);
        assert!(reason.contains(AGAIN), "{reason}");
        lab.quiet().await;
        lab.bot.project.set_labels("dev", iid, &[AGAIN], &[]);
        lab.run().await;
        assert_ne!(request(&lab, 0).iid, iid);
        lab.quiet().await;
    });
}

#[test]
fn what_the_bot_closed_itself_does_not_count() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let first = request(&lab, 0).iid;
        lab.rewrite("off", |config| config.target_mut(0).disabled = true);
        lab.run().await;
        let closed = lab.bot.project.merge_request(first).unwrap();
        assert_eq!((closed.state, comments(&closed, lab.bot.id, CLOSING)), (MrState::Closed, 1));
        assert!(lab.bot.project.tip(&closed.source_branch).is_none());
        lab.rewrite("on", |config| config.target_mut(0).disabled = false);
        lab.run().await;
        assert_ne!(request(&lab, 0).iid, first);
        lab.quiet().await;
    });
}

#[test]
fn a_takeover_is_commented_on_once_and_can_be_handed_back() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let taken = request(&lab, 0);
        let change = [("data/by-hand.txt", Some("x"))];
        let tip = lab.bot.project.commit("dev", &taken.source_branch, "by hand", change);
        for number in 2..5 {
            lab.release_for(0, number);
            let run = lab.run().await;
            let planned =
                run.plan.requests.iter().find(|request| request.iid == Some(MrIid(taken.iid)));
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
        assert_ne!(request(&lab, 0).iid, taken.iid);
        lab.quiet().await;
    });
}

#[test]
fn a_rebase_is_no_takeover() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let first = request(&lab, 0);
        lab.rewrite("top", |config| config.saas[0].note = 5);
        lab.bot.project.approve("dev", first.iid);
        lab.bot.project.rebase("dev", first.iid).unwrap();
        lab.quiet().await;
        let rebased = request(&lab, 0);
        assert_ne!(rebased.sha, first.sha);
        assert_eq!(rebased.approvals.len(), 1);
        lab.release_for(0, 2);
        lab.run().await;
        assert_eq!(request(&lab, 0).iid, first.iid);
        assert!(request(&lab, 0).title.contains(&sha(2)[..8]));
        lab.quiet().await;
    });
}

#[test]
fn neighbours_wait_for_each_other_and_come_one_after_the_other() {
    block_on(async {
        let lab = open(Shape::Line, 3).await;
        // The middle one's line is next to both others'; those fit beside each other.
        let opened: Vec<usize> = (0..3).filter(|&id| lab.open(id).is_some()).collect();
        assert!(opened.len() < 3 && !opened.is_empty(), "{opened:?}");
        let run = lab.run().await;
        let reason = deferred(&run, Reason::WaitsForRequest);
        let named =
            opened.iter().any(|&id| reason.contains(&format!("!{}", request(&lab, id).iid)));
        assert!(named, "{reason}");
        lab.quiet().await;
        for _ in 0..3 {
            for open in lab.bot.project.open_requests() {
                lab.bot.project.merge("dev", open.iid).unwrap();
            }
            lab.run().await;
        }
        let main = lab.bot.loaded(&lab.bot.main());
        let promoted = main.inventory.targets.iter().filter(|t| t.git_ref == Ok(sha(1)));
        assert_eq!(promoted.count(), 3);
        lab.quiet().await;
    });
}

#[test]
fn a_conflict_with_the_target_branch_is_made_anew_in_the_same_run() {
    block_on(async {
        let lab = open(Shape::Line, 2).await;
        let stands = (0..2).find(|&id| lab.open(id).is_some()).unwrap();
        let old = request(&lab, stands);
        lab.rewrite("a neighbour, by hand", |config| {
            config.target_mut(1 - stands).git_ref = sha(5)
        });
        assert!(!lab.bot.project.merges_cleanly(old.iid));
        lab.run().await;
        let new = request(&lab, stands);
        assert_eq!(new.iid, old.iid);
        assert_ne!(new.sha, old.sha);
        assert!(lab.bot.project.merges_cleanly(new.iid));
        lab.quiet().await;
    });
}

#[test]
fn what_a_person_does_while_a_run_is_under_way_comes_first() {
    block_on(async {
        for deed in ["hold", "draft", "push", "close"] {
            let mut config = simple(Shape::Block, 1);
            config.target_mut(0).slo = true;
            let lab = Lab::new(config);
            lab.set_slo(0, 1.0);
            lab.release_for(0, 1);
            lab.run().await;
            lab.set_slo(0, 0.1);
            let iid = request(&lab, 0).iid;
            let project = &lab.bot.project;
            let before = std::cell::RefCell::new(None);
            let meanwhile = async {
                match deed {
                    "hold" => project.set_labels("dev", iid, &[HOLD], &[]),
                    "draft" => project.set_title("dev", iid, "Draft: let me look"),
                    "close" => project.close("dev", iid),
                    _ => {
                        let branch = project.merge_request(iid).unwrap().source_branch;
                        project.commit("dev", &branch, "mine", [("data/x.txt", Some("x"))]);
                    }
                }
                *before.borrow_mut() = project.merge_request(iid);
            };
            let run = lab.bot.run_with(meanwhile).await.unwrap();
            assert_eq!(run.plan.requests[0].action, Action::Hold);
            let (before, after) = (before.take().unwrap(), project.merge_request(iid).unwrap());
            assert_eq!((before.title, before.state), (after.title, after.state), "{deed}");
            lab.run().await;
            lab.quiet().await;
        }
    });
}

#[test]
fn a_left_branch_whose_request_is_reopened_meanwhile_stays() {
    block_on(async {
        let lab = open(Shape::Block, 1).await;
        let request = request(&lab, 0);
        lab.bot.project.close("dev", request.iid);
        let reopen = async { lab.bot.project.reopen("dev", request.iid).unwrap() };
        let run = lab.bot.run_with(reopen).await.unwrap();
        assert_eq!(run.plan.leftovers.len(), 1);
        lab.quiet().await;
        assert_eq!(lab.open(0).map(|open| open.iid), Some(request.iid));
    });
}

#[test]
fn a_target_is_not_opened_beside_a_held_request_that_it_shares() {
    block_on(async {
        let mut config = simple(Shape::Block, 2);
        config.target_mut(0).slo = true;
        config.target_mut(1).alias_of = Some(0);
        config.target_mut(1).channels = vec![0];
        let lab = Lab::new(config);
        lab.set_slo(0, 1.0);
        lab.release_for(0, 1);
        lab.run().await;
        let shared = request(&lab, 0);
        assert_eq!(lab.open(1).map(|open| open.iid), Some(shared.iid));
        // Alone the alias would get a value of its own, on a branch of its own.
        lab.set_slo(0, 0.1);
        let reason = deferred(&lab.run().await, Reason::WaitsForRequest);
        assert!(reason.contains(&format!("!{}", shared.iid)), "{reason}");
        lab.quiet().await;
        lab.set_slo(0, 1.0);
        lab.run().await;
        assert!(!request(&lab, 0).is_draft());
        lab.quiet().await;
    });
}
