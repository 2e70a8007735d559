//! Is a target in error that the old promoter promoted lately?

use serde_json::{Value, json};

use super::{Facts, Finding, counted, some};
use crate::decide::Outcome;
use crate::preflight::history::PastMove;
use crate::report::{CheckOutcome, SubscriberReport};
use crate::snapshot::Failure;

const ADVICE: &str = "correct them: `sapm explain TARGET` and docs/problems.md say how";

/// A target in error that the old promoter moved lately.
type Promoted<'a> = (&'a SubscriberReport, &'a PastMove);

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let subscribers = facts.context.report.subscribers.iter();
    let in_error: Vec<&SubscriberReport> =
        subscribers.filter(|subscriber| subscriber.decision == Outcome::Error).collect();
    if in_error.is_empty() {
        return Finding::pass("no target is in error");
    }
    let (promoted, unread) = promoted_lately(facts, &in_error);
    let evidence = evidence(&in_error, &promoted);
    if !promoted.is_empty() {
        let named = promoted.iter().map(|(subscriber, last)| {
            let by = last.iid.map(|iid| format!(" (last by {iid})")).unwrap_or_default();
            format!("{}{by}", line(subscriber))
        });
        let summary = format!(
            "{} in error that the old promoter promoted in the last 30 days: {}",
            counted(promoted.len(), "target"),
            some(named)
        );
        return Finding::fail(summary).advice(ADVICE).evidence(evidence);
    }
    let named = some(in_error.iter().map(|subscriber| line(subscriber)));
    let summary = format!("{} in error: {named}", counted(in_error.len(), "target"));
    let finding = match unread {
        Some(failure) => {
            let unknown = "whether the old promoter promoted them could not be looked up";
            let summary = format!("{summary}; {unknown}: {}", failure.error);
            Finding::new(CheckOutcome::NotKnown, summary)
        }
        None => Finding::warn(summary),
    };
    finding.advice(ADVICE).evidence(evidence)
}

fn promoted_lately<'a>(
    facts: &Facts<'a>,
    in_error: &[&'a SubscriberReport],
) -> (Vec<Promoted<'a>>, Option<&'a Failure>) {
    let (mut promoted, mut unread) = (Vec::new(), None);
    for &subscriber in in_error {
        match facts.around.past.get(&subscriber.edit_file) {
            Some(Ok(past)) => {
                let last = past.targets.get(&subscriber.target.uid);
                promoted.extend(last.map(|last| (subscriber, last)));
            }
            Some(Err(failure)) => unread = Some(failure),
            None => {}
        }
    }
    (promoted, unread)
}

fn line(subscriber: &SubscriberReport) -> String {
    let error = subscriber.errors.first().cloned().unwrap_or_default();
    format!("{}: {error}", subscriber.target.label())
}

fn evidence(in_error: &[&SubscriberReport], promoted: &[Promoted<'_>]) -> Value {
    json!({
        "targets": in_error.iter().map(|subscriber| json!({
            "target": subscriber.target.label(), "uid": subscriber.target.uid, "file": subscriber.edit_file,
            "line": subscriber.edit_line, "errors": subscriber.errors,
        })).collect::<Vec<_>>(),
        "promoted_lately": promoted.iter().map(|(subscriber, last)| json!({
            "target": subscriber.target.label(), "at": last.at, "iid": last.iid,
        })).collect::<Vec<_>>(),
    })
}
