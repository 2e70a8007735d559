//! What a patch changes, by lines: for people as a unified diff, for conflicts as ranges.
//!
//! Looks at the lines around a change only, not at the whole text.

use std::fmt::Write;
use std::ops::Range;

use similar::TextDiff;

use yaml11::Patch;

/// Lines around a change in a unified diff.
const CONTEXT: usize = 3;

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    starts: Vec<usize>,
    length: usize,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let mut starts: Vec<usize> =
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        // What comes after the last line break is no line if it is empty.
        if starts.len() > 1 && starts.last() == Some(&text.len()) {
            starts.pop();
        }
        Self { starts, length: text.len() }
    }

    /// The line of a byte, from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where a line begins; the end of the text for lines after the last.
    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.length)
    }

    /// The lines that a patch of the text changes, as the sides of a merge see them: none, at their place, where lines
    /// are only added.
    pub(super) fn changed(&self, text: &str, patch: &Patch) -> Vec<Range<usize>> {
        let is_break = |text: &str| text.starts_with('\n') || text.starts_with("\r\n");
        patch
            .parts()
            .iter()
            .map(|(range, new)| {
                let first = self.line(range.start);
                let rest = text.get(range.start..).unwrap_or_default();
                if range.is_empty() && is_break(new) && is_break(rest) {
                    return first + 1..first + 1;
                }
                let last = range.end.saturating_sub(usize::from(!range.is_empty()));
                first..self.line(last).max(first) + 1
            })
            .collect()
    }
}

/// A unified diff of what a patch makes of a text.
pub(super) fn unified_diff(path: &str, old: &str, patch: &Patch) -> String {
    let lines = Lines::of(old);
    let mut out = format!("--- a/{path}\n+++ b/{path}\n");
    // How many more lines the new text has before a window.
    let mut shift = 0;
    for window in windows(&lines, old, patch) {
        let (before, after) = (&old[window.clone()], patch.apply_within(old, window.clone()));
        let diff = TextDiff::from_lines(before, &after);
        let above = diff_lines(&old[..window.start]);
        for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
            let (Some(first), Some(last)) = (hunk.ops().first(), hunk.ops().last()) else {
                continue;
            };
            let old_lines = first.old_range().start + above..last.old_range().end + above;
            let new_lines = first.new_range().start..last.new_range().end;
            let new_lines = new_lines.start + above..new_lines.end + above;
            let _ = writeln!(
                out,
                "@@ -{} +{} @@",
                hunk_range(&old_lines),
                hunk_range(&(moved(new_lines.start, shift)..moved(new_lines.end, shift)))
            );
            for change in hunk.iter_changes() {
                let _ = write!(out, "{}{change}", change.tag());
                if change.missing_newline() {
                    out.push_str("\\ No newline at end of file\n");
                }
            }
        }
        shift += diff_lines(&after) as isize - diff_lines(before) as isize;
    }
    out
}

/// The changed lines with those around them, as ranges of bytes that are apart from each other.
fn windows(lines: &Lines, text: &str, patch: &Patch) -> Vec<Range<usize>> {
    let mut windows: Vec<Range<usize>> = Vec::new();
    for changed in lines.changed(text, patch) {
        // One line more, as an added line ends the one before it.
        let first = changed.start.saturating_sub(CONTEXT + 1);
        let window = lines.start(first)..lines.start(changed.end + CONTEXT + 1);
        match windows.last_mut() {
            Some(last) if last.end >= window.start => last.end = last.end.max(window.end),
            _ => windows.push(window),
        }
    }
    windows
}

/// How many lines a diff counts in a text.
fn diff_lines(text: &str) -> usize {
    TextDiff::from_lines(text, "").old_len()
}

fn moved(line: usize, by: isize) -> usize {
    line.saturating_add_signed(by)
}

/// A range of lines, from 0, as the head of a hunk has it.
fn hunk_range(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same made of the whole texts.
    fn whole(path: &str, old: &str, new: &str) -> String {
        TextDiff::from_lines(old, new)
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&format!("a/{path}"), &format!("b/{path}"))
            .to_string()
    }

    #[test]
    fn a_diff_of_the_windows_is_that_of_the_texts() {
        let old: String = (0..60).map(|line| format!("line {line}\n")).collect();
        for (from, to) in [
            (vec![(5, "a")], "one"),
            (vec![(0, "a"), (59, "b")], "first and last"),
            (vec![(10, "a"), (16, "b"), (30, "c"), (38, "d")], "near and far"),
            (vec![(20, "a\nb\nc"), (40, "d")], "lines are added"),
        ]
        .map(|(changes, name)| {
            let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
            for (line, text) in changes {
                lines[line] = text.to_owned();
            }
            (lines.join("\n") + "\n", name)
        }) {
            let patch = Patch::between(&old, &from);
            assert_eq!(unified_diff("x", &old, &patch), whole("x", &old, &from), "{to}");
        }
    }

    #[test]
    fn a_diff_without_a_last_line_break_says_so() {
        for (old, new) in
            [("a\nb", "a\nc"), ("a\nb", "a\nb\nc"), ("a", "a\nb\n"), ("a\r\nb\r\n", "a\r\nc\r\n")]
        {
            let patch = Patch::between(old, new);
            assert_eq!(unified_diff("x", old, &patch), whole("x", old, new), "{old:?} {new:?}");
        }
    }
}
