//! Targets that are declared elsewhere while their merge requests are open, or over: in a target file, in
//! a renamed one, beside others or alone. A target stays the same, whatever its place goes by.

use forge::{Fault, MergeRequest, MrState, Service};
use sapm::plan::{Action, Reason};

use super::config::{Config, Shape};
use super::driver::Run;
use super::lab::{Lab, block_on, reasons, saas, sha, simple, story, targets};
use super::look::Marks;
use super::safety::{AGAIN, HOLD};
use sapm::domain::MrIid;

/// A target with an open merge request, which then moves to target files of other names.
async fn moved(from: Option<u32>, moves: u32) -> (Lab, MergeRequest) {
    let mut config = simple(Shape::Block, 1);
    config.target_mut(0).file = from;
    let lab = Lab::new(config);
    lab.release_for(0, 1);
    lab.run().await;
    let first = lab.only_mr();
    for number in 1..=moves {
        move_to(&lab, number).await;
        assert_eq!(lab.only_mr().iid, first.iid, "it goes on from its branch");
        lab.quiet().await;
    }
    (lab, first)
}

async fn move_to(lab: &Lab, number: u32) -> Run {
    lab.rewrite("elsewhere", |config| config.target_mut(0).file = Some(number));
    lab.run().await
}

/// How many open merge requests say that they promote a target.
fn about(lab: &Lab, id: usize) -> usize {
    let path = format!("/services/app/ns{id}.yml");
    let loaded = lab.bot.loaded(&lab.bot.main());
    let mut subscribers = loaded.inventory.subscribers();
    let (_, target) = subscribers.find(|(_, target)| target.namespace.path == path).unwrap();
    let open = lab.bot.project.open_merge_requests();
    let marks = open.iter().filter_map(|r| Marks::of(&lab.bot.project, &r.source_branch));
    marks.filter(|marks| marks.targets.contains(target.uid.as_str())).count()
}

#[test]
fn what_a_person_closed_stays_closed_where_the_target_is_declared_elsewhere() {
    block_on(async {
        for (from, moves) in [(None, 0), (None, 1), (Some(0), 1), (None, 2)] {
            let (lab, first) = moved(from, moves).await;
            lab.bot.project.close("dev", first.iid);
            for number in moves..moves + 3 {
                let run =
                    if number == moves { lab.run().await } else { move_to(&lab, number).await };
                let said = [(Action::Defer, Reason::ClosedByPerson)];
                assert_eq!(reasons(&run), said, "{from:?} {moves} {number}: {:#?}", story(&run));
                lab.quiet().await;
            }
            lab.bot.project.set_labels("dev", first.iid, &[AGAIN], &[]);
            lab.run().await;
            assert_ne!(lab.open(0).expect("asked for again").iid, first.iid);
            lab.quiet().await;
            assert_eq!(lab.bot.project.branches().len(), 2, "{:?}", lab.bot.project.branches());
        }
    });
}

#[test]
fn what_was_rolled_back_stays_so_where_the_target_is_declared_elsewhere() {
    block_on(async {
        for moves in [0, 1, 2] {
            let (lab, first) = moved(None, moves).await;
            let merged = lab.bot.project.merge("dev", first.iid).unwrap();
            lab.run().await;
            lab.bot.project.revert("dev", "main", &merged).unwrap();
            for number in moves + 1..moves + 3 {
                let run = move_to(&lab, number).await;
                let said = [(Action::Defer, Reason::RolledBack)];
                assert_eq!(reasons(&run), said, "{moves} {number}: {:#?}", story(&run));
                lab.only_mr();
            }
        }
    });
}

#[test]
fn what_was_taken_over_is_not_opened_again_where_the_target_is_declared_elsewhere() {
    block_on(async {
        for (from, moves) in [(None, 0), (None, 1), (Some(0), 1), (None, 2)] {
            let (lab, first) = moved(from, moves).await;
            let mine = [("data/x.txt", Some("x"))];
            lab.bot.project.commit("dev", &first.source_branch, "mine", mine);
            lab.run().await;
            for number in moves + 1..moves + 3 {
                let run = move_to(&lab, number).await;
                let found = reasons(&run);
                assert!(found.contains(&(Action::Keep, Reason::TakenOver)), "{:#?}", story(&run));
                assert!(!found.iter().any(|(a, _)| *a == Action::Create), "{:#?}", story(&run));
                lab.only_mr();
                lab.quiet().await;
            }
        }
    });
}

/// Two targets with a merge request each, the second of which becomes an alias of the first.
async fn two_that_join(before: impl FnOnce(&Lab, u64)) -> (Lab, u64) {
    let mut config = simple(Shape::Block, 2);
    config.target_mut(1).channels = vec![0];
    let lab = Lab::new(config);
    lab.release_for(0, 1);
    lab.run().await;
    let second = lab.open(1).unwrap().iid;
    before(&lab, second);
    lab.rewrite("joined", |config| config.target_mut(1).alias_of = Some(0));
    (lab, second)
}

