//! Renders problems like a compiler: the line, what is wrong in it, and how to fix it.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::FindingsReport;
use crate::domain::{Problem, Related, RepoPath, printable, printable_except};
use crate::report::Paint;

type Lines = BTreeMap<(String, u32), String>;

/// Every problem with its excerpt, then the counts.
pub fn findings_text(report: &FindingsReport, paint: Paint) -> String {
    let mut text = String::new();
    for problem in &report.problems {
        text.push_str(&problem_text(problem, &report.lines, paint));
        text.push_str("\n\n");
    }
    text.push_str(&report.summary());
    text.push('\n');
    text
}

/// One problem, without a line end.
pub(super) fn problem_text(problem: &Problem, lines: &Lines, paint: Paint) -> String {
    let renderer = match paint {
        Paint::Colours => Renderer::styled(),
        Paint::Plain => Renderer::plain(),
    };
    let level = if problem.is_error() { Level::ERROR } else { Level::WARNING };
    let title = level.primary_title(printable(&problem.message)).id(problem.code.as_str());
    let mut first = Group::with_title(title);
    if let Some(file) = &problem.file {
        let (line, column) = (problem.line, problem.column);
        let end = problem.end_line.filter(|end| Some(*end) == line).and(problem.end_column);
        first = build_excerpt(first, lines, file, line, column, end);
    } else if let Some(path) = &problem.path {
        first = first.element(Origin::path(printable(path)));
    }
    let mut groups = vec![first];
    groups.extend(problem.related.iter().map(|related| build_note(related, lines)));
    if let Some(help) = &problem.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(printable(help))));
    }
    renderer.render(&groups)
}

fn build_note(related: &Related, lines: &Lines) -> Group<'static> {
    let title = Level::NOTE.secondary_title(printable(&related.message));
    build_excerpt(
        Group::with_title(title),
        lines,
        &related.file,
        related.line,
        related.column,
        None,
    )
}

fn build_excerpt<'a>(
    group: Group<'a>,
    lines: &Lines,
    file: &str,
    line: Option<u32>,
    column: Option<u32>,
    end: Option<u32>,
) -> Group<'a> {
    let path = printable(RepoPath::of_datafile(file).as_str());
    let text = line.and_then(|line| lines.get(&(file.to_owned(), line)));
    match (text, line) {
        (Some(text), Some(number)) => {
            // The same number of characters as before, so that columns still match. The renderer handles tabs.
            let text = printable_except(text, "\t");
            let marked = AnnotationKind::Primary.span(find_byte_range(&text, column, end));
            let snippet = Snippet::source(text).line_start(number as usize).path(path);
            group.element(snippet.annotation(marked))
        }
        (None, Some(number)) => group.element(Origin::path(path).line(number as usize)),
        (None, None) | (Some(_), None) => group.element(Origin::path(path)),
    }
}

/// The byte range of columns in a line (from 1; the end is after the last character). Without an end, the
/// rest of the line.
fn find_byte_range(line: &str, column: Option<u32>, end: Option<u32>) -> Range<usize> {
    let at = |column: u32| {
        let characters = (column as usize).saturating_sub(1);
        line.char_indices().nth(characters).map_or(line.len(), |(byte, _)| byte)
    };
    let from = at(column.unwrap_or(1));
    let to = end.map_or(line.trim_end().len(), at);
    from..to.max(from)
}
