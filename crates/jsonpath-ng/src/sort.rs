//! Sorted lists.

use super::SelectError;
use super::budget::{Budget, VALUE_BYTES};
use super::compare::{kind, order};
use super::datum::Val;
use std::cmp::Ordering;

/// The order of two values for a sort. Fails where Python's `<` does.
pub(super) fn sort_order(
    left: &Val<'_>,
    right: &Val<'_>,
    budget: &Budget,
) -> Result<Ordering, SelectError> {
    budget.spend(left.size())?;
    if left == right {
        return Ok(Ordering::Equal);
    }
    let (left, right) = (left.comparable(), right.comparable());
    order(&left, &right)
        .ok_or_else(|| SelectError::Type(format!("order {} and {}", kind(&left), kind(&right))))
}

/// A stable insertion sort, which does not need a consistent order: values without the sort key
/// compare as equal to all others.
pub(super) fn sorted<T: Clone>(
    values: &[T],
    budget: &Budget,
    mut order: impl FnMut(&T, &T) -> Result<Ordering, SelectError>,
) -> Result<Vec<T>, SelectError> {
    budget.hold(values.len() * VALUE_BYTES)?;
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
        // Moves the values after it.
        budget.spend((sorted.len() - low) / 64)?;
        sorted.insert(low, value.clone());
    }
    Ok(sorted)
}
