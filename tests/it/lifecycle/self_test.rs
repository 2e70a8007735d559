//! Every check must be able to fail: worlds that somebody tampered with, and a
//! program that does the wrong thing.

use std::sync::Arc;

use super::config::{Config, Shape};
use super::driver::{BOT, Run};
use super::judge::Judge;
use super::lab::{Lab, block_on, sha, simple};
use super::look::Look;
use super::people::{Deed, Scene};
use super::safety::{self, HOLD, Views};

fn scene(lab: &Lab) -> Arc<Scene> {
    Arc::new(Scene {
        world: lab.bot.forge.world(),
        project: lab.bot.project.clone(),
        bot: lab.bot.id,
        persons: Default::default(),
        honest: Default::default(),
    })
}

/// Two targets far from each other, each with an open merge request.
async fn two_open(config: Config) -> Lab {
    let lab = Lab::new(config);
    lab.release_for(0, 1);
    lab.release_for(1, 1);
    lab.run().await;
    lab
}

/// What the checks that always hold say of what the bot's user did in between.
async fn after(meanwhile: impl FnOnce(&Lab, &Scene)) -> Vec<String> {
    let lab = two_open(simple(Shape::Block, 2)).await;
    let scene = scene(&lab);
    let before = Look::take(&lab.bot.project);
    meanwhile(&lab, &scene);
    let after = Look::take(&lab.bot.project);
    safety::problems(
        &scene,
        &Views {
            began: &before,
            before: &before,
            after: &after,
            is_undisturbed: true,
            left: Default::default(),
        },
        1,
        1,
    )
}

fn judged(lab: &Lab, before: &Look, run: &Run) -> Vec<String> {
    let after = Look::take(&lab.bot.project);
    let blocked = lab.config.borrow().blocked.clone();
    Judge::default().problems(&lab.bot, &scene(lab), run, (before, &after), &blocked)
}

#[track_caller]
fn finds(problems: &[String], text: &str) {
    assert!(problems.iter().any(|problem| problem.contains(text)), "{text}: {problems:#?}");
}

#[test]
fn an_honest_world_is_fine() {
    block_on(async {
        assert_eq!(after(|_, _| {}).await, Vec::<String>::new());
        let lab = Lab::new(simple(Shape::Block, 2));
        lab.release_for(0, 1);
        let before = Look::take(&lab.bot.project);
        let run = lab.run().await;
        assert_eq!(judged(&lab, &before, &run), Vec::<String>::new());
    });
}

#[test]
fn what_the_bot_must_never_do_is_seen() {
    block_on(async {
        let of = |lab: &Lab, id: usize| lab.open(id).expect("an open request");
        let found = after(|lab, _| {
            let tip = lab.bot.project.tip(&of(lab, 0).source_branch).unwrap();
            let second = "auto-promoter-v2/second";
            lab.bot.project.set_branch(BOT, second, &tip).unwrap();
            lab.bot.project.open_merge_request(BOT, second, "main", "x", "").unwrap();
        });
        finds(&found.await, "promote");
        let found = after(|lab, scene| {
            let branch = of(lab, 0).source_branch;
            let tip = lab.bot.project.tip(&branch).unwrap();
            Deed::Push(branch, 1).act(scene);
            let second = "auto-promoter-v2/second";
            lab.bot.project.set_branch(BOT, second, &tip).unwrap();
            lab.bot.project.open_merge_request(BOT, second, "main", "x", "").unwrap();
        });
        finds(&found.await, "promote");
        let found = after(|lab, _| lab.bot.project.comment(BOT, of(lab, 0).iid, "/close"));
        finds(&found.await, "a quick action");
        let found = after(|lab, _| lab.bot.project.comment(BOT, of(lab, 0).iid, "hi @all"));
        finds(&found.await, "a mention");
        let found = after(|lab, _| lab.bot.project.close(BOT, of(lab, 0).iid));
        finds(&found.await, "without a comment");
        let found = after(|lab, _| {
            lab.bot.project.comment(BOT, of(lab, 0).iid, safety::TAKEN_OVER);
            lab.bot.project.comment(BOT, of(lab, 0).iid, safety::TAKEN_OVER);
        });
        finds(&found.await, "2 comments");
        let found = after(|lab, _| {
            lab.bot.project.add_member(BOT, forge::Access::Maintainer);
            let change = [("data/team.yml", Some("x"))];
            lab.bot.project.commit(BOT, "main", "no", change);
        });
        finds(&found.await, "moved the target branch");
    });
}

