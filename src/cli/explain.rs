//! `sapm explain`: why a target is or is not promoted.

use std::fmt::Write as _;

use super::args::Format;
use super::exit::{Exit, Fatal};
use crate::decide::{GateOutcome, Outcome};
use crate::report::{PlanReport, SubscriberReport};

/// Everything about the target that `wanted` names: its uid, its label, or an unambiguous part.
///
/// # Errors
/// When it names none, or several: the message lists them.
pub fn explain(report: &PlanReport, wanted: &str, format: Format) -> Result<String, Fatal> {
    let subscriber = find(report, wanted)?;
    Ok(match format {
        Format::Json => {
            let requests: Vec<_> = requests_of(report, subscriber).collect();
            let value = serde_json::json!({"version": 1, "observed_at": report.observed_at,
                "subscriber": subscriber, "merge_requests": requests});
            serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
        }
        Format::Text => text(report, subscriber),
        Format::Markdown => {
            format!("```text\n{}```\n", text(report, subscriber).replace("```", "'''"))
        }
    })
}

fn find<'a>(report: &'a PlanReport, wanted: &str) -> Result<&'a SubscriberReport, Fatal> {
    let exact = report.subscribers.iter().find(|subscriber| {
        subscriber.target.uid.as_str() == wanted || subscriber.target.label() == wanted
    });
    if let Some(subscriber) = exact {
        return Ok(subscriber);
    }
    let matching: Vec<_> = report
        .subscribers
        .iter()
        .filter(|subscriber| {
            let label = subscriber.target.label();
            label.contains(wanted) || subscriber.target.uid.as_str().starts_with(wanted)
        })
        .collect();
    match matching.as_slice() {
        [subscriber] => Ok(subscriber),
        [] => {
            let near = nearest(report, wanted);
            let near = if near.is_empty() {
                String::new()
            } else {
                format!("; near it: {}", near.join(", "))
            };
            Err(Fatal::new(Exit::Usage, format!("no subscriber is called {wanted:?}"))
                .hint(format!("name it by its uid or as saas-file/resource-template/cluster/namespace; `sapm plan` lists them{near}")))
        }
        several => {
            let names: Vec<String> =
                several.iter().take(10).map(|subscriber| subscriber.target.label()).collect();
            Err(Fatal::new(
                Exit::Usage,
                format!("{wanted:?} may be any of {} subscribers", several.len()),
            )
            .hint(format!("say more: {}", names.join(", "))))
        }
    }
}

/// Labels that are like `wanted`, or have a part that is: the three nearest.
fn nearest(report: &PlanReport, wanted: &str) -> Vec<String> {
    let ratio = |text: &str| similar::TextDiff::from_chars(text, wanted).ratio();
    let mut labels: Vec<(f32, String)> = report
        .subscribers
        .iter()
        .map(|subscriber| subscriber.target.label())
        .map(|label| {
            (label.split('/').chain([label.as_str()]).map(ratio).fold(0.0, f32::max), label)
        })
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    labels.sort_by(|a, b| b.0.total_cmp(&a.0));
    labels.into_iter().take(3).map(|(_, label)| label).collect()
}

fn requests_of<'a>(
    report: &'a PlanReport,
    subscriber: &'a SubscriberReport,
) -> impl Iterator<Item = &'a crate::report::RequestReport> {
    report.merge_requests.iter().filter(|request| request.targets.contains(&subscriber.target.uid))
}

fn text(report: &PlanReport, subscriber: &SubscriberReport) -> String {
    let mut text = String::new();
    let word = match subscriber.decision {
        Outcome::Promote => "is to be promoted",
        Outcome::Hold => "is held",
        Outcome::UpToDate => "is up to date",
        Outcome::Error => "cannot be decided on",
    };
    let _ = writeln!(text, "{} {word}: {}", subscriber.target.label(), subscriber.reason());
    let _ = writeln!(text, "  uid          {}", subscriber.target.uid);
    let _ = writeln!(text, "  file         data{}", subscriber.edit_file);
    let _ = writeln!(text, "  current ref  {}", subscriber.current_ref);
    if let Some(candidate) = &subscriber.candidate {
        let _ = writeln!(text, "  publishers at {candidate}");
    }
    let _ = writeln!(text, "  channels     {}", subscriber.channels.join(", "));
    for error in &subscriber.errors {
        let _ = writeln!(text, "  error        {error}");
    }
    let _ = writeln!(text, "Publishers");
    for publisher in &report.publishers {
        for channel in
            publisher.channels.iter().filter(|channel| subscriber.channels.contains(channel))
        {
            let state = publisher
                .deployments
                .get(channel)
                .map(|deployment| format!("{:?}", deployment.state).to_lowercase());
            let _ = writeln!(
                text,
                "  {} on {channel}: {} is {}",
                publisher.target.label(),
                publisher.commit_sha.as_ref().map_or("an unknown commit", |commit| commit.short()),
                state.as_deref().unwrap_or("not known")
            );
        }
    }
    let _ = writeln!(text, "Gates");
    for gate in &subscriber.gates {
        let outcome = match gate.outcome {
            GateOutcome::Pass => "pass",
            GateOutcome::Hold => "HOLD",
            GateOutcome::NotApplicable => "-",
        };
        let next = gate
            .next_possible_at
            .map(|at| format!(" (next possible at {})", at.format("%Y-%m-%d %H:%M:%S UTC")))
            .unwrap_or_default();
        let _ = writeln!(text, "  {:<16} {outcome:<5} {}{next}", gate.gate.as_str(), gate.reason);
    }
    for request in requests_of(report, subscriber) {
        let page = request.web_url.as_deref().unwrap_or(&request.branch);
        let _ = writeln!(text, "Merge request {page}: {}", request.reason);
    }
    text
}
