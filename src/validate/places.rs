//! Converts YAML paths to lines and columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app_interface::Bundle;
use crate::domain::{Problem, mask_userinfo};
use yaml11::{Limits, NodePath, NodeRef, Tree};

/// Longer lines are cut in excerpts: a file may consist of one line.
const LONGEST_LINE: usize = 100_000;

/// Finds source locations, and keeps their lines.
pub(super) struct Places<'a> {
    bundle: &'a Bundle,
    parsed: BTreeMap<String, Option<Arc<Tree>>>,
    pub(super) lines: BTreeMap<(String, u32), String>,
}

/// A node on its first line.
struct Spot {
    line: u32,
    column: u32,
    end_column: u32,
    text: String,
}

impl<'a> Places<'a> {
    pub(super) fn new(bundle: &'a Bundle) -> Self {
        Self { bundle, parsed: BTreeMap::new(), lines: BTreeMap::new() }
    }

    /// Sets line and column of a problem and its related locations from their YAML paths. If the path
    /// leads nowhere, a line that is already set stays.
    pub(super) fn locate(&mut self, problem: &mut Problem) {
        for related in &mut problem.related {
            if let Some(spot) = self.spot(&related.file, &related.path) {
                (related.line, related.column) = (Some(spot.line), Some(spot.column));
                self.store_line(related.file.clone(), spot.line, &spot.text);
            }
        }
        let Some(file) = problem.file.clone() else { return };
        let spot = match (&problem.path, problem.line) {
            (Some(path), _) => self.spot(&file, path),
            (None, Some(_)) => None,
            (None, None) => self.spot(&file, ""),
        };
        if let Some(spot) = spot {
            (problem.line, problem.column) = (Some(spot.line), Some(spot.column));
            (problem.end_line, problem.end_column) = (Some(spot.line), Some(spot.end_column));
            self.store_line(file, spot.line, &spot.text);
        } else if let Some(line) = problem.line
            && let Some(text) = self.line(&file, line)
        {
            self.store_line(file, line, &text);
        }
    }

    fn store_line(&mut self, file: String, line: u32, text: &str) {
        self.lines.insert((file, line), mask_userinfo(text));
    }

    fn spot(&mut self, file: &str, path: &str) -> Option<Spot> {
        let tree = self.tree(file)?;
        let node = tree.at_path(&NodePath::parse(path)?)?;
        Some(find_spot(&tree, node))
    }

    fn tree(&mut self, file: &str) -> Option<Arc<Tree>> {
        if let Some(tree) = self.bundle.tree(file) {
            return Some(Arc::clone(tree));
        }
        if let Some(tree) = self.parsed.get(file) {
            return tree.clone();
        }
        let bytes = self.bundle.texts.get(file);
        let tree = bytes.and_then(|bytes| Tree::parse(bytes, &Limits::default()).ok());
        let tree = tree.map(Arc::new);
        self.parsed.insert(file.to_owned(), tree.clone());
        tree
    }

    /// A line of a file, which may not be YAML.
    fn line(&self, file: &str, number: u32) -> Option<String> {
        let bytes = match self.bundle.text(file) {
            Some(text) => text.as_bytes(),
            None => self.bundle.texts.get(file)?.as_slice(),
        };
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = bytes.split(|byte| *byte == b'\n').nth(index)?;
        let text = String::from_utf8_lossy(line);
        Some(cut_line(text.trim_start_matches('\u{feff}').trim_end_matches('\r')).to_owned())
    }
}

fn find_spot(tree: &Tree, node: NodeRef<'_>) -> Spot {
    let text = tree.text();
    let span = node.span();
    let is_end = |c: char| matches!(c, '\n' | '\r');
    let from = text[..span.start].rfind(is_end).map_or(0, |at| at + 1);
    let to = text[span.start..].find(is_end).map_or(text.len(), |at| span.start + at);
    let line = text[from..to].trim_start_matches('\u{feff}');
    let position = node.position();
    // The range of a block list may begin after its first dash; its position is that of the dash.
    let skipped = (position.column as usize).saturating_sub(1);
    let begin = line.char_indices().nth(skipped).map_or(to, |(at, _)| to - line.len() + at);
    let begin = begin.min(span.start);
    let shown = text[begin..span.end.clamp(begin, to)].trim_end();
    let width = u32::try_from(shown.chars().count()).unwrap_or(u32::MAX);
    Spot {
        line: position.line,
        column: position.column,
        end_column: position.column.saturating_add(width),
        text: cut_line(line).to_owned(),
    }
}

fn cut_line(line: &str) -> &str {
    line.char_indices().nth(LONGEST_LINE).map_or(line, |(end, _)| &line[..end])
}
