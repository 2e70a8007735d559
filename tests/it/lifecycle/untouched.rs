//! What leaves an open merge request as it is: facts that are missing, and the label to hold it.

use forge::MrState;

use super::config::Shape;
use super::lab::{Lab, block_on, simple};
use super::safety::HOLD;

#[test]
fn without_facts_a_merge_request_is_left_as_it_is() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let before = lab.open(0).unwrap();
        lab.bot.facts.lock().unwrap().commits.values_mut().for_each(|commit| *commit = None);
        lab.quiet().await;
        lab.rewrite("breaks", |config| config.saas[0].broken = true);
        lab.quiet().await;
        let path = format!("{}.yml", "data/services/app/ns0");
        lab.bot.project.commit("dev", "main", "breaks", [(path, Some("a: b: c"))]);
        lab.quiet().await;
        let after = lab.bot.project.merge_request(before.iid).unwrap();
        assert_eq!((after.title, after.sha, after.state), (before.title, before.sha, before.state));
    });
}

#[test]
fn the_label_hold_keeps_everything_away() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let iid = lab.open(0).unwrap().iid;
        lab.bot.project.set_labels("dev", iid, &[HOLD], &[]);
        let before = lab.open(0).unwrap();
        lab.set_slo(0, 0.1);
        lab.quiet().await;
        lab.set_slo(0, 1.0);
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("off", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        let after = lab.bot.project.merge_request(iid).unwrap();
        assert_eq!((after.title, after.sha, after.state), (before.title, before.sha, before.state));
        lab.bot.project.set_labels("dev", iid, &[], &[HOLD]);
        lab.run().await;
        assert_eq!(lab.bot.project.merge_request(iid).unwrap().state, MrState::Closed);
    });
}
