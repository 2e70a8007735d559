//! The answer first: why, since when, when next, what to do.

use chrono::{DateTime, Utc};

use super::forecast::WhatIf;
use super::{Answer, Explanation, Found, Since, advice};
use crate::decide::{DeploymentState, GateOutcome, Outcome};
use crate::domain::span;
use crate::plan::{Action, Reason};
use crate::report::text::{short, utc};
use crate::what_if::Move;

pub(super) fn answer(explanation: &Explanation, found: &Found<'_>, what_if: &WhatIf<'_>) -> Answer {
    let next = next_move(found, what_if);
    Answer {
        summary: summary(explanation),
        since: since(explanation, found),
        next_possible_at: next.map(|step| step.at),
        next: next_text(explanation, found, what_if, next),
        advice: advice::advice(explanation, found),
    }
}

/// One sentence that begins with the target's label.
fn summary(explanation: &Explanation) -> String {
    let subscriber = &explanation.subscriber;
    let label = subscriber.target.label();
    let reason = subscriber.reason();
    let change = change(explanation);
    match (subscriber.decision, subscriber.held_by) {
        (Outcome::Hold, Some(gate)) => {
            format!("{label} is not promoted{change}: held by {}: {reason}", gate.as_str())
        }
        (Outcome::Hold, None) => format!("{label} is not promoted{change}: {reason}"),
        (Outcome::Error, _) => {
            format!("{label} is not promoted, as nobody can say whether it should be: {reason}")
        }
        (Outcome::UpToDate, _) if subscriber.channels.is_empty() => {
            format!("{label} is never promoted: it subscribes to no channel")
        }
        (Outcome::UpToDate, _) => format!(
            "{label} is up to date: it is at {}, as are all publishers that it follows",
            short(&subscriber.current_ref)
        ),
        (Outcome::Promote, _) => format!("{label} is due for promotion{change}: {}", due(explanation)),
    }
}

/// ` from A to B`, as far as it is known.
fn change(explanation: &Explanation) -> String {
    let subscriber = &explanation.subscriber;
    let from = short(&subscriber.current_ref);
    match &subscriber.candidate {
        Some(to) if to.as_str() == subscriber.current_ref => {
            " (new config hashes at the same commit)".to_owned()
        }
        Some(to) => format!(" from {from} to {}", to.short()),
        None => format!(" (it is at {from})"),
    }
}

/// Every gate passes: what about its request?
fn due(explanation: &Explanation) -> String {
    let Some(request) = explanation.request() else {
        return "every gate passes".to_owned();
    };
    let planned = &request.planned;
    let number = planned.iid.map(|iid| format!("!{iid}")).unwrap_or_default();
    match (planned.action, planned.reason_code) {
        (Action::Create, _) if !explanation.merge_requests_known => {
            "every gate passes; whether its merge request is open is not known".to_owned()
        }
        (Action::Create, _) => {
            "every gate passes; the next run of `sapm apply` opens its merge request".to_owned()
        }
        (Action::Keep, Reason::AsWanted | Reason::ReadyAgain) if request.draft == Some(true) => {
            format!("its merge request {number} is open, and somebody made it a draft")
        }
        (Action::Keep, Reason::AsWanted | Reason::ReadyAgain) => {
            format!("its merge request {number} is open and waits to be merged")
        }
        (Action::Update, _) => {
            format!("its merge request {number} is open; the next run refreshes it ({})", planned.reason)
        }
        (Action::Keep, _) => format!("its merge request {number} is {}", planned.reason),
        (Action::Close, _) => format!("its merge request {number} will be closed: {}", planned.reason),
        (Action::Defer | Action::Hold, _) => {
            format!("every gate passes, but no merge request is opened: {}", planned.reason)
        }
    }
}

fn since(explanation: &Explanation, found: &Found<'_>) -> Option<Since> {
    let subscriber = &explanation.subscriber;
    let since = |at: DateTime<Utc>, what: &str| Some(Since { at, what: what.to_owned() });
    match subscriber.decision {
        Outcome::UpToDate | Outcome::Error => None,
        Outcome::Promote => {
            let opened = explanation.request().and_then(|request| request.planned.opened_at);
            let promotable =
                found.decisions.subscribers.get(&found.target).and_then(|d| d.promotable_since);
            match (opened, promotable) {
                (Some(at), _) => since(at, "its merge request was opened"),
                (None, Some(at)) => since(at, "the deployments upstream allow it"),
                (None, None) => None,
            }
        }
        Outcome::Hold => {
            let deployed = |followed: &super::FollowedReport| {
                followed.check_in.filter(|_| followed.state == Some(DeploymentState::Success))
            };
            let all: Option<Vec<_>> = explanation.publishers.iter().map(deployed).collect();
            let committed = explanation.publishers.iter().filter_map(|p| p.committed_at).max();
            match (all.and_then(|times| times.into_iter().max()), committed) {
                (Some(at), _) => since(at, "the last of its publishers was deployed"),
                (None, Some(at)) => since(at, "the newest commit upstream was made"),
                (None, None) => None,
            }
        }
    }
}

/// The target's next promotion.
fn next_move<'a>(found: &Found<'_>, what_if: &WhatIf<'a>) -> Option<&'a Move> {
    let asked = match what_if.assumed {
        Some((_, forecast, _)) => forecast,
        None => what_if.plain,
    };
    asked.moves.iter().find(|step| step.target == found.target)
}

fn next_text(
    explanation: &Explanation,
    found: &Found<'_>,
    what_if: &WhatIf<'_>,
    next: Option<&Move>,
) -> String {
    let assumed = if what_if.assumed.is_some() { "with what is assumed: " } else { "" };
    let now = explanation.observed_at;
    match next {
        Some(step) if step.at <= now => {
            format!("{assumed}now, to {}", short(&step.to))
        }
        Some(step) => {
            let waited = step.waited.map(|w| format!("; waits for {}", w.gate.as_str()));
            format!(
                "{assumed}{} (in {}), to {}, if nothing else changes{}",
                utc(step.at),
                span(step.at - now),
                short(&step.to),
                waited.unwrap_or_default()
            )
        }
        None => format!("{assumed}{}", never(explanation, found, what_if)),
    }
}

fn never(explanation: &Explanation, found: &Found<'_>, what_if: &WhatIf<'_>) -> String {
    let stay = what_if.asked().stays.iter().find(|stay| stay.target == found.target);
    let until = utc(what_if.asked().until);
    match stay {
        Some(stay) if what_if.assumed.is_some() => {
            format!("not before {until}: {}", stay.reason)
        }
        Some(_) => {
            let waits: Vec<&str> = explanation
                .subscriber
                .gates
                .iter()
                .filter(|gate| {
                    gate.outcome == GateOutcome::Hold && gate.next_possible_at.is_none()
                })
                .map(|gate| gate.gate.as_str())
                .collect();
            if waits.is_empty() {
                format!("not by the passage of time alone, as far as {until}")
            } else {
                format!("not by the passage of time alone: {} waits for something to change", waits.join(", "))
            }
        }
        None => "when its publishers have deployed another commit".to_owned(),
    }
}
