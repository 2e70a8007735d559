//! What happens rarely, and must not cost anything then: merges under way,
//! requests that go elsewhere, commits below the bot's own, names that look like the bot's words.

use forge::{Fault, FaultKind, MergeMethod, MrState};
use sapm::plan::Reason;

use super::config::{Config, Shape};
use super::driver::LABEL;
use super::lab::{Lab, block_on, saas, sha, simple, story, targets};
use super::look::PREFIX;
use super::safety::{CLOSING, TAKEN_OVER, TAKEN_OVER_LABEL, comments};

/// One target with an open request.
async fn one_open() -> (Lab, forge::MergeRequest) {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.release_for(0, 1);
    lab.run().await;
    let request = lab.open(0).expect("an open request");
    (lab, request)
}

#[test]
fn a_request_that_is_being_merged_is_left_alone() {
    block_on(async {
        let (lab, request) = one_open().await;
        lab.bot.project.set_locked(request.iid, true);
        lab.quiet().await;
        // Also when other values are due, when nothing is, and when the target is gone.
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        assert_eq!(lab.bot.project.merge_requests().len(), 1);
        assert_eq!(lab.bot.project.tip(&request.source_branch), request.sha);
        // GitLab gave it up.
        lab.bot.project.set_locked(request.iid, false);
        lab.run().await;
        let state = lab.bot.project.merge_request(request.iid).unwrap().state;
        assert_eq!(state, MrState::Closed);
        lab.quiet().await;
    });
}

#[test]
fn a_merge_under_way_is_waited_for_though_its_branch_is_gone() {
    block_on(async {
        let (lab, request) = one_open().await;
        lab.bot.project.set_locked(request.iid, true);
        assert!(lab.bot.project.delete_branch("dev", &request.source_branch));
        let run = lab.run().await;
        assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
        assert_eq!(run.plan.requests[0].reason_code, Reason::BeingMerged, "{:#?}", story(&run));
    });
}

#[test]
fn a_left_branch_whose_merge_begins_meanwhile_stays() {
    block_on(async {
        let (lab, request) = one_open().await;
        lab.bot.project.close("dev", request.iid);
        let meanwhile = async {
            lab.bot.project.reopen("dev", request.iid).unwrap();
            lab.bot.project.set_locked(request.iid, true);
        };
        let run = lab.bot.run_with(meanwhile).await.unwrap();
        assert_eq!(run.plan.leftovers.len(), 1);
        assert_eq!(lab.bot.project.tip(&request.source_branch), request.sha);
    });
}

#[test]
fn a_request_that_a_person_sent_elsewhere_is_theirs() {
    block_on(async {
        let (lab, request) = one_open().await;
        let project = &lab.bot.project;
        project.set_branch("dev", "stable", "main").unwrap();
        project.retarget("dev", request.iid, "stable").unwrap();
        let run = lab.run().await;
        assert_eq!(run.plan.requests.len(), 1);
        assert_eq!(run.plan.requests[0].reason_code, Reason::TakenOver);
        assert!(run.plan.requests[0].reason.contains("stable"), "{:#?}", story(&run));
        // The bot does not vouch for what it brings to another branch.
        let now = project.merge_request(request.iid).unwrap();
        assert!(!now.labels.contains(LABEL) && now.labels.contains(TAKEN_OVER_LABEL));
        assert_eq!(comments(&now, lab.bot.id, TAKEN_OVER), 1);
        lab.release_for(0, 2);
        lab.quiet().await;
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.quiet().await;
        assert_eq!(project.tip(&request.source_branch), request.sha);
        // Sent back it is the bot's again.
        project.retarget("dev", request.iid, "main").unwrap();
        lab.run().await;
        assert_eq!(project.merge_request(request.iid).unwrap().state, MrState::Closed);
    });
}

#[test]
fn a_persons_commit_below_the_bots_is_not_overwritten() {
    block_on(async {
        let (lab, request) = one_open().await;
        let project = &lab.bot.project;
        // Rebased onto work of theirs that is not on the target branch (any more).
        let main = lab.bot.main();
        project.commit("dev", "main", "mine", [("data/by-hand.txt", Some("x"))]);
        project.rebase("dev", request.iid).unwrap();
        lab.bot.forge.settle();
        project.set_branch("dev", "main", &main).unwrap();
        let tip = project.tip(&request.source_branch);
        assert_ne!(tip, request.sha);
        lab.release_for(0, 2);
        let run = lab.run().await;
        assert_eq!(project.tip(&request.source_branch), tip, "{:#?}", story(&run));
        assert_eq!(run.plan.requests[0].reason_code, Reason::TakenOver);
    });
}

