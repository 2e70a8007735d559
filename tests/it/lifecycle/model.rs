//! Random worlds in which everything moves, and every invariant after every run.
//!
//! `SAPM_MODEL_WORLDS` and `SAPM_MODEL_STEPS` make it a long run, `SAPM_MODEL_SEED`
//! plays one world again (or begins a long run there).

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fastrand::Rng;
use forge::MergeMethod;
use sapm::apply::{Verdict, WRITES_AT_ONCE};
use sapm::plan::{BatchBy, Reason};

use super::batch_judge;
use super::driver::{Ended, Run};
use super::faults::{At, Trouble, run_with_fault};
use super::judge::Judge;
use super::lab::{Lab, story};
use super::look::Look;
use super::moves::{self, Commits};
use super::people::{Deed, Scene};
use super::safety::{self, Views};
use super::tally::{BATCH_REASONS, REASONS, Tally};
use super::turns::Turns;

const WORLDS: u64 = 200;
const STEPS: u64 = 12;

struct Model {
    lab: Lab,
    scene: Arc<Scene>,
    judge: Judge,
    rng: RefCell<Rng>,
    /// Decides how, and whether by itself, GitLab merges.
    merging: RefCell<Rng>,
    commits: RefCell<Commits>,
    told: RefCell<Vec<String>>,
    runs: AtomicU64,
    tally: Arc<Tally>,
    kind: Kind,
}

/// What the worlds are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A merge request for each promotion.
    Alone,
    /// Batches, by settings that change from run to run, with pipelines that fail.
    Batches,
}

type Checked = Result<(), String>;

impl Model {
    fn new(seed: u64, kind: Kind, tally: Arc<Tally>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let lab = Lab::new(moves::world(&mut rng));
        let watched: Vec<usize> =
            lab.config.borrow().targets().filter(|t| t.slo).map(|t| t.id).collect();
        watched.into_iter().for_each(|id| lab.set_slo(id, 1.0));
        lab.bot.settings.borrow_mut().max_new_merge_requests =
            *rng.choice(&[1, 2, 10, 10]).unwrap();
        if rng.u8(..3) == 0 {
            lab.bot.forge.configure(|settings| settings.remove_source_branch = true);
        }
        // Dice of its own: what else happens in a world does not depend on it.
        let mut merging = Rng::with_seed(!seed);
        match merging.u8(..8) {
            0 => lab.bot.project.set_merge_method(MergeMethod::FastForward),
            1 => lab.bot.project.set_merge_method(MergeMethod::RebaseMerge),
            _ => {}
        }
        lab.bot.branches_by_api.set(rng.u8(..4) == 0);
        lab.bot.forge.configure(|settings| {
            settings.background_delay = rng.u64(..6);
            settings.checking_reads = rng.u32(..3);
            // The clock stands still: a list would never be a newer one.
            settings.branch_list_cache_s = 0;
        });
        let scene = Arc::new(Scene {
            world: lab.bot.forge.world(),
            project: lab.bot.project.clone(),
            bot: lab.bot.id,
            persons: Default::default(),
            honest: Default::default(),
        });
        let told = lab.config.borrow().lines();
        Self {
            lab,
            scene,
            judge: Judge::default(),
            rng: RefCell::new(rng),
            merging: RefCell::new(merging),
            commits: RefCell::new(Commits(0)),
            told: RefCell::new(told),
            runs: AtomicU64::new(0),
            tally,
            kind,
        }
    }

    /// What may go into one merge request from now on, and how pipelines stand.
    fn change_batches(&self) {
        if self.kind == Kind::Alone {
            return;
        }
        let rng = &mut *self.merging.borrow_mut();
        if rng.u8(..3) == 0 {
            let by = [BatchBy::None, BatchBy::App, BatchBy::All, BatchBy::All];
            let (by, size) = (*rng.choice(&by).unwrap(), rng.usize(1..=4));
            let mut settings = self.lab.bot.settings.borrow_mut();
            (settings.batch_by, settings.batch_size) = (by, size);
            self.told.borrow_mut().push(format!("  batches by {by:?}, of {size}"));
        }
        let project = &self.lab.bot.project;
        for mr in project.open_merge_requests() {
            let has_pipeline =
                project.pipelines().iter().any(|it| it.merge_request == Some(mr.iid));
            let word = ["success", "failed", "failed", "running", "canceled", "skipped"];
            if has_pipeline && rng.u8(..3) == 0 {
                let word = *rng.choice(&word).unwrap();
                project.set_pipeline(mr.iid, word);
                self.told.borrow_mut().push(format!("  the pipeline of !{} is {word}", mr.iid));
            }
            if rng.u8(..24) == 0 && mr.author == self.lab.bot.id {
                let deed = Deed::Label(mr.iid, "sapm/split", true);
                self.person(&deed);
                self.told.borrow_mut().push(format!("  {deed}"));
            }
        }
        if rng.u8(..4) == 0 {
            let word = *rng.choice(&["success", "success", "failed", "running"]).unwrap();
            project.add_branch_pipeline("main", word);
            self.told.borrow_mut().push(format!("  the pipeline of main is {word}"));
        }
    }

