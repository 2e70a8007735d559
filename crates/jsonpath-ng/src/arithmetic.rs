//! `+`, `-` and `*`.

use super::SelectError;
use super::ast::{Operand, Operator};
use super::budget::VALUE_BYTES;
use super::compare::Number;
use super::datum::{Datum, Val};
use super::eval::Evaluator;
use serde_json::Value;
use std::rc::Rc;

impl Evaluator<'_> {
    /// The results of an operation on everything that its sides find.
    pub(super) fn operate<'a>(
        &self,
        left: &Operand,
        operator: Operator,
        right: &Operand,
        datum: &Rc<Datum<'a>>,
    ) -> Result<Vec<Val<'a>>, SelectError> {
        let (left, left_is_path) = self.operand(left, datum)?;
        let (right, right_is_path) = self.operand(right, datum)?;
        if left_is_path && right_is_path && left.len() != right.len() {
            return Ok(Vec::new());
        }
        let count = if left_is_path { left.len() } else { right.len() };
        let mut results = Vec::with_capacity(count);
        for index in 0..count {
            // A constant is combined with every value of the other side.
            let left = &left[if left_is_path { index } else { 0 }];
            let right = &right[if right_is_path { index } else { 0 }];
            let length = |side: &Val<'_>| side.text().map_or(0, str::len);
            self.budget.hold(VALUE_BYTES + length(left) + length(right))?;
            match apply(left, operator, right)? {
                Some(result) => results.push(result),
                None => return Ok(Vec::new()),
            }
        }
        Ok(results)
    }

    /// The values of a side, and whether it is a path.
    fn operand<'a>(
        &self,
        operand: &Operand,
        datum: &Rc<Datum<'a>>,
    ) -> Result<(Vec<Val<'a>>, bool), SelectError> {
        match operand {
            Operand::Constant(literal) => Ok((vec![Val::scalar(literal.to_value())], false)),
            Operand::Path(path) => {
                let found = self.find(path, datum)?;
                let values = found.iter().map(|datum| datum.value.clone());
                Ok((values.collect(), true))
            }
        }
    }
}

/// The result of an operation. `None` if the types do not match; then the whole
/// operation finds nothing.
fn apply<'a>(
    left: &Val<'a>,
    operator: Operator,
    right: &Val<'a>,
) -> Result<Option<Val<'a>>, SelectError> {
    let (left, right) = (left.comparable(), right.comparable());
    if let (Some(left), Some(right)) = (Number::from_value(&left), Number::from_value(&right)) {
        return numbers(left, operator, right).map(|value| Some(Val::scalar(value)));
    }
    match (left.as_ref(), right.as_ref()) {
        (Value::String(left), Value::String(right)) if operator == Operator::Add => {
            Ok(Some(Val::scalar(format!("{left}{right}"))))
        }
        (Value::Array(_), Value::Array(_)) if operator == Operator::Add => Err(refused()),
        (Value::Array(_) | Value::String(_), count)
        | (count, Value::Array(_) | Value::String(_))
            if operator == Operator::Multiply
                && matches!(Number::from_value(count), Some(Number::Integer(_))) =>
        {
            Err(refused())
        }
        _ => Ok(None),
    }
}

fn refused() -> SelectError {
    SelectError::Type("repeat texts or join lists".to_owned())
}

fn numbers(left: Number, operator: Operator, right: Number) -> Result<Value, SelectError> {
    let overflow = || SelectError::Type("calculate with numbers that large".to_owned());
    if let (Number::Integer(left), Number::Integer(right)) = (left, right) {
        let result = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
        };
        let result = result.and_then(|result| i64::try_from(result).ok());
        return result.map(Value::from).ok_or_else(overflow);
    }
    let (left, right) = (float(left), float(right));
    let result = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
    };
    serde_json::Number::from_f64(result).map(Value::Number).ok_or_else(overflow)
}

fn float(number: Number) -> f64 {
    match number {
        Number::Integer(integer) => integer as f64,
        Number::Float(float) => float,
    }
}
