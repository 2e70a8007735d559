//! Renders a forecast as blocks.

use super::Explanation;
use super::forecast::{AssumptionReport, ForecastReport, MoveReport, StayReport};
use crate::domain::{count, short_ref};
use crate::report::blocks::{Block, Line, Row, Table, Value};
use crate::report::text::utc;

/// Maximum lines per list.
const LINES: usize = 40;

/// The section of a forecast, if it says more than the answer.
pub(super) fn forecast(explanation: &Explanation) -> Vec<Block> {
    let Some(title) = choose_title(explanation) else { return Vec::new() };
    let forecast = &explanation.forecast;
    let mut out = vec![Block::Section(title)];
    let note = |text: String| Block::Note(Value::new(text));
    for assumption in &forecast.assumptions {
        out.push(note(describe_assumption(assumption)));
        let along = assumption.along.iter().map(|other| describe_same_ref(other, assumption));
        out.extend(along.map(|line| note(format!("  {line}"))));
    }
    if forecast.moves.is_empty() {
        out.push(Block::Note(Value::own("nothing is promoted")));
    }
    let rows = forecast.moves.iter().take(LINES).map(build_row);
    out.push(Block::Table(Table { head: MOVES, rows: rows.collect() }));
    out.extend(count_hidden(forecast.moves.len()).map(note));
    out.extend(describe_differences(forecast).into_iter().map(note));
    out.push(Block::Note(Value::own(describe_basis(forecast)).faint()));
    out
}

const MOVES: &[&str] = &["when", "target", "from", "to", "waited"];

fn build_row(step: &MoveReport) -> Row {
    let cells = vec![
        Value::own(utc(step.at)),
        Value::new(&step.label),
        Value::new(short_ref(&step.from)),
        Value::new(short_ref(&step.to)),
        Value::own(describe_wait(step)),
    ];
    Row { cells, lines: vec![Line::new(describe_move(step))] }
}

/// The title of the section; `None` if it would say nothing new.
fn choose_title(explanation: &Explanation) -> Option<String> {
    let forecast = &explanation.forecast;
    if !forecast.assumptions.is_empty() {
        return Some(format!("What if, as of {}", utc(forecast.from)));
    }
    let own = &explanation.subscriber.target.uid;
    // The answer already has the target's own next promotion.
    let tells_more = forecast.moves.len() > 1 || forecast.moves.iter().any(|m| m.uid != *own);
    tells_more.then(|| "Next promotions, here and upstream".to_owned())
}

fn describe_assumption(assumption: &AssumptionReport) -> String {
    let word = if assumption.success { "has deployed" } else { "has failed to deploy" };
    format!("assumed: {} {word} {}", assumption.label, assumption.commit_sha.short())
}

fn describe_same_ref(other: &str, assumption: &AssumptionReport) -> String {
    format!("{other} is at {} as well: it has the same ref", assumption.commit_sha.short())
}

/// With assumptions: promotions that no longer happen, targets that stay, and the number of unchanged promotions.
/// Always: whether the forecast was cut short.
fn describe_differences(forecast: &ForecastReport) -> Vec<String> {
    let mut lines = Vec::new();
    if !forecast.assumptions.is_empty() {
        lines.extend(forecast.gone.iter().take(LINES).map(describe_gone_move));
        lines.extend(count_hidden(forecast.gone.len()));
        lines.extend(forecast.stays.iter().take(LINES).map(describe_stay));
        lines.extend(count_hidden(forecast.stays.len()));
        if forecast.unchanged > 0 {
            let verb = if forecast.unchanged == 1 { "does" } else { "do" };
            let unchanged = count(forecast.unchanged, "promotion");
            lines.push(format!("not shown: {unchanged} that {verb} not change"));
        }
    }
    if forecast.cut_short {
        lines.push(
            "the forecast was cut short: there is a promotion cycle, or there are too many \
             promotions"
                .to_owned(),
        );
    }
    lines
}

fn describe_gone_move(step: &MoveReport) -> String {
    let (from, to) = (short_ref(&step.from), short_ref(&step.to));
    format!("no longer at {}: {} {from} -> {to}", utc(step.at), step.label)
}

fn describe_stay(stay: &StayReport) -> String {
    let by = stay.held_by.map(|gate| format!(" [{}]", gate.as_str())).unwrap_or_default();
    let to = stay.candidate.as_ref().map(|c| format!(" to {}", c.short())).unwrap_or_default();
    format!("not promoted{to}: {}{by}: {}", stay.label, stay.reason)
}

/// The forecast's end and assumptions.
fn describe_basis(forecast: &ForecastReport) -> String {
    let until = utc(forecast.until);
    format!("Ends at {until}. Assumes that {}.", forecast.rests_on.join("; that "))
}

fn count_hidden(count: usize) -> Option<String> {
    (count > LINES).then(|| format!("and {} more: use --format json", count - LINES))
}

/// What a promotion waited for, and the effect of the assumptions.
fn describe_wait(step: &MoveReport) -> String {
    let waited = match step.waited_for {
        Some(gate) => format!("after {}", gate.as_str()),
        None => "at once".to_owned(),
    };
    match (step.change, step.instead_of) {
        (Some("same"), _) => format!("{waited}, as without the assumption"),
        (_, Some(at)) => format!("{waited}, instead of {}", utc(at)),
        _ => waited,
    }
}

fn describe_move(step: &MoveReport) -> String {
    let (from, to) = (short_ref(&step.from), short_ref(&step.to));
    format!("{:<23} {} {from} -> {to} ({})", utc(step.at), step.label, describe_wait(step))
}
