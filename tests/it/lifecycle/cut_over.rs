//! Beside another bot, and while the configuration changes: scenarios 42 to 46 of the cut-over.

use forge::{MergeRequest, MrState};
use sapm::domain::{ProblemCode, Severity};
use sapm::plan::{Action, Reason};

use super::config::Shape;
use super::driver::{BOT, LABEL, Run};
use super::lab::{Lab, block_on, sha, simple, story};

const OTHER_BOT: &str = "devtools-bot";

/// One target with an open merge request, and another bot that is a member of the project.
async fn beside_other_bot() -> Lab {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.bot.project.add_member(OTHER_BOT, forge::Access::Maintainer);
    lab.release_for(0, 1);
    lab.run().await;
    lab
}

fn open(lab: &Lab) -> MergeRequest {
    lab.open(0).expect("an open merge request")
}

/// The code and message of each problem.
fn problems(run: &Run) -> Vec<(ProblemCode, Severity, String)> {
    let problems = run.plan.problems.iter();
    problems.map(|problem| (problem.code, problem.severity, problem.message.clone())).collect()
}

fn deferred(run: &Run) -> Option<(Reason, String)> {
    let found = run.plan.merge_requests.iter().find(|mr| mr.action == Action::Defer)?;
    Some((found.reason_code, found.reason.clone()))
}

#[test]
fn what_another_bot_closes_is_opened_again_once_it_is_named() {
    block_on(async {
        let lab = beside_other_bot().await;
        let first = open(&lab).iid;
        lab.bot.project.close(OTHER_BOT, first);
        let run = lab.run().await;
        let (code, _) = deferred(&run).unwrap_or_else(|| panic!("{:#?}", story(&run)));
        assert_eq!(code, Reason::ClosedByPerson);
        let said = problems(&run);
        let [(ProblemCode::PromotionSuppressed, Severity::Warning, message)] = said.as_slice()
        else {
            panic!("{said:#?}")
        };
        assert!(
            message.contains(&format!("!{first}")) && message.contains("sapm/again"),
            "{message}"
        );

        lab.bot.other_bots.borrow_mut().push(OTHER_BOT.to_owned());
        let run = lab.run().await;
        assert_eq!(problems(&run), []);
        assert_ne!(open(&lab).iid, first);
        lab.quiet().await;
    });
}

#[test]
fn a_person_who_closes_is_heard_also_where_another_bot_is_named() {
    block_on(async {
        let lab = beside_other_bot().await;
        lab.bot.other_bots.borrow_mut().push(OTHER_BOT.to_owned());
        lab.bot.project.close("dev", open(&lab).iid);
        let run = lab.run().await;
        assert_eq!(deferred(&run).map(|(code, _)| code), Some(Reason::ClosedByPerson));
        assert!(lab.open(0).is_none());
        lab.quiet().await;
    });
}

#[test]
fn a_twin_with_the_same_user_ends_the_opening_after_two_times() {
    block_on(async {
        let lab = beside_other_bot().await;
        let mut closed = Vec::new();
        for _ in 0..2 {
            closed.push(open(&lab).iid);
            lab.bot.project.close(BOT, open(&lab).iid);
            lab.run().await;
        }
        assert!(lab.open(0).is_none(), "a third one was opened");
        let run = lab.run().await;
        assert_eq!(deferred(&run).map(|(code, _)| code), Some(Reason::ClosedByTwin));
        let said = problems(&run);
        let [(ProblemCode::RequestClosedByTwin, Severity::Warning, message)] = said.as_slice()
        else {
            panic!("{said:#?}")
        };
        assert!(closed.iter().all(|iid| message.contains(&format!("!{iid}"))), "{message}");
        lab.quiet().await;

        // Another commit is another promotion; and a person may ask for this one again.
        lab.bot.project.set_labels("dev", closed[1], &["sapm/again"], &[]);
        lab.run().await;
        assert!(lab.open(0).is_some());
        lab.quiet().await;
    });
}

#[test]
fn what_this_program_closed_itself_is_no_twins_doing() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 1)).await;
        for _ in 0..3 {
            // Nothing is due while the publisher is back at the commit before.
            lab.publish(0, 0, &sha(0));
            lab.run().await;
            assert!(lab.open(0).is_none());
            lab.publish(0, 0, &sha(1));
            let run = lab.run().await;
            assert!(lab.open(0).is_some(), "{:#?}", story(&run));
        }
    });
}

