//! The short answer: why, since when, when next, what to do.

use chrono::{DateTime, Utc};

use super::forecast::WhatIf;
use super::{Answer, Explanation, Found, Since, advice, words};
use crate::decide::{DeploymentState, Gate, GateResult, Outcome};
use crate::domain::{short_ref, span};
use crate::plan::{Action, Reason};
use crate::report::text::utc;
use crate::what_if::{Assumption, Forecast, Move};

pub(super) fn answer(explanation: &Explanation, found: &Found<'_>, what_if: &WhatIf<'_>) -> Answer {
    let move_at = find_own_moves(found, what_if.plain).next().map(|step| step.at);
    let causes = find_causes(explanation);
    Answer {
        summary: write_summary(explanation, &causes),
        causes,
        since: find_since(explanation, found),
        next_possible_at: move_at.or_else(|| {
            find_next_beyond_forecast(explanation, found, what_if.plain).map(|(at, _)| at)
        }),
        next: describe_next(explanation, found, what_if.plain),
        what_if: what_if.assumed.map(|(assumptions, forecast, _)| {
            describe_what_if(explanation, found, assumptions, forecast)
        }),
        advice: advice::advice(explanation, found),
    }
}

/// Why facts are missing that the decision needs.
fn find_causes(explanation: &Explanation) -> Vec<String> {
    if explanation.subscriber.decision != Outcome::Error {
        return Vec::new();
    }
    let unknown = explanation.publishers.iter().filter(|followed| followed.state.is_none());
    let mut causes: Vec<String> = Vec::new();
    for cause in unknown.filter_map(|followed| followed.reason.as_ref()) {
        if !causes.contains(cause) {
            causes.push(cause.clone());
        }
    }
    causes
}

/// One sentence that begins with the target's label.
fn write_summary(explanation: &Explanation, causes: &[String]) -> String {
    let subscriber = &explanation.subscriber;
    let label = subscriber.target.label();
    let reason = words::strip_causes(&subscriber.reason(), causes).to_owned();
    let change = describe_change(explanation);
    match (subscriber.decision, subscriber.held_by) {
        (Outcome::Hold, Some(gate)) => {
            format!("{label} is not promoted{change}: held by {}: {reason}", gate.as_str())
        }
        (Outcome::Hold, None) => format!("{label} is not promoted{change}: {reason}"),
        (Outcome::Error, _) => format!("{label} is not promoted: {reason}"),
        (Outcome::UpToDate, _) if subscriber.channels.is_empty() => {
            format!("{label} is never promoted: it subscribes to no channel")
        }
        (Outcome::UpToDate, _) => format!(
            "{label} is up to date: it is at {}, like all publishers that it follows",
            short_ref(&subscriber.current_ref)
        ),
        (Outcome::Promote, _) => {
            format!("{label} is due for promotion{change}: {}", describe_merge_request(explanation))
        }
    }
}

/// ` from A to B`, as far as known.
fn describe_change(explanation: &Explanation) -> String {
    let subscriber = &explanation.subscriber;
    let from = short_ref(&subscriber.current_ref);
    match &subscriber.candidate {
        Some(to) if to.as_str() == subscriber.current_ref => {
            // Without config hashes the target would be up to date.
            let usable = |followed: &super::FollowedReport| {
                matches!(followed.state, Some(DeploymentState::Success | DeploymentState::Failed))
            };
            if explanation.publishers.iter().all(usable) {
                return " (new config hashes at the same commit)".to_owned();
            }
            format!(" (it already has {from}; whether config hashes are new is not known yet)")
        }
        Some(to) => format!(" from {from} to {}", to.short()),
        None => format!(" (it is at {from})"),
    }
}

