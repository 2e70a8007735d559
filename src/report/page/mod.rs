//! `report.html`: one self-contained page that asks nobody for anything.
//!
//! The data stands in the page as JSON; the script builds what is shown from
//! it with text nodes only, so that no name is ever markup. The page's content
//! security policy lets nothing run, load or send but this script and this
//! style sheet.

mod data;
mod lead_time;
mod shared;

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::model::PlanReport;
use super::text::{decisions, outcome_word};
use crate::graph;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// In one scope, in this order.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("elements.js"),
    include_str!("details.js"),
    include_str!("views.js"),
    include_str!("page.js"),
    "})();\n"
);

/// The page of a report; also of one that holds nothing but problems.
pub fn page(report: &PlanReport) -> String {
    let style = format!("\n{STYLE}{}", graph::STYLE);
    let script = format!("\n{SCRIPT}");
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        digest(&script),
        digest(&style)
    );
    let json = serde_json::to_string(&data::data(report)).unwrap_or_else(|_| "null".to_owned());
    // `<` only stands in strings, where its code means the same and ends no element.
    let json = if json.contains('<') { json.replace('<', "\\u003c") } else { json };
    let length = TEMPLATE.len() + style.len() + script.len() + json.len() + 4_096;
    fill(TEMPLATE, length, |name| match name {
        "policy" => Cow::from(&policy),
        "style" => Cow::from(&style),
        "script" => Cow::from(&script),
        "data" => Cow::from(&json),
        "summary" => Cow::from(summary(report)),
        "about" => Cow::from(about(report)),
        _ => Cow::default(),
    })
}

/// A template with `{{name}}` replaced, in one pass: what is filled in is not looked at again. `length`
/// is about how long it gets.
fn fill<'v>(template: &str, length: usize, value: impl Fn(&str) -> Cow<'v, str>) -> String {
    let mut text = String::with_capacity(length);
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        text.push_str(before);
        text.push_str(&value(name));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The source expression of a content security policy.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The counts as text, for a reader without scripts.
fn summary(report: &PlanReport) -> String {
    let counts: Vec<String> = decisions(report)
        .into_iter()
        .map(|(outcome, count)| format!("{count} {}", outcome_word(outcome)))
        .collect();
    format!(
        "{} targets: {}. {} merge requests, {} problems.",
        report.subscribers.len(),
        counts.join(", "),
        report.merge_requests.len(),
        report.problems.len()
    )
}

/// As of when, and of what.
fn about(report: &PlanReport) -> String {
    let at = report.observed_at;
    let mut text = format!(
        "As of <time datetime=\"{}\">{}</time>",
        at.format("%Y-%m-%dT%H:%M:%SZ"),
        at.format("%Y-%m-%d %H:%M:%S UTC")
    );
    let mut link = |url: &str, words: &str| {
        if let Some(url) = data::web(url) {
            let _ = write!(
                text,
                " · <a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{}</a>",
                escape(url),
                escape(words)
            );
        }
    };
    if let Some(repo) = &report.config_repo {
        let words = format!("config repo at {}", repo.commit.short());
        link(&format!("{}/-/tree/{}", repo.web_url, repo.commit), &words);
    }
    if let Some(url) = &report.pipeline_url {
        link(url, "pipeline that planned this");
    }
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