#[test]
fn a_rebased_branch_that_was_merged_is_cleared_away() {
    block_on(async {
        let (lab, request) = one_open().await;
        let project = &lab.bot.project;
        project.commit("dev", "main", "elsewhere", [("data/by-hand.txt", Some("x"))]);
        project.rebase("dev", request.iid).unwrap();
        lab.bot.forge.settle();
        project.set_merge_method(MergeMethod::FastForward);
        let tip = project.tip(&request.source_branch).unwrap();
        // The commit itself is on the target branch then, and the branch is left.
        project.set_branch("dev", "main", &tip).unwrap();
        lab.run().await;
        assert_eq!(project.tip(&request.source_branch), None);
        lab.quiet().await;
    });
}

#[test]
fn the_texts_follow_the_content_also_where_a_person_wrote_the_description() {
    block_on(async {
        let (lab, request) = one_open().await;
        lab.bot.project.set_description("dev", request.iid, "My own words");
        lab.quiet().await;
        lab.release_for(0, 2);
        // The run ends between the commit and the texts.
        lab.bot
            .forge
            .fault(Fault::new(FaultKind::Status(500, String::new(), Vec::new())).method("PUT"));
        lab.bot.run().await.unwrap();
        lab.bot.forge.clear_faults();
        let between = lab.open(0).unwrap();
        assert_ne!(between.sha, request.sha);
        assert_eq!(between.title, request.title);
        lab.run().await;
        let after = lab.open(0).unwrap();
        assert!(after.title.contains(&sha(2)[..8]), "{}", after.title);
        assert!(after.description.contains(&sha(2)), "{}", after.description);
        lab.quiet().await;
    });
}

#[test]
fn a_name_like_the_bots_own_words_changes_nothing() {
    block_on(async {
        let mut file = saas(0, targets(Shape::Block, 1), 1);
        file.name = "held by slo: Draft: [AutoPromoterV2] held by ".to_owned();
        let lab = Lab::new(Config { saas: vec![file], ..Config::default() });
        lab.release_for(0, 1);
        lab.run().await;
        assert!(!lab.open(0).unwrap().is_draft());
        lab.quiet().await;
        // It becomes a draft, and ready again, as any other.
        let title = lab.open(0).unwrap().title;
        lab.publish(0, 0, &sha(2));
        lab.run().await;
        assert!(lab.open(0).unwrap().is_draft());
        lab.quiet().await;
        lab.publish(0, 0, &sha(1));
        lab.run().await;
        assert_eq!(lab.open(0).unwrap().title, title);
        lab.quiet().await;
    });
}

#[test]
fn no_name_keeps_a_pipeline_from_starting() {
    block_on(async {
        for name in ["[skip-ci]", "[CI_skip]"] {
            let mut list = targets(Shape::Block, 1);
            list[0].redeploy = true;
            let mut file = saas(0, list, 1);
            file.name.push_str(name);
            file.channels[0].name.push_str(name);
            file.channels[0].namespace.push_str(name);
            let lab = Lab::new(Config { saas: vec![file], ..Config::default() });
            lab.release_for(0, 1);
            lab.run().await;
            let request = lab.open(0).unwrap();
            let pipelines = lab.bot.project.pipelines();
            let mut own = pipelines.iter().filter(|p| p.merge_request == Some(request.iid));
            assert!(own.any(|pipeline| !pipeline.dropped), "{name}: {pipelines:#?}");
        }
    });
}

