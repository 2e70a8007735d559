//! Has the comparison with the old promoter been green for long enough?

use serde_json::json;

use super::{Facts, Finding};
use crate::report::{DayReport, DayVerdict, Phase};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if facts.phase() == Phase::After {
        return Finding::skipped("only before the cut-over");
    }
    let required = f64::from(facts.context.options.require_green);
    let Some(days) = &facts.context.shadow_days else {
        let summary = "there is no ledger of `sapm shadow` (--shadow-dir)";
        let finding = if required > 0.0 { Finding::fail(summary) } else { Finding::warn(summary) };
        return finding.advice("run `sapm shadow` on a schedule for some days: docs/cut-over.md");
    };
    let today = facts.seen.at.date_naive();
    let (green, broken) = green_days(days, today);
    let evidence = json!({
        "days": days.iter().map(|day| json!({ "date": day.date, "verdict": day.verdict })).collect::<Vec<_>>(),
        "green_in_a_row": green, "required": required,
    });
    let summary = format!("{green} green days in a row");
    let because =
        broken.map(|day| format!(", before them {} was {}", day.date, day.verdict.word()));
    let summary = summary + &because.unwrap_or_default();
    if green < required {
        return Finding::fail(format!("{summary}; {required} are required"))
            .advice("see what `sapm shadow` cannot explain, or give it more days")
            .evidence(evidence);
    }
    let is_red = days.last().is_some_and(|day| day.verdict == DayVerdict::Red);
    if is_red || green == 0.0 {
        return Finding::warn(summary)
            .advice("see what `sapm shadow` cannot explain")
            .evidence(evidence);
    }
    Finding::pass(summary).evidence(evidence)
}

/// Green days in a row up to now, quiet ones for half, and the day that ended the row. Today counts once it is green, and
/// ends no row as long as it is only incomplete.
fn green_days(days: &[DayReport], today: chrono::NaiveDate) -> (f64, Option<&DayReport>) {
    let mut green = 0.0;
    for day in days.iter().rev() {
        match day.verdict {
            DayVerdict::Green => green += 1.0,
            DayVerdict::Quiet => green += 0.5,
            DayVerdict::Incomplete if day.date == today => {}
            DayVerdict::Incomplete | DayVerdict::Red => return (green, Some(day)),
        }
    }
    (green, None)
}
