//! Another prefix for the bot's branches, set while merge requests are open or over.

use sapm::plan::{Action, BatchBy, BranchPrefixes, Reason};

use super::config::Shape;
use super::lab::{Lab, block_on, deferred, reasons, simple, story};

fn set_prefix(lab: &Lab, prefix: &str, former: &[&str]) {
    let former = former.iter().map(|&former| former.to_owned());
    let mut settings = lab.bot.settings.borrow_mut();
    settings.branches = BranchPrefixes::new(prefix.to_owned(), former);
}

#[test]
fn open_merge_requests_go_on_from_their_branches_whatever_the_prefix_is() {
    block_on(async {
        for (by, by_api) in [(BatchBy::None, false), (BatchBy::None, true), (BatchBy::All, false)] {
            let lab = Lab::new(simple(Shape::Block, 3));
            lab.bot.settings.borrow_mut().batch_by = by;
            lab.bot.branches_by_api.set(by_api);
            // From the usual prefix to another one, to a third one that knows nothing of the second, and back.
            for (number, prefix) in
                ["auto-promoter-v2/", "feature/sapm-", "JIRA-12/bot_", "auto-promoter-v2/"]
                    .iter()
                    .enumerate()
            {
                set_prefix(&lab, prefix, &[]);
                lab.quiet().await;
                let id = number.min(2);
                lab.release_for(id, number + 1);
                let run = lab.run().await;
                let mr = lab.open(id).expect("an open merge request");
                assert!(number == 3 || mr.source_branch.starts_with(prefix), "{:#?}", story(&run));
                lab.quiet().await;
            }
            // The last one was updated on its branch.
            assert!(lab.open(2).unwrap().source_branch.starts_with("JIRA-12/bot_"));
            let expected =
                if by == BatchBy::None { 3 } else { lab.bot.project.open_merge_requests().len() };
            assert_eq!(lab.bot.project.open_merge_requests().len(), expected);
            for mr in lab.bot.project.open_merge_requests() {
                lab.bot.project.merge("dev", mr.iid).unwrap();
            }
            lab.bot.forge.settle();
            lab.run().await;
            assert!(lab.bot.project.open_merge_requests().is_empty());
            lab.quiet().await;
            let branches = lab.bot.project.branches();
            let left: Vec<_> = branches.keys().filter(|name| *name != "main").collect();
            assert!(left.iter().all(|name| name.starts_with("JIRA-12/")), "{left:?}");
        }
    });
}

#[test]
fn what_a_person_closed_stays_closed_under_another_prefix() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        lab.bot.project.close("dev", lab.mr(0).iid);
        for (prefix, former) in [("feature/sapm-", vec![]), ("JIRA-12/bot_", vec!["feature/sapm-"])]
        {
            set_prefix(&lab, prefix, &former);
            let run = lab.run().await;
            deferred(&run, Reason::ClosedByPerson);
            lab.quiet().await;
            // Another commit is another question, and is closed as well.
            lab.release_for(0, prefix.len());
            let run = lab.run().await;
            assert_eq!(reasons(&run), [(Action::Create, Reason::Due)], "{:#?}", story(&run));
            assert!(lab.mr(0).source_branch.starts_with(prefix));
            lab.bot.project.close("dev", lab.mr(0).iid);
        }
    });
}

#[test]
fn a_branch_that_somebody_pushed_to_stays_theirs_under_another_prefix() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Block, 1).await;
        let mr = lab.mr(0);
        let path = lab.config.borrow().saas[0].path();
        lab.bot.project.commit(
            "dev",
            &mr.source_branch,
            "by hand",
            [(path, Some("name: theirs\n"))],
        );
        set_prefix(&lab, "feature/sapm-", &[]);
        let run = lab.run().await;
        assert_eq!(lab.bot.project.open_merge_requests().len(), 1, "{:#?}", story(&run));
        lab.quiet().await;
    });
}
