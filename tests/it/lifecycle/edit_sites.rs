//! The branch of a place is its own for good, whoever shares the place and whatever is decided:
//! what is open stays open, and what a person said stays said.

use forge::{Fault, MrState, Service};
use sapm::plan::{Action, Reason};

use super::config::{Config, Shape};
use super::lab::{Lab, block_on, reasons, saas, sha, simple, story, targets};
use super::safety::HOLD;

/// One place with an open merge request.
async fn open(shape: Shape) -> Lab {
    let mut config = simple(shape, 1);
    config.target_mut(0).parts = vec!["b"];
    let lab = Lab::new(config);
    lab.release_for(0, 1);
    lab.run().await;
    assert_eq!(lab.bot.project.open_merge_requests().len(), 1);
    lab
}

/// Two blocks, the second of which has the first one's ref as an alias.
fn alias(slo: f64) -> Lab {
    let mut config = simple(Shape::Block, 2);
    config.target_mut(0).slo = true;
    config.target_mut(1).alias_of = Some(0);
    config.target_mut(1).channels = vec![0];
    let lab = Lab::new(config);
    lab.set_slo(0, slo);
    lab.release_for(0, 1);
    lab
}

type Rewrite = Box<dyn Fn(&mut Config)>;

/// The ways in which others come to share a place, or leave it.
fn sharings(shape: Shape) -> Vec<Rewrite> {
    let parts = |parts: &'static [&'static str]| -> Rewrite {
        Box::new(move |config| config.target_mut(0).parts = parts.to_vec())
    };
    let other =
        |on: bool| -> Box<dyn Fn(&mut Config)> { Box::new(move |c| c.target_mut(0).in_other = on) };
    match shape {
        Shape::Shared => vec![other(true), other(false)],
        _ => vec![parts(&["b", "a"]), parts(&["c", "b", "a"]), parts(&["c"]), parts(&["b"])],
    }
}

#[test]
fn who_shares_a_place_changes_nothing_for_an_open_merge_request() {
    block_on(async {
        for shape in [Shape::Selector, Shape::Shared] {
            let lab = open(shape).await;
            let first = lab.only_mr();
            lab.bot.project.approve("dev", first.iid);
            for change in sharings(shape) {
                lab.rewrite("others", change);
                lab.quiet().await;
                let now = lab.only_mr();
                assert_eq!((now.sha, now.approvals.len()), (first.sha.clone(), 1));
            }
            // Other values update it, for all that share the place now.
            lab.rewrite("others", &sharings(shape)[0]);
            lab.release_for(0, 2);
            let run = lab.run().await;
            assert_eq!(reasons(&run), [(Action::Update, Reason::Changed)]);
            assert_eq!(
                run.plan.merge_requests[0].targets.len(),
                if shape == Shape::Shared { 3 } else { 2 }
            );
            assert_eq!(lab.only_mr().iid, first.iid);
            lab.quiet().await;
        }
    });
}

#[test]
fn who_shares_a_place_does_not_unsay_a_persons_word() {
    block_on(async {
        for shape in [Shape::Selector, Shape::Shared] {
            for rolled_back in [false, true] {
                let lab = open(shape).await;
                let (project, iid) = (&lab.bot.project, lab.only_mr().iid);
                let said = if rolled_back {
                    let merged = project.merge("dev", iid).unwrap();
                    lab.run().await;
                    project.revert("dev", "main", &merged).unwrap();
                    Reason::RolledBack
                } else {
                    project.close("dev", iid);
                    Reason::ClosedByPerson
                };
                for change in sharings(shape) {
                    lab.rewrite("others", change);
                    assert_eq!(reasons(&lab.run().await), [(Action::Defer, said)]);
                }
                lab.only_mr();
            }
        }
    });
}

#[test]
fn a_selector_beside_another_of_its_names_is_the_same_place() {
    block_on(async {
        let all = targets(Shape::Selector, 2);
        let mut config = Config { saas: vec![saas(0, all, 2)], ..Config::default() };
        config.target_mut(1).present = false;
        let lab = Lab::new(config);
        lab.release_for(0, 1);
        lab.run().await;
        let first = lab.only_mr();
        // A second selector without a name in the same resource template, which is up to date.
        lab.rewrite("another", |config| config.target_mut(1).present = true);
        lab.quiet().await;
        lab.bot.project.close("dev", first.iid);
        assert_eq!(reasons(&lab.run().await), [(Action::Defer, Reason::ClosedByPerson)]);
        lab.rewrite("alone", |config| config.target_mut(1).present = false);
        assert_eq!(reasons(&lab.run().await), [(Action::Defer, Reason::ClosedByPerson)]);
        lab.quiet().await;
    });
}

#[test]
fn a_takeover_is_one_for_all_that_share_the_place() {
    block_on(async {
        for shape in [Shape::Selector, Shape::Shared] {
            let lab = open(shape).await;
            let branch = lab.only_mr().source_branch;
            lab.bot.project.commit("dev", &branch, "mine", [("data/x.txt", Some("x"))]);
            lab.run().await;
            for change in sharings(shape) {
                lab.rewrite("others", change);
                lab.quiet().await;
                lab.only_mr();
            }
        }
    });
}

