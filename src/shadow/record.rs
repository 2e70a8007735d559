//! Adding a run to the ledger, and dropping what is old.

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger::{LONGEST_STEP, Ledger, OldState, Segment, Trouble};
use super::observation::Observed;
use crate::report::FactDifference;

/// Days that are kept.
const KEPT_DAYS: i64 = 30;
/// Longest reason that is kept, in characters.
const MAX_REASON: usize = 160;
/// Times at which the export was written that are kept.
const MAX_EXPORTS: usize = 5_000;
/// Config hashes of a channel that are kept.
const MAX_HASHES: usize = 200;
/// Messages of errors that are kept.
const MAX_MESSAGES: usize = 10;

impl Ledger {
    /// Adds a run.
    pub fn record(&mut self, run: &Observed) {
        self.record_time(run.at);
        for (uid, watched) in &run.targets {
            let history = self.targets.entry(uid.clone()).or_default();
            history.label.clone_from(&watched.label);
            history.traits = watched.traits.clone();
            let mut next = watched.interval.clone();
            next.reason = next.reason.chars().take(MAX_REASON).collect();
            match history.intervals.last_mut() {
                Some(last) if last.is_same(&next) => last.to = run.at,
                _ => history.intervals.push(next),
            }
        }
        for (iid, facts) in &run.merge_requests {
            self.merge_requests.insert(*iid, facts.clone());
        }
        for (channel, known) in &run.hashes {
            let all = self.hashes.entry(channel.clone()).or_default();
            if all.len() + known.len() > MAX_HASHES {
                all.clear();
            }
            all.extend(known.clone());
        }
        self.exports.extend(run.export_written_at);
        self.record_errors(run);
        self.record_facts(run);
        self.prune(run.at);
    }

    fn record_time(&mut self, at: DateTime<Utc>) {
        let day = at.date_naive();
        match self.segments.last_mut() {
            Some(last) if at - last.to <= LONGEST_STEP => {
                last.to = at;
                *last.runs.entry(day).or_default() += 1;
            }
            _ => self.segments.push(Segment { from: at, to: at, runs: [(day, 1)].into() }),
        }
    }

    fn record_errors(&mut self, run: &Observed) {
        let most = self.errors.entry(run.at.date_naive()).or_default();
        *most = (*most).max(run.errors.len());
        if run.errors.is_empty() {
            return;
        }
        match self.troubles.last_mut() {
            Some(last) if last.count == run.errors.len() && run.at - last.to <= LONGEST_STEP => {
                last.to = run.at;
            }
            _ => {
                let shown = run.errors.iter().take(MAX_MESSAGES);
                let messages = shown.map(|text| text.chars().take(MAX_REASON).collect()).collect();
                let count = run.errors.len();
                self.troubles.push(Trouble { from: run.at, to: run.at, count, messages });
            }
        }
    }

    /// A difference goes on, or begins; one that ended after a single run was none.
    fn record_facts(&mut self, run: &Observed) {
        let Some((compared, differing)) = &run.facts else { return };
        self.facts_compared = *compared;
        let last = self.segments.last().map_or(run.at, |segment| segment.from);
        for (publisher, (theirs, ours)) in differing {
            let goes_on = self.facts.iter_mut().rev().find(|fact| {
                fact.publisher == *publisher
                    && fact.until >= last
                    && run.at - fact.until <= LONGEST_STEP
            });
            match goes_on {
                Some(fact) => {
                    fact.until = run.at;
                    fact.runs += 1;
                    (fact.theirs, fact.ours) = (theirs.clone(), ours.clone());
                }
                None => self.facts.push(FactDifference {
                    publisher: publisher.clone(),
                    theirs: theirs.clone(),
                    ours: ours.clone(),
                    since: run.at,
                    until: run.at,
                    runs: 1,
                }),
            }
        }
        self.facts.retain(|fact| fact.runs > 1 || fact.until == run.at);
    }

    /// Drops what is older than is kept.
    fn prune(&mut self, now: DateTime<Utc>) {
        let oldest = now - TimeDelta::days(KEPT_DAYS);
        self.segments.retain(|segment| segment.to >= oldest);
        for history in self.targets.values_mut() {
            history.intervals.retain(|interval| interval.to >= oldest);
        }
        self.targets.retain(|_, history| !history.intervals.is_empty());
        self.merge_requests.retain(|_, facts| {
            facts.state == OldState::Opened || facts.ended_at.is_none_or(|at| at >= oldest)
        });
        self.exports.retain(|at| *at >= oldest);
        while self.exports.len() > MAX_EXPORTS {
            self.exports.pop_first();
        }
        self.troubles.retain(|trouble| trouble.to >= oldest);
        self.errors.retain(|day, _| *day >= oldest.date_naive());
        self.facts.retain(|fact| fact.until >= oldest);
    }
}
