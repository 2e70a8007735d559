//! Writes without a clear answer: they are sent again, and only after a look at what people did meanwhile.

use forge::{Fault, FaultKind, MrState, ProjectHandle};
use sapm::apply::Verdict;

use super::config::Shape;
use super::driver::Run;
use super::lab::{Lab, block_on, sha, simple, story};
use super::safety::HOLD;

fn without_effect() -> FaultKind {
    FaultKind::Status(502, "<h1>Sorry</h1>".to_owned(), Vec::new())
}

/// A run whose first write of this kind has no clear answer, while a person does something.
async fn run(
    lab: &Lab,
    write: Fault,
    deed: impl Fn(&ProjectHandle) + Send + Sync + 'static,
) -> Run {
    let (world, project) = (lab.bot.forge.world(), lab.bot.project.clone());
    lab.bot.forge.fault(write.nth(1).calling(move |_| {
        deed(&project);
        world.settle();
    }));
    let run = lab.run().await;
    assert_eq!(lab.bot.forge.faults_played(), 1, "{:#?}", story(&run));
    lab.bot.forge.clear_faults();
    run
}

#[track_caller]
fn a_person_was_first(run: &Run) {
    let outcomes: Vec<_> = run.outcomes.merge_requests.values().map(|o| o.outcome).collect();
    assert_eq!(outcomes, [Verdict::SomebodyWasFirst], "{:#?}", story(run));
}

#[test]
fn a_change_does_not_overwrite_what_a_person_wrote_meanwhile() {
    block_on(async {
        let theirs = "Draft: please wait for Bob";
        for kind in [without_effect(), FaultKind::StatusAfter(502), FaultKind::DropBefore] {
            let lab = Lab::with_merge_requests(Shape::Block, 1).await;
            lab.release_for(0, 2);
            let change = Fault::new(kind).method("PUT");
            let run = run(&lab, change, move |project| {
                project.set_labels("dev", 1, &[HOLD], &[]);
                project.set_title("dev", 1, theirs);
            })
            .await;
            a_person_was_first(&run);
            assert_eq!(lab.open(0).unwrap().title, theirs);
            lab.quiet().await;
        }
    });
}

/// Somebody pushes to the branch of !1.
fn push_by_hand(project: &ProjectHandle) {
    let branch = project.merge_request(1).unwrap().source_branch;
    project.commit("dev", &branch, "mine", [("data/by-hand.txt", Some("x"))]);
}

#[test]
fn a_commit_does_not_replace_what_a_person_pushed_meanwhile() {
    block_on(async {
        for kind in [without_effect(), FaultKind::StatusAfter(502), FaultKind::DropBefore] {
            let lab = Lab::with_merge_requests(Shape::Block, 1).await;
            lab.release_for(0, 2);
            let commit = Fault::new(kind).method("POST").path_regex("/repository/commits$");
            a_person_was_first(&run(&lab, commit, push_by_hand).await);
            let tip = lab.mr(0).sha;
            assert_eq!(lab.bot.project.message(tip.as_deref().unwrap()).as_deref(), Some("mine"));
            // It tells them that it left the branch to them.
            lab.run().await;
            lab.quiet().await;
        }
    });
}

#[test]
fn a_commit_does_not_replace_what_a_person_pushed_since_the_write_before_it() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Line, 2).await;
        let stands = (0..2).find(|&id| lab.open(id).is_some()).unwrap();
        lab.rewrite("a neighbour, by hand", |config| {
            config.target_mut(1 - stands).git_ref = sha(5)
        });
        let change = Fault::new(FaultKind::Pass).method("PUT").path_regex("/merge_requests/1$");
        let run = run(&lab, change, push_by_hand).await;
        let outcome = &run.outcomes.merge_requests[&lab.mr(stands).source_branch];
        assert_eq!(outcome.outcome, Verdict::SomebodyWasFirst, "{:#?}", story(&run));
        assert_eq!(
            lab.bot.project.message(lab.mr(stands).sha.as_deref().unwrap()).as_deref(),
            Some("mine")
        );
        lab.run().await;
        lab.quiet().await;
    });
}

