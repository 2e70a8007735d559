//! Two runs that planned the same creation, and a person between their writes.

use forge::{Fault, FaultKind, MrState};
use sapm::apply::Verdict;
use sapm::plan::{Action, Reason};

use super::config::Shape;
use super::driver::Run;
use super::lab::{Lab, block_on, simple, story};
use super::safety::{CLOSING, HOLD, comments};

/// Another run opens the merge request that this one has planned, and a person does something with it.
async fn overtaken(deed: impl Fn(&Lab)) -> Lab {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.release_for(0, 1);
    let second = async {
        assert!(lab.bot.run().await.is_ok());
        deed(&lab);
        lab.bot.forge.settle();
    };
    let run = lab.bot.run_with(second).await.unwrap();
    let outcomes: Vec<_> = run.outcomes.merge_requests.values().map(|o| o.outcome).collect();
    assert_eq!(outcomes, [Verdict::SomebodyWasFirst], "{:#?}", story(&run));
    lab
}

#[test]
fn what_a_person_closed_meanwhile_is_not_opened_by_the_other_run() {
    block_on(async {
        let lab = overtaken(|lab| lab.bot.project.close("dev", 1)).await;
        lab.run().await;
        lab.quiet().await;
        let states: Vec<_> = lab.bot.project.merge_requests().iter().map(|r| r.state).collect();
        assert_eq!(states, [MrState::Closed]);
    });
}

#[test]
fn what_was_merged_meanwhile_is_not_rebuilt_by_the_other_run() {
    block_on(async {
        let lab = overtaken(|lab| drop(lab.bot.project.merge("dev", 1).unwrap())).await;
        assert_eq!(lab.bot.project.branches().len(), 1, "{:?}", lab.bot.project.branches());
        lab.quiet().await;
        let states: Vec<_> = lab.bot.project.merge_requests().iter().map(|r| r.state).collect();
        assert_eq!(states, [MrState::Merged]);
    });
}

/// The POST that opens a merge request.
const OPENING: &str = "/merge_requests$";

/// One target that is due, and a run in which somebody deletes the branch right before the merge request is opened from
/// it.
async fn branch_vanishes(kind: FaultKind) -> (Lab, Run) {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.release_for(0, 1);
    let (world, project) = (lab.bot.forge.world(), lab.bot.project.clone());
    let fault = Fault::new(kind).method("POST").path_regex(OPENING).nth(1).calling(move |_| {
        let branches = project.branches();
        let branch = branches.keys().find(|branch| *branch != "main").unwrap();
        assert!(project.delete_branch("dev", branch));
        world.settle();
    });
    lab.bot.forge.fault(fault);
    let run = lab.run().await;
    lab.bot.forge.clear_faults();
    (lab, run)
}

/// The target has an open merge request, with its content.
async fn is_promoted(lab: &Lab) {
    let open = lab.open(0).expect("an open request");
    assert_eq!(lab.bot.project.tip(&open.source_branch), open.sha);
    assert_eq!(lab.bot.project.open_merge_requests().len(), 1);
    lab.quiet().await;
}

#[test]
fn a_merge_request_without_a_branch_is_closed_and_another_one_opened() {
    block_on(async {
        let (lab, _) = branch_vanishes(FaultKind::Pass).await;
        let project = &lab.bot.project;
        assert_eq!(project.merge_request(1).unwrap().sha, None);
        lab.bot.settings.borrow_mut().allow_closing = false;
        let run = lab.run().await;
        assert_eq!(
            run.plan.merge_requests[0].reason_code,
            Reason::ClosingDisabled,
            "{:#?}",
            story(&run)
        );
        lab.quiet().await;
        lab.bot.settings.borrow_mut().allow_closing = true;
        project.set_labels("dev", 1, &[HOLD], &[]);
        lab.quiet().await;
        project.set_labels("dev", 1, &[], &[HOLD]);
        let run = lab.run().await;
        assert_eq!(run.plan.merge_requests[0].action, Action::Close, "{:#?}", story(&run));
        let closed = project.merge_request(1).unwrap();
        assert_eq!((closed.state, closed.comments().count()), (MrState::Closed, 1));
        lab.run().await;
        is_promoted(&lab).await;
    });
}

#[test]
fn no_merge_request_is_opened_from_a_branch_that_vanished_while_gitlab_asked_to_wait() {
    block_on(async {
        let headers = vec![("retry-after".to_owned(), "0".to_owned())];
        let later = FaultKind::Status(429, "Retry later\n".to_owned(), headers);
        let (lab, run) = branch_vanishes(later).await;
        assert_eq!(lab.bot.project.merge_requests().len(), 0, "{:#?}", story(&run));
        lab.run().await;
        is_promoted(&lab).await;
    });
}

#[test]
fn no_merge_request_is_opened_from_a_branch_of_an_earlier_run_that_vanished_meanwhile() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.bot.forge.fault(Fault::status(403, "no").method("POST").path_regex(OPENING));
        let branch = lab.run().await.plan.merge_requests[0].branch.clone();
        lab.bot.forge.clear_faults();
        assert!(lab.bot.project.tip(&branch).is_some());
        let vanishes = async {
            assert!(lab.bot.project.delete_branch("dev", &branch));
            lab.bot.forge.settle();
        };
        let run = lab.bot.run_with(vanishes).await.unwrap();
        assert_eq!(lab.bot.project.merge_requests().len(), 0, "{:#?}", story(&run));
        lab.run().await;
        is_promoted(&lab).await;
    });
}

#[test]
fn an_open_merge_request_that_is_new_to_a_run_is_not_taken_for_one_without_a_branch() {
    block_on(async {
        // What the run sees: the merge request, and not yet its branch; GitLab has not found its commit yet either.
        let (lab, _) = branch_vanishes(FaultKind::Pass).await;
        let branch = lab.bot.project.merge_request(1).unwrap().source_branch;
        let main = lab.bot.main();
        let pushed = async { lab.bot.project.set_branch("dev", &branch, &main).unwrap() };
        let run = lab.bot.run_with(pushed).await.unwrap();
        let outcomes: Vec<_> = run.outcomes.merge_requests.values().map(|o| o.outcome).collect();
        assert_eq!(outcomes, [Verdict::SomebodyWasFirst], "{:#?}", story(&run));
        assert_eq!(lab.bot.project.merge_request(1).unwrap().state, MrState::Opened);
    });
}

#[test]
fn two_runs_at_once_open_one_merge_request_for_each_target() {
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
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let iid = lab.mr(0).iid;
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
            let iid = lab.mr(0).iid;
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
            assert_eq!(run.plan.merge_requests[0].action, Action::Hold);
            let (before, after) = (before.take().unwrap(), project.merge_request(iid).unwrap());
            assert_eq!((before.title, before.state), (after.title, after.state), "{deed}");
            lab.run().await;
            lab.quiet().await;
        }
    });
}
