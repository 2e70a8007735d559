//! A config repo with its publishers and the program: what tests move by hand.

use std::cell::RefCell;

use forge::{MergeRequest, MrState};
use sapm::plan::{Action, Reason};
use serde_json::json;

use super::config::{Channel, Config, Saas, Shape, Target};
use super::driver::{Bot, Ended, Run};

/// A commit of a code repository.
pub fn sha(number: usize) -> String {
    format!("{:08x}{number:032x}", (number as u32).wrapping_add(1).wrapping_mul(0x9e37_79b1))
}

/// A saas file with a channel for each target.
pub fn saas(number: usize, targets: Vec<Target>, channels: usize) -> Saas {
    let channel = |at: usize| Channel {
        name: format!("channel-{number}-{at}"),
        git_ref: format!("branch{at}"),
        namespace: format!("stage-{number}-{at}"),
        number: number * 100 + at,
    };
    Saas {
        number,
        name: format!("saas-{number}"),
        channels: (0..channels).map(channel).collect(),
        targets,
        note: 0,
        broken: false,
    }
}

/// Targets of one shape at the first commit, each with a channel of its own.
pub fn targets(shape: Shape, count: usize) -> Vec<Target> {
    let target = |id: usize| {
        let mut target = Target::new(id, shape, sha(0));
        target.channels = vec![id];
        target
    };
    (0..count).map(target).collect()
}

/// Saas files with that many targets each, every target with a channel of its own.
pub fn spread(shape: Shape, counts: &[usize]) -> Config {
    let mut all = targets(shape, counts.iter().sum());
    let mut files = Vec::new();
    for (number, &count) in counts.iter().enumerate() {
        let rest = all.split_off(count);
        for (at, target) in all.iter_mut().enumerate() {
            target.channels = vec![at];
        }
        files.push(saas(number, all, count));
        all = rest;
    }
    Config { saas: files, ..Config::default() }
}

/// One saas file with that many targets, each with a channel of its own.
pub fn simple(shape: Shape, count: usize) -> Config {
    spread(shape, &[count])
}

/// Runs a test that waits for answers.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub struct Lab {
    pub bot: Bot,
    pub config: RefCell<Config>,
}

impl Lab {
    /// Everything is deployed at the first commit.
    pub fn new(config: Config) -> Self {
        let bot = Bot::start(&config);
        let lab = Self { bot, config: RefCell::new(config) };
        for saas in 0..lab.config.borrow().saas.len() {
            for channel in 0..lab.config.borrow().saas[saas].channels.len() {
                lab.publish(saas, channel, &sha(0));
                lab.deploy(saas, channel, &sha(0), true, "hash0");
            }
        }
        lab
    }

    /// The publisher's ref moves.
    pub fn publish(&self, saas: usize, channel: usize, commit: &str) {
        let config = self.config.borrow();
        let saas = &config.saas[saas];
        let key = (saas.url(), saas.channels[channel].git_ref.clone());
        self.bot.facts.lock().unwrap().commits.insert(key, Some(commit.to_owned()));
    }

    /// The publisher's commit, if it can be found out.
    pub fn published(&self, saas: usize, channel: usize) -> Option<String> {
        let config = self.config.borrow();
        let saas = &config.saas[saas];
        let key = (saas.url(), saas.channels[channel].git_ref.clone());
        self.bot.facts.lock().unwrap().commits.get(&key).cloned().flatten()
    }

    /// A deployment ends, now.
    pub fn deploy(&self, saas: usize, channel: usize, commit: &str, success: bool, hash: &str) {
        let config = self.config.borrow();
        let saas = &config.saas[saas];
        let record = json!({
            "success": success,
            "saas_file": saas.name,
            "target_config_hash": hash,
            "check_in": self.bot.now.get().format("%Y-%m-%d %H:%M:%S.000000+00:00").to_string(),
        });
        let key = saas.record_key(&saas.channels[channel], commit);
        self.bot.facts.lock().unwrap().records.insert(key, record);
    }

    /// The publisher moves and is deployed.
    pub fn release(&self, saas: usize, channel: usize, number: usize) {
        self.publish(saas, channel, &sha(number));
        self.deploy(saas, channel, &sha(number), true, "hash0");
    }

    /// The first publisher of a target moves and is deployed.
    pub fn release_for(&self, id: usize, number: usize) {
        let (saas, channel) = {
            let config = self.config.borrow();
            let place = config.saas.iter().enumerate().find_map(|(at, saas)| {
                let target = saas.targets.iter().find(|target| target.id == id)?;
                Some((at, target.channels[0]))
            });
            place.expect("a target")
        };
        self.release(saas, channel, number);
    }

    /// A lab in which target 0 has an SLO that is met, and a merge request after one run.
    pub async fn with_slo(mut config: Config) -> Self {
        config.target_mut(0).slo = true;
        let lab = Self::new(config);
        lab.set_slo(0, 1.0);
        lab.release_for(0, 1);
        lab.run().await;
        lab
    }

    /// A lab with an open merge request for each of some targets, as far as they fit beside each other.
    pub async fn with_merge_requests(shape: Shape, count: usize) -> Self {
        let lab = Self::new(simple(shape, count));
        (0..count).for_each(|id| lab.release_for(id, 1));
        lab.run().await;
        lab
    }

    pub fn set_slo(&self, id: usize, value: f64) {
        self.bot.facts.lock().unwrap().slos.insert(format!("quick{id}"), value);
    }

