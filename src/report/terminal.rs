//! The summary for a terminal or a job log.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;

use super::footer::{foot, wrap};
use super::model::{MergeRequestReport, PlanReport, SubscriberReport};
use super::style::{BOLD, CYAN, Paint, RED, YELLOW};
use super::text::{action_word, kept_word, outcome_word};
use crate::decide::Outcome;
use crate::domain::{RepoPath, printable, short_ref};
use crate::plan::Action;

/// The properties of the output.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Colours or plain text.
    pub paint: Paint,
    /// Columns and lines of the terminal, if it is one. Longer output is shortened.
    pub size: Option<(usize, usize)>,
    /// Maximum lines per group if there is no terminal size.
    pub group_lines: usize,
    /// In GitLab's job log: the time (seconds since 1970) for the markers of collapsible sections.
    pub sections_at: Option<i64>,
    /// Where to find what is left out.
    pub rest: String,
}

impl Screen {
    /// No limits.
    pub fn endless(paint: Paint) -> Self {
        Self { paint, size: None, group_lines: usize::MAX, sections_at: None, rest: String::new() }
    }
}

/// The complete summary, without limits.
pub fn terminal(report: &PlanReport, paint: Paint) -> String {
    summary(report, &Screen::endless(paint))
}

/// A line for each target that is promoted, held or in error, then the merge
/// requests and the problems. The counts come last, where people look first.
///
/// If this does not fit the screen, shows the first lines of each group of the same
/// decision and gate.
pub fn summary(report: &PlanReport, screen: &Screen) -> String {
    let parts = [build_targets(report), build_merge_requests(report), build_problems(report)];
    let foot = foot(report, screen, false);
    if fits(&parts, foot.len(), screen) {
        let mut text = String::new();
        for part in parts.iter().filter(|part| !part.lines.is_empty()) {
            write_section(&mut text, part, screen, |text| {
                for line in &part.lines {
                    text.push_str(&line.shown(screen.paint, None));
                }
            });
        }
        return text + &foot.concat();
    }
    let groups: Vec<_> = parts.iter().map(Part::groups).collect();
    let foot = self::foot(report, screen, true);
    match (count_lines_per_group(&groups, foot.len(), screen), screen.size) {
        (None, Some(size)) => render_crammed(&parts, &groups, &foot, size, screen.paint),
        (shown, _) => render_grouped(&parts, &groups, shown.unwrap_or(0), screen) + &foot.concat(),
    }
}

