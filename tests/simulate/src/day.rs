//! One day, event by event.

mod pipelines;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use forge::Access;

use crate::bot::{Bot, Policy};
use crate::estate;
use crate::load::{Arrival, BOTS, LGTM, Load, Time, subscribers};
use crate::ports::{BOT, Forge};
use crate::queue::{Car, Pipeline, Queue, Round, Stop, Waiting, Who, next_stop, serial};

const MINUTE: Time = 60;
const HOUR: Time = 60 * MINUTE;
/// The bot's schedule.
const BETWEEN_RUNS: Time = 5 * MINUTE;
/// What is not merged by then never will be.
const END: Time = 48 * HOUR;

/// A subscriber: its app, and its place in the app's saas file.
type Target = (usize, usize);

/// What a day came to. Times are minutes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// From due to merged, of each good promotion.
    pub waits: Vec<f64>,
    /// From the label to the merge, of each request of people that `lgtm` approved.
    pub people: Vec<f64>,
    /// Pipelines that the bot's merge requests took.
    pub pipelines: usize,
    /// Merge requests that the bot opened.
    pub opened: usize,
    /// Good promotions that were once in a merge request whose pipeline failed for another one.
    pub behind_bad: usize,
    /// Between two merges, while somebody waited.
    pub gaps: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The arrival with this number.
    Arrives(usize),
    /// A release that mends a bad one.
    Mended(usize),
    PipelineEnds(Who, u64),
    /// Somebody runs a pipeline again that failed without a cause.
    Retried(Who, u64),
    BotRuns,
    Round,
}

struct Promotion {
    target: Target,
    release: usize,
    due: Time,
    /// Does it count? Not what is bad, and not what only mends.
    counts: bool,
    merged: Option<Time>,
    behind_bad: bool,
}

struct Day<'a> {
    load: &'a Load,
    queue: Queue,
    world: forge::Forge,
    bot: Bot,
    rng: Rng,
    now: Time,
    events: BinaryHeap<Reverse<(Time, u64, Event)>>,
    scheduled: u64,
    waiting: BTreeMap<Who, Waiting>,
    train: Vec<Car>,
    /// Tips of the bot's open merge requests.
    tips: BTreeMap<u64, String>,
    merges: u64,
    /// The last merge, if somebody waited after it.
    last_merge: Option<Time>,
    /// Releases of each app.
    releases: Vec<usize>,
    promotions: Vec<Promotion>,
    bad: BTreeSet<(Target, usize)>,
    mended: BTreeSet<(usize, usize)>,
    /// Has something happened since the bot's last run?
    news: bool,
    outcome: Outcome,
}

/// The day with this seed, and what followed until all was merged.
pub fn simulate(policy: &Policy, queue: Queue, load: &Load, seed: u64) -> Outcome {
    let arrivals = load.day(seed);
    let mut day = Day::new(policy, queue, load, seed);
    for (number, (at, _)) in arrivals.iter().enumerate() {
        day.schedule(*at, Event::Arrives(number));
    }
    day.schedule(0, Event::BotRuns);
    day.schedule(0, Event::Round);
    let mut left = arrivals.len();
    while let Some(Reverse((at, _, event))) = day.events.pop() {
        day.now = at;
        if at >= END || (left == 0 && day.is_over()) {
            break;
        }
        if let Event::Arrives(number) = event {
            left -= 1;
            day.arrives(number, arrivals[number].1);
        } else {
            day.happens(event);
        }
    }
    day.outcome(&arrivals)
}

