//! Merge requests are written side by side, as many as that is good for; the outcome does not tell in which order.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use forge::{Fault, FaultKind};
use sapm::apply::{Verdict, WRITES_AT_ONCE};

use super::config::{Config, Shape};
use super::driver::Run;
use super::lab::{Lab, block_on, simple, spread, story};

/// A lab that lets as many requests be under way as a run does, with so many due targets.
fn due(targets: usize) -> Lab {
    let lab = Lab::new(simple(Shape::Block, targets));
    lab.bot.connections.set(32);
    lab.bot.settings.borrow_mut().max_new_merge_requests = targets;
    (0..targets).for_each(|id| lab.release_for(id, 1));
    lab
}

/// Holds writes until so many are under way, and counts them.
#[derive(Default)]
struct Gate {
    state: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    now: usize,
    most: usize,
    is_open: bool,
}

impl Gate {
    fn pass(&self, enough: usize) {
        let mut held = self.state.lock().unwrap();
        held.now += 1;
        held.most = held.most.max(held.now);
        held.is_open |= held.now == enough;
        self.changed.notify_all();
        let waits = |held: &mut Held| !held.is_open;
        // Where they never come together the test ends all the same.
        let patience = Duration::from_secs(10);
        let (mut held, _) = self.changed.wait_timeout_while(held, patience, waits).unwrap();
        held.is_open = true;
        held.now -= 1;
    }
}

/// How many commits were under way at once, once the first one was made.
async fn most_at_once(lab: &Lab, enough: usize) -> usize {
    let gate = Arc::new(Gate::default());
    let counted = Arc::clone(&gate);
    let commits = Fault::new(FaultKind::Pass).method("POST").path("/repository/commits");
    let commits = commits.between(2, u64::MAX);
    lab.bot.forge.fault(commits.calling(move |_| counted.pass(enough)));
    lab.run().await;
    lab.bot.forge.clear_faults();
    gate.state.lock().unwrap().most
}

#[test]
fn merge_requests_are_written_side_by_side_up_to_a_bound() {
    block_on(async {
        let lab = due(3 * WRITES_AT_ONCE);
        assert_eq!(most_at_once(&lab, WRITES_AT_ONCE).await, WRITES_AT_ONCE);
        assert_eq!(lab.bot.project.open_merge_requests().len(), 3 * WRITES_AT_ONCE);
        lab.quiet().await;
    });
}

#[test]
fn writing_one_after_the_other_would_be_seen() {
    block_on(async {
        let lab = due(3);
        lab.bot.at_once.set(1);
        assert_eq!(most_at_once(&lab, 1).await, 1);
        assert_eq!(lab.bot.project.open_merge_requests().len(), 3);
    });
}

/// Two targets in one place with an open merge request that come to have a place each, and others that are due.
async fn parted() -> (Lab, u64) {
    let mut config: Config = spread(Shape::Block, &[2, 4]);
    config.target_mut(1).alias_of = Some(0);
    config.target_mut(1).channels = vec![0];
    let lab = Lab::new(config);
    lab.bot.connections.set(32);
    lab.release_for(0, 1);
    lab.run().await;
    let shared = lab.open(0).expect("a request").iid;
    (2..6).for_each(|id| lab.release_for(id, 1));
    lab.rewrite("parted", |config| config.target_mut(1).alias_of = None);
    (lab, shared)
}

fn last_write(shared: u64, kind: FaultKind) -> Fault {
    Fault::new(kind).method("PUT").path(format!("/merge_requests/{shared}"))
}

#[test]
fn what_takes_over_a_target_waits_for_all_steps_of_the_merge_request_that_gives_it_up() {
    block_on(async {
        let (lab, shared) = parted().await;
        lab.bot.forge.fault(last_write(shared, FaultKind::Delay(Duration::from_millis(300))));
        let run = lab.run().await;
        let taken_over = lab.open(1).expect("a request");
        assert_ne!(taken_over.iid, shared, "{:#?}", story(&run));
        let log = lab.bot.forge.log();
        let at = |wanted: &dyn Fn(&forge::Entry) -> bool| log.iter().position(wanted).unwrap();
        let given_up = at(&|e| e.method == "PUT" && e.path.ends_with(&format!("/{shared}")));
        let branch = taken_over.source_branch.as_bytes().to_vec();
        let names = |e: &forge::Entry| {
            let body = e.body.as_deref().unwrap_or_default();
            body.windows(branch.len()).any(|part| part == branch)
        };
        let made = at(&|e| e.method == "POST" && e.path.contains("/commits") && names(e));
        assert!(given_up < made, "{given_up} {made}");
    });
}

#[test]
fn what_was_not_given_up_is_not_taken_over() {
    block_on(async {
        let (lab, shared) = parted().await;
        lab.bot
            .forge
            .fault(last_write(shared, FaultKind::Status(403, "no".to_owned(), Vec::new())));
        let run = lab.run().await;
        lab.bot.forge.clear_faults();
        let verdicts = |wanted: Verdict| {
            run.outcomes.merge_requests.values().filter(|outcome| outcome.outcome == wanted).count()
        };
        let found = [Verdict::Failed, Verdict::SomebodyWasFirst, Verdict::Done].map(verdicts);
        assert_eq!(found, [1, 1, 4], "{:#?}", story(&run));
        lab.run().await;
        assert_ne!(lab.open(1).expect("a request").iid, shared);
        lab.quiet().await;
    });
}

/// A run in which two merge requests are refused for causes of their own, and a third one meets somebody who was first.
/// Those at these places in the plan are late.
async fn refused(at_once: usize, late: &[usize]) -> Vec<String> {
    let lab = due(6);
    let branches: Vec<String> = {
        lab.bot.settings.borrow_mut().allow_opening = false;
        let run = lab.run().await;
        lab.bot.settings.borrow_mut().allow_opening = true;
        run.plan.merge_requests.iter().map(|mr| mr.branch.clone()).collect()
    };
    let about = |at: usize| branches[at].rsplit('/').next().unwrap();
    for (at, word) in [(2, "the one cause"), (4, "the other cause")] {
        let refusal = Fault::status(403, word).method("GET").path("/repository/branches/");
        lab.bot.forge.fault(refusal.path_regex(about(at)));
    }
    for &at in late {
        let delay = FaultKind::Delay(Duration::from_millis(200));
        lab.bot.forge.fault(Fault::new(delay).method("GET").path_regex(about(at)));
    }
    lab.bot.at_once.set(at_once);
    let run: Run = lab.run().await;
    let outcomes =
        run.outcomes.merge_requests.iter().map(|(branch, outcome)| {
            format!("{branch} {:?} {:?}", outcome.outcome, outcome.message)
        });
    let problems = run.outcomes.problems.iter().map(|problem| problem.message.clone());
    let told = outcomes.chain(problems).map(|line| {
        let address = lab.bot.forge.gitlab_url();
        line.replace(&address, "http://gitlab")
    });
    told.collect()
}

#[test]
fn outcomes_and_problems_do_not_tell_which_write_was_over_first() {
    block_on(async {
        let expected = refused(1, &[]).await;
        assert!(expected.iter().any(|line| line.contains("the one cause")), "{expected:#?}");
        assert!(expected.iter().any(|line| line.contains("the other cause")), "{expected:#?}");
        for late in [&[2][..], &[4], &[1, 3]] {
            assert_eq!(refused(WRITES_AT_ONCE, late).await, expected, "{late:?}");
        }
    });
}
