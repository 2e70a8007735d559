//! A forecast, as blocks.

use super::Explanation;
use super::forecast::{AssumptionReport, ForecastReport, MoveReport, StayReport};
use crate::domain::short_ref;
use crate::report::blocks::{Block, Line, Row, Table, Value};
use crate::report::text::utc;

/// Lines of each list at most.
const LINES: usize = 40;

/// The section of a forecast, if it tells more than the answer did.
pub(super) fn forecast(explanation: &Explanation) -> Vec<Block> {
    let Some(title) = title(explanation) else { return Vec::new() };
    let forecast = &explanation.forecast;
    let mut out = vec![Block::Section(title)];
    let note = |text: String| Block::Note(Value::new(text));
    for assumption in &forecast.assumptions {
        out.push(note(assumed(assumption)));
        let along = assumption.along.iter().map(|other| along(other, assumption));
        out.extend(along.map(|line| note(format!("  {line}"))));
    }
    if forecast.moves.is_empty() {
        out.push(Block::Note(Value::own("nothing moves")));
    }
    let rows = forecast.moves.iter().take(LINES).map(row);
    out.push(Block::Table(Table { head: MOVES, rows: rows.collect() }));
    out.extend(more(forecast.moves.len()).map(note));
    out.extend(differences(forecast).into_iter().map(note));
    out.push(Block::Note(Value::own(rests_on(forecast)).faint()));
    out
}

const MOVES: &[&str] = &["when", "target", "from", "to", "waited"];

fn row(step: &MoveReport) -> Row {
    let cells = vec![
        Value::own(utc(step.at)),
        Value::new(&step.label),
        Value::new(short_ref(&step.from)),
        Value::new(short_ref(&step.to)),
        Value::own(waited(step)),
    ];
    Row { cells, lines: vec![Line::new(moved(step))] }
}

/// What the section is called; `None` where it would tell nothing new.
fn title(explanation: &Explanation) -> Option<String> {
    let forecast = &explanation.forecast;
    if !forecast.assumptions.is_empty() {
        return Some(format!("What if, as of {}", utc(forecast.from)));
    }
    let own = &explanation.subscriber.target.uid;
    // The target's own next move stands in the answer already.
    let tells_more = forecast.moves.len() > 1 || forecast.moves.iter().any(|m| m.uid != *own);
    tells_more.then(|| "What comes next, here and upstream".to_owned())
}

fn assumed(assumption: &AssumptionReport) -> String {
    let word = if assumption.success { "has deployed" } else { "has failed to deploy" };
    format!("assumed: {} {word} {}", assumption.label, assumption.commit_sha.short())
}

fn along(other: &str, assumption: &AssumptionReport) -> String {
    format!("{other} is at {} as well: it has the same ref", assumption.commit_sha.short())
}

/// With assumptions: what does not come, what stays, and what comes all the same; and always
/// whether the forecast was cut short.
fn differences(forecast: &ForecastReport) -> Vec<String> {
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
fn rests_on(forecast: &ForecastReport) -> String {
    let until = utc(forecast.until);
    format!("Looks as far as {until}. Assumes that {}.", forecast.rests_on.join("; that "))
}

fn more(count: usize) -> Option<String> {
    (count > LINES).then(|| format!("and {} more: see --format json", count - LINES))
}

/// What a promotion waited for, and what the assumptions do to it.
fn waited(step: &MoveReport) -> String {
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