/// The first lines of each group, and the number of the others.
fn render_grouped(parts: &[Part], groups: &[Groups<'_>], shown: usize, screen: &Screen) -> String {
    let width = screen.size.map(|(width, _)| width);
    let mut text = String::new();
    for (part, groups) in parts.iter().zip(groups).filter(|(_, groups)| !groups.is_empty()) {
        write_section(&mut text, part, screen, |text| {
            for (name, lines) in groups {
                if let [only] = lines.as_slice() {
                    text.push_str(&only.shown(screen.paint, width));
                    continue;
                }
                let head = format!("{name}: {}", lines.len());
                let _ = writeln!(text, "  {}", screen.paint.paint(lines[0].style, &head));
                for line in lines.iter().take(shown) {
                    text.push_str("  ");
                    text.push_str(
                        &line.shown(screen.paint, width.map(|width| width.saturating_sub(2))),
                    );
                }
                if shown > 0 && lines.len() > shown {
                    let _ = writeln!(text, "    … and {} more", lines.len() - shown);
                }
            }
        });
    }
    text
}

/// If not even the group titles fit: a paragraph per part. If that is still too high for the screen,
/// cuts it at the top, because the counts are at the bottom.
fn render_crammed(
    parts: &[Part],
    groups: &[Groups<'_>],
    foot: &[String],
    (width, height): (usize, usize),
    paint: Paint,
) -> String {
    let mut lines = Vec::new();
    for (part, groups) in parts.iter().zip(groups).filter(|(_, groups)| !groups.is_empty()) {
        let group = |(name, lines): &(&str, Vec<&Line>)| format!("{} {name}", lines.len());
        let groups: Vec<String> = groups.iter().map(group).collect();
        let text = format!("{}: {}", part.title, groups.join(", "));
        let wrapped = wrap(&text, Some(width), 2).join("\n");
        lines.push(
            wrapped.replacen(part.title, &paint.paint(BOLD, part.title).to_string(), 1) + "\n",
        );
    }
    lines.push("\n".to_owned());
    lines.extend(foot.iter().cloned());
    let text = lines.concat();
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    all[all.len().saturating_sub(height.saturating_sub(1))..].concat()
}

/// A line and its group.
struct Line {
    style: Style,
    word: &'static str,
    text: String,
    group: (u8, String),
}

impl Line {
    fn shown(&self, paint: Paint, width: Option<usize>) -> String {
        let word = format!("{:<8}", self.word);
        let room = width.map(|width| width.saturating_sub(word.len() + 3));
        let text = printable(&self.text);
        let text = match room {
            Some(room) if text.chars().count() > room => {
                text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
            }
            _ => text,
        };
        format!("  {} {text}\n", paint.paint(self.style, &word))
    }

    /// Number of screen lines at this width.
    fn height(&self, width: usize) -> usize {
        (self.text.chars().count() + 11).div_ceil(width.max(1))
    }
}

/// The lines of a part by group, in the groups' order.
type Groups<'a> = Vec<(&'a str, Vec<&'a Line>)>;

/// One of the three parts of a summary.
struct Part {
    name: &'static str,
    title: &'static str,
    lines: Vec<Line>,
}

impl Part {
    fn groups(&self) -> Groups<'_> {
        let mut groups: BTreeMap<&(u8, String), Vec<&Line>> = BTreeMap::new();
        for line in &self.lines {
            groups.entry(&line.group).or_default().push(line);
        }
        groups.into_iter().map(|((_, name), lines)| (name.as_str(), lines)).collect()
    }
}

fn fits(parts: &[Part], foot: usize, screen: &Screen) -> bool {
    match screen.size {
        Some((width, height)) => {
            let part = |part: &Part| match part.lines.as_slice() {
                [] => 0,
                lines => 2 + lines.iter().map(|line| line.height(width)).sum::<usize>(),
            };
            parts.iter().map(part).sum::<usize>() + foot < height
        }
        None => {
            parts.iter().flat_map(Part::groups).all(|(_, lines)| lines.len() <= screen.group_lines)
        }
    }
}

/// The number of lines to show per group: the most that fits, if any.
fn count_lines_per_group(groups: &[Groups<'_>], foot: usize, screen: &Screen) -> Option<usize> {
    let Some((_, height)) = screen.size else { return Some(screen.group_lines) };
    let whole = |shown: usize| {
        let group = |(_, lines): &(&str, Vec<&Line>)| match lines.len() {
            1 => 1,
            all => 1 + all.min(shown) + usize::from(shown > 0 && all > shown),
        };
        let part = |part: &Groups<'_>| match part.as_slice() {
            [] => 0,
            groups => 2 + groups.iter().map(group).sum::<usize>(),
        };
        groups.iter().map(part).sum::<usize>() + foot
    };
    (0..=height).rev().find(|&shown| whole(shown) < height)
}

/// A title and the text below it, as a collapsible section in GitLab's job log.
fn write_section(text: &mut String, part: &Part, screen: &Screen, body: impl FnOnce(&mut String)) {
    let title = screen.paint.paint(BOLD, part.title);
    match screen.sections_at {
        None => {
            let _ = writeln!(text, "{title}");
            body(text);
            text.push('\n');
        }
        Some(at) => {
            let name = part.name;
            let folded = if part.lines.len() > 20 { "[collapsed=true]" } else { "" };
            let title = format!("{title} ({})", part.lines.len());
            let _ =
                writeln!(text, "\u{1b}[0Ksection_start:{at}:sapm_{name}{folded}\r\u{1b}[0K{title}");
            body(text);
            let _ = writeln!(text, "\u{1b}[0Ksection_end:{at}:sapm_{name}\r\u{1b}[0K");
        }
    }
}

fn build_targets(report: &PlanReport) -> Part {
    let shown = report.subscribers.iter().filter(|s| s.decision != Outcome::UpToDate);
    Part { name: "targets", title: "Targets", lines: shown.map(build_target).collect() }
}

fn build_target(subscriber: &SubscriberReport) -> Line {
    let moves = if subscriber.decision == Outcome::Promote
        && subscriber.current_ref != subscriber.desired_ref
    {
        format!(" {} -> {}", short_ref(&subscriber.current_ref), short_ref(&subscriber.desired_ref))
    } else {
        String::new()
    };
    let by = subscriber.held_by.map(|gate| format!(" [{}]", gate.as_str())).unwrap_or_default();
    let word = outcome_word(subscriber.decision);
    let group = match (subscriber.decision, subscriber.held_by) {
        (Outcome::Error, _) => (0, word.to_owned()),
        (Outcome::Promote, _) => (1, word.to_owned()),
        (_, Some(gate)) => (2 + gate as u8, format!("{word} by {}", gate.as_str())),
        _ => (u8::MAX, word.to_owned()),
    };
    Line {
        style: Paint::of_outcome(subscriber.decision),
        word,
        text: format!("{}{moves}{by}: {}", subscriber.target.label(), subscriber.reason()),
        group,
    }
}

fn build_merge_requests(report: &PlanReport) -> Part {
    let line = |mr: &MergeRequestReport| Line {
        style: CYAN,
        word: action_word(mr.action),
        text: format!(
            "{}: {}{}{}",
            describe_merge_request(mr),
            mr.reason,
            mr.describe_reviewers(),
            describe_outcome(mr)
        ),
        group: (mr.action as u8, name_group(mr)),
    };
    Part {
        name: "merge_requests",
        title: "Merge requests",
        lines: report.merge_requests.iter().map(line).collect(),
    }
}

/// `keep`, or `keep with auto-merge`.
fn name_group(mr: &MergeRequestReport) -> String {
    let word = action_word(mr.action);
    let kept = (mr.action == Action::Keep).then(|| kept_word(mr.reason_code)).flatten();
    kept.map_or_else(|| word.to_owned(), |kept| format!("{word} {kept}"))
}

fn describe_merge_request(mr: &MergeRequestReport) -> String {
    match (&mr.web_url, mr.iid) {
        (Some(url), _) => format!("{} {url}", mr.title),
        (None, Some(iid)) => format!("{} {iid}", mr.title),
        (None, None) => mr.title.clone(),
    }
}

fn describe_outcome(mr: &MergeRequestReport) -> String {
    match mr.outcome.as_ref().and_then(|outcome| outcome.message.as_ref()) {
        Some(message) => format!(" -- {message}"),
        None => String::new(),
    }
}

fn build_problems(report: &PlanReport) -> Part {
    let line = |problem: &crate::domain::Problem| {
        let (style, word) = if problem.is_error() { (RED, "error") } else { (YELLOW, "warning") };
        let mut place = problem
            .file
            .as_ref()
            .map(|file| RepoPath::of_datafile(file).to_string())
            .unwrap_or_default();
        if let Some(line) = problem.line {
            let _ = write!(place, ":{line}");
        }
        if !place.is_empty() {
            place.push_str(": ");
        }
        Line {
            style,
            word,
            text: format!("{place}{} [{}]", problem.message, problem.code),
            group: (u8::from(!problem.is_error()), word.to_owned()),
        }
    };
    Part { name: "problems", title: "Problems", lines: report.problems.iter().map(line).collect() }
}
