//! Open merge requests follow what moves: their content is rebuilt where it has to be, and their texts with it.

use forge::{Fault, FaultKind};
use sapm::ports::ForgeReader;

use super::config::Shape;
use super::lab::{Lab, block_on, sha, simple};
use sapm::domain::MrIid;

#[test]
fn approvals_stay_whatever_moves() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 3).await;
        let (kept, other) = (lab.mr(0), lab.mr(2));
        lab.bot.project.approve("dev", kept.iid);
        lab.bot.project.merge("dev", other.iid).unwrap();
        lab.rewrite("elsewhere", |config| {
            config.elsewhere = 1;
            config.saas[0].note = 1;
            config.target_mut(1).note = Some(1);
        });
        lab.run().await;
        let now = lab.mr(0);
        assert_eq!((now.sha, now.approvals.len(), now.lost_approvals), (kept.sha, 1, 0));
        assert_eq!(now.versions.len(), 1);
        lab.quiet().await;
    });
}

#[test]
fn a_stale_word_of_a_conflict_changes_nothing() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Line, 1).await;
        let iid = lab.mr(0).iid;
        let reader = lab.bot.reader().await.unwrap();
        let before = lab.bot.main();
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(9));
        for _ in 0..3 {
            reader.mr(MrIid(iid)).await.unwrap();
        }
        lab.bot.project.revert("dev", "main", &lab.bot.main()).unwrap();
        assert_eq!(lab.bot.project.files("main"), lab.bot.project.files(&before));
        let listed = reader.open_merge_requests().await.unwrap();
        assert_eq!(listed[0].detailed_merge_status.as_deref(), Some("conflict"));
        lab.quiet().await;
    });
}

#[test]
fn a_conflict_with_the_target_branch_is_rebuilt_in_the_same_run() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Line, 2).await;
        let stands = (0..2).find(|&id| lab.open(id).is_some()).unwrap();
        let old = lab.mr(stands);
        lab.rewrite("a neighbour, by hand", |config| {
            config.target_mut(1 - stands).git_ref = sha(5)
        });
        assert!(!lab.bot.project.merges_cleanly(old.iid));
        lab.run().await;
        let new = lab.mr(stands);
        assert_eq!(new.iid, old.iid);
        assert_ne!(new.sha, old.sha);
        assert!(lab.bot.project.merges_cleanly(new.iid));
        lab.quiet().await;
    });
}

#[test]
fn a_merge_request_that_is_rebuilt_says_what_it_starts_from() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(5));
        lab.run().await;
        let mr = lab.open(0).unwrap();
        let first = mr.description.lines().next().unwrap();
        assert!(first.contains(&sha(5)) && !first.contains(&sha(0)), "{first}");
        lab.quiet().await;
        // What a person wrote instead stays, while it is about the same values.
        lab.bot.project.set_description("dev", mr.iid, "My own words");
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(6));
        lab.run().await;
        let after = lab.open(0).unwrap();
        assert_ne!(after.sha, mr.sha);
        assert_eq!(after.description, "My own words");
        lab.quiet().await;
    });
}

#[test]
fn the_texts_follow_the_content_also_where_a_person_wrote_the_description() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        lab.bot.project.set_description("dev", mr.iid, "My own words");
        lab.quiet().await;
        lab.release_for(0, 2);
        // The run ends between the commit and the texts.
        lab.bot
            .forge
            .fault(Fault::new(FaultKind::Status(500, String::new(), Vec::new())).method("PUT"));
        lab.bot.run().await.unwrap();
        lab.bot.forge.clear_faults();
        let between = lab.open(0).unwrap();
        assert_ne!(between.sha, mr.sha);
        assert_eq!(between.title, mr.title);
        lab.run().await;
        let after = lab.open(0).unwrap();
        assert!(after.title.contains(&sha(2)[..8]), "{}", after.title);
        assert!(after.description.contains(&sha(2)), "{}", after.description);
        lab.quiet().await;
    });
}
