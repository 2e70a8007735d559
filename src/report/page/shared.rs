//! Values that many targets share, written once.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use serde::Serialize;

use super::super::model::{PlanReport, PublisherReport, SubscriberReport};
use super::data::seconds;
use crate::decide::{DeploymentState, Evidence, Gate, GateOutcome, GateResult};

/// A gate result.
#[derive(Serialize)]
pub(super) struct GateData<'a> {
    gate: Gate,
    outcome: GateOutcome,
    reason: &'a str,
    evidence: Option<&'a Evidence>,
    next: Option<i64>,
}

/// A deployment: state, time, and why it is not usable.
pub(super) type DeploymentData<'a> = (DeploymentState, Option<i64>, Option<&'a str>);

/// Distinct gate results.
#[derive(Default)]
pub(super) struct Gates<'a> {
    /// Sorted by index.
    pub listed: Vec<GateData<'a>>,
    known: HashMap<GateKey<'a>, usize>,
}

/// What tells gate results apart; of the evidence its text, because its numbers have no order.
type GateKey<'a> = (Gate, GateOutcome, &'a str, Option<i64>, String);

impl<'a> Gates<'a> {
    /// Indexes of a target's gates.
    pub fn index_gates(&mut self, subscriber: &'a SubscriberReport) -> Vec<usize> {
        subscriber.gates.iter().map(|gate| self.index(gate)).collect()
    }

    fn index(&mut self, result: &'a GateResult) -> usize {
        let GateResult { gate, outcome, reason, evidence, next_possible_at } = result;
        let evidence = match gate {
            // The page shows the publishers themselves.
            Gate::Deployment => None,
            _ => Some(evidence),
        };
        let text = match evidence {
            // The evidence of most gates.
            None | Some(Evidence::Nothing {}) => String::new(),
            Some(evidence) => format!("{evidence:?}"),
        };
        let (gate, outcome, next) = (*gate, *outcome, seconds(*next_possible_at));
        *self.known.entry((gate, outcome, reason.as_str(), next, text)).or_insert_with(|| {
            self.listed.push(GateData { gate, outcome, reason, evidence, next });
            self.listed.len() - 1
        })
    }
}

/// Values of one kind, each once.
pub(super) struct Once<T> {
    /// Sorted by index.
    pub listed: Vec<T>,
    // Long texts with the same beginning take long to put in order.
    known: HashMap<T, usize>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { listed: Vec::new(), known: HashMap::new() }
    }
}

impl<T: Eq + Hash + Clone> Once<T> {
    /// The index of a value.
    pub fn index(&mut self, value: T) -> usize {
        if let Some(known) = self.known.get(&value) {
            return *known;
        }
        self.known.insert(value.clone(), self.listed.len());
        self.listed.push(value);
        self.listed.len() - 1
    }
}

/// Texts, each once; `None` is one of them.
pub(super) type Texts<'a> = Once<Option<Cow<'a, str>>>;

impl<'a> Texts<'a> {
    /// The index of a text.
    pub fn text(&mut self, text: &'a str) -> usize {
        self.index(Some(Cow::Borrowed(text)))
    }

    /// The index of a text, if there is one.
    pub fn option(&mut self, text: Option<&'a str>) -> usize {
        self.index(text.map(Cow::Borrowed))
    }
}

/// The publishers that targets follow, with their own indexes.
pub(super) struct Followed<'a> {
    report: &'a PlanReport,
    on: BTreeMap<&'a str, Vec<usize>>,
    /// Their positions in the report.
    pub listed: Vec<usize>,
    known: BTreeMap<usize, usize>,
}

impl<'a> Followed<'a> {
    pub fn new(report: &'a PlanReport) -> Self {
        let mut on: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, publisher) in report.publishers.iter().enumerate() {
            for channel in &publisher.channels {
                on.entry(channel).or_default().push(at);
            }
        }
        Self { report, on, listed: Vec::new(), known: BTreeMap::new() }
    }

    /// Channel and index of every publisher that a subscriber follows.
    pub fn index_publishers(&mut self, subscriber: &'a SubscriberReport) -> Vec<(&'a str, usize)> {
        let mut follows = Vec::new();
        for channel in &subscriber.channels {
            for &at in self.on.get(channel.as_str()).into_iter().flatten() {
                let index = *self.known.entry(at).or_insert_with(|| {
                    self.listed.push(at);
                    self.listed.len() - 1
                });
                follows.push((channel.as_str(), index));
            }
        }
        follows
    }

    /// The publisher with an index.
    pub fn publisher_at(&self, index: usize) -> &'a PublisherReport {
        &self.report.publishers[self.listed[index]]
    }
}
