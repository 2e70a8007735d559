//! What happens in a day, whatever the bot does about it: releases, and what people want to merge.

use fastrand::Rng;

/// How busy a day is.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Promotions that become due in a day.
    pub promotions: f64,
    /// Share of the promotions whose pipeline fails until a later commit mends it.
    pub bad: f64,
    /// Merge requests of people in a day.
    pub people: f64,
    /// Share of pipelines that fail without a cause.
    pub flaky: f64,
    /// Apps with a saas file each.
    pub apps: usize,
    /// Hours of a day in which people work; releases are theirs, too.
    pub hours: f64,
}

/// A busy day as qontract-reconcile's ADR-019 has it.
impl Default for Load {
    fn default() -> Self {
        Self { promotions: 120.0, bad: 0.02, people: 25.0, flaky: 0.01, apps: 24, hours: 10.0 }
    }
}

/// Subscribers of the app with this number: one to five, three on average.
pub(crate) fn subscribers(app: usize) -> usize {
    1 + app * 2 % 5
}

/// A label that puts people's merge requests into the queue, with its place among all labels. The bot's own
/// (`bot/approved: progressive-delivery`) is the fourth.
const PEOPLE: [(u8, u8); 4] = [(2, 10), (4, 10), (5, 10), (7, 70)];

/// The place of the bot's label among all labels.
pub(crate) const BOTS: u8 = 3;

/// The place of `lgtm`.
pub(crate) const LGTM: u8 = 7;

/// Seconds since the day began.
pub(crate) type Time = u64;

/// What comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// An app is released and deployed on stage. For each of its subscribers a bit: is it bad there?
    Release { app: usize, bad: u8 },
    /// A merge request of somebody gets a label that has this place.
    Person { priority: u8 },
}

impl Load {
    /// The day with this seed, in order of time: the same for every policy and queue.
    pub(crate) fn day(&self, seed: u64) -> Vec<(Time, Arrival)> {
        let mut rng = Rng::with_seed(seed);
        let all: usize = (0..self.apps).map(subscribers).sum();
        let releases = self.promotions * self.apps as f64 / all as f64;
        let mut arrivals = Vec::new();
        for at in self.times(releases, &mut rng) {
            let app = rng.usize(..self.apps);
            let bits = (0..subscribers(app)).filter(|_| rng.f64() < self.bad);
            let bad = bits.fold(0, |bits, at| bits | 1 << at);
            arrivals.push((at, Arrival::Release { app, bad }));
        }
        for at in self.times(self.people, &mut rng) {
            let mut dice = rng.u8(..100);
            let label = PEOPLE.iter().find(|(_, share)| match dice.checked_sub(*share) {
                Some(rest) => {
                    dice = rest;
                    false
                }
                None => true,
            });
            arrivals.push((at, Arrival::Person { priority: label.map_or(LGTM, |label| label.0) }));
        }
        arrivals.sort_by_key(|(at, _)| *at);
        arrivals
    }

    /// Moments of a Poisson process that has so many of them in a day.
    fn times(&self, count: f64, rng: &mut Rng) -> Vec<Time> {
        let span = self.hours * 3600.0;
        let mut times = Vec::new();
        let mut now = 0.0;
        loop {
            now += -(1.0 - rng.f64()).ln() * span / count.max(1e-9);
            if now >= span {
                return times;
            }
            times.push(now as Time);
        }
    }
}
