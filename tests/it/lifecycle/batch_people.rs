//! What people decide about batches.

use sapm::plan::{BatchBy, Reason};

use super::batches::{batch_by, batched, members, merge, open, set_pipeline};
use super::config::Shape;
use super::lab::{Lab, block_on, deferred, sha, simple, story};

#[test]
fn a_label_takes_it_apart() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1, 2]).await;
        let first = lab.only_mr().iid;
        lab.bot.project.set_labels("dev", first, &["sapm/split"], &[]);
        lab.bot.settings.borrow_mut().max_new_merge_requests = 1;
        lab.run().await;
        assert_eq!(
            (open(&lab).len(), members(&lab, first)),
            (2, vec![0, 1]),
            "as far as the run may"
        );
        lab.run().await;
        assert_eq!((open(&lab).len(), members(&lab, first)), (3, vec![0]));
        lab.quiet().await;
    });
}

#[test]
fn a_closed_batch_is_a_rejection_of_each_of_its_promotions() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1]).await;
        let mr = lab.only_mr();
        lab.bot.project.close("dev", mr.iid);
        let run = lab.run().await;
        deferred(&run, Reason::ClosedByPerson);
        assert!(open(&lab).is_empty(), "{:#?}", story(&run));
        assert!(lab.bot.project.tip(&mr.source_branch).is_some(), "the branch tells of it");
        // Others go on, from another slot; another commit is another question.
        lab.release_for(2, 1);
        lab.release_for(1, 2);
        lab.run().await;
        assert_eq!(members(&lab, open(&lab)[0].iid), [1, 2]);
        // Also where somebody deleted the branch, and by another scope: the description tells.
        lab.bot.project.delete_branch("dev", &mr.source_branch);
        batch_by(&lab, BatchBy::App, 2);
        let run = lab.run().await;
        deferred(&run, Reason::ClosedByPerson);
        lab.bot.project.set_labels("dev", mr.iid, &["sapm/again"], &[]);
        lab.run().await;
        assert!(lab.open(0).is_some());
        lab.quiet().await;
    });
}

#[test]
fn a_merged_and_reverted_batch_is_not_opened_again() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 2), 10, &[0, 1]).await;
        merge(&lab, lab.only_mr().iid);
        lab.run().await;
        lab.rewrite("revert a part", |config| config.target_mut(0).git_ref = sha(0));
        let run = lab.run().await;
        let reason = deferred(&run, Reason::RolledBack);
        assert!(reason.contains("sapm/again"), "{reason}");
        assert!(open(&lab).is_empty());
        lab.quiet().await;
    });
}

#[test]
fn what_people_hold_or_push_to_stays_theirs_and_its_targets_wait() {
    block_on(async {
        let (lab, _) = batched(simple(Shape::Block, 3), 10, &[0, 1]).await;
        let mr = lab.only_mr();
        lab.bot.project.set_labels("dev", mr.iid, &["sapm/hold"], &[]);
        set_pipeline(&lab, mr.iid, "failed");
        lab.release_for(2, 1);
        lab.run().await;
        assert_eq!((open(&lab).len(), lab.mr(0).sha), (2, mr.sha.clone()));
        lab.bot.project.set_labels("dev", mr.iid, &[], &["sapm/hold"]);
        let change = [("README.md".to_owned(), Some(b"mine".to_vec()))];
        lab.bot.project.commit("dev", &mr.source_branch, "mine", change);
        lab.bot.forge.settle();
        let run = lab.run().await;
        let labels = lab.bot.project.merge_request(mr.iid).unwrap().labels;
        assert!(labels.contains("sapm/taken-over") && !labels.contains("sapm"), "{labels:?}");
        let left = run.plan.merge_requests.iter().find(|it| it.iid.map(|it| it.0) == Some(mr.iid));
        assert_eq!(left.unwrap().targets.len(), 2, "{:#?}", story(&run));
        let suppressed = run.plan.problems.iter().filter(|it| it.message.contains("taken over"));
        assert_eq!(suppressed.count(), 2, "{:#?}", story(&run));
        assert_eq!(open(&lab).len(), 2);
        lab.quiet().await;
    });
}

#[test]
fn a_held_member_is_given_up_to_an_older_merge_request_that_a_person_reopens() {
    block_on(async {
        let mut config = simple(Shape::Block, 2);
        (0..2).for_each(|id| config.target_mut(id).slo = true);
        let lab = Lab::new(config);
        (0..2).for_each(|id| lab.set_slo(id, 1.0));
        lab.release_for(0, 1);
        lab.run().await;
        let older = lab.only_mr();
        let change = [("README.md".to_owned(), Some(b"mine".to_vec()))];
        lab.bot.project.commit("dev", &older.source_branch, "mine", change);
        lab.bot.project.close("dev", older.iid);
        batch_by(&lab, BatchBy::All, 10);
        (0..2).for_each(|id| lab.release_for(id, 2));
        lab.run().await;
        let batch = open(&lab)[0].iid;
        assert_eq!(members(&lab, batch), [0, 1]);
        (0..2).for_each(|id| lab.set_slo(id, 0.1));
        lab.run().await;
        assert!(open(&lab)[0].is_draft());
        lab.bot.project.reopen("dev", older.iid).unwrap();
        let run = lab.run().await;
        let targets = |iid| {
            let mut planned = run.plan.merge_requests.iter();
            planned.find(|it| it.iid.map(|it| it.0) == Some(iid)).unwrap().targets.len()
        };
        assert_eq!((targets(older.iid), targets(batch)), (1, 1), "{:#?}", story(&run));
        assert!(lab.mr(1).is_draft() && lab.mr(1).iid == batch);
        lab.quiet().await;
    });
}
