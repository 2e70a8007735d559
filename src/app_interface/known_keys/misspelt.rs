//! Unknown keys that resemble known ones. A misspelt key would otherwise disable a gate without anybody noticing.

use std::collections::BTreeSet;

use super::{Key, Reader, Table, Value, find_table};
use crate::app_interface::batch::Schema;
use crate::app_interface::fields::Field;
use crate::domain::{Problem, ProblemCode, near};
use yaml11::{Kind, NodeId, NodePath};

/// Number of keys per file that are compared with the known ones.
const MAX_COMPARED: usize = 200;

/// Unknown keys that resemble a known one, or that belong a level higher or lower.
pub(in super::super) fn misspelt_keys(
    file: &str,
    root: &Field<'_>,
    schema: Schema,
) -> Vec<Problem> {
    let mut search = Search { file, compared: 0, seen: BTreeSet::new(), found: Vec::new() };
    search.mapping(root, find_table(schema), None);
    search.found
}

struct Search<'a> {
    file: &'a str,
    compared: usize,
    /// Mappings checked so far. With aliases, one mapping can occur in several locations.
    seen: BTreeSet<NodeId>,
    found: Vec<Problem>,
}

impl Search<'_> {
    fn mapping(
        &mut self,
        field: &Field<'_>,
        table: &'static Table,
        around: Option<(&'static str, &'static Table)>,
    ) {
        if field.node.kind() != Kind::Mapping || !self.seen.insert(field.node.id()) {
            return;
        }
        for (name, _) in field.node.entries() {
            match table.find(&name) {
                Some(key) => self.search_below(field, key, table),
                None if name.starts_with('$') || self.compared == MAX_COMPARED => {}
                None => {
                    self.compared += 1;
                    if let Some(meant) = find_meant_key(&name, table, around) {
                        self.report(field, &name, &meant);
                    }
                }
            }
        }
    }

    fn search_below(&mut self, field: &Field<'_>, key: &'static Key, table: &'static Table) {
        let Some(value) = field.get(key.name) else { return };
        let around = Some((key.name, table));
        match (key.value.table(), &key.value) {
            (None, _) => {}
            (Some(below), Value::Mapping(_)) => self.mapping(&value, below, around),
            (Some(below), _) => {
                for item in value.items().unwrap_or_default() {
                    self.mapping(&item, below, around);
                }
            }
        }
    }

    fn report(&mut self, field: &Field<'_>, name: &str, meant: &str) {
        let message = format!("unknown key `{name}`: it has no effect");
        let place = NodePath::parse(&field.path).unwrap_or_default().key(name);
        let at = field.node.get(name).unwrap_or(field.node).position();
        self.found.push(
            Problem::new(ProblemCode::MisspeltKey, message)
                .in_file(self.file)
                .at(place.to_string())
                .at_line(at.line, at.column)
                .help(format!("did you mean {meant}?")),
        );
    }
}

/// Finds the key that was probably meant.
fn find_meant_key(
    name: &str,
    table: &'static Table,
    around: Option<(&'static str, &'static Table)>,
) -> Option<String> {
    if let Some(nearest) = near(table.names(), name).first() {
        return Some(format!("`{nearest}`"));
    }
    for key in table.keys {
        if let Value::Mapping(below) = key.value
            && below.find(name).is_some()
        {
            return Some(format!("`{name}` below `{}`", key.name));
        }
    }
    let (own, outer) = around?;
    let belongs_there = outer.find(name).is_some_and(|key| key.reader == Reader::Sapm);
    belongs_there.then(|| format!("`{name}` next to `{own}`"))
}