    /// A person changes the config repo on the target branch.
    pub fn rewrite(&self, what: &str, change: impl FnOnce(&mut Config)) {
        let main = self.bot.main();
        let mut config = self.config.borrow_mut();
        config.sync(&self.bot.loaded(&main).inventory);
        change(&mut config);
        config.forget_broken_aliases();
        let (old, new) = (self.bot.project.files("main"), config.files());
        let is_target_file = |path: &&String| path.starts_with("data/services/app/shared");
        let gone = old.keys().filter(is_target_file).filter(|path| !new.contains_key(*path));
        let mut changes: Vec<_> = gone.map(|path| (path.clone(), None)).collect();
        changes.extend(
            new.into_iter()
                .filter(|(path, bytes)| old.get(path) != Some(bytes))
                .map(|(path, bytes)| (path, Some(bytes))),
        );
        if !changes.is_empty() {
            self.bot.project.commit("dev", "main", what, changes);
        }
    }

    /// From now on runs are about this target alone.
    pub fn only(&self, id: usize) {
        let loaded = self.bot.loaded(&self.bot.main());
        let path = format!("/services/app/ns{id}.yml");
        let mut targets = loaded.inventory.targets.iter();
        let target = targets.find(|target| target.namespace.path == path).unwrap();
        self.bot.settings.borrow_mut().filter.only = Some([target.uid.clone()].into());
    }

    /// The open merge request of the bot that is about a target.
    pub fn open(&self, id: usize) -> Option<MergeRequest> {
        let main = self.bot.main();
        let loaded = self.bot.loaded(&main);
        let path = format!("/services/app/ns{id}.yml");
        let target =
            loaded.inventory.targets.iter().find(|target| target.namespace.path == path)?;
        let merge_requests = self.bot.project.merge_requests().into_iter();
        merge_requests.filter(|mr| mr.state == MrState::Opened).find(|mr| {
            let tip = mr.versions.iter().rev().find_map(|version| {
                let message = self.bot.project.message(&version.head)?;
                ["Sapm-Targets", "Sapm-Place"]
                    .iter()
                    .any(|key| message.contains(key))
                    .then_some(message)
            });
            tip.is_some_and(|message| message.contains(target.uid.as_str()))
        })
    }

    /// The open merge request of the bot that is about a target, which has one.
    #[track_caller]
    pub fn mr(&self, id: usize) -> MergeRequest {
        self.open(id).unwrap_or_else(|| panic!("no open request for target {id}"))
    }

    /// The one merge request that there ever was.
    #[track_caller]
    pub fn only_mr(&self) -> MergeRequest {
        let merge_requests = self.bot.project.merge_requests();
        assert_eq!(merge_requests.len(), 1, "{merge_requests:#?}");
        merge_requests[0].clone()
    }

    /// A run to its end, after everything in the background is done.
    pub async fn run(&self) -> Run {
        self.bot.forge.settle();
        self.bot.forge.clear_log();
        let run = self.bot.run().await.expect("a whole run");
        self.bot.forge.settle();
        run
    }

    /// Runs again and demands that nothing is written.
    pub async fn quiet(&self) {
        let run = self.run().await;
        let writes = self.bot.writes();
        assert!(
            writes.is_empty(),
            "a run with nothing to do wrote {writes:#?}: {:#?}",
            story(&run)
        );
    }

    /// As [`Self::run`], as a result.
    pub async fn try_run(&self) -> Ended {
        self.bot.forge.settle();
        self.bot.forge.clear_log();
        let ended = self.bot.run().await;
        self.bot.forge.settle();
        ended
    }
}

/// What a run planned and what became of it, a line for each request.
pub fn story(run: &Run) -> Vec<String> {
    let outcome = |branch: &str| {
        let outcome = run.outcomes.merge_requests.get(branch)?;
        Some(format!("{:?} {}", outcome.outcome, outcome.message.as_deref().unwrap_or_default()))
    };
    let merge_requests = run.plan.merge_requests.iter().map(|mr| {
        format!(
            "{:?} {} {}: {} [{} steps: {}]",
            mr.action,
            mr.iid.map(|iid| iid.to_string()).unwrap_or_default(),
            mr.branch,
            mr.reason,
            mr.steps.len(),
            outcome(&mr.branch).unwrap_or_default(),
        )
    });
    let problems = run.plan.problems.iter().chain(&run.outcomes.problems);
    merge_requests
        .chain(run.plan.leftovers.iter().map(|step| format!("leftover {step:?}")))
        .chain(problems.map(|problem| format!("problem {}", problem.message)))
        .map(|line| line.replace(['\n', '\r'], "|"))
        .collect()
}

/// What was planned for each request, and why.
pub fn reasons(run: &Run) -> Vec<(Action, Reason)> {
    run.plan.merge_requests.iter().map(|mr| (mr.action, mr.reason_code)).collect()
}

/// The reason of the first merge request that is deferred, whose code has to be this.
#[track_caller]
pub fn deferred(run: &Run, code: Reason) -> String {
    let found = run.plan.merge_requests.iter().find(|mr| mr.action == Action::Defer);
    let found = found.unwrap_or_else(|| panic!("nothing is deferred: {:#?}", story(run)));
    assert_eq!(found.reason_code, code, "{:#?}", story(run));
    found.reason.clone()
}
