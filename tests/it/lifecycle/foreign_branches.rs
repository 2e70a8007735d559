//! Branches and merge requests that go by the bot's names and are somebody else's.

use sapm::plan::Reason;

use super::config::Shape;
use super::lab::{Lab, block_on, simple, story};
use super::look::PREFIX;

#[test]
fn a_persons_branch_or_merge_request_of_that_name_is_a_problem_and_untouched() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.bot.settings.borrow_mut().allow_opening = false;
        let branch = lab.run().await.plan.merge_requests[0].branch.clone();
        lab.bot.settings.borrow_mut().allow_opening = true;
        let project = &lab.bot.project;
        let tip = project.commit("dev", &branch, "mine", [("data/x.txt", Some("x"))]);
        for with_mr in [false, true] {
            if with_mr {
                project.open_merge_request("dev", &branch, "main", "mine", "mine").unwrap();
                project.set_labels("dev", 1, &["sapm"], &[]);
            }
            let run = lab.run().await;
            assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
            assert_eq!(run.plan.merge_requests[0].reason_code, Reason::NotOurs);
            assert!(
                run.plan.problems.iter().any(|problem| problem.code.as_str() == "branch_not_ours")
            );
            assert_eq!(project.tip(&branch).as_ref(), Some(&tip));
        }
    });
}

/// GitLab opens a merge request also from a branch that is not there: making that branch would push to it.
#[test]
fn no_branch_is_made_under_a_persons_merge_request() {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.release_for(0, 1);
    block_on(async {
        lab.bot.settings.borrow_mut().allow_opening = false;
        let branch = lab.run().await.plan.merge_requests[0].branch.clone();
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
fn a_branch_that_changes_right_before_its_merge_request_is_opened_gets_none() {
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