#[test]
fn the_footer_stands_in_every_description_but_that_of_a_held_draft() {
    block_on(async {
        let lab = Lab::new({
            let mut config = simple(Shape::Block, 1);
            config.target_mut(0).slo = true;
            config
        });
        lab.bot.settings.borrow_mut().description_footer = Some("/lgtm".to_owned());
        lab.set_slo(0, 1.0);
        lab.release_for(0, 1);
        let approves = |lab: &Lab| open(lab).description.lines().any(|line| line == "/lgtm");
        lab.run().await;
        assert!(approves(&lab), "{}", open(&lab).description);

        lab.set_slo(0, 0.0);
        lab.run().await;
        assert!(open(&lab).title.starts_with("Draft:") && !approves(&lab));
        // The target branch changes around it: still held, and rebuilt.
        lab.rewrite("note", |config| config.saas[0].note += 1);
        lab.run().await;
        assert!(!approves(&lab), "{}", open(&lab).description);
        lab.quiet().await;

        lab.set_slo(0, 1.0);
        lab.run().await;
        assert!(!open(&lab).title.starts_with("Draft:") && approves(&lab));
        lab.release_for(0, 2);
        lab.run().await;
        assert!(approves(&lab), "{}", open(&lab).description);
        assert_eq!(open(&lab).description.matches("/lgtm").count(), 1);
        lab.quiet().await;
    });
}

/// A merge request with a footer that somebody pushed to, as the bot opened it, and the tip that it had then.
async fn taken_over_with_footer() -> (Lab, MergeRequest, String) {
    let lab = Lab::new(simple(Shape::Block, 1));
    lab.bot.settings.borrow_mut().description_footer = Some("/lgtm".to_owned());
    lab.release_for(0, 1);
    lab.run().await;
    let mr = open(&lab);
    let own = lab.bot.project.tip(&mr.source_branch).unwrap();
    let change = [("data/other.yml", Some("x: 1\n"))];
    lab.bot.project.commit("dev", &mr.source_branch, "mine", change);
    lab.run().await;
    (lab, mr, own)
}

#[test]
fn the_footer_goes_with_the_labels_when_somebody_takes_the_branch_over() {
    block_on(async {
        let (lab, mr, own) = taken_over_with_footer().await;
        let taken_over = lab.bot.project.merge_request(mr.iid).unwrap();
        assert!(!taken_over.description.contains("/lgtm"), "{}", taken_over.description);
        assert!(!taken_over.labels.contains(LABEL));
        lab.quiet().await;
        // A person who writes it there again speaks for the bot, and may not.
        lab.bot.project.set_description("dev", mr.iid, &mr.description);
        lab.run().await;
        let again = lab.bot.project.merge_request(mr.iid).unwrap();
        assert!(!again.description.contains("/lgtm"), "{}", again.description);
        lab.quiet().await;
        // Handed back: both come again.
        lab.bot.project.set_branch("dev", &mr.source_branch, &own).unwrap();
        lab.run().await;
        let back = open(&lab);
        assert!(back.labels.contains(LABEL) && back.description.contains("/lgtm"));
        lab.quiet().await;
    });
}

#[test]
fn labels_that_change_in_the_run_of_a_hold_bring_no_footer_back() {
    block_on(async {
        let mut config = simple(Shape::Block, 1);
        config.target_mut(0).slo = true;
        let lab = Lab::new(config);
        lab.bot.settings.borrow_mut().description_footer = Some("/lgtm".to_owned());
        lab.set_slo(0, 1.0);
        lab.release_for(0, 1);
        lab.run().await;
        let approves = |lab: &Lab| open(lab).description.lines().any(|line| line == "/lgtm");
        for (value, label, is_held) in [(0.0, "one", true), (1.0, "two", false)] {
            lab.set_slo(0, value);
            lab.bot.settings.borrow_mut().labels = [label.to_owned()].into();
            lab.run().await;
            assert_eq!(approves(&lab), !is_held, "{}", open(&lab).description);
            assert!(open(&lab).labels.contains(label));
            lab.quiet().await;
        }
    });
}

#[test]
fn a_line_behind_the_footer_keeps_it_from_no_takeover() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.bot.settings.borrow_mut().description_footer = Some("/lgtm".to_owned());
        lab.release_for(0, 1);
        lab.run().await;
        let mr = open(&lab);
        let longer = format!("{}\nThanks!\n", mr.description);
        lab.bot.project.set_description("dev", mr.iid, &longer);
        let change = [("data/other.yml", Some("x: 1\n"))];
        lab.bot.project.commit("dev", &mr.source_branch, "mine", change);
        lab.run().await;
        let after = lab.bot.project.merge_request(mr.iid).unwrap().description;
        assert!(!after.contains("/lgtm") && after.contains("Thanks!"), "{after}");
        lab.quiet().await;
    });
}

