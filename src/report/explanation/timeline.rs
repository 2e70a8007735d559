//! A forecast, line by line, and on a terminal or in a job's log.

use super::Explanation;
use super::forecast::{AssumptionReport, ForecastReport, MoveReport, StayReport};
use super::text::Sheet;
use crate::domain::short_ref;
use crate::report::text::utc;

/// Lines of each list at most.
const LINES: usize = 40;

/// The section of a forecast, if it tells more than the answer did.
pub(super) fn forecast(out: &mut Sheet, explanation: &Explanation) {
    let Some(title) = title(explanation) else { return };
    let forecast = &explanation.forecast;
    out.head(&title);
    for assumption in &forecast.assumptions {
        out.line(&assumed(assumption));
        for other in &assumption.along {
            out.line(&format!("  {}", along(other, assumption)));
        }
    }
    if forecast.moves.is_empty() {
        out.line("nothing moves");
    }
    for step in forecast.moves.iter().take(LINES) {
        out.line(&moved(step));
    }
    more(forecast.moves.len()).iter().for_each(|line| out.line(line));
    differences(forecast).iter().for_each(|line| out.line(line));
    out.faint(&rests_on(forecast));
}

/// What the section is called; `None` where it would tell nothing new.
pub(super) fn title(explanation: &Explanation) -> Option<String> {
    let forecast = &explanation.forecast;
    if !forecast.assumptions.is_empty() {
        return Some(format!("What if, as of {}", utc(forecast.from)));
    }
    let own = &explanation.subscriber.target.uid;
    // The target's own next move stands in the answer already.
    let tells_more = forecast.moves.len() > 1 || forecast.moves.iter().any(|m| m.uid != *own);
    tells_more.then(|| "What comes next, here and upstream".to_owned())
}

pub(super) fn assumed(assumption: &AssumptionReport) -> String {
    let word = if assumption.success { "has deployed" } else { "has failed to deploy" };
    format!("assumed: {} {word} {}", assumption.label, assumption.commit_sha.short())
}

pub(super) fn along(other: &str, assumption: &AssumptionReport) -> String {
    format!("{other} is at {} as well: it has the same ref", assumption.commit_sha.short())
}

/// With assumptions: what does not come, what stays, and what comes all the same; and always
/// whether the forecast was cut short.
pub(super) fn differences(forecast: &ForecastReport) -> Vec<String> {
    let mut lines = Vec::new();
    if !forecast.assumptions.is_empty() {
        lines.extend(forecast.gone.iter().take(LINES).map(gone));
        lines.extend(more(forecast.gone.len()));
        lines.extend(forecast.stays.iter().take(LINES).map(stays));
        lines.extend(more(forecast.stays.len()));
        if forecast.unchanged > 0 {
            let count = forecast.unchanged;
            lines.push(format!("not shown: {count} promotions that come all the same"));
        }
    }
    if forecast.cut_short {
        lines.push(
            "the forecast was cut short: promotions go round in circles, or are too many"
                .to_owned(),
        );
    }
    lines
}

fn gone(step: &MoveReport) -> String {
    let (from, to) = (short_ref(&step.from), short_ref(&step.to));
    format!("no longer at {}: {} {from} -> {to}", utc(step.at), step.label)
}

fn stays(stay: &StayReport) -> String {
    let by = stay.held_by.map(|gate| format!(" [{}]", gate.as_str())).unwrap_or_default();
    let to = stay.candidate.as_ref().map(|c| format!(" to {}", c.short())).unwrap_or_default();
    format!("does not move{to}: {}{by}: {}", stay.label, stay.reason)
}

/// How far it looks, and what it takes for granted.
pub(super) fn rests_on(forecast: &ForecastReport) -> String {
    let until = utc(forecast.until);
    format!("Looks as far as {until}. Assumes that {}.", forecast.rests_on.join("; that "))
}

fn more(count: usize) -> Option<String> {
    (count > LINES).then(|| format!("and {} more: see --format json", count - LINES))
}

/// What a promotion waited for, and what the assumptions do to it.
pub(super) fn waited(step: &MoveReport) -> String {
    let waited = match step.waited_for {
        Some(gate) => format!("after {}", gate.as_str()),
        None => "at once".to_owned(),
    };
    match (step.change, step.instead_of) {
        (Some("same"), _) => format!("{waited}, as it would anyway"),
        (_, Some(at)) => format!("{waited}, instead of {}", utc(at)),
        _ => waited,
    }
}

fn moved(step: &MoveReport) -> String {
    let (from, to) = (short_ref(&step.from), short_ref(&step.to));
    format!("{:<23} {} {from} -> {to} ({})", utc(step.at), step.label, waited(step))
}
