//! Replaces the text of a scalar.

use crate::error::EditError;
use crate::path::NodePath;
use crate::quote::{Quoting, write_scalar};
use crate::splice::Splice;
use crate::tag::Tag;
use crate::tree::{NodeId, Style, Tree, flag};

impl Tree {
    /// The change that gives a scalar another text in its present notation.
    pub(crate) fn new_scalar(
        &self,
        id: NodeId,
        text: &str,
        path: &NodePath,
    ) -> Result<Splice, EditError> {
        let tree = self;
        let node = tree.raw(id);
        let at = tree.position_of(id);
        if !matches!(node.tag, Tag::None | Tag::Str | Tag::NonSpecific) {
            return Err(EditError::Tagged { at, what: path.to_string() });
        }
        let quoting = match node.style {
            Style::SingleQuoted => Quoting::Single,
            Style::DoubleQuoted => Quoting::Double,
            _ => Quoting::Plain,
        };
        let new = write_scalar(text, quoting, tree.context_of(id));
        let range = node.start as usize..node.end as usize;
        if node.has(flag::EMPTY) {
            let place = tree.end_of(id);
            let colon = tree.text()[..place].ends_with([':', '-']) || node.properties.1 > 0;
            let before = if colon { " " } else { ": " };
            return Ok(Splice::inline(place..place, format!("{before}{new}"), id));
        }
        if node.style != Style::BlockScalar {
            return Ok(Splice::inline(range, new, id));
        }
        // a text on one line keeps its `>-`, if the result is exactly the text
        let written = tree.text().get(range.clone()).unwrap_or_default();
        let trimmed = written.trim_end_matches([' ', '\t', '\r', '\n']);
        let literal = !text.is_empty()
            && text.trim() == text
            && text.chars().all(|c| !c.is_control() && !"\u{2028}\u{2029}\u{feff}".contains(c));
        let end = tree.end_of(id);
        if literal && tree.value(id) == trimmed && !trimmed.starts_with([' ', '\t', '\r', '\n']) {
            return Ok(Splice::inline(
                range.start..range.start + trimmed.len(),
                text.to_owned(),
                id,
            ));
        }
        let head = tree.skip(tree.after_properties(id));
        let line = tree.text().get(head..tree.line_end(head)).unwrap_or_default();
        let known = |c: char| "|>+-123456789 \t".contains(c);
        if !line.starts_with(['|', '>']) || !line.chars().all(known) || head > range.start {
            return Err(EditError::Notation {
                at,
                what: path.to_string(),
                why: "a block text with a comment in its head",
            });
        }
        Ok(Splice::inline(head..end.max(head + line.len()), new, id))
    }
}
