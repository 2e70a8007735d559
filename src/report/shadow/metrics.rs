//! A comparison as OpenMetrics.

use prometheus_client::encoding::text::encode_eof;

use super::model::{DayVerdict, MoveClass, ShadowReport};
use crate::report::metrics::Table;

/// Quantiles of the lead.
const QUANTILES: [(&str, usize); 3] = [("0.05", 5), ("0.5", 50), ("0.95", 95)];

/// All series, as a file for GitLab's metrics report or a textfile collector.
pub fn shadow_metrics(report: &ShadowReport) -> String {
    let mut table = Table::default();
    table.family("sapm_shadow_moves", "Moves by class, explained or not");
    for class in MoveClass::ALL {
        for explained in [true, false] {
            let is_such =
                |one: &&super::MoveReport| one.class == class && one.explained == explained;
            let count = report.moves.iter().filter(is_such).count();
            let explained = if explained { "true" } else { "false" };
            table.add(&[("class", class.name()), ("explained", explained)], count);
        }
    }
    table.family("sapm_shadow_unexplained", "Moves that nothing explains");
    table.add(&[], report.unexplained().count());
    let mut leads: Vec<i64> = report.moves.iter().filter_map(|one| one.lead_minutes).collect();
    leads.sort_unstable();
    if !leads.is_empty() {
        table.family("sapm_shadow_lead_seconds", "How much earlier sapm began; negative: later");
    }
    for (name, percent) in QUANTILES.iter().filter(|_| !leads.is_empty()) {
        let at = (leads.len() * percent / 100).min(leads.len() - 1);
        table.add_float(&[("quantile", name)], (leads[at] * 60) as f64);
    }
    today(&mut table, report);
    let mut text = table.into_text();
    // Writing to a String cannot fail.
    let _ = encode_eof(&mut text);
    text
}

/// Facts, coverage and verdict of today.
fn today(table: &mut Table, report: &ShadowReport) {
    if let Some(day) = report.days.last() {
        table.family("sapm_shadow_facts", "Publishers whose facts agree with the old promoter's");
        let differ = day.facts_differ.min(day.facts_compared);
        table.add(&[("agree", "true")], day.facts_compared - differ);
        table.add(&[("agree", "false")], differ);
        table.family("sapm_shadow_coverage_ratio", "Share of today's time that runs cover");
        table.add_float(&[], day.coverage);
    }
    if let Some(seconds) = report.old_loop_seconds {
        table.family(
            "sapm_shadow_old_loop_seconds",
            "Time from one run of the old promoter to the next",
        );
        table.add_float(&[], seconds as f64);
    }
    if let Some(verdict) = report.verdict {
        table.family("sapm_shadow_verdict", "Today: 0 green, 1 incomplete, 2 red");
        let number = match verdict {
            DayVerdict::Green | DayVerdict::Quiet => 0,
            DayVerdict::Incomplete => 1,
            DayVerdict::Red => 2,
        };
        table.add(&[], number);
    }
}