#[test]
fn what_is_handed_back_with_new_values_is_described_by_them() {
    block_on(async {
        let (lab, mr, own) = taken_over_with_footer().await;
        lab.bot.project.set_branch("dev", &mr.source_branch, &own).unwrap();
        lab.release_for(0, 2);
        lab.run().await;
        let back = open(&lab);
        assert!(back.description.contains(&sha(2)[..8]), "{}", back.description);
        assert!(back.description.lines().any(|line| line == "/lgtm"));
        lab.quiet().await;
    });
}

#[test]
fn labels_of_open_merge_requests_follow_the_configuration() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        let canary = ["canary".to_owned(), "do-not-merge/hold".to_owned()];
        lab.bot.settings.borrow_mut().labels = canary.into();
        lab.release_for(0, 1);
        lab.run().await;
        lab.bot.project.set_labels("dev", open(&lab).iid, &["team/a"], &[]);
        lab.bot.settings.borrow_mut().labels = [LABEL.to_owned()].into();
        let run = lab.run().await;
        let codes: Vec<_> = run.plan.merge_requests.iter().map(|mr| mr.reason_code).collect();
        assert_eq!(codes, [Reason::LabelsChanged], "{:#?}", story(&run));
        let labels: Vec<_> = open(&lab).labels.into_iter().collect();
        assert_eq!(labels, [LABEL, "team/a"]);
        lab.quiet().await;
    });
}

#[test]
fn a_label_that_a_person_removes_stays_off_until_there_is_new_content() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.run().await;
        lab.bot.project.set_labels("dev", open(&lab).iid, &[], &[LABEL]);
        for _ in 0..2 {
            let run = lab.run().await;
            assert_eq!(lab.bot.writes(), Vec::<String>::new(), "{:#?}", story(&run));
            let said = problems(&run);
            let [(ProblemCode::LabelRemoved, Severity::Warning, message)] = said.as_slice() else {
                panic!("{said:#?}")
            };
            assert!(message.contains("`dev`") || message.contains("\"dev\""), "{message}");
            assert!(message.contains(LABEL), "{message}");
        }
        lab.release_for(0, 2);
        lab.run().await;
        assert!(open(&lab).labels.contains(LABEL));
        lab.quiet().await;
    });
}

#[test]
fn a_label_that_a_person_puts_on_is_not_taken_off() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.bot.settings.borrow_mut().labels = ["canary".to_owned(), LABEL.to_owned()].into();
        lab.release_for(0, 1);
        lab.run().await;
        lab.bot.settings.borrow_mut().labels = [LABEL.to_owned()].into();
        lab.run().await;
        assert!(!open(&lab).labels.contains("canary"));
        lab.bot.project.set_labels("dev", open(&lab).iid, &["canary"], &[]);
        lab.quiet().await;
        assert!(open(&lab).labels.contains("canary"));
    });
}

#[test]
fn what_another_bot_reverts_is_opened_again_once_it_is_named() {
    block_on(async {
        let lab = beside_other_bot().await;
        let project = &lab.bot.project;
        let before = project.files("main");
        project.merge("dev", open(&lab).iid).unwrap();
        lab.run().await;
        // The whole text from before the merge, on top of it.
        let after = project.files("main");
        let old = before.iter().find(|(path, text)| after.get(*path) != Some(*text));
        let (path, text) = old.expect("a file that was merged");
        let change = [(path.clone(), Some(text.clone()))];
        project.commit(OTHER_BOT, "SAPM-abc123", "[SAPM] auto-promotion", change);
        let theirs = project
            .open_merge_request(OTHER_BOT, "SAPM-abc123", "main", "[SAPM] auto-promotion", "")
            .unwrap();
        project.merge(OTHER_BOT, theirs).unwrap();

        let run = lab.run().await;
        assert_eq!(deferred(&run).map(|(code, _)| code), Some(Reason::RolledBack));
        let codes: Vec<_> = problems(&run).into_iter().map(|(code, ..)| code).collect();
        assert_eq!(codes, [ProblemCode::PromotionSuppressed]);

        lab.bot.other_bots.borrow_mut().push(OTHER_BOT.to_owned());
        let run = lab.run().await;
        assert_eq!(problems(&run), []);
        let again = lab.open(0).unwrap_or_else(|| panic!("{:#?}", story(&run)));
        assert_eq!(again.state, MrState::Opened);
        lab.quiet().await;
    });
}

#[test]
fn a_label_that_gitlab_leaves_out_is_tried_once() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.run().await;
        let known = [LABEL.to_owned()].into();
        lab.bot.forge.configure(|settings| settings.known_labels = Some(known));
        lab.bot.settings.borrow_mut().labels = [LABEL.to_owned(), "new".to_owned()].into();
        lab.run().await;
        assert!(!open(&lab).labels.contains("new"));
        lab.quiet().await;
        // With other labels it is tried again.
        lab.bot.settings.borrow_mut().labels.insert("newer".to_owned());
        lab.run().await;
        lab.quiet().await;
    });
}
