//! Adding entries to lists and mappings in the style of what is there.

use super::edit::HashEdit;
use super::error::EditError;
use super::look::Look;
use super::quote::{Context, Quoting, write_scalar};
use super::splice::{Splice, is_break};
use super::tree::{Content, NodeId, Style, Tree, flag};

const CHANNEL: &str = "channel";
const DATA: &str = "data";
const PARENT: &str = "parent_saas";
const HASH: &str = "target_config_hash";
const TYPE: &str = "type";
const PARENT_CONFIG: &str = "parent_saas_config";

impl Tree {
    fn refuse(&self, node: NodeId, why: &'static str) -> EditError {
        EditError::Notation {
            at: self.position_of(node),
            what: self.written_path(node).to_string(),
            why,
        }
    }

    /// Adds keys or items, as written, at the end of a list or mapping in brackets.
    fn append_flow(&self, list: NodeId, entries: &[String], splices: &mut Vec<Splice>) {
        let node = self.raw(list);
        let bracket = node.start as usize;
        let Some(last) = self.raw_children(list).last() else {
            splices.push(Splice::inline(bracket + 1..bracket + 1, entries.join(", "), list));
            return;
        };
        let end = self.end_of(*last);
        let next = self.skip(end);
        let comma = self.text.as_bytes().get(next) == Some(&b',');
        let after = if comma { next + 1 } else { end };
        let first = self.raw_children(list).first().map_or(after, |id| self.outer_start(*id));
        let before = self.text.as_bytes().get(bracket..first).unwrap_or_default();
        let own_lines = before.iter().any(|b| is_break(*b)) && self.rest_is_comment(after);
        if !own_lines {
            splices.push(Splice::inline(end..end, format!(", {}", entries.join(", ")), list));
            return;
        }
        let indentation = &self.text[self.line_start(first)..first];
        let line_break = self.line_break(first);
        let separator = format!(",{line_break}{indentation}");
        if !comma {
            splices.push(Splice::inline(end..end, ",".to_owned(), list));
        }
        let at = self.line_end(after);
        let trailing = if comma { "," } else { "" };
        splices.push(Splice {
            range: at..at,
            text: format!("{line_break}{indentation}{}{trailing}", entries.join(&separator)),
            rank: 1,
            column: 0,
            node: list,
        });
    }

    /// Adds lines after the last thing of a block list or mapping.
    fn append_lines(
        &self,
        list: NodeId,
        last: NodeId,
        column: usize,
        lines: &[String],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let end = self.end_of(last);
        if !self.rest_is_comment(end) {
            return Err(self.refuse(list, "something follows it on its line"));
        }
        let at = self.line_end(end);
        splices.push(self.new_lines(list, at, column, lines));
        Ok(())
    }

    /// Lines at the end of a line; without a line break after them, so that the end of the file stays as it is.
    fn new_lines(&self, node: NodeId, at: usize, column: usize, lines: &[String]) -> Splice {
        let line_break = self.line_break(at);
        let indentation = " ".repeat(column);
        Splice {
            range: at..at,
            text: lines.iter().map(|line| format!("{line_break}{indentation}{line}")).collect(),
            rank: 1,
            column,
            node,
        }
    }

    /// Adds `target_config_hash` to an item that has none.
    pub(super) fn add_hash(
        &self,
        item: NodeId,
        hash: &str,
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let context = self.context_of(item);
        let entry = entry(HASH, &write_scalar(hash, Quoting::Plain, context), context);
        let Some(last) = self.raw_children(item).last().copied() else {
            return Err(self.refuse(item, "it is empty"));
        };
        if self.raw(item).style == Style::Flow {
            self.append_flow(item, &[entry], splices);
            return Ok(());
        }
        self.append_lines(item, last, self.mapping_column(item), &[entry], splices)
    }

    /// Adds items to a `promotion_data` that has some, or that is `[]`.
    pub(super) fn add_items(
        &self,
        list: NodeId,
        hashes: &[&HashEdit],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        if self.raw(list).style == Style::Flow {
            let context = self.context_of(list);
            let items: Vec<String> = hashes.iter().map(|h| flow_item(h, context)).collect();
            self.append_flow(list, &items, splices);
            return Ok(());
        }
        let (Some(last), Some(column)) =
            (self.raw_children(list).last().copied(), self.dash_column(list))
        else {
            return Err(self.refuse(list, "its items can't be told apart"));
        };
        let look = self.look_of(list, column);
        let last_is_flow =
            self.raw(last).content == Content::Mapping && self.raw(last).style == Style::Flow;
        let lines: Vec<String> = if last_is_flow {
            let context = self.context_of(last);
            let gap = " ".repeat(look.gap - 1);
            hashes.iter().map(|h| format!("-{gap}{}", flow_item(h, context))).collect()
        } else {
            hashes.iter().flat_map(|h| block_item(h, look)).collect()
        };
        self.append_lines(list, last, column, &lines, splices)
    }