#[test]
fn a_close_does_not_come_after_a_persons_word() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        lab.rewrite("off", |config| config.target_mut(0).disabled = true);
        let close = Fault::new(without_effect()).method("PUT");
        let run = run(&lab, close, |project| project.set_labels("dev", 1, &[HOLD], &[])).await;
        a_person_was_first(&run);
        assert_eq!(lab.bot.project.merge_request(1).unwrap().state, MrState::Opened);
        lab.quiet().await;
    });
}

#[test]
fn what_a_person_closed_at_once_is_not_opened_a_second_time() {
    block_on(async {
        for kind in [FaultKind::StatusAfter(502), FaultKind::DropAfter] {
            let lab = Lab::new(simple(Shape::Block, 1));
            lab.release_for(0, 1);
            let opening = Fault::new(kind).method("POST").path_regex("/merge_requests$");
            let run = run(&lab, opening, |project| project.close("dev", 1)).await;
            a_person_was_first(&run);
            assert_eq!(lab.bot.project.merge_requests().len(), 1);
            lab.run().await;
            lab.quiet().await;
            assert_eq!(lab.bot.project.merge_requests().len(), 1);
        }
    });
}

#[test]
fn no_merge_request_is_opened_from_a_branch_that_vanished_meanwhile() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        let opening = Fault::new(without_effect()).method("POST").path_regex("/merge_requests$");
        let run = run(&lab, opening, |project| {
            let branches = project.branches();
            let branch = branches.keys().find(|branch| *branch != "main").unwrap();
            project.delete_branch("dev", branch);
        })
        .await;
        a_person_was_first(&run);
        assert_eq!(lab.bot.project.merge_requests().len(), 0);
        lab.run().await;
        assert!(lab.open(0).is_some());
        lab.quiet().await;
    });
}

#[test]
fn a_branch_whose_merge_request_a_person_reopened_meanwhile_stays() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.open(0).unwrap();
        lab.bot.project.close("dev", 1);
        let deletion = Fault::new(without_effect()).method("DELETE");
        let run =
            run(&lab, deletion, |project| project.reopen("dev", 1).expect("its branch")).await;
        assert_eq!(run.plan.leftovers.len(), 1, "{:#?}", story(&run));
        assert_eq!(lab.bot.project.tip(&mr.source_branch), mr.sha);
        assert_eq!(lab.bot.project.merge_request(1).unwrap().state, MrState::Opened);
        lab.quiet().await;
    });
}

#[test]
fn without_a_persons_word_the_same_run_comes_to_its_end() {
    block_on(async {
        let kinds = [
            without_effect(),
            FaultKind::StatusAfter(502),
            FaultKind::DropBefore,
            FaultKind::DropAfter,
            FaultKind::Truncate,
        ];
        for kind in kinds {
            let write = |method: &str| Fault::new(kind.clone()).method(method);
            let lab = Lab::new(simple(Shape::Block, 1));
            lab.release_for(0, 1);
            let opening = write("POST").path_regex("/merge_requests$");
            let opened = run(&lab, opening, |_| {}).await;
            lab.release_for(0, 2);
            let changed = run(&lab, write("PUT"), |_| {}).await;
            assert!(lab.open(0).unwrap().title.contains(&sha(2)[..8]), "{kind:?}");
            lab.rewrite("off", |config| config.target_mut(0).disabled = true);
            let closed = run(&lab, write("PUT"), |_| {}).await;
            lab.rewrite("on", |config| config.target_mut(0).disabled = false);
            lab.run().await;
            lab.bot.project.close("dev", 2);
            run(&lab, write("DELETE"), |_| {}).await;
            assert_eq!(lab.bot.project.branches().len(), 1, "{kind:?}");
            for run in [opened, changed, closed] {
                let outcomes = run.outcomes.merge_requests.values();
                let done = outcomes.filter(|outcome| outcome.outcome == Verdict::Done);
                assert_eq!(done.count(), 1, "{kind:?}: {:#?}", story(&run));
            }
            lab.quiet().await;
        }
    });
}
