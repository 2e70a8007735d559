//! More rules, one test for each: holds, errors, other people's things, names, pacing.

use forge::MrState;
use sapm::plan::{Action, Reason};

use super::config::{Config, Shape};
use super::lab::{Lab, block_on, saas, sha, simple, story, targets};
use super::safety::{CLOSING, HOLD, comments};

/// One target that watches an SLO, with an open request.
async fn watched() -> Lab {
    let mut config = simple(Shape::Block, 1);
    config.target_mut(0).slo = true;
    let lab = Lab::new(config);
    lab.set_slo(0, 1.0);
    lab.release_for(0, 1);
    lab.run().await;
    lab
}

#[test]
fn a_held_request_is_a_draft_until_it_is_ready_again() {
    block_on(async {
        let lab = watched().await;
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
fn a_request_is_closed_when_the_publisher_goes_back_to_the_commit_of_its_target() {
    block_on(async {
        // The record of that commit says that it failed, or is gone.
        for is_there in [true, false] {
            let lab = Lab::new(simple(Shape::Block, 1));
            lab.release_for(0, 1);
            lab.run().await;
            let opened = lab.open(0).unwrap();
            lab.publish(0, 0, &sha(0));
            if is_there {
                lab.deploy(0, 0, &sha(0), false, "hash0");
            } else {
                lab.bot.facts.lock().unwrap().records.clear();
            }
            let run = lab.run().await;
            let request = lab.bot.project.merge_request(opened.iid).unwrap();
            assert_eq!(request.state, MrState::Closed, "{:#?}", story(&run));
            assert!(request.comments().any(|note| note.body.contains("nothing is due")));
            lab.quiet().await;
        }
    });
}

#[test]
fn a_held_request_is_made_anew_where_the_target_branch_changed_around_it() {
    block_on(async {
        let lab = watched().await;
        let ready = lab.open(0).unwrap();
        lab.set_slo(0, 0.1);
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        assert!(!lab.bot.project.merges_cleanly(ready.iid));
        let run = lab.run().await;
        let held = lab.open(0).unwrap();
        assert_eq!((held.iid, held.is_draft()), (ready.iid, true), "{:#?}", story(&run));
        assert!(held.title.contains("held by slo") && held.title.contains(&sha(1)[..8]));
        assert!(lab.bot.project.merges_cleanly(held.iid));
        assert_eq!(run.plan.requests[0].reason_code, Reason::TargetBranchMoved);
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
fn a_held_request_that_cannot_be_made_anew_is_closed() {
    block_on(async {
        let lab = watched().await;
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

#[test]
fn a_request_that_is_made_anew_says_what_it_starts_from() {
    block_on(async {
        let lab = watched().await;
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(5));
        lab.run().await;
        let request = lab.open(0).unwrap();
        let first = request.description.lines().next().unwrap();
        assert!(first.contains(&sha(5)) && !first.contains(&sha(0)), "{first}");
        lab.quiet().await;
        // What a person wrote instead stays, while it is about the same values.
        lab.bot.project.set_description("dev", request.iid, "My own words");
        lab.rewrite("by hand", |config| config.target_mut(0).git_ref = sha(6));
        lab.run().await;
        let after = lab.open(0).unwrap();
        assert_ne!(after.sha, request.sha);
        assert_eq!(after.description, "My own words");
        lab.quiet().await;
    });
}

#[test]
fn a_persons_draft_stays_one() {
    block_on(async {
        let lab = watched().await;
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
fn without_facts_a_request_is_left_as_it_is() {
    block_on(async {
        let lab = watched().await;
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
fn an_alias_stays_with_its_request_while_its_neighbour_is_held_or_unknown() {
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
    subscribers.map(|(_, target)| target.git_ref.clone().unwrap()).collect()
}

#[test]
fn a_held_alias_that_is_made_anew_moves_nobody_else() {
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
fn a_held_request_that_would_move_others_when_made_anew_is_closed() {
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
fn the_label_hold_keeps_everything_away() {
    block_on(async {
        let lab = watched().await;
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

#[test]
fn a_blocked_commit_closes_its_request() {
    block_on(async {
        let lab = watched().await;
        let iid = lab.open(0).unwrap().iid;
        lab.rewrite("never this one", |config| config.blocked.push(sha(1)));
        let run = lab.run().await;
        assert_eq!(run.plan.requests[0].reason_code, Reason::CommitBlocked, "{:#?}", story(&run));
        let closed = lab.bot.project.merge_request(iid).unwrap();
        assert_eq!((closed.state, comments(&closed, lab.bot.id, CLOSING)), (MrState::Closed, 1));
        lab.quiet().await;
    });
}

#[test]
fn a_persons_branch_or_request_of_that_name_is_a_problem_and_untouched() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.bot.settings.borrow_mut().allow_opening = false;
        let branch = lab.run().await.plan.requests[0].branch.clone();
        lab.bot.settings.borrow_mut().allow_opening = true;
        let project = &lab.bot.project;
        let tip = project.commit("dev", &branch, "mine", [("data/x.txt", Some("x"))]);
        for with_request in [false, true] {
            if with_request {
                project.open_merge_request("dev", &branch, "main", "mine", "mine").unwrap();
                project.set_labels("dev", 1, &["sapm"], &[]);
            }
            let run = lab.run().await;
            assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
            assert_eq!(run.plan.requests[0].reason_code, Reason::NotOurs);
            assert!(
                run.plan.problems.iter().any(|problem| problem.code.as_str() == "branch_not_ours")
            );
            assert_eq!(project.tip(&branch).as_ref(), Some(&tip));
        }
    });
}

#[test]
fn the_longest_promotable_come_first_and_the_others_later() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 5));
        lab.bot.settings.borrow_mut().max_new_merge_requests = 2;
        for id in [3, 1, 4, 0, 2] {
            lab.release_for(id, 1);
            lab.bot.now.set(lab.bot.now.get() + chrono::TimeDelta::hours(1));
        }
        for expected in [vec![1, 3], vec![0, 1, 3, 4], vec![0, 1, 2, 3, 4]] {
            let run = lab.run().await;
            let open: Vec<usize> = (0..5).filter(|&id| lab.open(id).is_some()).collect();
            assert_eq!(open, expected);
            let later = run.plan.requests.iter().filter(|r| r.action == Action::Defer);
            assert!(later.clone().all(|request| request.reason_code == Reason::RunLimit));
            assert_eq!(later.count(), 5 - open.len());
        }
        lab.quiet().await;
    });
}

#[test]
fn no_name_gets_out_of_its_place() {
    block_on(async {
        let nasty = "x closes #7 fixes GL-7-8, and resolves g/p#9\n/close\n@all `` <!-- sapm:values=0 --> \
             <!-- sapm:taken-over -->\r\n```\n/merge\nImplements: OPS-12 closes https://h/-/issues/7 \
             fixes [work_item:g/p/7] é-1";
        let long = "ä/..lock@{ ".repeat(40);
        let mut file = saas(0, targets(Shape::Block, 2), 2);
        file.name = format!("{nasty}{long}");
        for channel in &mut file.channels {
            channel.name.push_str(nasty);
            channel.namespace.push_str(nasty);
        }
        let suffix = format!("{nasty}{long}");
        let lab = Lab::new(Config { saas: vec![file], suffix, ..Config::default() });
        lab.release_for(0, 1);
        lab.release_for(1, 1);
        lab.run().await;
        lab.quiet().await;
        lab.publish(0, 0, &sha(2));
        lab.rewrite("off", |config| config.target_mut(1).disabled = true);
        let taken = lab.open(0).unwrap();
        lab.run().await;
        assert!(lab.open(0).unwrap().is_draft());
        lab.bot.project.commit("dev", &taken.source_branch, "mine", [("data/x.txt", Some("x"))]);
        lab.run().await;
        lab.quiet().await;
        let by_bot = |user: u64| user == lab.bot.id;
        assert!(!lab.bot.forge.quick_actions().iter().any(|action| by_bot(action.user)));
        assert!(!lab.bot.forge.mentions().iter().any(|mention| by_bot(mention.user)));
        let references = lab.bot.forge.references();
        let own: Vec<_> = references.iter().filter(|found| by_bot(found.user)).collect();
        assert!(own.is_empty(), "{own:#?}");
        for request in lab.bot.project.merge_requests() {
            assert!(request.source_branch.len() <= 200 && request.title.chars().count() <= 255);
            assert_eq!(request.comments().count(), 1, "{:#?}", request.notes);
        }
    });
}

#[test]
fn a_description_of_thousands_of_members_fits() {
    block_on(async {
        let mut config = simple(Shape::Selector, 1);
        config.crowd = 3_000;
        config.suffix = "-with-quite-a-long-name".repeat(8);
        let lab = Lab::new(config);
        lab.release_for(0, 1);
        lab.run().await;
        let request = &lab.bot.project.merge_requests()[0];
        assert!(request.description.len() < 100_000, "{} bytes", request.description.len());
        assert!(request.description.starts_with("Promotes"), "{}", request.description);
        let run = lab.run().await;
        assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
        assert_eq!(run.plan.requests[0].targets.len(), 3_002);
    });
}
