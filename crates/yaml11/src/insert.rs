//! Adds entries to lists and mappings in the surrounding style.

use crate::error::EditError;
use crate::quote::{Context, Quoting, write_scalar};
use crate::splice::{Splice, is_break};
use crate::style::Look;
use crate::tree::{Content, NodeId, Style, Tree, flag};

/// An entry to add. It is written in the surrounding style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Entry>),
    /// Keys and values, in this order.
    Map(Vec<(&'static str, Entry)>),
}

impl Entry {
    /// The first key with a list.
    fn list_key(&self) -> Option<&str> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find(|(_, value)| matches!(value, Self::List(_))).map(|(key, _)| *key)
    }

    /// In brackets.
    fn in_flow(&self, context: Context) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Text(text) => write_scalar(text, Quoting::Plain, context),
            Self::List(items) => {
                format!("[{}]", joined(items.iter().map(|item| item.in_flow(context)).collect()))
            }
            Self::Map(fields) => {
                let field =
                    |(key, value): &(&str, Self)| field(key, &value.in_flow(context), context);
                format!("{{{}}}", joined(fields.iter().map(field).collect()))
            }
        }
    }

    /// The lines of an item, relative to the column of its dash.
    fn item_lines(&self, look: Look) -> Vec<String> {
        let lines = self.lines(look);
        let (dash, inside) = (format!("-{}", " ".repeat(look.gap - 1)), " ".repeat(look.gap));
        lines
            .into_iter()
            .enumerate()
            .map(|(at, line)| format!("{}{line}", if at == 0 { &dash } else { &inside }))
            .collect()
    }

    /// The lines of a value by indentation, relative to its own column.
    fn lines(&self, look: Look) -> Vec<String> {
        match self {
            Self::Text(text) => vec![write_scalar(text, Quoting::Plain, Context::Block)],
            Self::List(items) => items.iter().flat_map(|item| item.item_lines(look)).collect(),
            Self::Map(fields) => fields
                .iter()
                .flat_map(|(key, value)| match value {
                    Self::Text(text) => {
                        vec![format!(
                            "{key}: {}",
                            write_scalar(text, Quoting::Plain, Context::Block)
                        )]
                    }
                    Self::List(_) => with_head(key, " ".repeat(look.indent), value.lines(look)),
                    Self::Map(_) => with_head(key, " ".repeat(look.gap), value.lines(look)),
                })
                .collect(),
        }
    }
}

fn with_head(key: &str, indentation: String, lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter().map(|line| format!("{indentation}{line}"));
    std::iter::once(format!("{key}:")).chain(lines).collect()
}

/// A key and its value, as written.
fn field(key: &str, value: &str, context: Context) -> String {
    match context {
        Context::Json => format!("\"{key}\": {value}"),
        Context::Block | Context::Flow => format!("{key}: {value}"),
    }
}

/// The content of brackets is never in block context, even if it is added to a block list.
fn inside_brackets(context: Context) -> Context {
    if context == Context::Json { context } else { Context::Flow }
}

fn flow_list(items: &[Entry], context: Context) -> String {
    Entry::List(items.to_vec()).in_flow(inside_brackets(context))
}

impl Tree {
    fn refuse(&self, node: NodeId, why: &'static str) -> EditError {
        EditError::Notation {
            at: self.position_of(node),
            what: self.written_path(node).to_string(),
            why,
        }
    }

    /// Adds keys or items at the end of a list or mapping in brackets.
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

    /// Adds lines at the end of a block list or mapping.
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
            return Err(self.refuse(list, "something follows on the same line"));
        }
        let at = self.line_end(end);
        splices.push(self.new_lines(list, at, column, lines));
        Ok(())
    }

    /// New lines after the end of a line. They do not end in a line break, so that the end of the file does not change.
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

    /// Adds a key with a text value to a mapping that does not have it.
    pub(crate) fn add_key(
        &self,
        item: NodeId,
        key: &str,
        text: &str,
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let context = self.context_of(item);
        let entry = field(key, &write_scalar(text, Quoting::Plain, context), context);
        let Some(last) = self.raw_children(item).last().copied() else {
            return Err(self.refuse(item, "it is empty"));
        };
        if self.raw(item).style == Style::Flow {
            self.append_flow(item, &[entry], splices);
            return Ok(());
        }
        self.append_lines(item, last, self.mapping_column(item), &[entry], splices)
    }

    /// Adds items to a list that is not empty, or that is `[]`.
    pub(crate) fn add_items(
        &self,
        list: NodeId,
        items: &[Entry],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        if self.raw(list).style == Style::Flow {
            let context = inside_brackets(self.context_of(list));
            let items: Vec<String> = items.iter().map(|item| item.in_flow(context)).collect();
            self.append_flow(list, &items, splices);
            return Ok(());
        }
        let (Some(last), Some(column)) =
            (self.raw_children(list).last().copied(), self.dash_column(list))
        else {
            return Err(self.refuse(list, "its items cannot be told apart"));
        };
        let look = self.look_of(list, column, items.first().and_then(Entry::list_key));
        let last_is_flow =
            self.raw(last).content == Content::Mapping && self.raw(last).style == Style::Flow;
        let lines: Vec<String> = if last_is_flow {
            let context = inside_brackets(self.context_of(last));
            let gap = " ".repeat(look.gap - 1);
            items.iter().map(|item| format!("-{gap}{}", item.in_flow(context))).collect()
        } else {
            items.iter().flat_map(|item| item.item_lines(look)).collect()
        };
        self.append_lines(list, last, column, &lines, splices)
    }

    /// Adds a key with a list to a mapping that does not have it.
    pub(crate) fn add_list(
        &self,
        mapping: NodeId,
        key: &str,
        items: &[Entry],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let context = self.context_of(mapping);
        if self.raw(mapping).style == Style::Flow {
            let list = flow_list(items, context);
            self.append_flow(mapping, &[field(key, &list, context)], splices);
            return Ok(());
        }
        let Some(last) = self.raw_children(mapping).last().copied() else {
            return Err(self.refuse(mapping, "it is empty"));
        };
        let mut lines = vec![format!("{key}:")];
        lines.extend(self.lines_of_list(mapping, items));
        self.append_lines(mapping, last, self.mapping_column(mapping), &lines, splices)
    }

    /// Replaces a null by a list.
    pub(crate) fn fill_list(
        &self,
        mapping: NodeId,
        value: NodeId,
        items: &[Entry],
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let node = self.raw(value);
        let empty = node.has(flag::EMPTY);
        let from = self.after_properties(value);
        let end = if empty { from } else { node.end as usize };
        if self.raw(mapping).style == Style::Flow {
            let list = flow_list(items, self.context_of(mapping));
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
            return Err(self.refuse(value, "something follows on the same line"));
        }
        if !empty {
            let comment = self.skip(end) < self.line_end(end)
                || self.text[end..self.line_end(end)].contains('#');
            let to = if comment { end } else { self.line_end(end) };
            splices.push(Splice::inline(from..to, String::new(), value));
        }
        let lines = self.lines_of_list(mapping, items);
        splices.push(self.new_lines(
            value,
            self.line_end(end),
            self.mapping_column(mapping),
            &lines,
        ));
        Ok(())
    }

    /// The lines of a new list under a key of a block mapping, relative to the column of the key.
    fn lines_of_list(&self, mapping: NodeId, items: &[Entry]) -> Vec<String> {
        let look = self.look_around(mapping);
        let indentation = " ".repeat(look.indent);
        let lines = items.iter().flat_map(|item| item.item_lines(look));
        lines.map(|line| indentation.clone() + &line).collect()
    }
}
