//! The part of GraphQL that the queries use: fields with arguments from variables, aliases, fragments, lists, and
//! errors of single fields (GraphQL specification, 6: execution).

use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Document, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
    Text, TypeCondition, parse_query,
};
use serde_json::{Map, Value, json};

/// Arguments of a field.
pub(crate) type Arguments = BTreeMap<String, Value>;

/// The value of a field.
pub(crate) enum Held<'a> {
    Plain(Value),
    One(Box<dyn Node + 'a>),
    Many(Vec<Box<dyn Node + 'a>>),
}

/// Why a field has no value.
pub(crate) enum Missing {
    /// The type has no such field: the whole query is rejected.
    Field,
    /// An error of only this field, with its `type`.
    Error(&'static str, String),
}

/// An object of a type.
pub(crate) trait Node {
    fn kind(&self) -> &'static str;
    fn field<'a>(&'a self, name: &str, arguments: &Arguments) -> Result<Held<'a>, Missing>;
}

/// The response to a posted query. A query that cannot be parsed or uses an unknown field gets
/// no `data`.
pub(crate) fn answer(body: &[u8], root: &dyn Node) -> Value {
    let refused = |message: String| json!({ "errors": [{ "message": message }] });
    let Ok(posted) = serde_json::from_slice::<Value>(body) else {
        return refused("Unexpected end of document".to_owned());
    };
    let query = posted["query"].as_str().unwrap_or_default();
    let document: Document<'_, String> = match parse_query(query) {
        Ok(document) => document,
        Err(error) => return refused(error.to_string()),
    };
    let mut run = Run {
        variables: &posted["variables"],
        fragments: fragments(&document),
        errors: Vec::new(),
    };
    let selected = document.definitions.iter().find_map(|definition| match definition {
        Definition::Operation(OperationDefinition::Query(query)) => Some(&query.selection_set),
        Definition::Operation(OperationDefinition::SelectionSet(set)) => Some(set),
        _ => None,
    });
    let Some(selected) = selected else {
        return refused("Only queries are served".to_owned());
    };
    match run.object(root, selected, &[]) {
        Err(message) => refused(message),
        Ok(data) if run.errors.is_empty() => json!({ "data": data }),
        Ok(data) => json!({ "data": data, "errors": run.errors }),
    }
}

type Fragments<'d> = BTreeMap<&'d str, &'d FragmentDefinition<'d, String>>;

fn fragments<'d>(document: &'d Document<'d, String>) -> Fragments<'d> {
    let named = document.definitions.iter().filter_map(|definition| match definition {
        Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
        Definition::Operation(_) => None,
    });
    named.collect()
}

struct Run<'d> {
    variables: &'d Value,
    fragments: Fragments<'d>,
    errors: Vec<Value>,
}

impl<'d> Run<'d> {
    /// # Errors
    /// The error that rejects the whole query.
    fn object(
        &mut self,
        node: &dyn Node,
        set: &SelectionSet<'d, String>,
        path: &[String],
    ) -> Result<Value, String> {
        let mut found = Map::new();
        self.select(node, set, path, &mut found)?;
        Ok(Value::Object(found))
    }

    fn select(
        &mut self,
        node: &dyn Node,
        set: &SelectionSet<'d, String>,
        path: &[String],
        found: &mut Map<String, Value>,
    ) -> Result<(), String> {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name);
                    let value =
                        self.field(node, field, &[path, std::slice::from_ref(key)].concat())?;
                    found.insert(key.clone(), value);
                }
                Selection::InlineFragment(inline) => {
                    if inline.type_condition.as_ref().is_none_or(|on| is_on(on, node)) {
                        self.select(node, &inline.selection_set, path, found)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    let fragment =
                        *self.fragments.get(name).ok_or(format!("No fragment {name}"))?;
                    if is_on(&fragment.type_condition, node) {
                        self.select(node, &fragment.selection_set, path, found)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        node: &dyn Node,
        field: &Field<'d, String>,
        path: &[String],
    ) -> Result<Value, String> {
        if field.name == "__typename" {
            return Ok(json!(node.kind()));
        }
        let arguments = field.arguments.iter();
        let arguments: Arguments =
            arguments.map(|(name, value)| (name.clone(), self.value(value))).collect();
        match node.field(&field.name, &arguments) {
            Ok(Held::Plain(value)) => Ok(value),
            Ok(Held::One(node)) => self.object(&*node, &field.selection_set, path),
            Ok(Held::Many(nodes)) => {
                nodes.iter().map(|node| self.object(&**node, &field.selection_set, path)).collect()
            }
            Err(Missing::Field) => {
                Err(format!("Field '{}' doesn't exist on type '{}'", field.name, node.kind()))
            }
            Err(Missing::Error(kind, message)) => {
                self.errors.push(json!({ "type": kind, "path": path, "message": message }));
                Ok(Value::Null)
            }
        }
    }

    fn value<'a, T: Text<'a>>(&self, value: &graphql_parser::query::Value<'a, T>) -> Value {
        use graphql_parser::query::Value as Written;
        match value {
            Written::Variable(name) => self.variables[name.as_ref()].clone(),
            Written::Int(number) => json!(number.as_i64()),
            Written::Float(number) => json!(number),
            Written::String(text) => json!(text),
            Written::Boolean(flag) => json!(flag),
            Written::Null => Value::Null,
            Written::Enum(name) => json!(name.as_ref()),
            Written::List(items) => items.iter().map(|item| self.value(item)).collect(),
            Written::Object(fields) => {
                let fields = fields.iter();
                fields.map(|(key, value)| (key.as_ref().to_owned(), self.value(value))).collect()
            }
        }
    }
}

fn is_on(condition: &TypeCondition<'_, String>, node: &dyn Node) -> bool {
    let TypeCondition::On(name) = condition;
    name == node.kind()
}