#[test]
fn a_draft_becomes_ready_only_after_its_content() {
    block_on(async {
        let (lab, ready) = one_open().await;
        lab.publish(0, 0, &sha(2));
        lab.run().await;
        let held = lab.open(0).unwrap();
        assert!(held.is_draft(), "{}", held.title);
        // It may be merged again, and has to be made anew; the run ends at the commit.
        lab.publish(0, 0, &sha(1));
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        lab.bot.forge.fault(Fault::status(403, "no").method("POST").path("/repository/commits"));
        let run = lab.run().await;
        lab.bot.forge.clear_faults();
        assert_eq!(
            run.plan.requests[0].reason_code,
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

/// The bot's words on a closing, the oldest first.
fn closings(lab: &Lab) -> Vec<String> {
    let request = lab.bot.project.merge_request(1).unwrap();
    let own = request.comments().filter(|note| note.body.trim_end().ends_with(CLOSING));
    own.map(|note| note.body.clone()).collect()
}

#[test]
fn a_closing_gives_its_own_reason_also_after_one_that_failed() {
    block_on(async {
        for blocked in [false, true] {
            let (lab, request) = one_open().await;
            lab.publish(0, 0, &sha(0));
            lab.bot.forge.fault(Fault::status(403, "no").method("PUT"));
            for _ in 0..2 {
                lab.run().await;
                assert_eq!(closings(&lab).len(), 1, "one comment, however often it fails");
            }
            lab.bot.forge.clear_faults();
            // Due again: it stays open, and nothing says that it was closed.
            lab.publish(0, 0, &sha(1));
            lab.quiet().await;
            assert_eq!(lab.open(0).unwrap().iid, request.iid);
            assert!(!closings(&lab)[0].starts_with("Closed"), "{}", closings(&lab)[0]);
            if blocked {
                lab.rewrite("never this one", |config| config.blocked.push(sha(1)));
            } else {
                lab.publish(0, 0, &sha(0));
            }
            lab.run().await;
            assert_eq!(lab.bot.project.merge_request(1).unwrap().state, MrState::Closed);
            let said = closings(&lab);
            assert_eq!(said.len(), if blocked { 2 } else { 1 }, "{said:#?}");
            let reason = if blocked { "is blocked now" } else { "nothing is due any more" };
            assert!(said.last().unwrap().contains(reason), "{said:#?}");
            lab.quiet().await;
        }
    });
}

/// GitLab opens a request also from a branch that is not there: making that branch would push to it.
#[test]
fn no_branch_is_made_under_a_persons_request() {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.release_for(0, 1);
    block_on(async {
        lab.bot.settings.borrow_mut().allow_opening = false;
        let branch = lab.run().await.plan.requests[0].branch.clone();
        lab.bot.settings.borrow_mut().allow_opening = true;
        let project = &lab.bot.project;
        let theirs = project.open_merge_request("dev", &branch, "main", "mine", "mine").unwrap();
        let run = lab.run().await;
        assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
        assert_eq!(project.tip(&branch), None);
        assert_eq!(project.merge_request(theirs).unwrap().sha, None);
        let problems = run.plan.problems.iter().map(|problem| problem.code.as_str());
        assert_eq!(problems.collect::<Vec<_>>(), ["branch_not_ours"]);
        project.close("dev", theirs);
        lab.run().await;
        assert!(lab.open(0).is_some(), "it is the bot's again");
    });
}

#[test]
fn a_branch_that_changes_right_before_its_request_is_opened_gets_none() {
    block_on(async {
        // Where in a run the commit is made, by a run that nobody disturbs.
        let twin = Lab::new(simple(Shape::Line, 1));
        twin.release_for(0, 1);
        twin.run().await;
        let commit = twin.bot.forge.log().iter().position(|entry| {
            entry.method == "POST" && entry.path.ends_with("/repository/commits")
        });
        let next = commit.unwrap() as u64 + 2;

        let lab = Lab::new(simple(Shape::Line, 1));
        lab.release_for(0, 1);
        let project = lab.bot.project.clone();
        lab.bot.forge.settle();
        lab.bot.forge.clear_log();
        lab.bot.forge.on_request(next, move |_| {
            let branches = project.branches();
            let branch = branches.keys().find(|name| name.starts_with(PREFIX)).unwrap();
            project.commit("dev", branch, "mine", [(".gitlab-ci.yml", Some("evil"))]);
        });
        let run = lab.bot.run().await.expect("a whole run");
        assert!(lab.bot.project.merge_requests().is_empty(), "{:#?}", story(&run));
        lab.bot.forge.clear_faults();
        lab.run().await;
        assert!(lab.bot.project.merge_requests().is_empty(), "it is somebody else's branch");
    });
}