    fn tell(&self, text: impl Into<String>) {
        self.told.borrow_mut().push(text.into());
    }

    fn look(&self) -> Look {
        Look::take(&self.lab.bot.project)
    }

    fn max_new(&self) -> usize {
        self.lab.bot.settings.borrow().max_new_merge_requests
    }

    /// One thing that happens.
    fn happens(&self) {
        let rng = &mut *self.rng.borrow_mut();
        let text = match rng.u8(..10) {
            0..4 => moves::facts(&self.lab, rng, &mut self.commits.borrow_mut()),
            4 | 5 => moves::rewrite(&self.lab, rng),
            _ => {
                let deed = moves::deed(&self.scene, rng);
                self.person(&deed);
                deed.to_string()
            }
        };
        self.tell(format!("  {text}"));
        let merging = &mut *self.merging.borrow_mut();
        if merging.u8(..6) == 0
            && let Some(deed) = moves::auto_merge(&self.scene, merging)
        {
            self.person(&deed);
            self.tell(format!("  {deed}"));
        }
    }

    fn person(&self, deed: &Deed) {
        deed.act(&self.scene);
        self.tally.deed(deed);
    }

    async fn step(&self) -> Checked {
        let things = self.rng.borrow_mut().u8(1..4);
        for _ in 0..things {
            self.happens();
        }
        self.change_batches();
        let kind = self.rng.borrow_mut().u8(..10);
        if kind >= 5 {
            // After a fault a run backs off, for times that chance decides: side by side, who is next after that would
            // be left to chance too, and a world could not be played again. `lifecycle::sweep` has faults side by side.
            self.lab.bot.at_once.set(if kind < 8 { 1 } else { WRITES_AT_ONCE });
            self.disturbed(kind).await?;
            self.lab.bot.at_once.set(WRITES_AT_ONCE);
        }
        self.undisturbed().await
    }

    /// A run with which something interferes; only what always holds is checked.
    async fn disturbed(&self, kind: u8) -> Checked {
        self.scene.persons.lock().unwrap().forget();
        self.lab.bot.forge.clear_log();
        let began = self.look();
        let before = RefCell::new(began.clone());
        let mut runs = 1;
        let (nth, at, trouble) = {
            let mut rng = self.rng.borrow_mut();
            let nth = rng.u64(1..=24);
            let at = if rng.bool() { At::Write(rng.u64(1..=5)) } else { At::Request(nth) };
            (nth, at, *rng.choice(&Trouble::ALL).unwrap())
        };
        let ended = match kind {
            // A fault.
            5 | 6 => {
                self.tell(format!("a run with {trouble:?} at {at:?}"));
                run_with_fault(&self.lab.bot, at, trouble, std::future::ready(())).await
            }
            // Things that happen between planning and writing, perhaps a fault after that.
            7 => {
                self.tell("a run begins, and before it writes");
                let between = async {
                    let count = self.rng.borrow_mut().u8(1..4);
                    (0..count).for_each(|_| self.happens());
                    self.change_batches();
                    *before.borrow_mut() = self.look();
                };
                if self.rng.borrow_mut().u8(..3) == 0 {
                    self.tell(format!("  with {trouble:?} at {at:?}"));
                    run_with_fault(&self.lab.bot, at, trouble, between).await
                } else {
                    self.lab.bot.run_with(between).await
                }
            }
            // A second run at the same time.
            8 if self.rng.borrow_mut().bool() => {
                runs = 2;
                let turns = Turns::new(self.rng.borrow_mut().u64(..));
                let (first, second) = self.lab.bot.two_runs(&turns).await;
                self.tell(format!("two runs at once, in turns: {}", turns.told()));
                self.tell_run(&second);
                self.tell("  and the other one");
                first
            }
            // A second run in between.
            8 => {
                self.tell("a run begins, and before it writes there is a whole second run");
                runs = 2;
                let between = async {
                    if self.rng.borrow_mut().bool() {
                        self.happens();
                    }
                    let second = self.lab.bot.run().await;
                    self.tell_run(&second);
                    if self.rng.borrow_mut().bool() {
                        self.happens();
                    }
                    *before.borrow_mut() = self.look();
                };
                self.lab.bot.run_with(between).await
            }
            // A person, at any merge request.
            _ => {
                let deed = moves::deed(&self.scene, &mut self.rng.borrow_mut());
                if moves::any_moment(&deed) {
                    self.tell(format!("a run, and at its request {nth} {deed}"));
                    self.tally.deed(&deed);
                    let scene = self.scene.clone();
                    self.lab.bot.forge.on_request(nth, move |_| deed.act(&scene));
                }
                let ended = self.lab.bot.run().await;
                self.lab.bot.forge.clear_faults();
                ended
            }
        };
        self.tell_run(&ended);
        self.tally.faults(&self.lab.bot.forge, trouble);
        // What happened before the look that the run is measured by does not excuse the bot.
        if kind == 7 || kind == 8 {
            self.scene.persons.lock().unwrap().forget();
        }
        // Where no write failed, what was pushed fits beside the rest, whatever could not be read.
        let wrote_all =
            |run: &Run| {
                run.outcomes.problems.is_empty()
                    && run.outcomes.merge_requests.values().all(|outcome| {
                        matches!(outcome.outcome, Verdict::Done | Verdict::Unchanged)
                    })
            };
        if matches!(kind, 5 | 6) && ended.as_ref().is_ok_and(wrote_all) {
            let problems = safety::pushed_beside(&self.scene, &began, &self.look());
            if !problems.is_empty() {
                return Err(problems.join("\n"));
            }
        }
        self.safe((&began, &before.into_inner()), runs, None)
    }

