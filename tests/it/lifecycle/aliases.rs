//! Targets whose ref is an alias of another's: each keeps its own merge request, and none moves another by the way.

use forge::MrState;
use sapm::plan::Reason;

use super::config::{Config, Shape};
use super::lab::{Lab, block_on, deferred, saas, sha, simple, story, targets};

#[test]
fn an_alias_stays_with_its_merge_request_while_its_neighbour_is_held_or_unknown() {
    block_on(async {
        let mut list = targets(Shape::Block, 2);
        list[1].alias_of = Some(0);
        let lab = Lab::new(Config { saas: vec![saas(0, list, 2)], ..Config::default() });
        // Only the alias is due: it gets a value of its own, on a branch of its own.
        lab.release_for(1, 1);
        lab.run().await;
        let own = lab.open(1).unwrap();
        assert!(lab.open(0).is_none());
        lab.publish(0, 1, &sha(2));
        lab.run().await;
        assert!(lab.open(1).unwrap().title.contains("held by deployment"));
        lab.bot.facts.lock().unwrap().commits.values_mut().for_each(|commit| *commit = None);
        lab.quiet().await;
        lab.publish(0, 0, &sha(0));
        lab.release_for(1, 2);
        lab.run().await;
        assert_eq!(lab.open(1).unwrap().iid, own.iid, "one request all along");
        lab.quiet().await;
    });
}

#[test]
fn a_held_alias_becomes_a_draft_also_while_its_neighbour_is_unknown() {
    block_on(async {
        let mut list = targets(Shape::Block, 2);
        (list[1].alias_of, list[1].slo) = (Some(0), true);
        let lab = Lab::new(Config { saas: vec![saas(0, list, 2)], ..Config::default() });
        lab.set_slo(1, 1.0);
        lab.release_for(1, 1);
        lab.run().await;
        let key = (lab.config.borrow().saas[0].url(), "branch0".to_owned());
        lab.bot.facts.lock().unwrap().commits.insert(key, None);
        lab.quiet().await;
        lab.set_slo(1, 0.1);
        let run = lab.run().await;
        let held = lab.open(1).unwrap();
        assert!(held.title.contains("held by slo"), "{:#?}", story(&run));
        lab.quiet().await;
    });
}

/// The refs of the targets on the target branch.
fn refs(lab: &Lab) -> Vec<String> {
    let loaded = lab.bot.loaded(&lab.bot.main());
    let subscribers = loaded.inventory.subscribers();
    subscribers.map(|(_, target)| target.current_ref().to_owned()).collect()
}

#[test]
fn a_held_alias_that_is_rebuilt_moves_nobody_else() {
    block_on(async {
        let mut list = targets(Shape::Block, 2);
        list[1].alias_of = Some(0);
        let lab = Lab::new(Config { saas: vec![saas(0, list, 2)], ..Config::default() });
        lab.release_for(1, 1);
        lab.run().await;
        let own = lab.open(1).unwrap();
        lab.publish(0, 1, &sha(2));
        lab.rewrite("a line above its ref", |config| config.target_mut(1).note = Some(1));
        assert!(!lab.bot.project.merges_cleanly(own.iid));
        let run = lab.run().await;
        let held = lab.open(1).unwrap();
        assert_eq!((held.iid, held.is_draft()), (own.iid, true), "{:#?}", story(&run));
        assert!(lab.bot.project.merges_cleanly(held.iid));
        assert!(lab.open(0).is_none(), "{:#?}", story(&run));
        lab.quiet().await;
        lab.bot.project.set_title("dev", held.iid, &own.title);
        lab.bot.project.merge("dev", held.iid).unwrap();
        assert_eq!(refs(&lab), [sha(0), sha(1)]);
    });
}

#[test]
fn a_held_merge_request_that_would_move_others_when_rebuilt_is_closed() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 2)).await;
        let iid = lab.open(0).unwrap().iid;
        lab.set_slo(0, 0.1);
        // The other one is up to date, and uses its ref now.
        lab.rewrite("an alias", |config| config.target_mut(1).alias_of = Some(0));
        let run = lab.run().await;
        let closed = lab.bot.project.merge_request(iid).unwrap();
        assert_eq!(closed.state, MrState::Closed, "{:#?}", story(&run));
        lab.quiet().await;
    });
}

#[test]
fn a_target_is_not_opened_beside_a_held_merge_request_that_it_shares() {
    block_on(async {
        let mut config = simple(Shape::Block, 2);
        config.target_mut(0).slo = true;
        config.target_mut(1).alias_of = Some(0);
        config.target_mut(1).channels = vec![0];
        let lab = Lab::new(config);
        lab.set_slo(0, 1.0);
        lab.release_for(0, 1);
        lab.run().await;
        let shared = lab.mr(0);
        assert_eq!(lab.open(1).map(|open| open.iid), Some(shared.iid));
        // Alone the alias would get a value of its own, on a branch of its own.
        lab.set_slo(0, 0.1);
        let reason = deferred(&lab.run().await, Reason::WaitsForRequest);
        assert!(reason.contains(&format!("!{}", shared.iid)), "{reason}");
        lab.quiet().await;
        lab.set_slo(0, 1.0);
        lab.run().await;
        assert!(!lab.mr(0).is_draft());
        lab.quiet().await;
    });
}
