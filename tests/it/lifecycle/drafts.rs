//! Merge requests that are held: drafts until they are ready again, and rebuilt where the target branch changed
//! around them.

use forge::{Fault, MrState};
use sapm::plan::Reason;

use super::config::Shape;
use super::lab::{Lab, block_on, sha, simple, story};
use super::safety::{CLOSING, comments};

#[test]
fn a_held_merge_request_is_a_draft_until_it_is_ready_again() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let ready = lab.open(0).unwrap();
        lab.set_slo(0, 0.1);
        lab.run().await;
        let held = lab.open(0).unwrap();
        assert!(held.is_draft() && held.title.contains("held by slo"), "{}", held.title);
        assert_eq!((held.sha, held.versions.len()), (ready.sha.clone(), 1));
        lab.quiet().await;
        // Another gate, another word; somebody who takes the mark away gets it back.
        lab.publish(0, 0, &sha(2));
        lab.run().await;
        assert!(lab.open(0).unwrap().title.contains("held by deployment"));
        lab.publish(0, 0, &sha(1));
        lab.run().await;
        lab.bot.project.set_title("dev", ready.iid, &ready.title);
        lab.run().await;
        assert!(lab.open(0).unwrap().is_draft());
        lab.set_slo(0, 1.0);
        lab.run().await;
        let again = lab.open(0).unwrap();
        assert_eq!((again.title, again.sha), (ready.title, ready.sha));
        lab.quiet().await;
    });
}

#[test]
fn a_draft_becomes_ready_only_after_its_content() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let ready = lab.mr(0);
        lab.publish(0, 0, &sha(2));
        lab.run().await;
        let held = lab.open(0).unwrap();
        assert!(held.is_draft(), "{}", held.title);
        // It may be merged again, and has to be rebuilt; the run ends at the commit.
        lab.publish(0, 0, &sha(1));
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        lab.bot.forge.fault(Fault::status(403, "no").method("POST").path("/repository/commits"));
        let run = lab.run().await;
        lab.bot.forge.clear_faults();
        assert_eq!(
            run.plan.merge_requests[0].reason_code,
            Reason::TargetBranchMoved,
            "{:#?}",
            story(&run)
        );
        let between = lab.open(0).unwrap();
        assert_eq!((&between.title, &between.sha), (&held.title, &held.sha));
        // The run ends between the commit and the title.
        lab.bot.forge.fault(Fault::status(403, "no").method("PUT").nth(2));
        lab.run().await;
        lab.bot.forge.clear_faults();
        let between = lab.open(0).unwrap();
        assert!(between.is_draft() && between.sha != held.sha, "{}", between.title);
        lab.run().await;
        let after = lab.open(0).unwrap();
        assert_eq!((after.title, after.sha), (ready.title, between.sha));
        assert!(lab.bot.project.merges_cleanly(after.iid));
        lab.quiet().await;
    });
}

#[test]
fn a_persons_draft_stays_one() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let iid = lab.open(0).unwrap().iid;
        lab.bot.project.set_title("dev", iid, "Draft: let me look at it");
        for value in [0.1, 1.0] {
            lab.set_slo(0, value);
            lab.quiet().await;
            assert_eq!(lab.open(0).unwrap().title, "Draft: let me look at it");
        }
        lab.release_for(0, 2);
        lab.run().await;
        assert!(lab.open(0).unwrap().is_draft(), "also with new content");
        lab.quiet().await;
    });
}

#[test]
fn a_held_merge_request_is_rebuilt_where_the_target_branch_changed_around_it() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let ready = lab.open(0).unwrap();
        lab.set_slo(0, 0.1);
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        assert!(!lab.bot.project.merges_cleanly(ready.iid));
        let run = lab.run().await;
        let held = lab.open(0).unwrap();
        assert_eq!((held.iid, held.is_draft()), (ready.iid, true), "{:#?}", story(&run));
        assert!(held.title.contains("held by slo") && held.title.contains(&sha(1)[..8]));
        assert!(lab.bot.project.merges_cleanly(held.iid));
        assert_eq!(run.plan.merge_requests[0].reason_code, Reason::TargetBranchMoved);
        lab.quiet().await;
        // Its texts are about what it does now.
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(7));
        lab.run().await;
        let held = lab.open(0).unwrap();
        assert!(held.is_draft() && lab.bot.project.merges_cleanly(held.iid));
        let first = held.description.lines().next().unwrap();
        assert!(first.contains(&sha(7)) && first.contains(&sha(1)), "{first}");
        assert!(!held.description.contains("allowed"), "{}", held.description);
        lab.quiet().await;
        lab.set_slo(0, 1.0);
        lab.run().await;
        assert_eq!(lab.open(0).unwrap().title, ready.title);
        lab.quiet().await;
    });
}

#[test]
fn a_held_merge_request_that_cannot_be_rebuilt_is_closed() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        let iid = lab.open(0).unwrap().iid;
        lab.set_slo(0, 0.1);
        // Its ref carries an anchor that another place uses: not edited.
        let (path, main) = ("data/services/app/cicd/saas0.yml", lab.bot.main());
        let text = String::from_utf8(lab.bot.project.file(&main, path).unwrap()).unwrap();
        let with_anchor =
            text.replacen(&format!("ref: {}", sha(0)), &format!("ref: &a {}", sha(0)), 1);
        assert_ne!(text, with_anchor, "{text}");
        let with_anchor = format!("{with_anchor}note: *a\n");
        lab.bot.project.commit("dev", "main", "an anchor", [(path, Some(with_anchor))]);
        let run = lab.run().await;
        let closed = lab.bot.project.merge_request(iid).unwrap();
        assert_eq!(closed.state, MrState::Closed, "{:#?}", story(&run));
        assert_eq!(comments(&closed, lab.bot.id, CLOSING), 1);
        lab.quiet().await;
    });
}
