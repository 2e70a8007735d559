//! Finds the style of existing entries for new ones.

use crate::quote::Context;
use crate::tree::{Content, NodeId, Style, Tree};

/// The style of a block list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Columns from a key to the dashes of its list.
    pub indent: usize,
    /// Columns from a dash to its content.
    pub gap: usize,
}

impl Tree {
    /// The context in which a scalar in a list or mapping (or in place of one) is written.
    pub(crate) fn context_of(&self, id: NodeId) -> Context {
        let mut around = NodeId(self.raw(id).parent);
        if matches!(self.raw(id).content, Content::Sequence | Content::Mapping) {
            around = id;
        }
        if self.raw(around).style != Style::Flow {
            return Context::Block;
        }
        // in JSON, all keys are in double quotes; for a list, its first item or its parent decides
        loop {
            let first = self.raw_children(around).first().copied();
            match (self.raw(around).content, first) {
                (Content::Mapping, Some(key)) if self.raw(key).style == Style::DoubleQuoted => {
                    return Context::Json;
                }
                (Content::Sequence, Some(item))
                    if self.raw(item).content == Content::Mapping
                        && self.raw(item).style == Style::Flow =>
                {
                    around = item;
                }
                (Content::Sequence, _) => {
                    let parent = NodeId(self.raw(around).parent);
                    if parent == around || self.raw(parent).style != Style::Flow {
                        return Context::Flow;
                    }
                    around = parent;
                    if self.raw(around).content == Content::Sequence {
                        return Context::Flow;
                    }
                }
                _ => return Context::Flow,
            }
        }
    }

    /// The style of a list as the value of a key of a block mapping; `None` for others.
    fn look(&self, list: NodeId) -> Option<Look> {
        let node = self.raw(list);
        let parent = NodeId(node.parent);
        let block = |id: NodeId, content| {
            self.raw(id).content == content && self.raw(id).style == Style::Block
        };
        if parent == list || !block(list, Content::Sequence) || !block(parent, Content::Mapping) {
            return None;
        }
        let column = self.dash_column(list)?;
        let indent = column.checked_sub(self.mapping_column(parent)).filter(|n| *n <= 8)?;
        Some(Look { indent, gap: self.gap(list, column) })
    }

    fn gap(&self, list: NodeId, column: usize) -> usize {
        let first = self.raw_children(list).first().map(|id| self.outer_start(*id));
        let gap = first.and_then(|at| self.column_of(at).checked_sub(column));
        gap.filter(|gap| (2..=8).contains(gap)).unwrap_or(2)
    }

    /// For items of an existing list: the indentation of the lists under this key of its items, else its own.
    pub(crate) fn look_of(&self, list: NodeId, column: usize, inner_key: Option<&str>) -> Look {
        let is_inner = |key: NodeId| inner_key.is_some_and(|inner| self.key_text(key) == inner);
        let inner = self.raw_children(list).iter().rev().find_map(|item| {
            let mut lists = self.raw_pairs(*item).filter(|(key, _)| is_inner(*key));
            lists.find_map(|(_, value)| self.look(value))
        });
        let indent = inner.or_else(|| self.look(list)).map_or(0, |look| look.indent);
        Look { indent, gap: self.gap(list, column) }
    }

    /// For a new list in a mapping: that of its other lists, else of its parents, else of the document's first list.
    pub(crate) fn look_around(&self, mapping: NodeId) -> Look {
        if let Some(look) = self.raw_pairs(mapping).find_map(|(_, value)| self.look(value)) {
            return look;
        }
        let mut id = mapping;
        loop {
            if let Some(look) = self.look(id) {
                return look;
            }
            let parent = NodeId(self.raw(id).parent);
            if parent == id {
                break;
            }
            id = parent;
        }
        let all = (0..u32::try_from(self.nodes.len()).unwrap_or(0)).map(NodeId);
        let mut looks = all.filter_map(|id| self.look(id));
        looks.next().unwrap_or(Look { indent: 0, gap: 2 })
    }
}