#[test]
fn a_value_of_its_own_is_no_way_around_a_persons_word() {
    block_on(async {
        for taken_over in [false, true] {
            let lab = alias(1.0);
            lab.run().await;
            let shared = lab.only_mr();
            let said = if taken_over {
                let branch = &shared.source_branch;
                lab.bot.project.commit("dev", branch, "mine", [("data/x.txt", Some("x"))]);
                Reason::WaitsForRequest
            } else {
                lab.bot.project.close("dev", shared.iid);
                Reason::ClosedByPerson
            };
            assert!(!reasons(&lab.run().await).iter().any(|(action, _)| *action == Action::Create));
            lab.set_slo(0, 0.1);
            let run = lab.run().await;
            let found = reasons(&run);
            assert!(found.contains(&(Action::Defer, said)), "{:#?}", story(&run));
            lab.only_mr();
            lab.quiet().await;
        }
    });
}

#[test]
fn a_merge_request_goes_on_from_its_branch_when_its_targets_get_another() {
    block_on(async {
        let lab = alias(0.1);
        lab.run().await;
        // The alias alone, with a value of its own; then both together.
        let first = lab.only_mr();
        lab.set_slo(0, 1.0);
        let run = lab.run().await;
        assert_eq!(lab.only_mr().iid, first.iid);
        assert_eq!(run.plan.merge_requests[0].targets.len(), 2, "{:#?}", story(&run));
        lab.quiet().await;
        assert_eq!(lab.open(0).map(|open| open.iid), Some(first.iid));
        lab.bot.project.merge("dev", first.iid).unwrap();
        let inventory = &lab.bot.loaded(&lab.bot.main()).inventory;
        let promoted = inventory.targets.iter().filter(|target| target.current_ref() == sha(1));
        assert_eq!(promoted.count(), 2);
        lab.quiet().await;
    });
}

#[test]
fn a_place_that_is_parted_gets_a_second_merge_request_in_the_same_run() {
    block_on(async {
        let lab = alias(1.0);
        lab.run().await;
        let shared = lab.only_mr();
        lab.rewrite("parted", |config| config.target_mut(1).alias_of = None);
        let run = lab.run().await;
        let (one, two) = (lab.open(0).expect("a request"), lab.open(1).expect("a request"));
        assert_eq!(one.iid, shared.iid, "{:#?}", story(&run));
        assert_ne!(one.iid, two.iid);
        lab.quiet().await;
    });
}

#[test]
fn of_two_merge_requests_for_one_target_the_newer_one_is_closed() {
    block_on(async {
        let lab = open(Shape::Block).await;
        let first = lab.only_mr();
        let tip = lab.bot.project.tip(&first.source_branch).unwrap();
        let second = "auto-promoter-v2/second";
        let bot = super::driver::BOT;
        lab.bot.project.set_branch(bot, second, &tip).unwrap();
        lab.bot.project.open_merge_request(bot, second, "main", "x", "").unwrap();
        let run = lab.run().await;
        let found = reasons(&run);
        assert!(found.contains(&(Action::Close, Reason::Superseded)), "{:#?}", story(&run));
        assert_eq!(lab.open(0).map(|open| open.iid), Some(first.iid));
        lab.quiet().await;
    });
}

#[test]
fn nothing_is_opened_beside_what_could_not_be_read() {
    block_on(async {
        let compare = "/repository/compare";
        for (path, label) in [("/repository/files/", true), (compare, true), (compare, false)] {
            let lab = Lab::new(simple(Shape::Line, 2));
            lab.bot.branches_by_api.set(true);
            lab.bot.forge.configure(|settings| settings.branch_list_cache_s = 0);
            lab.release_for(0, 1);
            lab.run().await;
            let first = lab.only_mr();
            lab.rewrite("top", |config| config.saas[0].note = 5);
            if label {
                lab.bot.project.set_labels("dev", first.iid, &[HOLD], &[]);
            }
            lab.bot.project.rebase("dev", first.iid).unwrap();
            lab.bot.forge.settle();
            lab.release_for(1, 1);
            let fault = Fault::status(500, "sorry").on(Service::GitLab).method("GET");
            lab.bot.forge.fault(fault.path(path));
            let run = lab.run().await;
            assert!(lab.bot.writes().is_empty(), "{path}: {:#?}", story(&run));
            let found = reasons(&run);
            assert!(found.contains(&(Action::Defer, Reason::FactsMissing)), "{:#?}", story(&run));
            lab.bot.forge.clear_faults();
            let found = reasons(&lab.run().await);
            assert!(found.contains(&(Action::Defer, Reason::WaitsForRequest)));
            assert_eq!(lab.only_mr().state, MrState::Opened);
        }
    });
}

#[test]
fn a_rebase_beside_a_new_alias_of_the_ref_takes_no_change_of_hashes_over() {
    block_on(async {
        let mut config = simple(Shape::Block, 2);
        config.target_mut(0).redeploy = true;
        let lab = Lab::new(config);
        lab.deploy(0, 0, &sha(0), true, "hash1");
        lab.run().await;
        let first = lab.only_mr();
        lab.rewrite("an alias", |config| config.target_mut(1).alias_of = Some(0));
        lab.bot.project.rebase("dev", first.iid).unwrap();
        lab.bot.forge.settle();
        let run = lab.run().await;
        let reasons = reasons(&run);
        assert!(!reasons.iter().any(|(_, code)| *code == Reason::TakenOver), "{:#?}", story(&run));
        assert_eq!(lab.only_mr().labels, first.labels);
    });
}
