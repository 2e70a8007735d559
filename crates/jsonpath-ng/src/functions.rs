//! Functions in back quotes.

use super::SelectError;
use super::ast::{Function, Path, Split};
use super::budget::{Budget, VALUE_BYTES};
use super::datum::{Step, Val};
use fancy_regex::Regex;
use serde_json::Value;

/// `split(separator, segment, limit)`, with or without quotes around the separator.
const SPLIT: &str = r#"\Asplit\(\s*(['"]?)(.+)\1\s*,\s*(-?[0-9]+|\*)\s*,\s*(-?[0-9]+)\s*\)"#;

/// The path of a function or a named operator.
pub(super) fn named(text: &str) -> Result<Path, String> {
    let function = match text {
        "this" => return Ok(Path::This),
        "parent" => return Ok(Path::Parent),
        "len" => Function::Len,
        "keys" => Function::Keys,
        "sorted" => Function::Sorted,
        "path" => Function::Path,
        _ if text.starts_with("str()") => Function::Str,
        _ if text.starts_with("split(") => Function::Split(split(text)?),
        _ => return Err(format!("unknown function `{text}`")),
    };
    Ok(Path::Function(function))
}

fn split(text: &str) -> Result<Split, String> {
    let invalid = || format!("`{text}` is not `split(characters, segment, limit)`");
    let regex = Regex::new(SPLIT).map_err(|_| invalid())?;
    let groups = regex.captures(text).ok().flatten().ok_or_else(invalid)?;
    let group = |index| groups.get(index).map_or("", |group| group.as_str());
    let segment = match group(3) {
        "*" => None,
        number => Some(number.parse().map_err(|_| invalid())?),
    };
    Ok(Split {
        separator: group(2).to_owned(),
        segment,
        limit: group(4).parse().map_err(|_| invalid())?,
    })
}

/// The number of characters, elements or fields; `None` for a value without length.
pub(super) fn length(value: &Val<'_>) -> Option<usize> {
    match (value.text(), value.object()) {
        (Some(text), _) => Some(text.chars().count()),
        (None, Some(object)) => Some(object.len()),
        (None, None) => value.list_len(),
    }
}

/// Python's `text.split(separator, limit)`, or one segment of it; `None` if the value is not a text
/// or the segment does not exist.
pub(super) fn split_text<'a>(
    value: &Val<'a>,
    split: &Split,
    budget: &Budget,
) -> Result<Option<Val<'a>>, SelectError> {
    let Some(text) = value.text() else { return Ok(None) };
    let separator = split.separator.as_str();
    budget.hold(text.len() + text.matches(separator).count().saturating_mul(VALUE_BYTES))?;
    let parts: Vec<&str> = match usize::try_from(split.limit) {
        Ok(limit) => text.splitn(limit.saturating_add(1), separator).collect(),
        Err(_) => text.split(separator).collect(),
    };
    let Some(segment) = split.segment else {
        return Ok(Some(Val::list(parts.into_iter().map(Val::scalar).collect())));
    };
    let index = match usize::try_from(segment) {
        Ok(index) => Some(index),
        Err(_) => usize::try_from(segment.unsigned_abs())
            .ok()
            .and_then(|back| parts.len().checked_sub(back)),
    };
    Ok(index.and_then(|index| parts.get(index).copied()).map(Val::scalar))
}

/// Python's `str` of a value. For an object it depends on an order that is not known here.
pub(super) fn text_of(value: &Val<'_>, budget: &Budget) -> Result<String, SelectError> {
    let size = value.size();
    budget.spend(size)?;
    budget.hold(size.saturating_mul(VALUE_BYTES))?;
    let text = match value.text() {
        Some(text) => Some(text.to_owned()),
        None => repr(&value.to_value()),
    };
    text.ok_or_else(|| SelectError::Type("make a text of an object".to_owned()))
}

/// Python's `repr`; `None` if the value contains an object.
fn repr(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => repr_of_text(text),
        Value::Array(list) => {
            let items: Option<Vec<String>> = list.iter().map(repr).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(_) => return None,
    })
}

fn repr_of_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote || character == '\\' => out.extend(['\\', character]),
            _ if character.is_ascii_control() => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out.push(quote);
    out
}

/// jsonpath_ng's text for the last step to a value.
pub(super) fn step_text(step: Step<'_>) -> String {
    match step {
        Step::This => "`this`".to_owned(),
        Step::Root => "$".to_owned(),
        Step::Name(name) => {
            let start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@');
            let plain = name.starts_with(start)
                && name.chars().all(|c| start(c) || c.is_ascii_digit() || c == '-');
            if plain { name.to_owned() } else { repr_of_text(name) }
        }
        Step::Index(index) => format!("[{index}]"),
        Step::Function(name) => format!("`{name}`"),
    }
}