/// Every gate passes: the state of the merge request.
fn describe_merge_request(explanation: &Explanation) -> String {
    let Some(mr) = explanation.mr() else {
        return "every gate passes".to_owned();
    };
    let planned = &mr.planned;
    let number = planned.iid.map(|iid| format!("{iid}")).unwrap_or_default();
    match (planned.action, planned.reason_code) {
        (Action::Create, _) if !explanation.merge_requests_known => {
            "every gate passes; whether its merge request is open is not known".to_owned()
        }
        (Action::Create, _) => {
            format!("every gate passes; {}", words::opens(explanation, "its merge request"))
        }
        (Action::Keep, Reason::AsWanted | Reason::ReadyAgain) if mr.draft == Some(true) => {
            format!("its merge request {number} is open, but somebody made it a draft")
        }
        (Action::Keep, Reason::AsWanted | Reason::ReadyAgain) => {
            format!("its merge request {number} is open and waiting to be merged")
        }
        (Action::Update, _) if explanation.is_now() => {
            format!(
                "its merge request {number} is open; the next run updates it ({})",
                planned.reason
            )
        }
        (Action::Update, _) => {
            format!(
                "its merge request {number} is open; a run at that time would update it ({})",
                planned.reason
            )
        }
        (_, Reason::BeingMerged) => format!("GitLab is merging {number}"),
        (Action::Keep, _) if planned.reason.starts_with("left ") => {
            format!("its merge request {number} is {}", planned.reason)
        }
        (Action::Keep, _) => format!("its merge request {number} is open: {}", planned.reason),
        (Action::Hold, _) => {
            format!("its merge request {number} is a draft for now: {}", planned.reason)
        }
        (Action::Close, _) => {
            let will = if explanation.is_now() { "will" } else { "would" };
            format!("its merge request {number} {will} be closed: {}", planned.reason)
        }
        (Action::Defer, _) => {
            format!("every gate passes, but no merge request is opened: {}", planned.reason)
        }
    }
}

