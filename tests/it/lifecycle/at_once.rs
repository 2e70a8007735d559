//! Two runs that planned the same creation, and a person between their writes.

use forge::MrState;
use sapm::apply::Verdict;

use super::config::Shape;
use super::lab::{Lab, block_on, simple, story};

/// Another run opens the request that this one has planned, and a person does something with it.
async fn overtaken(deed: impl Fn(&Lab)) -> Lab {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.release_for(0, 1);
    let second = async {
        assert!(lab.bot.run().await.is_ok());
        deed(&lab);
        lab.bot.forge.settle();
    };
    let run = lab.bot.run_with(second).await.unwrap();
    let outcomes: Vec<_> = run.outcomes.requests.values().map(|o| o.outcome).collect();
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
fn what_was_merged_meanwhile_is_not_made_anew_by_the_other_run() {
    block_on(async {
        let lab = overtaken(|lab| drop(lab.bot.project.merge("dev", 1).unwrap())).await;
        assert_eq!(lab.bot.project.branches().len(), 1, "{:?}", lab.bot.project.branches());
        lab.quiet().await;
        let states: Vec<_> = lab.bot.project.merge_requests().iter().map(|r| r.state).collect();
        assert_eq!(states, [MrState::Merged]);
    });
}
