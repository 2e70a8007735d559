//! List access with Python's rules.

use super::ast::Slice;
use super::compare::kind;
use super::datum::{Datum, Step, Val};
use super::{SelectError, functions};
use serde_json::Value;
use std::rc::Rc;

/// The element at an index, which counts from the end if negative. A text is a list of characters.
pub(super) fn element<'a>(
    datum: &Rc<Datum<'a>>,
    index: i64,
) -> Result<Option<Rc<Datum<'a>>>, SelectError> {
    let value = &datum.value;
    let length = match value.json() {
        Some(Value::Null | Value::Bool(false)) => return Ok(None),
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => return Ok(None),
        Some(scalar @ (Value::Bool(_) | Value::Number(_))) => {
            return Err(SelectError::Type(format!("index {}", kind(scalar))));
        }
        _ => functions::length(value).unwrap_or(0),
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if length == 0 || index >= length {
        return Ok(None);
    }
    let wanted = if index < 0 { index.saturating_add(length) } else { index };
    let wanted = usize::try_from(wanted).map_err(|_| SelectError::Index(index))?;
    let found = match value.json() {
        Some(Value::String(text)) => {
            text.chars().nth(wanted).map(|character| Val::scalar(character.to_string()))
        }
        _ => value.element(wanted),
    };
    match found {
        Some(found) => Ok(Some(Datum::within(found, Step::Index(index), datum))),
        None => Err(SelectError::Index(index)),
    }
}

/// The indexes of a Python slice of a list of that length.
pub(super) fn slice_indexes(slice: Slice, length: usize) -> Vec<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let step = slice.step.unwrap_or(1);
    let (low, high) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let place = |index: i64| {
        let index = if index < 0 { index.saturating_add(length) } else { index };
        index.clamp(low, high)
    };
    let (first, last) = if step < 0 { (high, low) } else { (low, high) };
    let mut index = slice.start.map_or(first, place);
    let end = slice.end.map_or(last, place);
    let mut indexes = Vec::new();
    while (step > 0 && index < end) || (step < 0 && index > end) {
        indexes.extend(usize::try_from(index));
        index = index.saturating_add(step);
    }
    indexes
}