pub(super) fn find_since(explanation: &Explanation, found: &Found<'_>) -> Option<Since> {
    let subscriber = &explanation.subscriber;
    let since = |at: DateTime<Utc>, what: &str| Some(Since { at, what: what.to_owned() });
    match subscriber.decision {
        Outcome::UpToDate | Outcome::Error => None,
        Outcome::Promote => {
            let opened = explanation.mr().and_then(|mr| mr.planned.opened_at);
            let promotable =
                found.decisions.subscribers.get(&found.target).and_then(|d| d.promotable_since);
            match (opened, promotable) {
                (Some(at), _) => since(at, "its merge request was opened"),
                (None, Some(at)) => since(at, "deployments and schedule allow it"),
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

/// When the target is promoted without assumptions.
fn describe_next(explanation: &Explanation, found: &Found<'_>, plain: &Forecast) -> String {
    match find_own_moves(found, plain).next() {
        Some(step) => describe_move(explanation, step),
        None => describe_absence(explanation, found, plain),
    }
}

/// When the last of the gates that depend only on time opens, if that is after the forecast's end.
fn find_next_beyond_forecast(
    explanation: &Explanation,
    found: &Found<'_>,
    plain: &Forecast,
) -> Option<(DateTime<Utc>, Gate)> {
    let held = explanation.subscriber.decision == Outcome::Hold && found.own_channel().is_none();
    let mut latest = None;
    for gate in advice::holding(explanation).filter(|_| held) {
        latest = latest.max(Some((gate.next_possible_at?, gate.gate)));
    }
    latest.filter(|(at, _)| *at > plain.until)
}

fn find_own_moves<'a>(found: &Found<'_>, forecast: &'a Forecast) -> impl Iterator<Item = &'a Move> {
    let target = found.target;
    forecast.moves.iter().filter(move |step| step.target == target)
}

fn describe_move(explanation: &Explanation, step: &Move) -> String {
    let now = explanation.observed_at;
    let to = short_ref(&step.to);
    if step.at <= now {
        let when = if explanation.is_now() { "now" } else { "at that time" };
        return format!("{when}, to {to}");
    }
    let waited = step.waited.map(|w| format!("; waits for {}", w.gate.as_str()));
    format!(
        "{} (in {}), to {to}, if nothing else changes{}",
        utc(step.at),
        span(step.at - now),
        waited.unwrap_or_default()
    )
}

fn describe_absence(explanation: &Explanation, found: &Found<'_>, plain: &Forecast) -> String {
    if explanation.subscriber.channels.is_empty() || found.own_channel().is_some() {
        return "never, as things are".to_owned();
    }
    if let Some((at, gate)) = find_next_beyond_forecast(explanation, found, plain) {
        return format!("{} at the earliest; waits for {}", utc(at), gate.as_str());
    }
    let Some(stay) = plain.stays.iter().find(|stay| stay.target == found.target) else {
        return "when its publishers have deployed another commit".to_owned();
    };
    match explanation.subscriber.decision {
        Outcome::Error => "when the error is fixed".to_owned(),
        Outcome::Promote => format!("when people allow it: {}", stay.reason),
        Outcome::Hold => describe_timeless_gates(explanation)
            .unwrap_or_else(|| format!("not before {}: {}", utc(plain.until), stay.reason)),
        Outcome::UpToDate => format!("not before {}: {}", utc(plain.until), stay.reason),
    }
}

/// What the gates wait for that does not depend on time; `None` if all depend on time only.
fn describe_timeless_gates(explanation: &Explanation) -> Option<String> {
    let waits = advice::holding(explanation).filter(|gate| gate.next_possible_at.is_none());
    let waits: Vec<String> = waits.map(|gate| describe_gate_condition(explanation, gate)).collect();
    if waits.is_empty() {
        return None;
    }
    let times = advice::holding(explanation).filter_map(|g| Some((g.next_possible_at?, g.gate)));
    let earliest =
        times.max().map(|(at, gate)| format!("; not before {} ({})", utc(at), gate.as_str()));
    Some(format!("{}{}", waits.join("; and "), earliest.unwrap_or_default()))
}

/// When a gate passes whose time is not known.
fn describe_gate_condition(explanation: &Explanation, gate: &GateResult) -> String {
    match gate.gate {
        Gate::Deployment if explanation.soaks_later() => {
            format!("{}; then it has to soak", describe_missing_deployments(explanation))
        }
        Gate::Deployment => describe_missing_deployments(explanation),
        Gate::SameRef => "when all publishers are at the same commit".to_owned(),
        Gate::Soak => "when a record has the time of the deployment".to_owned(),
        Gate::Schedule => "when its schedule is corrected".to_owned(),
        Gate::Slo if advice::slos_unknown(gate) => {
            "when its SLOs can be checked and are met".to_owned()
        }
        Gate::Slo => "when the SLO is met again".to_owned(),
        Gate::BlockedVersion => {
            "with a newer commit, or when this one is no longer blocked".to_owned()
        }
        Gate::EditSite => {
            let other = gate.evidence.waits_for().unwrap_or("the other target");
            format!("when {other} is promoted to the same values")
        }
    }
}

fn describe_missing_deployments(explanation: &Explanation) -> String {
    let waiting = explanation.publishers.iter().filter_map(|followed| {
        let commit = followed.commit_sha.as_ref().map_or("its commit", |commit| commit.short());
        match followed.state? {
            DeploymentState::Success => None,
            DeploymentState::Failed | DeploymentState::Invalid => Some(format!(
                "{} has deployed {commit} again successfully, or another commit",
                followed.label
            )),
            DeploymentState::Missing => Some(format!("{} has deployed {commit}", followed.label)),
        }
    });
    let mut waiting: Vec<String> = waiting.collect();
    // A publisher of two channels is listed once.
    waiting.dedup();
    match waiting.as_slice() {
        [] => "when its publishers are deployed".to_owned(),
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!(
                "when {first}, {second}, and {} more have done so; that time is not known",
                rest.len()
            )
        }
        all => format!("when {}; that time is not known", all.join(" and ")),
    }
}

/// When the target gets an assumed commit.
fn describe_what_if(
    explanation: &Explanation,
    found: &Found<'_>,
    assumptions: &[Assumption],
    forecast: &Forecast,
) -> String {
    let assumed: Vec<&str> =
        assumptions.iter().map(|assumption| assumption.commit.as_str()).collect();
    let gets = find_own_moves(found, forecast).find(|step| assumed.contains(&step.to.as_str()));
    if let Some(step) = gets {
        return describe_move(explanation, step);
    }
    let names: Vec<&str> = assumptions.iter().map(|a| a.commit.short()).collect();
    let names = names.join(", ");
    if assumed.contains(&found.target().current_ref()) {
        return format!("it already has {names}");
    }
    match forecast.stays.iter().find(|stay| stay.target == found.target) {
        Some(stay) => {
            format!("it does not get {names} before {}: {}", utc(forecast.until), stay.reason)
        }
        None => format!("it does not get {names}: no such promotion becomes due for it"),
    }
}
