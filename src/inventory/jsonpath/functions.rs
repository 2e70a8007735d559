//! What is written in back quotes.

use super::ast::{Function, Path, Split};
use super::datum::Val;
use fancy_regex::Regex;
use serde_json::Value;

/// `split(separator, segment, limit)`, the separator in quotes or not.
const SPLIT: &str = r#"\Asplit\(\s*(['"]?)(.+)\1\s*,\s*(-?[0-9]+|\*)\s*,\s*(-?[0-9]+)\s*\)"#;

/// The path of a function or of a named operator.
pub(super) fn named(text: &str) -> Result<Path, String> {
    let function = match text {
        "this" => return Ok(Path::This),
        "parent" => return Ok(Path::Parent),
        "len" => Function::Len,
        "keys" => Function::Keys,
        "sorted" => Function::Sorted,
        "path" => return Err("the function `path` is not supported".to_owned()),
        _ if text.starts_with("str()") => Function::Str,
        _ if text.starts_with("split(") => Function::Split(split(text)?),
        _ if text.starts_with("sub(") => {
            return Err("the function `sub` is not supported".to_owned());
        }
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

/// The number of characters, elements or fields; `None` for what has no length.
pub(super) fn length(value: &Val<'_>) -> Option<usize> {
    match value.json() {
        Some(Value::String(text)) => Some(text.chars().count()),
        Some(Value::Object(map)) => Some(map.len()),
        _ => value.list_len(),
    }
}

/// Python's `text.split(separator, limit)`, or one segment of it; `None` for what is no text and
/// for a segment that is not there.
pub(super) fn split_text<'a>(value: &Val<'a>, split: &Split) -> Option<Val<'a>> {
    let Some(Value::String(text)) = value.json() else {
        return None;
    };
    let separator = split.separator.as_str();
    let parts: Vec<&str> = match usize::try_from(split.limit) {
        Ok(limit) => text.splitn(limit.saturating_add(1), separator).collect(),
        Err(_) => text.split(separator).collect(),
    };
    let Some(segment) = split.segment else {
        return Some(Val::list(parts.into_iter().map(Val::scalar).collect()));
    };
    let index = match usize::try_from(segment) {
        Ok(index) => index,
        Err(_) => {
            let back = usize::try_from(segment.unsigned_abs()).ok()?;
            parts.len().checked_sub(back)?
        }
    };
    parts.get(index).copied().map(Val::scalar)
}

/// Python's `str` of what is no list and no object.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("None".to_owned()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
