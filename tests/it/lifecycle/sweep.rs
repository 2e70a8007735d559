//! Every merge request of a run that does everything fails once in every way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::config::Shape;
use super::faults::{At, Trouble, run_with_fault};
use super::lab::{Lab, block_on, sha, spread, story};

/// A world in which one run creates, updates (new values; the target branch
/// moved), holds, makes ready again, closes, deletes a left branch, comments on
/// one that was taken over, and keeps one.
async fn scene() -> Lab {
    let mut config = spread(Shape::Block, &[4, 3, 3]);
    for id in [2, 3] {
        config.target_mut(id).slo = true;
    }
    let lab = Lab::new(config);
    for id in [2, 3] {
        lab.set_slo(id, 1.0);
    }
    for id in 1..10 {
        lab.release_for(id, 1);
    }
    lab.run().await;
    lab.set_slo(3, 0.1);
    lab.run().await;
    let iid = |id: usize| lab.open(id).expect("an open request").iid;
    let project = &lab.bot.project;
    project.approve("dev", iid(5));
    project.close("dev", iid(6));
    let taken_over = lab.open(7).expect("an open request").source_branch;
    project.commit("dev", &taken_over, "by hand", [("data/by-hand.txt", Some("mine"))]);
    lab.rewrite("near by, and one target goes", |config| {
        config.target_mut(8).note = Some(1);
        config.target_mut(4).disabled = true;
    });
    lab.release_for(0, 1);
    lab.release_for(1, 2);
    lab.set_slo(2, 0.1);
    lab.set_slo(3, 1.0);
    lab.bot.forge.settle();
    lab
}

/// What people see: branches with their content, and all merge requests.
pub fn seen(lab: &Lab) -> Vec<String> {
    let project = &lab.bot.project;
    let main = project.files("main");
    let mut lines = Vec::new();
    for (branch, tip) in project.branches() {
        let files: BTreeMap<String, String> = project
            .files(&tip)
            .into_iter()
            .filter(|(path, bytes)| main.get(path) != Some(bytes))
            .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
            .collect();
        lines.push(format!("branch {branch}: {files:#?}"));
    }
    for mr in project.merge_requests() {
        let comments: Vec<_> = mr.comments().map(|note| &note.body).collect();
        lines.push(format!(
            "request {} -> {} {:?} by {}, {:?}, {:?}, approvals {:?}, closed by {:?}, comments {comments:?}\n{}",
            mr.source_branch,
            mr.target_branch,
            mr.title,
            mr.author,
            mr.state,
            mr.labels,
            mr.approvals,
            mr.closed.map(|(_, user)| user),
            mr.description,
        ));
    }
    lines.sort();
    lines
}

pub fn differences(expected: &[String], actual: &[String]) -> Vec<String> {
    let missing = expected.iter().filter(|line| !actual.contains(line));
    let extra = actual.iter().filter(|line| !expected.contains(line));
    missing.map(|l| format!("missing: {l}")).chain(extra.map(|l| format!("extra: {l}"))).collect()
}

/// One case: an error text if the following runs do not come to the same state.
async fn case(
    lab: &Lab,
    checkpoint: &forge::Checkpoint,
    expected: &[String],
    (nth, trouble): (u64, Trouble),
) -> Result<(), String> {
    lab.bot.project.restore(checkpoint);
    lab.bot.forge.clear_log();
    let faulty = run_with_fault(&lab.bot, At::Request(nth), trouble, std::future::ready(())).await;
    let asked: Vec<String> = lab
        .bot
        .forge
        .log()
        .iter()
        .map(|e| format!("{} {} {} {:?} {:?}", e.number, e.method, e.path, e.status, e.fault))
        .collect();
    let told = |what: &str, more: &[String]| {
        let faulty = match &faulty {
            Ok(run) => story(run),
            Err(error) => vec![error.clone()],
        };
        format!(
            "{trouble:?} at request {nth}: {what}\n{more:#?}\nthe run was {faulty:#?}\n{asked:#?}"
        )
    };
    let second = lab.try_run().await.map_err(|error| told(&error, &[]))?;
    let differs = differences(expected, &seen(lab));
    if !differs.is_empty() {
        let mut more = differs;
        more.extend(story(&second));
        return Err(told("the next run comes to another state", &more));
    }
    if lab.bot.writes().is_empty() {
        return Ok(()); // the next one would be this one again
    }
    let third = lab.try_run().await.map_err(|error| told(&error, &[]))?;
    let writes = lab.bot.writes();
    if !writes.is_empty() {
        let mut more = writes;
        more.extend(story(&third));
        return Err(told("the run after that writes", &more));
    }
    Ok(())
}