#[test]
fn a_change_of_what_is_a_persons_is_seen() {
    block_on(async {
        let lab = two_open(simple(Shape::Block, 2)).await;
        let scene = scene(&lab);
        let (first, second) = (lab.open(0).unwrap(), lab.open(1).unwrap());
        let clean = lab.bot.project.tip(&first.source_branch).unwrap();
        Deed::Push(first.source_branch.clone(), 1).act(&scene);
        Deed::Label(second.iid, HOLD, true).act(&scene);
        scene.persons.lock().unwrap().forget();
        let before = Look::take(&lab.bot.project);
        lab.bot.project.set_branch(BOT, &first.source_branch, &clean).unwrap();
        lab.bot.project.set_title(BOT, second.iid, "Draft: other");
        let after = Look::take(&lab.bot.project);
        let views = Views {
            began: &before,
            before: &before,
            after: &after,
            is_undisturbed: true,
            left: Default::default(),
        };
        let found = safety::problems(&scene, &views, 1, 1);
        finds(&found, "which was a person's");
        finds(&found, "to be left alone by its label");
    });
}

#[test]
fn opening_against_a_persons_word_is_seen() {
    block_on(async {
        let lab = two_open(simple(Shape::Block, 2)).await;
        let mr = lab.open(0).unwrap();
        lab.bot.project.close("dev", mr.iid);
        let before = Look::take(&lab.bot.project);
        let branch = &mr.source_branch;
        lab.bot.project.open_merge_request(BOT, branch, "main", "again", "").unwrap();
        let after = Look::take(&lab.bot.project);
        let views = Views {
            began: &before,
            before: &before,
            after: &after,
            is_undisturbed: true,
            left: Default::default(),
        };
        finds(&safety::problems(&scene(&lab), &views, 1, 1), "was closed by a person");
        finds(&safety::problems(&scene(&lab), &views, 0, 1), "0 are allowed");
    });
}

#[test]
fn merge_requests_that_do_not_merge_beside_each_other_are_found_out() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Line, 2));
        lab.release_for(0, 1);
        lab.release_for(1, 1);
        let project = &lab.bot.project;
        let checkpoint = project.checkpoint();
        lab.only(0);
        lab.run().await;
        // The first merge request again, beside one that was made without it.
        let first = lab.open(0).unwrap().source_branch;
        let message = project.message(&first).unwrap();
        let (old, new) = (project.files("main"), project.files(&first));
        let changed = new.into_iter().find(|(path, text)| old.get(path) != Some(text));
        let (path, text) = changed.unwrap();
        project.restore(&checkpoint);
        lab.only(1);
        let before = Look::take(project);
        let run = lab.run().await;
        project.set_branch(BOT, &first, &project.tip("main").unwrap()).unwrap();
        project.commit(BOT, &first, &message, [(path, Some(text))]);
        project.open_merge_request(BOT, &first, "main", "x", "").unwrap();
        lab.bot.forge.settle();
        finds(&judged(&lab, &before, &run), "one after the other");
    });
}

