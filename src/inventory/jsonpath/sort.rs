//! Sorted lists.

use super::SelectError;
use super::compare::{kind, order};
use super::datum::Val;
use serde_json::Value;
use std::cmp::Ordering;

/// The order of two values for a sort, which fails where Python's `<` does.
pub(super) fn sort_order(left: &Val<'_>, right: &Val<'_>) -> Result<Ordering, SelectError> {
    let (left, right) = match (left.json(), right.json()) {
        (Some(left), Some(right)) => (left, right),
        _ => return Err(unordered(&Value::Array(vec![]), &Value::Array(vec![]))),
    };
    if left == right {
        return Ok(Ordering::Equal);
    }
    order(left, right).ok_or_else(|| unordered(left, right))
}

fn unordered(left: &Value, right: &Value) -> SelectError {
    SelectError::Type(format!("order {} and {}", kind(left), kind(right)))
}

/// A stable sort by insertion, which makes no demands on the order: values without the sort key
/// compare as equal to all others.
pub(super) fn sorted<T: Clone>(
    values: &[T],
    mut order: impl FnMut(&T, &T) -> Result<Ordering, SelectError>,
) -> Result<Vec<T>, SelectError> {
    let mut sorted: Vec<T> = Vec::with_capacity(values.len());
    for value in values {
        let (mut low, mut high) = (0, sorted.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if order(value, &sorted[middle])? == Ordering::Less {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        sorted.insert(low, value.clone());
    }
    Ok(sorted)
}
