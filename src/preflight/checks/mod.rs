//! The checks, one a file. Each is a pure function of what was seen.

mod approval;
mod branch_rules;
mod config_repo;
mod differences;
mod export;
mod facts_agree;
mod first_run;
mod label_rights;
mod label_shared;
mod merge_labels;
mod new_merge_requests;
mod old_branches_left;
mod old_promoter_alive;
mod old_requests_open;
mod project_settings;
mod push_rules;
mod queue_not_drained;
mod records;
mod refused_constructs;
mod requests_closed_by_others;
mod rollback;
mod same_user;
mod schedule;
mod shadow;
mod state_readable;
mod steady_load;
mod suppressed;
mod targets_in_error;
mod token;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(super) use differences::differences;
pub(super) use facts_agree::facts_differ;
pub(super) use first_run::first_run;
pub(super) use refused_constructs::REFUSED_CODES;

use super::context::Context;
use super::observation::Observation;
use super::surroundings::Surroundings;
use crate::domain::{count as counted, name_first};
use crate::old_promoter::OldKind;
use crate::report::{Check, CheckGroup, CheckOutcome, Phase};
use crate::snapshot::Failure;

/// What a check reads.
pub(super) struct Facts<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) around: &'a Surroundings,
    pub(super) seen: &'a Observation,
}

impl<'a> Facts<'a> {
    pub(super) fn new(
        context: &'a Context<'a>,
        around: &'a Surroundings,
        seen: &'a Observation,
    ) -> Self {
        Self { context, around, seen }
    }

    fn phase(&self) -> Phase {
        self.context.options.phase
    }
}

/// What a check finds.
#[derive(Debug)]
pub(super) struct Finding {
    outcome: CheckOutcome,
    summary: String,
    advice: Option<String>,
    evidence: Value,
}

impl Finding {
    fn new(outcome: CheckOutcome, summary: impl Into<String>) -> Self {
        Self { outcome, summary: summary.into(), advice: None, evidence: json!({}) }
    }

    fn pass(summary: impl Into<String>) -> Self {
        Self::new(CheckOutcome::Pass, summary)
    }

    fn warn(summary: impl Into<String>) -> Self {
        Self::new(CheckOutcome::Warn, summary)
    }

    fn fail(summary: impl Into<String>) -> Self {
        Self::new(CheckOutcome::Fail, summary)
    }

    fn skipped(summary: impl Into<String>) -> Self {
        Self::new(CheckOutcome::Skipped, summary)
    }

    /// A fact could not be had.
    fn not_known(what: &str, failure: &Failure) -> Self {
        let summary = format!("{what} could not be looked up: {}", failure.error);
        Self::new(CheckOutcome::NotKnown, summary)
            .advice("run it again; the message names the service and the reason")
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    fn evidence(mut self, evidence: Value) -> Self {
        self.evidence = evidence;
        self
    }

    pub(super) fn into_check(self, spec: &Spec) -> Check {
        Check {
            id: spec.id,
            group: spec.group,
            outcome: self.outcome,
            summary: self.summary,
            advice: self.advice,
            evidence: self.evidence,
            accepted_reason: None,
        }
    }
}

/// A check with its name.
pub(super) struct Spec {
    pub(super) id: &'static str,
    pub(super) group: CheckGroup,
    pub(super) check: fn(&Facts<'_>) -> Finding,
}

macro_rules! checks {
    ($($group:ident: $($id:ident),+;)+) => {
        /// All checks, in the order in which they are shown.
        pub(super) const CHECKS: &[Spec] = &[
            $($(Spec { id: stringify!($id), group: CheckGroup::$group, check: $id::check }),+),+
        ];
    };
}

checks! {
    Old: old_requests_open, old_promoter_alive, old_branches_left, requests_closed_by_others, label_shared, same_user,
         queue_not_drained;
    Rights: token, branch_rules, push_rules, project_settings, schedule;
    Queue: merge_labels, label_rights, approval, steady_load;
    State: state_readable, records, export, facts_agree;
    Plan: config_repo, first_run, targets_in_error, refused_constructs, suppressed, differences, shadow;
    New: new_merge_requests;
    Back: rollback;
}

/// Checks that nobody can take on: without them there is no answer.
pub const UNACCEPTABLE: [&str; 3] = ["token", "state_readable", "config_repo"];

/// Is there a check of this name?
pub fn is_check(id: &str) -> bool {
    CHECKS.iter().any(|spec| spec.id == id)
}

/// Users of the old promoter: as named, else the authors of what is found.
pub(super) fn old_users(facts: &Facts<'_>) -> BTreeSet<String> {
    let named = &facts.context.options.old_users;
    if !named.is_empty() {
        return named.clone();
    }
    let open = facts.seen.old_merge_requests.iter().map(|old| (old.kind, &old.author));
    let closed = facts.seen.closed_old(facts.context);
    let closed = closed.map(|(listed, kind)| (kind, &listed.fact.author));
    let merged = facts.around.merged.iter().flat_map(|list| &list.entries).filter_map(|listed| {
        Some((
            super::old_merge_requests::kind_of(facts.context, &listed.fact)?,
            &listed.fact.author,
        ))
    });
    let all = open.chain(closed).chain(merged);
    all.filter(|(kind, _)| *kind != OldKind::Other).map(|(_, author)| author.clone()).collect()
}

/// The first few of a list, and how many more there are.
fn some(names: impl IntoIterator<Item = impl ToString>) -> String {
    name_first(5, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_accepted_is_a_check() {
        assert!(UNACCEPTABLE.iter().all(|id| is_check(id)));
        assert!(!is_check("nothing"));
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(some(["a", "b"]), "a, b");
        assert_eq!(some(["a"; 7]), "a, a, a, a, a and 2 more");
    }
}