impl<'a> Day<'a> {
    fn new(policy: &Policy, queue: Queue, load: &'a Load, seed: u64) -> Self {
        let mut builder = forge::Forge::builder().time(begin()).threads(1);
        if std::path::Path::new("/dev/shm").is_dir() {
            builder = builder.folder("/dev/shm");
        }
        let world = builder.start_blocking();
        let project = world.create_project("team/config", estate::files(load.apps));
        let bot = project.add_bot(BOT, "glpat-of-the-bot", Access::Developer, &["api"]);
        let forge = Forge::new(project, bot);
        let mut day = Self {
            load,
            queue,
            world,
            bot: Bot::new(forge, &policy.kind, load.apps),
            rng: Rng::with_seed(!seed),
            now: 0,
            events: BinaryHeap::new(),
            scheduled: 0,
            waiting: BTreeMap::new(),
            train: Vec::new(),
            tips: BTreeMap::new(),
            merges: 0,
            last_merge: None,
            releases: vec![0; load.apps],
            promotions: Vec::new(),
            bad: BTreeSet::new(),
            mended: BTreeSet::new(),
            news: false,
            outcome: Outcome::default(),
        };
        (0..load.apps).for_each(|app| day.publish(app));
        day
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at, self.scheduled, event)));
    }

    fn time(&self) -> DateTime<Utc> {
        begin() + TimeDelta::seconds(i64::try_from(self.now).unwrap())
    }

    fn is_over(&self) -> bool {
        self.waiting.is_empty()
            && self.promotions.iter().all(|promotion| promotion.merged.is_some())
    }

    /// The newest release of an app is deployed on stage.
    fn publish(&mut self, app: usize) {
        let commit = estate::commit(app, self.releases[app]);
        let check_in = self.time().format("%Y-%m-%d %H:%M:%S.000000+00:00").to_string();
        let (key, record) = estate::record(app, &commit, &check_in);
        let mut facts = self.bot.forge.facts.lock().unwrap();
        facts.commits.insert(estate::url(app), commit);
        facts.records.insert(key, record);
    }

    fn release(&mut self, app: usize, bad: u8, mends: bool) {
        self.releases[app] += 1;
        let (release, due) = (self.releases[app], self.now);
        for at in 0..subscribers(app) {
            let (target, is_bad) = ((app, at), bad & 1 << at != 0);
            if is_bad {
                self.bad.insert((target, release));
            }
            let counts = !is_bad && !mends;
            let (merged, behind_bad) = (None, false);
            self.promotions.push(Promotion { target, release, due, counts, merged, behind_bad });
        }
        self.publish(app);
        self.news = true;
    }

    fn arrives(&mut self, number: usize, arrival: Arrival) {
        match arrival {
            Arrival::Release { app, bad } => self.release(app, bad, false),
            Arrival::Person { priority } => {
                // It was tested before it got its label, on what is an old state by now.
                let (who, since) = (Who::Person(number), (priority, self.now));
                let (based_on, pipeline, run, failures) = (0, Pipeline::Passed, 0, 0);
                let waiting = Waiting { who, since, based_on, pipeline, run, failures };
                self.waiting.insert(who, waiting);
            }
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives(_) => {}
            Event::Mended(app) => self.release(app, 0, true),
            Event::PipelineEnds(who, run) => self.pipeline_ends(who, run),
            Event::Retried(who, run) => {
                let is_same =
                    |waiting: &Waiting| waiting.run == run && waiting.pipeline == Pipeline::Failed;
                if self.waiting.get(&who).is_some_and(is_same) {
                    self.start_pipeline(who);
                }
            }
            Event::BotRuns => {
                if self.news {
                    self.world.set_time(self.time());
                    self.bot.run(self.time());
                    self.news = self.look_at_bots_merge_requests();
                }
                self.schedule(self.now + BETWEEN_RUNS, Event::BotRuns);
            }
            Event::Round => self.round(),
        }
    }

    /// Takes over what the bot did to its merge requests. Has it done anything?
    fn look_at_bots_merge_requests(&mut self) -> bool {
        let open = self.bot.forge.project.open_merge_requests();
        let open = open.into_iter().filter(|mr| !mr.is_draft());
        let tips: BTreeMap<u64, String> = open.filter_map(|mr| Some((mr.iid, mr.sha?))).collect();
        let before = std::mem::replace(&mut self.tips, tips.clone());
        let gone = before.keys().filter(|iid| !tips.contains_key(iid));
        for who in gone.map(|iid| Who::Bot(*iid)) {
            self.waiting.remove(&who);
            self.train.retain(|car| car.who != who);
        }
        for (iid, _) in tips.iter().filter(|(iid, tip)| before.get(iid) != Some(tip)) {
            let who = Who::Bot(*iid);
            self.outcome.opened += usize::from(!before.contains_key(iid));
            self.leave_train(who);
            let (since, based_on) = ((BOTS, self.now), self.merges);
            let (pipeline, run, failures) = (Pipeline::Running, 0, 0);
            let new = Waiting { who, since, based_on, pipeline, run, failures };
            self.waiting.entry(who).or_insert(new).based_on = based_on;
            self.start_pipeline(who);
        }
        before != self.tips
    }

    /// GitLab takes a merge request off its train when its branch is pushed to.
    fn leave_train(&mut self, who: Who) {
        if let Some(at) = self.train.iter().position(|car| car.who == who) {
            self.train.remove(at);
            self.train[at..].iter_mut().for_each(|behind| behind.ends = None);
        }
    }

    fn round(&mut self) {
        let next = match self.queue {
            Queue::Serial { rebases } => {
                let waiting: Vec<Waiting> = self.waiting.values().cloned().collect();
                match serial(&waiting, self.merges, rebases) {
                    // The next round begins at once, and rebases.
                    Round::Merge(who) => {
                        self.merge(who);
                        15
                    }
                    Round::Rebase(behind) => {
                        for who in behind {
                            self.waiting.get_mut(&who).unwrap().based_on = self.merges;
                            self.start_pipeline(who);
                        }
                        90 + self.rng.u64(..=30)
                    }
                }
            }
            Queue::Train { parallel } => {
                self.board(parallel);
                while let Some(stop) = next_stop(&mut self.train, self.now) {
                    match stop {
                        Stop::Merge(who) => self.merge(who),
                        Stop::Remove(who) => self.failed(who),
                    }
                }
                30
            }
        };
        self.schedule(self.now + next, Event::Round);
    }

    /// Whoever has a label and a good pipeline gets on the train, and the first of them are tested.
    fn board(&mut self, parallel: usize) {
        let on_train = |who| self.train.iter().any(|car| car.who == who);
        let mut new: Vec<&Waiting> = self.waiting.values().collect();
        new.retain(|waiting| waiting.pipeline == Pipeline::Passed && !on_train(waiting.who));
        new.sort_by_key(|waiting| (waiting.since, waiting.who));
        let new: Vec<Who> = new.into_iter().map(|waiting| waiting.who).collect();
        for who in new {
            if let Who::Bot(iid) = who {
                self.bot.forge.project.set_auto_merge(iid, true);
            }
            self.train.push(Car { who, ends: None, fails: false });
        }
        for at in 0..self.train.len().min(parallel) {
            if self.train[at].ends.is_none() {
                let who = self.train[at].who;
                self.outcome.pipelines += usize::from(matches!(who, Who::Bot(_)));
                let (ends, fails) = (self.now + self.duration(), self.fails(who));
                self.train[at] = Car { who, ends: Some(ends), fails };
            }
        }
    }

    fn merge(&mut self, who: Who) {
        let members = self.members(who);
        if let Who::Bot(iid) = who {
            self.world.set_time(self.time());
            self.bot.forge.project.merge("housekeeper", iid).expect("a request that can be merged");
            self.world.settle();
            self.tips.remove(&iid);
            self.news = true;
        }
        let waiting = self.waiting.remove(&who).unwrap();
        if waiting.since.0 == LGTM {
            self.outcome.people.push(minutes(self.now - waiting.since.1));
        }
        for promotion in self.promotions.iter_mut().filter(|one| one.merged.is_none()) {
            let is_in = members.iter().any(|(target, release)| {
                *target == promotion.target && *release >= promotion.release
            });
            promotion.merged = is_in.then_some(self.now);
        }
        self.merges += 1;
        self.outcome.gaps.extend(self.last_merge.map(|last| minutes(self.now - last)));
        self.last_merge = (!self.waiting.is_empty()).then_some(self.now);
    }

    /// What is not merged has waited until now at least.
    fn outcome(mut self, arrivals: &[(Time, Arrival)]) -> Outcome {
        let good = self.promotions.iter().filter(|promotion| promotion.counts);
        for promotion in good {
            let until = promotion.merged.unwrap_or(self.now);
            self.outcome.waits.push(minutes(until - promotion.due));
            self.outcome.behind_bad += usize::from(promotion.behind_bad);
        }
        for who in self.waiting.keys() {
            if let Who::Person(number) = who
                && arrivals[*number].1 == (Arrival::Person { priority: LGTM })
            {
                self.outcome.people.push(minutes(self.now - arrivals[*number].0));
            }
        }
        self.outcome
    }
}

fn begin() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn minutes(seconds: Time) -> f64 {
    seconds as f64 / MINUTE as f64
}