/// The scene, what a run without any fault makes of it, and how many merge requests that takes.
async fn reference() -> (Lab, forge::Checkpoint, Vec<String>, u64) {
    let lab = scene().await;
    let checkpoint = lab.bot.project.checkpoint();
    lab.run().await;
    let merge_requests = lab.bot.forge.request_count();
    let state = seen(&lab);
    lab.quiet().await;
    assert_eq!(differences(&state, &seen(&lab)), Vec::<String>::new());
    (lab, checkpoint, state, merge_requests)
}

#[test]
fn the_scene_has_every_kind_of_write() {
    block_on(async {
        let (lab, checkpoint, state, _) = reference().await;
        lab.bot.project.restore(&checkpoint);
        let before = seen(&lab);
        let run = lab.run().await;
        assert_eq!(seen(&lab), state, "a run is a function of the world");
        assert_ne!(before, state);
        use sapm::plan::Action::*;
        let mut actions: Vec<_> =
            run.plan.merge_requests.iter().map(|r| (r.action, !r.steps.is_empty())).collect();
        actions.sort();
        actions.dedup();
        for wanted in [
            (Create, true),
            (Update, true),
            (Hold, true),
            (Close, true),
            (Keep, false),
            (Keep, true),
        ] {
            assert!(actions.contains(&wanted), "{wanted:?} in {:#?}", story(&run));
        }
        assert_eq!(run.plan.leftovers.len(), 1);
        assert!(lab.open(3).is_some_and(|mr| !mr.is_draft()));
        assert!(lab.open(2).is_some_and(|mr| mr.title.contains("held by slo")));
        assert!(lab.open(1).is_some_and(|r| r.title.contains(&sha(2)[..8])));
        assert_eq!(lab.open(5).map(|mr| mr.approvals.len()), Some(1));
    });
}

#[test]
fn after_any_single_fault_the_next_run_comes_to_the_same_state() {
    let next = AtomicUsize::new(0);
    let cases = AtomicUsize::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let worker = || {
            block_on(async {
                let (lab, checkpoint, expected, merge_requests) = reference().await;
                let all: Vec<_> = (1..=merge_requests)
                    .flat_map(|nth| Trouble::ALL.map(|trouble| (nth, trouble)))
                    .collect();
                let mut failures = Vec::new();
                while let Some(&pair) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    cases.fetch_add(1, Ordering::SeqCst);
                    if let Err(failure) = case(&lab, &checkpoint, &expected, pair).await {
                        failures.push(failure);
                    }
                }
                failures
            })
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    println!("fault sweep: {} pairs of request and fault", cases.load(Ordering::SeqCst));
    assert!(
        failures.is_empty(),
        "{} failures, among them:\n{}",
        failures.len(),
        failures[..failures.len().min(4)].join("\n\n")
    );
}

#[test]
fn the_sweep_sees_a_difference() {
    block_on(async {
        let (lab, checkpoint, expected, _) = reference().await;
        let nth = (1, Trouble::Status(500));
        assert_eq!(case(&lab, &checkpoint, &expected, nth).await, Ok(()));
        // A program that never comments, closes or deletes ends in another state.
        lab.bot.settings.borrow_mut().allow_closing = false;
        assert!(case(&lab, &checkpoint, &expected, nth).await.is_err());
        lab.bot.settings.borrow_mut().allow_closing = true;
        // A world in which a second comment was made.
        let tampered: Vec<_> = expected
            .iter()
            .map(|line| line.replacen("comments [", "comments [\"x\", ", 1))
            .collect();
        assert!(case(&lab, &checkpoint, &tampered, nth).await.is_err());
    });
}
