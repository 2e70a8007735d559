//! Changes of a text, and positions of its parts in bytes.

use crate::error::EditError;
use crate::patch::Patch;
use crate::tree::{Content, NodeId, Style, Tree, flag};
use std::cmp::Reverse;
use std::ops::Range;

/// A replacement of a part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
    /// Of two insertions at one position, the one with the lower rank comes first: parts of the line, then new lines.
    pub(crate) rank: u8,
    /// New lines with more indentation come first.
    pub(crate) column: usize,
    /// The node that is changed.
    pub(crate) node: NodeId,
}

impl Splice {
    pub(crate) fn inline(range: Range<usize>, text: String, node: NodeId) -> Self {
        Self { range, text, rank: 0, column: 0, node }
    }
}

/// Combines all changes to one patch of the text. Equal changes are made once.
pub(crate) fn patch(tree: &Tree, mut splices: Vec<Splice>) -> Result<Patch, EditError> {
    splices.sort_by_key(|s| (s.range.start, s.rank, Reverse(s.column), s.range.end));
    splices.dedup();
    let mut done = 0;
    for splice in &splices {
        let is_free = splice.range.start >= done && tree.text.get(splice.range.clone()).is_some();
        if !is_free {
            return Err(EditError::Conflict {
                at: tree.position_of(splice.node),
                what: tree.written_path(splice.node).to_string(),
            });
        }
        done = splice.range.end;
    }
    Ok(Patch::new(splices.into_iter().map(|splice| (splice.range, splice.text)).collect()))
}