    /// Adds `promotion_data` to a `promotion` that has none.
    pub(super) fn add_list(
        &self,
        promotion: NodeId,
        key: &str,
        hashes: &[&HashEdit],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let context = self.context_of(promotion);
        if self.raw(promotion).style == Style::Flow {
            let list = flow_list(hashes, context);
            self.append_flow(promotion, &[entry(key, &list, context)], splices);
            return Ok(());
        }
        let Some(last) = self.raw_children(promotion).last().copied() else {
            return Err(self.refuse(promotion, "it is empty"));
        };
        let mut lines = vec![format!("{key}:")];
        lines.extend(self.item_lines(promotion, hashes));
        self.append_lines(promotion, last, self.mapping_column(promotion), &lines, splices)
    }

    /// Puts a list in the place of a `promotion_data` that is null.
    pub(super) fn fill_list(
        &self,
        promotion: NodeId,
        value: NodeId,
        hashes: &[&HashEdit],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let node = self.raw(value);
        let empty = node.has(flag::EMPTY);
        let from = self.after_properties(value);
        let end = if empty { from } else { node.end as usize };
        if self.raw(promotion).style == Style::Flow {
            let list = flow_list(hashes, self.context_of(promotion));
            if !empty {
                splices.push(Splice::inline(node.start as usize..end, list, value));
            } else if self.text.as_bytes()[..from].ends_with(b":") {
                splices.push(Splice::inline(from..from, format!(" {list}"), value));
            } else {
                splices.push(Splice::inline(from..from, format!(": {list}"), value));
            }
            return Ok(());
        }
        if !self.rest_is_comment(end) {
            return Err(self.refuse(value, "something follows it on its line"));
        }
        if !empty {
            let comment = self.skip(end) < self.line_end(end)
                || self.text[end..self.line_end(end)].contains('#');
            let to = if comment { end } else { self.line_end(end) };
            splices.push(Splice::inline(from..to, String::new(), value));
        }
        let lines = self.item_lines(promotion, hashes);
        splices.push(self.new_lines(
            value,
            self.line_end(end),
            self.mapping_column(promotion),
            &lines,
        ));
        Ok(())
    }

    /// The lines of a new list under a key of a block mapping, seen from the column of the key.
    fn item_lines(&self, mapping: NodeId, hashes: &[&HashEdit]) -> Vec<String> {
        let look = self.look_around(mapping);
        let indentation = " ".repeat(look.indent);
        let lines = hashes.iter().flat_map(|h| block_item(h, look));
        lines.map(|line| indentation.clone() + &line).collect()
    }
}

fn entry(key: &str, value: &str, context: Context) -> String {
    match context {
        Context::Json => format!("\"{key}\": {value}"),
        Context::Block | Context::Flow => format!("{key}: {value}"),
    }
}

fn flow_item(hash: &HashEdit, context: Context) -> String {
    // what is in brackets is never in block context, even if the list that it is added to is
    let context = if context == Context::Json { context } else { Context::Flow };
    let field = |key, text: &str| entry(key, &write_scalar(text, Quoting::Plain, context), context);
    let data = [
        field(PARENT, &hash.parent_saas),
        field(HASH, &hash.target_config_hash),
        field(TYPE, PARENT_CONFIG),
    ];
    let data = entry(DATA, &format!("[{{{}}}]", data.join(", ")), context);
    format!("{{{}, {data}}}", field(CHANNEL, &hash.channel))
}

fn flow_list(hashes: &[&HashEdit], context: Context) -> String {
    let items: Vec<String> = hashes.iter().map(|h| flow_item(h, context)).collect();
    format!("[{}]", items.join(", "))
}

/// The lines of an item, seen from the column of its dash.
fn block_item(hash: &HashEdit, look: Look) -> Vec<String> {
    let value = |text: &str| write_scalar(text, Quoting::Plain, Context::Block);
    let dash = format!("-{}", " ".repeat(look.gap - 1));
    let inside = " ".repeat(look.gap);
    let list = format!("{inside}{}", " ".repeat(look.indent));
    vec![
        format!("{dash}{CHANNEL}: {}", value(&hash.channel)),
        format!("{inside}{DATA}:"),
        format!("{list}{dash}{PARENT}: {}", value(&hash.parent_saas)),
        format!("{list}{inside}{HASH}: {}", value(&hash.target_config_hash)),
        format!("{list}{inside}{TYPE}: {PARENT_CONFIG}"),
    ]
}