#[test]
fn a_target_that_joins_a_place_is_not_taken_in_while_its_merge_request_is_to_be_left_alone() {
    block_on(async {
        let (lab, second) =
            two_that_join(|lab, iid| lab.bot.project.set_labels("dev", iid, &[HOLD], &[])).await;
        for _ in 0..3 {
            let run = lab.run().await;
            assert_eq!(about(&lab, 1), 1, "{:#?}", story(&run));
        }
        lab.quiet().await;
        assert_eq!(lab.open(1).map(|open| open.iid), Some(second));
        lab.bot.project.set_labels("dev", second, &[], &[HOLD]);
        let run = lab.run().await;
        assert_eq!((about(&lab, 0), about(&lab, 1)), (1, 1), "{:#?}", story(&run));
        lab.quiet().await;
    });
}

#[test]
fn a_target_that_joins_a_place_is_not_taken_in_when_its_merge_request_could_not_be_closed() {
    block_on(async {
        let (lab, second) = two_that_join(|_, _| {}).await;
        let fault = Fault::status(403, "no").on(Service::GitLab).method("PUT");
        lab.bot.forge.fault(fault.path(format!("/merge_requests/{second}")));
        for _ in 0..2 {
            let run = lab.run().await;
            assert_eq!(about(&lab, 1), 1, "{:#?}", story(&run));
        }
        lab.bot.forge.clear_faults();
        let run = lab.run().await;
        assert_eq!((about(&lab, 0), about(&lab, 1)), (1, 1), "{:#?}", story(&run));
        assert_eq!(lab.bot.project.merge_request(second).unwrap().state, MrState::Closed);
        lab.quiet().await;
    });
}

#[test]
fn a_target_that_leaves_a_place_does_not_wait_for_those_who_are_held_there() {
    block_on(async {
        let mut list = targets(Shape::Block, 3);
        for target in &mut list {
            target.channels = vec![0];
            target.alias_of = Some(0).filter(|_| target.id > 0);
        }
        list[0].slo = true;
        let lab = Lab::new(Config { saas: vec![saas(0, list, 1)], ..Config::default() });
        lab.set_slo(0, 1.0);
        lab.release_for(0, 1);
        lab.run().await;
        let shared = lab.only_mr();
        lab.set_slo(0, 0.1);
        lab.run().await;
        lab.rewrite("parted", |config| config.target_mut(2).alias_of = None);
        assert!(lab.bot.project.merges_cleanly(shared.iid));
        let run = lab.run().await;
        let found = reasons(&run);
        assert!(found.contains(&(Action::Create, Reason::Due)), "{:#?}", story(&run));
        assert_eq!(lab.bot.project.merge_request(shared.iid).unwrap().sha, shared.sha);
        lab.quiet().await;
    });
}

#[test]
fn a_target_that_leaves_a_file_does_not_wait_for_those_who_are_held_there() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Shared, 1)).await;
        let shared = lab.only_mr();
        lab.set_slo(0, 0.1);
        lab.run().await;
        // The twin has a declaration of its own now, without the SLO.
        let (path, main) = ("data/services/app/cicd/saas0.yml", lab.bot.main());
        let text = String::from_utf8(lab.bot.project.file(&main, path).unwrap()).unwrap();
        let (start, twin) = text.split_at(text.find("- name: twin").unwrap());
        let own = format!(
            "  - namespace: {{$ref: /services/app/ns0.yml}}\n    ref: {}\n    \
             promotion: {{auto: true, subscribe: [channel-0-0]}}\n",
            sha(0)
        );
        let twin = twin.replace("  - $ref: /services/app/shared0.yml\n", &own);
        lab.bot.project.commit("dev", "main", "parted", [(path, Some(format!("{start}{twin}")))]);
        let run = lab.run().await;
        let found = reasons(&run);
        assert!(found.contains(&(Action::Create, Reason::Due)), "{:#?}", story(&run));
        lab.quiet().await;
        lab.set_slo(0, 1.0);
        let run = lab.run().await;
        assert_eq!(
            run.plan
                .merge_requests
                .iter()
                .find(|r| r.iid == Some(MrIid(shared.iid)))
                .unwrap()
                .targets
                .len(),
            1
        );
        lab.quiet().await;
    });
}

#[test]
fn an_alias_whose_owner_leaves_remembers_what_was_rolled_back_for_both() {
    block_on(async {
        let mut list = targets(Shape::Block, 2);
        (list[1].channels, list[1].alias_of) = (vec![0], Some(0));
        let lab = Lab::new(Config { saas: vec![saas(0, list, 1)], ..Config::default() });
        lab.release_for(0, 1);
        lab.run().await;
        let merged = lab.bot.project.merge("dev", lab.only_mr().iid).unwrap();
        lab.run().await;
        lab.bot.project.revert("dev", "main", &merged).unwrap();
        let run = move_to(&lab, 1).await;
        let said = (Action::Defer, Reason::RolledBack);
        assert_eq!(reasons(&run), [said, said], "{:#?}", story(&run));
    });
}
