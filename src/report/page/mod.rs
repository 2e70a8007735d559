//! `report.html`: one self-contained page that makes no network requests.
//!
//! The page contains the data as JSON. The script builds the content with text
//! nodes only, so that no name is interpreted as markup. The page's content security
//! policy allows nothing to run, load or send except this script and this style
//! sheet.

mod data;
mod lead_time;
mod shared;

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use sha2::{Digest, Sha256};

use super::model::PlanReport;
use super::text::{decisions, outcome_word};
use crate::domain::{count, is_plain, printable};
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

/// The page of a report, which may consist of problems only.
pub fn page(report: &PlanReport) -> String {
    let mut page = Vec::new();
    // Writing to a vector cannot fail.
    let _ = write_page(report, &mut page);
    String::from_utf8(page).unwrap_or_default()
}

/// Writes the page while it is being built: with thousands of targets it is large.
///
/// # Errors
/// When writing fails.
pub fn write_page(report: &PlanReport, to: &mut dyn Write) -> io::Result<()> {
    let style = format!("\n{STYLE}{}", graph::STYLE);
    let script = format!("\n{SCRIPT}");
    fill(TEMPLATE, to, |name, to| match name {
        "policy" => write!(
            to,
            "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
            hash_source(&script),
            hash_source(&style)
        ),
        "style" => to.write_all(style.as_bytes()),
        "script" => to.write_all(script.as_bytes()),
        "data" => {
            let mut json = Serializer::with_formatter(to, InScript);
            Ok(data::data(report).serialize(&mut json)?)
        }
        "summary" => to.write_all(write_summary(report).as_bytes()),
        "about" => to.write_all(render_header(report).as_bytes()),
        _ => Ok(()),
    })
}

/// JSON in a page: `<` becomes an escape, so that no string ends the element. Characters that are not printable are
/// replaced, because the script shows all strings unchanged.
struct InScript;

impl Formatter for InScript {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if is_plain(fragment) && !fragment.contains('<') {
            return to.write_all(fragment.as_bytes());
        }
        to.write_all(printable(fragment).replace('<', "\\u003c").as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Quote => to.write_all(b"\\\""),
            CharEscape::ReverseSolidus => to.write_all(b"\\\\"),
            CharEscape::LineFeed => to.write_all(b"\\n"),
            CharEscape::Tab => to.write_all(b"\\t"),
            _ => to.write_all("\u{fffd}".as_bytes()),
        }
    }
}

/// Replaces each `{{name}}` of a template in one pass. The inserted text is not scanned again.
fn fill(
    template: &str,
    to: &mut dyn Write,
    value: impl Fn(&str, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        to.write_all(before.as_bytes())?;
        value(name, to)?;
        rest = after;
    }
    to.write_all(rest.as_bytes())
}

/// The hash source of a content security policy.
fn hash_source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The counts as text, for readers without scripts.
fn write_summary(report: &PlanReport) -> String {
    let counts: Vec<String> = decisions(report)
        .into_iter()
        .map(|(outcome, count)| format!("{count} {}", outcome_word(outcome)))
        .collect();
    format!(
        "{}: {}. {}, {}.",
        count(report.subscribers.len(), "target"),
        counts.join(", "),
        count(report.merge_requests.len(), "merge request"),
        count(report.problems.len(), "problem")
    )
}

/// The time of the decisions, and links to the config repo and the job.
fn render_header(report: &PlanReport) -> String {
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
        link(url, "job that planned this");
    }
    text
}

fn escape(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
