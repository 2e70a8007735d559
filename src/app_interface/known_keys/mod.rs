//! The known keys of the datafiles that promotions depend on: what each is for, and what its value is.
//!
//! The tables have two users: [`misspelt_keys`] reports keys that resemble a known one, and [`datafile_schemas`]
//! makes JSON Schemas for editors of them. A test holds them to the keys that the readers use.

mod json_schema;
mod misspelt;
mod resources;
mod saas;

pub use json_schema::datafile_schemas;
pub(super) use misspelt::misspelt_keys;

use super::batch::Schema;

/// The keys that a mapping may have.
#[derive(Debug)]
struct Table {
    keys: &'static [Key],
    /// Keys that exclude each other. The mapping must have one of them. Empty if there are none.
    alternatives: &'static [&'static str],
}

/// A key of a mapping.
#[derive(Debug)]
struct Key {
    name: &'static str,
    reader: Reader,
    required: bool,
    value: Value,
    /// What this program does with it, for people who hover over the key in an editor. Empty for [`Reader::Others`].
    about: &'static str,
}

/// Who reads a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// This program, for promotions.
    Sapm,
    /// Only the selectors of targets that ask for it.
    Selectors,
    /// Only `sapm record`, for the digest of a target's configuration.
    Record,
    /// Other programs only.
    Others,
}

/// What the value of a key is.
#[derive(Debug)]
enum Value {
    /// A value that is not checked.
    Any,
    /// A text. The reader takes numbers and dates as their text.
    Text,
    Flag,
    /// A whole number, 0 or more.
    Count,
    Number,
    /// A list of texts.
    Texts,
    /// A list of any values.
    Items,
    /// A mapping with any keys.
    Map,
    /// The same, or its JSON as a text.
    MapOrJson,
    /// `{$ref: /path}`, which names a file of this kind.
    Ref(Schema),
    /// A list of them.
    Refs(Schema),
    /// A list of `{$ref: /path}`, which name files of any kind.
    AnyRefs,
    Mapping(&'static Table),
    List(&'static Table),
    /// A list of mappings, each of which may be a `{$ref: /path}` to a file of this kind instead.
    ListOrRefs(&'static Table, Schema),
}

impl Table {
    const fn new(keys: &'static [Key]) -> Self {
        Self { keys, alternatives: &[] }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }

    fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Value {
    /// The table of the mapping, or of the mappings in the list.
    fn table(&self) -> Option<&'static Table> {
        match self {
            Self::Mapping(table) | Self::List(table) | Self::ListOrRefs(table, _) => Some(table),
            _ => None,
        }
    }
}

/// A key that this program reads.
const fn key(name: &'static str, value: Value, about: &'static str) -> Key {
    Key { name, reader: Reader::Sapm, required: false, value, about }
}

/// A key without which this program cannot use the mapping.
const fn required(name: &'static str, value: Value, about: &'static str) -> Key {
    Key { required: true, ..key(name, value, about) }
}

/// A key that only selectors see.
const fn selectable(name: &'static str, value: Value, about: &'static str) -> Key {
    Key { reader: Reader::Selectors, ..key(name, value, about) }
}

/// A key that `sapm record` reads.
const fn recorded(name: &'static str, value: Value, about: &'static str) -> Key {
    Key { reader: Reader::Record, ..key(name, value, about) }
}

/// A key that only other programs read.
const fn other(name: &'static str) -> Key {
    Key { reader: Reader::Others, ..key(name, Value::Any, "") }
}

/// The known keys of a datafile.
const fn find_table(schema: Schema) -> &'static Table {
    match schema {
        Schema::SaasFile => &saas::SAAS_FILE,
        Schema::TargetFile => &saas::TARGET,
        Schema::App => &resources::APP,
        Schema::Namespace => &resources::NAMESPACE,
        Schema::Cluster => &resources::CLUSTER,
        Schema::Environment => &resources::ENVIRONMENT,
        Schema::SloDocument => &resources::SLO_DOCUMENT,
        Schema::Role => &resources::ROLE,
        Schema::User => &resources::USER,
    }
}

#[cfg(test)]
mod tests;