    /// Is everything safe after a run? `undisturbed`: a run that nothing interfered with, and how it ended.
    fn safe(
        &self,
        (began, before): (&Look, &Look),
        runs: usize,
        undisturbed: Option<&Ended>,
    ) -> Checked {
        self.runs.fetch_add(runs as u64, Ordering::Relaxed);
        let after = self.look();
        let planned = undisturbed.and_then(|ended| ended.as_ref().ok());
        let planned = planned.iter().flat_map(|run| &run.plan.merge_requests);
        let left = planned.filter(|mr| mr.reason_code == Reason::FactsMissing);
        let left = left.filter_map(|mr| Some(mr.iid?.0)).collect();
        let views =
            Views { began, before, after: &after, is_undisturbed: undisturbed.is_some(), left };
        let mut problems = safety::problems(&self.scene, &views, self.max_new(), runs);
        if self.kind == Kind::Batches && runs > 1 {
            // Two runs at once may take a target into two batches; the next run ends that.
            problems.retain(|problem| !problem.contains("] promote "));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
    }

    fn tell_run(&self, ended: &Ended) {
        self.tally.run(ended);
        match ended {
            Ok(run) => story(run).into_iter().for_each(|line| self.tell(format!("    {line}"))),
            Err(error) => self.tell(format!("    ended: {error}")),
        }
    }

    /// A run that nothing interferes with; then one that has nothing to do.
    async fn undisturbed(&self) -> Checked {
        self.tell("an undisturbed run");
        let mut quiet = false;
        for _ in 0..12 {
            self.lab.bot.forge.settle();
            self.scene.persons.lock().unwrap().forget();
            let before = self.look();
            let ended = self.lab.try_run().await;
            self.tell_run(&ended);
            self.safe((&before, &before), 1, Some(&ended))?;
            let run = ended?;
            quiet = self.lab.bot.writes().is_empty();
            let after = self.look();
            let blocked = self.lab.config.borrow().blocked.clone();
            let looks = (&before, &after);
            let wrong = match self.kind {
                Kind::Alone => {
                    self.judge.problems(&self.lab.bot, &self.scene, &run, looks, &blocked)
                }
                Kind::Batches => batch_judge::problems(&self.lab.bot, &self.scene, &run, looks),
            };
            if !wrong.is_empty() {
                return Err(wrong.join("\n"));
            }
            // What GitLab reopened without its branch is closed before another one is opened.
            // A part of a batch that was split may wait for the other one, and what two runs opened at once is closed first.
            let later = match self.kind {
                Kind::Alone => &[Reason::RunLimit, Reason::BranchGone][..],
                Kind::Batches => &[
                    Reason::RunLimit,
                    Reason::BranchGone,
                    Reason::PipelineFailed,
                    Reason::SplitAsked,
                    Reason::WaitsForRequest,
                ],
            };
            let more = run.plan.merge_requests.iter().any(|r| later.contains(&r.reason_code));
            if !more {
                break;
            }
        }
        if quiet {
            return Ok(());
        }
        let again = self.lab.try_run().await?;
        self.runs.fetch_add(1, Ordering::Relaxed);
        let writes = self.lab.bot.writes();
        if writes.is_empty() {
            return Ok(());
        }
        self.tell_run(&Ok(again));
        Err(format!("a run with nothing to do wrote {writes:#?}"))
    }

    fn play(&self, seed: u64, steps: u64) -> Result<u64, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                for step in 1..=steps {
                    self.tell(format!("step {step}"));
                    self.step().await?;
                }
                Ok(())
            })
        }));
        let error = match outcome {
            Ok(Ok(())) => return Ok(self.runs.load(Ordering::Relaxed)),
            Ok(Err(error)) => error,
            Err(_) => "a panic, see above".to_owned(),
        };
        Err(format!(
            "world {seed} ({:?}):\n{}\n\n{error}\n\nto play it again: SAPM_MODEL_SEED={seed} SAPM_MODEL_STEPS={steps} cargo test --test it lifecycle::model",
            self.kind,
            self.told.borrow().join("\n")
        ))
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Plays one world: how many runs it took, or what went wrong, and its story.
fn play(
    seed: u64,
    steps: u64,
    kind: Kind,
    tally: Arc<Tally>,
) -> (Result<u64, String>, Vec<String>) {
    let model = Model::new(seed, kind, tally);
    let result = model.play(seed, steps);
    (result, model.told.take())
}