pub(crate) fn is_break(b: u8) -> bool {
    matches!(b, b'\n' | b'\r')
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

impl Tree {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The start of a byte's line, after a byte order mark.
    pub(crate) fn line_start(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let bom = if self.text.starts_with('\u{feff}') { 3 } else { 0 };
        before.iter().rposition(|b| is_break(*b)).map_or(bom, |i| i + 1)
    }

    /// The end of a byte's line, before the line break.
    pub(crate) fn line_end(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().position(|b| is_break(*b)).unwrap_or(rest.len())
    }

    /// The column of a byte, from 0. The text before it on the line must be ASCII, as it is in all uses.
    pub(crate) fn column_of(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// The line break to use at a position: that of its line, else that of the first line.
    pub(crate) fn line_break(&self, at: usize) -> &'static str {
        [self.line_end(at), self.line_end(0)]
            .into_iter()
            .find_map(|end| match (self.byte(end), self.byte(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => Some("\r\n"),
                (Some(b'\r'), _) => Some("\r"),
                (Some(b'\n'), _) => Some("\n"),
                _ => None,
            })
            .unwrap_or("\n")
    }

    /// Does the rest of the line contain only blanks and a comment?
    pub(crate) fn rest_is_comment(&self, at: usize) -> bool {
        // A line may be the whole file, so do not search for its end.
        let rest = &self.text.as_bytes()[at..];
        let blanks = rest.iter().take_while(|b| is_blank(**b)).count();
        match rest.get(blanks) {
            None => true,
            Some(b'#') => blanks > 0,
            Some(b) => is_break(*b),
        }
    }

    /// The first byte from here on that is not a blank, a line break or part of a comment.
    pub(crate) fn skip(&self, at: usize) -> usize {
        let mut i = at;
        while let Some(b) = self.byte(i) {
            if is_blank(b) || is_break(b) {
                i += 1;
            } else if b == b'#'
                && i > 0
                && self.byte(i - 1).is_some_and(|b| is_blank(b) || is_break(b))
            {
                i = self.line_end(i);
            } else {
                break;
            }
        }
        i
    }

    /// The start of a node, including anchor and tag.
    pub(crate) fn outer_start(&self, id: NodeId) -> usize {
        let node = self.raw(id);
        let start =
            if node.properties.1 > 0 { node.properties.0.min(node.start) } else { node.start };
        start as usize
    }

    /// The first position for the text of a node: after the `:`, `-`, `,` or bracket before it. The parser's position
    /// is not used, because it is wrong for missing values.
    pub(crate) fn after_indicator(&self, id: NodeId) -> usize {
        let parent = NodeId(self.raw(id).parent);
        let siblings = self.raw_children(parent);
        let Some(place) = self.place_in(parent, id) else {
            return self.outer_start(id);
        };
        let flow = self.raw(parent).style == Style::Flow;
        if self.raw(parent).content == Content::Sequence && self.raw(id).has(flag::EMPTY) {
            // here the parser is right; searching backwards could lead through the whole document
            let start = self.outer_start(id);
            let before = self.text.get(..start).unwrap_or_default();
            return before.trim_end_matches([' ', '\t']).len();
        }
        let (from, indicator) = match self.raw(parent).content {
            Content::Mapping if place % 2 == 0 => return self.outer_start(id),
            Content::Mapping => (self.end_of(siblings[place - 1]), b':'),
            _ if place > 0 => (self.end_of(siblings[place - 1]), if flow { b',' } else { b'-' }),
            _ if flow => return self.raw(parent).start as usize + 1,
            _ => (self.after_properties(parent), b'-'),
        };
        let at = self.skip(from);
        if self.byte(at) == Some(indicator) { at + 1 } else { from }
    }

    /// The first position for the text of a node after anchor and tag.
    pub(crate) fn after_properties(&self, id: NodeId) -> usize {
        let properties = self.raw(id).properties;
        if properties.1 > 0 { properties.1 as usize } else { self.after_indicator(id) }
    }

    /// The end of a node's content. Blank lines after a block scalar count only if they are part of it.
    pub(crate) fn end_of(&self, id: NodeId) -> usize {
        let mut id = id;
        loop {
            let node = self.raw(id);
            match node.content {
                Content::Scalar if node.has(flag::EMPTY) => return self.after_properties(id),
                Content::Scalar if node.style == Style::BlockScalar => {
                    return self.block_scalar_end(id);
                }
                Content::Sequence | Content::Mapping if node.style == Style::Block => {
                    match self.raw_children(id).last() {
                        Some(last) => id = *last,
                        None => return node.end as usize,
                    }
                }
                _ => return node.end as usize,
            }
        }
    }

    fn block_scalar_end(&self, id: NodeId) -> usize {
        let node = self.raw(id);
        let (start, end) = (node.start as usize, node.end as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        let used = text.trim_end_matches([' ', '\t', '\r', '\n']).len();
        if used == 0 {
            return self.line_end(self.skip(self.after_properties(id)));
        }
        if self.value(id).ends_with("\n\n") {
            // the parser includes the indentation of the next line
            let text = text.trim_end_matches([' ', '\t']);
            let last = text.strip_suffix('\n').unwrap_or(text);
            return start + last.strip_suffix('\r').unwrap_or(last).len();
        }
        start + used
    }

    /// The column of a block mapping's keys.
    pub(crate) fn mapping_column(&self, mapping: NodeId) -> usize {
        let Some(key) = self.raw_children(mapping).first() else {
            return 0;
        };
        let key = self.outer_start(*key);
        let before = &self.text.as_bytes()[self.line_start(key)..key];
        let blanks = before.iter().rev().take_while(|b| is_blank(**b)).count();
        // `? key` begins at the question mark
        match before.iter().rev().nth(blanks) {
            Some(b'?') if blanks > 0 => before.len() - blanks - 1,
            _ => before.len(),
        }
    }

    /// The column of a block list's dashes.
    pub(crate) fn dash_column(&self, list: NodeId) -> Option<usize> {
        let first = self.raw_children(list).first()?;
        let dash = self.after_indicator(*first).checked_sub(1)?;
        (self.byte(dash) == Some(b'-')).then(|| self.column_of(dash))
    }
}