#[test]
fn a_program_that_leaves_things_undone_is_found_out() {
    block_on(async {
        let mut config = simple(Shape::Block, 2);
        config.target_mut(1).slo = true;
        let lab = Lab::new(config);
        lab.set_slo(1, 1.0);
        lab.release_for(0, 1);
        lab.release_for(1, 1);
        let run = lab.run().await;
        // One is disabled, the other is held, and neither is touched: judged by a
        // plan for the present world that was never carried out.
        lab.rewrite("gone", |config| config.target_mut(0).disabled = true);
        lab.set_slo(1, 0.1);
        let before = Look::take(&lab.bot.project);
        let checkpoint = lab.bot.project.checkpoint();
        let mut undone = lab.run().await;
        lab.bot.project.restore(&checkpoint);
        let found = judged(&lab, &before, &undone);
        finds(&found, "its target is gone");
        finds(&found, "held by slo and no draft");
        // A merge request that nothing can become of.
        lab.bot.project.open_merge_request(BOT, "auto-promoter-v2/x", "main", "x", "").unwrap();
        finds(&judged(&lab, &before, &undone), "is open, and has no branch");
        // A run that says nothing of what is due.
        lab.bot.project.delete_branch(BOT, &lab.open(1).unwrap().source_branch);
        lab.bot.forge.settle();
        undone = run;
        undone.plan.merge_requests.clear();
        finds(&judged(&lab, &before, &undone), "nothing is said of it");
    });
}

#[test]
fn what_is_pushed_beside_a_conflict_is_found_out() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Line, 2));
        lab.release_for(0, 1);
        lab.run().await;
        let began = Look::take(&lab.bot.project);
        // The target on the next line, whose promotion has to wait.
        let path = lab.config.borrow().saas[0].path();
        let text = String::from_utf8(lab.bot.project.file("main", &path).unwrap()).unwrap();
        let (start, end) = text.split_at(text.rfind(&sha(0)).unwrap());
        let text = format!("{start}{}{}", sha(7), &end[sha(0).len()..]);
        let second = "auto-promoter-v2/second";
        lab.bot.project.commit(BOT, second, "x", [(path.as_str(), Some(text))]);
        lab.bot.project.open_merge_request(BOT, second, "main", "x", "").unwrap();
        let after = Look::take(&lab.bot.project);
        finds(&safety::pushed_beside(&scene(&lab), &began, &after), "conflicts with !1");
    });
}

#[test]
fn a_held_merge_request_that_moves_others_is_found_out() {
    block_on(async {
        let lab = Lab::with_slo(simple(Shape::Block, 2)).await;
        lab.set_slo(0, 0.1);
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        let before = Look::take(&lab.bot.project);
        let run = lab.run().await;
        assert_eq!(judged(&lab, &before, &run), Vec::<String>::new());
        let branch = lab.open(0).unwrap().source_branch;
        let message = lab.bot.project.message(&branch).unwrap();
        let path = lab.config.borrow().saas[0].path();
        let text = String::from_utf8(lab.bot.project.file(&branch, &path).unwrap()).unwrap();
        let change = [(path.as_str(), Some(text.replace(&sha(0), &sha(1))))];
        lab.bot.project.commit_from(BOT, &branch, Some("main"), &message, change);
        finds(&judged(&lab, &before, &run), "was rebuilt, and merged");
    });
}

#[test]
fn a_wrong_content_is_found_out() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 3));
        lab.release_for(0, 1);
        let before = Look::take(&lab.bot.project);
        let run = lab.run().await;
        let mr = lab.open(0).unwrap();
        let message = lab.bot.project.message(&mr.source_branch).unwrap();
        let path = lab.config.borrow().saas[0].path();
        let text = lab.bot.project.file(&mr.source_branch, &path).unwrap();
        // The ref of another target as well, with the bot's own words.
        let text = String::from_utf8(text).unwrap();
        let text = text.replacen(&sha(0), &sha(7), 1);
        let change = [(path.as_str(), Some(text))];
        let start = Some("main");
        lab.bot.project.commit_from(BOT, &mr.source_branch, start, &message, change);
        finds(&judged(&lab, &before, &run), "and should have");
    });
}
