//! Compares like Python: booleans are numbers, whole numbers and fractions compare by
//! value, texts by code points, everything else is unordered.

use super::SelectError;
use super::ast::{Comparison, Literal};
use serde_json::Value;
use std::cmp::Ordering;

/// A number; Python's `True` and `False` are 1 and 0.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Integer(i128::from(*value))),
            Value::Number(number) => Some(if let Some(integer) = number.as_i128() {
                Self::Integer(integer)
            } else {
                Self::Float(number.as_f64()?)
            }),
            _ => None,
        }
    }

    /// Exact, however large the numbers are.
    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(&right)),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(&right),
            (Self::Integer(left), Self::Float(right)) => order_mixed(left, right),
            (Self::Float(left), Self::Integer(right)) => {
                order_mixed(right, left).map(Ordering::reverse)
            }
        }
    }
}

fn order_mixed(integer: i128, float: f64) -> Option<Ordering> {
    // 2^126: far beyond every integer in a document.
    const LARGE: f64 = 85_070_591_730_234_615_865_843_651_857_942_052_864.0;
    if float.is_nan() {
        return None;
    }
    if float.abs() > LARGE {
        return 0.0_f64.partial_cmp(&float);
    }
    let whole = float.trunc();
    let order = integer.cmp(&(whole as i128));
    if order == Ordering::Equal {
        return whole.partial_cmp(&float);
    }
    Some(order)
}

/// The order of two values; `None` if they are unordered.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        return Some(left.cmp(right));
    }
    Number::from_value(left)?.order(Number::from_value(right)?)
}

/// `value comparison literal`.
pub(super) fn compare(
    value: &Value,
    comparison: Comparison,
    literal: &Literal,
) -> Result<bool, SelectError> {
    let literal = match literal {
        Literal::Text(text) => Value::from(text.as_str()),
        Literal::Bool(value) => Value::from(*value),
        Literal::Float(number) => Value::from(*number),
        Literal::Integer(number) => match whole(value)? {
            Some(integer) => return Ok(decide(comparison, Some(integer.cmp(number)))),
            None => return Ok(false),
        },
    };
    let order = order(value, &literal);
    if order.is_none() && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        return Err(SelectError::Type(format!("order {} and {}", kind(value), kind(&literal))));
    }
    Ok(decide(comparison, order))
}

fn decide(comparison: Comparison, order: Option<Ordering>) -> bool {
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// The result of Python's `int`: truncates fractions, parses texts.
/// `None` for a text that is not a number, which then matches nothing.
pub(super) fn whole(value: &Value) -> Result<Option<i128>, SelectError> {
    if let Value::String(text) = value {
        return Ok(read_integer(text));
    }
    match Number::from_value(value) {
        Some(Number::Integer(integer)) => Ok(Some(integer)),
        Some(Number::Float(float)) => Ok(Some(float.trunc() as i128)),
        None => Err(SelectError::Type(format!("make a whole number of {}", kind(value)))),
    }
}

/// Blanks at both ends, a sign, digits with single underscores between them.
fn read_integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = 0_i128;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for byte in group.bytes() {
            if !byte.is_ascii_digit() {
                return None;
            }
            number = number.saturating_mul(10).saturating_add(i128::from(byte - b'0'));
        }
    }
    Some(if negative { -number } else { number })
}

/// The kind of a value, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
