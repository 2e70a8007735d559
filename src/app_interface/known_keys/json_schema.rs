//! JSON Schemas of the datafiles, for the completion and the checks of editors.
//!
//! They accept what the readers accept. Unknown keys are allowed, as other programs may read them, unless they are a
//! typing mistake away from a key that this program reads, or belong a level higher or lower.

use serde_json::{Map, Value as Json, json};

use super::{Key, Reader, Table, Value, find_table};
use crate::app_interface::batch::Schema;
use crate::domain::near;

/// The JSON Schema (draft-07, as yaml-language-server knows it best) of each kind of datafile, with its file name.
pub fn datafile_schemas() -> Vec<(String, Json)> {
    Schema::ALL.into_iter().map(|schema| (file_name(schema), describe_datafile(schema))).collect()
}

/// `saas-file-2.json` for `/app-sre/saas-file-2.yml`.
fn file_name(schema: Schema) -> String {
    let name = schema.path().rsplit('/').next().unwrap_or_default();
    format!("{}.json", name.trim_end_matches(".yml"))
}

fn describe_datafile(schema: Schema) -> Json {
    let mut root = describe_table(find_table(schema), None);
    let kind = json!({
        "const": schema.path(),
        "description": "Kind of the datafile. Files of other kinds are not read.",
    });
    root["properties"]["$schema"] = kind;
    if let Some(Json::Array(required)) = root.get_mut("required") {
        required.insert(0, json!("$schema"));
    } else {
        root["required"] = json!(["$schema"]);
    }
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!(schema.title());
    root
}

/// A mapping with these keys. `outer` is the table of the mapping around it.
fn describe_table(table: &'static Table, outer: Option<&'static Table>) -> Json {
    let properties: Map<String, Json> =
        table.keys.iter().map(|key| (key.name.to_owned(), describe_key(key, table))).collect();
    let mut object = json!({"type": "object", "properties": properties});
    let refused = find_mistakes(table, outer);
    if !refused.is_empty() {
        object["patternProperties"] = Json::Object(refused);
    }
    let required: Vec<&str> =
        table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if !table.alternatives.is_empty() {
        let needs = |name| json!({"required": [name]});
        object["oneOf"] = table.alternatives.iter().map(needs).collect();
    }
    object
}

fn describe_key(key: &'static Key, table: &'static Table) -> Json {
    let mut schema = describe_value(&key.value, table);
    // Null counts as absent.
    if !key.required
        && let Some(kind) = schema.get_mut("type")
    {
        let mut kinds = kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]);
        kinds.push(json!("null"));
        *kind = Json::Array(kinds);
    }
    let about = match key.reader {
        Reader::Others => "Read by other programs, not by sapm.",
        Reader::Sapm | Reader::Selectors | Reader::Record => key.about,
    };
    schema["description"] = json!(about);
    schema
}

fn describe_value(value: &Value, around: &'static Table) -> Json {
    // Text comes first: what editors insert is of the first type.
    let text = || json!({"type": ["string", "number"]});
    let list = |items: Json| json!({"type": "array", "items": items});
    match value {
        Value::Any => json!({}),
        Value::Text => text(),
        Value::Flag => json!({"type": "boolean"}),
        Value::Count => json!({"type": "integer", "minimum": 0}),
        Value::Number => json!({"type": ["number", "string"]}),
        Value::Texts => list(text()),
        Value::Items => list(json!({})),
        Value::Map => json!({"type": "object"}),
        Value::MapOrJson => json!({"type": ["object", "string"]}),
        Value::Ref(schema) => describe_reference(Some(*schema)),
        Value::Refs(schema) => list(describe_reference(Some(*schema))),
        Value::AnyRefs => list(describe_reference(None)),
        Value::Mapping(table) => describe_table(table, Some(around)),
        Value::List(table) => list(describe_table(table, Some(around))),
        Value::ListOrRefs(table, schema) => {
            list(allow_reference(describe_table(table, Some(around)), *schema))
        }
    }
}

/// `{$ref: /path}`.
fn describe_reference(schema: Option<Schema>) -> Json {
    json!({
        "type": "object",
        "required": ["$ref"],
        "properties": {"$ref": describe_path(schema)},
    })
}

fn describe_path(schema: Option<Schema>) -> Json {
    let kind =
        schema.map_or("any `$schema`".to_owned(), |schema| format!("`$schema: {}`", schema.path()));
    json!({
        "type": "string",
        "pattern": "^/",
        "description": format!("Path from `data/` of a file with {kind}, with a leading slash."),
    })
}

/// A mapping that needs nothing else if it has a `$ref`.
fn allow_reference(mut object: Json, schema: Schema) -> Json {
    object["properties"]["$ref"] = describe_path(Some(schema));
    let mut needs = Map::new();
    for word in ["required", "oneOf"] {
        if let Some(condition) = object.as_object_mut().and_then(|object| object.remove(word)) {
            needs.insert(word.to_owned(), condition);
        }
    }
    object["if"] = json!({"required": ["$ref"]});
    object["then"] = json!(true);
    object["else"] = Json::Object(needs);
    object
}

/// Patterns of the keys that are a mistake.
fn find_mistakes(table: &'static Table, outer: Option<&'static Table>) -> Map<String, Json> {
    let is_unknown = |name: &&str| table.find(name).is_none();
    let read = table.keys.iter().filter(|key| key.reader == Reader::Sapm);
    let typing = read.map(|key| misspell(key.name, table));
    let inner = table.keys.iter().filter_map(|key| match key.value {
        Value::Mapping(below) => Some(below.names()),
        _ => None,
    });
    let outer = outer.into_iter().flat_map(|outer| {
        outer.keys.iter().filter(|key| key.reader == Reader::Sapm).map(|key| key.name)
    });
    let misplaced: Vec<&str> = inner.flatten().chain(outer).filter(is_unknown).collect();
    let misplaced = (!misplaced.is_empty()).then(|| format!("^(?:{})$", misplaced.join("|")));
    typing.chain(misplaced).map(|pattern| (pattern, json!(false))).collect()
}

/// The pattern of a key's names with one typing mistake, without names that are known.
fn misspell(name: &str, table: &Table) -> String {
    let around = |left: usize, middle: &str, right: usize| {
        format!("{}{middle}{}", &name[..left], &name[right..])
    };
    let length = name.len();
    // In shorter names, one letter makes another word.
    let other_letter = if length < 4 { "" } else { ".?" };
    let mut mistakes: Vec<String> = (0..length).map(|i| around(i, other_letter, i + 1)).collect();
    mistakes.extend((0..=length).map(|i| around(i, ".", i)));
    if length >= 4 {
        let swapped = |i: usize| format!("{}{}", &name[i + 1..i + 2], &name[i..=i]);
        mistakes.extend((1..length).map(|i| around(i - 1, &swapped(i - 1), i + 1)));
    }
    let any_case = |letter: char| match letter {
        '_' => String::new(),
        _ => format!("[{}{}]", letter.to_ascii_lowercase(), letter.to_ascii_uppercase()),
    };
    mistakes.push(
        name.chars()
            .map(any_case)
            .collect::<Vec<_>>()
            .join("[-_ ]?")
            .replace("[-_ ]?[-_ ]?", "[-_ ]?"),
    );
    // A mistake in one name can be another name. `$ref` and the like are no mistakes.
    let known = near(table.names(), name).join("|");
    format!(r"^(?!\$|(?:{known})$)(?:{})$", mistakes.join("|"))
}
