use std::collections::BTreeSet;

use jsonpath_ng::Shape;
use yaml11::{Limits, Tree};

use super::super::fields::{self, Field};
use super::super::{people, resource_reader, saas_reader, selectable};
use super::*;

/// The keys of a table that this program reads, by their path from the root.
fn read_here(table: &Table, way: &str, into: &mut BTreeSet<String>) {
    for key in table.keys.iter().filter(|key| key.reader == Reader::Sapm) {
        let name = format!("{way}{}", key.name);
        match (key.value.table(), &key.value) {
            (None, _) => {}
            (Some(below), Value::Mapping(_)) => read_here(below, &format!("{name}."), into),
            (Some(below), _) => read_here(below, &format!("{name}[]."), into),
        }
        into.insert(name);
    }
}

/// A file that has every key of a table.
fn sample(table: &Table, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let lines = table.keys.iter().map(|key| match (key.value.table(), &key.value) {
        (None, value) => format!("{pad}{}: {}\n", key.name, example(key.name, value)),
        (Some(below), Value::Mapping(_)) => {
            format!("{pad}{}:\n{}", key.name, sample(below, indent + 2))
        }
        (Some(below), _) => {
            let item = sample(below, indent + 2);
            format!("{pad}{}:\n{pad}- {}", key.name, item.trim_start())
        }
    });
    lines.collect()
}

fn example(key: &str, value: &Value) -> &'static str {
    match (key, value) {
        ("provider", _) => "dynamic",
        ("type", _) => "parent_saas_config",
        // The reader does not check `delete` on a target that is disabled.
        ("disable", Value::Flag) => "false",
        (_, Value::Flag) => "true",
        (_, Value::Count | Value::Number) => "1",
        (_, Value::Texts) => "[a]",
        (_, Value::Map) => "{window: 1d}",
        (_, Value::Ref(_)) => "{$ref: /a.yml}",
        (_, Value::Refs(_) | Value::AnyRefs) => "[{$ref: /a.yml}]",
        _ => "a",
    }
}

/// The keys that a reader looks up, by their path from the root.
fn asked(text: &str, read: impl Fn(&Field<'_>)) -> BTreeSet<String> {
    let tree = Tree::parse(text.as_bytes(), &Limits::default()).unwrap();
    fields::note_keys();
    read(&Field::root(tree.root()));
    fields::noted_keys()
}

fn known(table: &Table) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    read_here(table, "", &mut known);
    known
}

/// Reads a file as `load` does.
fn read(schema: Schema, root: &Field<'_>) {
    match schema {
        Schema::SaasFile => {
            drop(saas_reader::saas_file("/a.yml", root, &mut Vec::new()).unwrap());
        }
        Schema::TargetFile => drop(saas_reader::target("/a.yml", root).unwrap()),
        Schema::App => drop(resource_reader::app("/a.yml", root).unwrap()),
        Schema::Namespace => drop(resource_reader::namespace(root).unwrap()),
        Schema::Cluster => drop(resource_reader::cluster(root).unwrap()),
        Schema::Environment => drop(resource_reader::environment(root).unwrap()),
        Schema::SloDocument => drop(resource_reader::slo_document(root).unwrap()),
        Schema::Role => drop(resource_reader::role(root).unwrap()),
        Schema::User => drop(people::user(root).unwrap()),
    }
}

#[test]
fn the_readers_use_exactly_the_keys_of_the_tables() {
    for schema in Schema::ALL {
        let table = find_table(schema);
        let text = sample(table, 0);
        // namespace and namespaceSelector exclude each other: a file with the first, and one with the second.
        let first = asked(&text.replace("namespaceSelector:", "parameters:"), |root| {
            read(schema, root);
        });
        let is_target = matches!(schema, Schema::SaasFile | Schema::TargetFile);
        let second = match is_target {
            true => text.replace("namespace: {$ref: /a.yml}", "provider: dynamic"),
            false => text.clone(),
        };
        let second = asked(&second, |root| read(schema, root));
        assert_eq!(&first | &second, known(table), "{schema:?}: {text}");
    }
}

#[test]
fn selectors_see_exactly_the_keys_of_the_tables() {
    // What the program adds to the fields of a file.
    let added = ["path", "selfServiceRoles"];
    for (schema, shape) in [
        (Schema::App, selectable::APP),
        (Schema::Namespace, selectable::NAMESPACE),
        (Schema::Cluster, selectable::CLUSTER),
        (Schema::Environment, selectable::ENVIRONMENT),
    ] {
        let Shape::Object(fields) = shape else { panic!("{schema:?} is an object") };
        let seen: BTreeSet<&str> =
            fields.iter().map(|(name, _)| *name).filter(|name| !added.contains(name)).collect();
        let keys = find_table(schema).keys;
        for key in keys {
            match key.reader {
                Reader::Selectors => assert!(seen.contains(key.name), "{schema:?}: {}", key.name),
                Reader::Others => assert!(!seen.contains(key.name), "{schema:?}: {}", key.name),
                Reader::Sapm | Reader::Record => {}
            }
        }
        for name in seen {
            assert!(keys.iter().any(|key| key.name == name), "{schema:?} has no {name}");
        }
    }
}

#[test]
fn record_reads_exactly_the_keys_of_the_tables() {
    let Shape::Object(fields) = selectable::PARAMETERS else { panic!("an object") };
    let [saas_file, target] = [&saas::SAAS_FILE, &saas::TARGET];
    let template = saas_file.find("resourceTemplates").and_then(|key| key.value.table());
    let own = [(saas_file, None), (template.unwrap(), Some("path")), (target, None)];
    for (table, more) in own {
        let read: BTreeSet<&str> = fields.iter().map(|(name, _)| *name).chain(more).collect();
        let keys = table.keys.iter().filter(|key| key.reader == Reader::Record);
        assert_eq!(keys.map(|key| key.name).collect::<BTreeSet<_>>(), read);
    }
}

#[test]
fn every_key_that_is_read_has_a_description_of_one_line() {
    fn check(table: &Table) {
        for key in table.keys {
            let is_described = !key.about.is_empty() && !key.about.contains('\n');
            assert_eq!(is_described, key.reader != Reader::Others, "{}", key.name);
            assert!(key.about.is_empty() || key.about.ends_with('.'), "{}", key.about);
            key.value.table().into_iter().for_each(check);
        }
    }
    Schema::ALL.into_iter().map(find_table).for_each(check);
}
