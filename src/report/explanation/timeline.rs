//! A forecast on a terminal or in a job's log.

use super::Explanation;
use super::forecast::{ForecastReport, MoveReport};
use super::text::Sheet;
use crate::report::text::{short, utc};

/// Lines of each list at most.
const LINES: usize = 40;

/// The section of a forecast, if it tells more than the answer did.
pub(super) fn forecast(out: &mut Sheet, explanation: &Explanation) {
    let forecast = &explanation.forecast;
    let assumed = !forecast.assumptions.is_empty();
    let own = &explanation.subscriber.target.uid;
    // The target's own next move stands in the answer already.
    let tells_more = forecast.moves.len() > 1 || forecast.moves.iter().any(|m| m.uid != *own);
    if !assumed && !tells_more {
        return;
    }
    if assumed {
        out.head(&format!("What if, as of {}", utc(forecast.from)));
        for assumption in &forecast.assumptions {
            let word = if assumption.success { "has deployed" } else { "has failed to deploy" };
            let commit = assumption.commit_sha.short();
            out.line(&format!("assumed: {} {word} {commit}", assumption.label));
            for other in &assumption.along {
                out.line(&format!("  {other} is at {commit} as well: it has the same ref"));
            }
        }
    } else {
        out.head("What comes next, here and upstream");
    }
    timeline(out, forecast, assumed);
    if assumed {
        differences(out, forecast);
    }
    if forecast.cut_short {
        out.line("the forecast was cut short: promotions go round in circles, or are too many");
    }
    let until = utc(forecast.until);
    out.faint(&format!(
        "Looks as far as {until}. Assumes that {}.",
        forecast.rests_on.join("; that ")
    ));
}

/// What does not come, and what comes all the same.
fn differences(out: &mut Sheet, forecast: &ForecastReport) {
    for gone in forecast.gone.iter().take(LINES) {
        out.line(&format!(
            "no longer at {}: {} {} -> {}",
            utc(gone.at),
            gone.label,
            short(&gone.from),
            short(&gone.to)
        ));
    }
    more(out, forecast.gone.len());
    for stay in forecast.stays.iter().take(LINES) {
        let by = stay.held_by.map(|gate| format!(" [{}]", gate.as_str())).unwrap_or_default();
        let to = stay.candidate.as_ref().map(|c| format!(" to {}", c.short())).unwrap_or_default();
        out.line(&format!("does not move{to}: {}{by}: {}", stay.label, stay.reason));
    }
    more(out, forecast.stays.len());
    if forecast.unchanged > 0 {
        out.line(&format!("not shown: {} promotions that come all the same", forecast.unchanged));
    }
}

fn timeline(out: &mut Sheet, forecast: &ForecastReport, assumed: bool) {
    if forecast.moves.is_empty() {
        out.line("nothing moves");
    }
    for step in forecast.moves.iter().take(LINES) {
        out.line(&moved(step, assumed));
    }
    more(out, forecast.moves.len());
}

fn more(out: &mut Sheet, count: usize) {
    if count > LINES {
        out.line(&format!("and {} more: see --format json", count - LINES));
    }
}

fn moved(step: &MoveReport, assumed: bool) -> String {
    let waited = match step.waited_for {
        Some(gate) => format!("after {}", gate.as_str()),
        None => "at once".to_owned(),
    };
    let change = match (assumed, step.change, step.instead_of) {
        (true, Some("same"), _) => ", as it would anyway".to_owned(),
        (true, _, Some(at)) => format!(", instead of {}", utc(at)),
        _ => String::new(),
    };
    format!(
        "{:<23} {} {} -> {} ({waited}{change})",
        utc(step.at),
        step.label,
        short(&step.from),
        short(&step.to)
    )
}