#[test]
fn the_invariants_hold_in_random_worlds() {
    play_worlds(Kind::Alone, WORLDS, &REASONS);
}

#[test]
fn the_invariants_of_batches_hold_in_random_worlds() {
    play_worlds(Kind::Batches, WORLDS, &BATCH_REASONS);
}

fn play_worlds(kind: Kind, usual: u64, reasons: &[Reason]) {
    let seed = number("SAPM_MODEL_SEED");
    let all = usual;
    let usual = if seed.is_some() { 1 } else { usual };
    let worlds = number("SAPM_MODEL_WORLDS").unwrap_or(usual);
    let steps = number("SAPM_MODEL_STEPS").unwrap_or(STEPS);
    let from = seed.unwrap_or(0);
    let to = from + worlds;
    let (next, runs, failed) = (AtomicU64::new(from), AtomicU64::new(0), AtomicUsize::new(0));
    let tally = Arc::new(Tally::default());
    let failures: Vec<String> = std::thread::scope(|scope| {
        let worker = || {
            let mut failures = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= to || failed.load(Ordering::SeqCst) >= 3 {
                    return failures;
                }
                match play(seed, steps, kind, tally.clone()).0 {
                    Ok(count) => drop(runs.fetch_add(count, Ordering::SeqCst)),
                    Err(failure) => {
                        failed.fetch_add(1, Ordering::SeqCst);
                        failures.push(failure);
                    }
                }
            }
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    println!("model: {} worlds of {steps} steps, {} runs", to - from, runs.load(Ordering::SeqCst));
    println!("{tally}");
    assert!(failures.is_empty(), "{} worlds failed\n{}", failures.len(), failures.join("\n\n"));
    if (from, worlds, steps) == (0, all, STEPS) {
        let never = reasons.iter().filter(|reason| !tally.has(&format!("reason {reason:?}")));
        assert_eq!(never.collect::<Vec<_>>(), Vec::<&Reason>::new(), "never happened");
    }
}

#[test]
fn a_world_can_be_played_again() {
    for (seed, kind) in [(0, Kind::Alone), (1, Kind::Alone), (2, Kind::Batches)] {
        let tell = || {
            let (_, told) = play(seed, STEPS, kind, Arc::default());
            // Ports of the fakes differ.
            let is_port = |c: char| c.is_ascii_digit();
            let lines = told.iter().map(|line| {
                line.split("127.0.0.1:").map(move |part| part.trim_start_matches(is_port))
            });
            lines.map(|parts| parts.collect::<String>()).collect::<Vec<_>>()
        };
        assert_eq!(tell(), tell(), "world {seed}");
    }
}
