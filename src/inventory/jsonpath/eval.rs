//! From an expression and a document to what it selects.

use super::access::{element, slice_indexes};
use super::ast::{Condition, Function, Path, Slice, Step, Test};
use super::compare::{compare, whole};
use super::datum::{Datum, Found, Val};
use super::sort::{sort_order, sorted};
use super::{Match, SelectError, functions};
use serde_json::Value;
use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

/// How deeply `..` goes into a document.
const MAX_DOCUMENT_DEPTH: usize = 256;

pub(super) fn select<'a>(
    path: &Path,
    document: &'a Value,
    work: u64,
) -> Result<Vec<Match<'a>>, SelectError> {
    let evaluator = Evaluator { spent: Cell::new(0), work };
    let found = evaluator.find(path, &Datum::root(Val::Doc(document)))?;
    Ok(found.iter().map(|datum| datum.value.clone().into_match()).collect())
}

/// Those values that meet all conditions, as a filter tests them.
pub(super) fn passing<'a>(
    values: &[&'a Value],
    conditions: &[Condition],
    work: u64,
) -> Result<Vec<Match<'a>>, SelectError> {
    let evaluator = Evaluator { spent: Cell::new(0), work };
    let mut found = Vec::new();
    for value in values {
        if evaluator.meets(conditions, Val::Doc(value))? {
            found.push(Match::Node(value));
        }
    }
    Ok(found)
}

pub(super) struct Evaluator {
    spent: Cell<u64>,
    work: u64,
}

pub(super) type Selected<'a> = Result<Found<'a>, SelectError>;

impl Evaluator {
    /// Counts values that are visited.
    fn spend(&self, values: usize) -> Result<(), SelectError> {
        let spent = self.spent.get().saturating_add(values as u64);
        self.spent.set(spent);
        if spent > self.work {
            return Err(SelectError::TooMuchWork(self.work));
        }
        Ok(())
    }

    pub(super) fn find<'a>(&self, path: &Path, datum: &Rc<Datum<'a>>) -> Selected<'a> {
        self.spend(1)?;
        match path {
            Path::Root => Ok(vec![Datum::root(outermost(datum))]),
            Path::This => Ok(vec![Rc::clone(datum)]),
            Path::Parent => match &datum.context {
                Some(context) => Ok(vec![Rc::clone(context)]),
                None => Err(SelectError::NoParent),
            },
            Path::Fields(names) => self.fields(names, datum),
            Path::Index(indexes) => {
                indexes.iter().filter_map(|&index| element(datum, index).transpose()).collect()
            }
            Path::Slice(slice) => self.slice(*slice, datum),
            Path::Chain(first, steps) => self.chain(first, steps, datum),
            Path::Union(paths) => {
                let mut found = Vec::new();
                for path in paths {
                    found.append(&mut self.find(path, datum)?);
                }
                Ok(found)
            }
            Path::Filter(conditions) => self.filter(conditions, datum),
            Path::Sort(keys) => self.sort(keys, datum),
            Path::Function(function) => self.function(function, datum),
            Path::Arithmetic(left, operator, right) => {
                let results = self.operate(left, *operator, right, datum)?;
                Ok(results.into_iter().map(Datum::root).collect())
            }
        }
    }

    fn fields<'a>(&self, names: &[String], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let Some(object) = datum.value.object() else {
            return Ok(Vec::new());
        };
        let within = |value| Datum::within(Val::Doc(value), datum);
        if names.iter().any(|name| name == "*") {
            self.spend(object.len())?;
            return Ok(object.values().map(within).collect());
        }
        self.spend(names.len())?;
        let values = names.iter().filter_map(|name| object.get(name));
        Ok(values.map(within).collect())
    }

    fn slice<'a>(&self, slice: Slice, datum: &Rc<Datum<'a>>) -> Selected<'a> {
        if let Some(Value::Null) = datum.value.json() {
            return Ok(Vec::new());
        }
        // What is no list counts as a list of itself.
        let list = match datum.value.list_len() {
            Some(_) => Rc::clone(datum),
            None => Rc::new(Datum {
                value: Val::list(vec![datum.value.clone()]),
                context: datum.context.clone(),
            }),
        };
        let indexes = slice_indexes(slice, list.value.list_len().unwrap_or(0));
        self.spend(indexes.len())?;
        Ok(indexes
            .into_iter()
            .filter_map(|index| list.value.element(index))
            .map(|value| Datum::within(value, &list))
            .collect())
    }

    fn chain<'a>(&self, first: &Path, steps: &[Step], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let mut found = self.find(first, datum)?;
        for step in steps {
            let mut next = Vec::new();
            for datum in found {
                match step {
                    Step::Child(path) => next.append(&mut self.find(path, &datum)?),
                    Step::Descend(path) => self.descend(path, &datum, 0, &mut next)?,
                    Step::Where(path, wanted) => {
                        if self.find(path, &datum)?.is_empty() != *wanted {
                            next.push(datum);
                        }
                    }
                }
            }
            found = next;
        }
        Ok(found)
    }

    fn descend<'a>(
        &self,
        path: &Path,
        datum: &Rc<Datum<'a>>,
        depth: usize,
        found: &mut Found<'a>,
    ) -> Result<(), SelectError> {
        if depth > MAX_DOCUMENT_DEPTH {
            return Err(SelectError::TooDeep);
        }
        found.append(&mut self.find(path, datum)?);
        for child in datum.value.children() {
            self.descend(path, &Datum::within(child, datum), depth + 1, found)?;
        }
        Ok(())
    }

    fn filter<'a>(&self, conditions: &[Condition], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let candidates = datum.value.children();
        self.spend(candidates.len())?;
        // The values of an object are looked at as a list.
        let context = match datum.value.object() {
            Some(_) => Rc::new(Datum {
                value: Val::list(candidates.clone()),
                context: datum.context.clone(),
            }),
            None => Rc::clone(datum),
        };
        let mut found = Vec::new();
        for candidate in candidates {
            if self.meets(conditions, candidate.clone())? {
                found.push(Datum::within(candidate, &context));
            }
        }
        Ok(found)
    }

    fn meets(&self, conditions: &[Condition], candidate: Val<'_>) -> Result<bool, SelectError> {
        let root = Datum::root(candidate);
        let mut all = true;
        for condition in conditions {
            all &= self.holds(condition, &root)?;
        }
        Ok(all)
    }

    /// Whether any of the values that the left side finds passes. All are tested, as in Python,
    /// where a test that raises spoils the others.
    fn holds(&self, condition: &Condition, datum: &Rc<Datum<'_>>) -> Result<bool, SelectError> {
        let found = self.find(&condition.left, datum)?;
        let Some(test) = &condition.test else {
            return Ok(!found.is_empty());
        };
        let mut any = false;
        for datum in found {
            any |= match datum.value.json() {
                Some(value) => passes(test, value)?,
                None => passes(test, &Value::Array(Vec::new()))?,
            };
        }
        Ok(any)
    }

    fn sort<'a>(&self, keys: &[(Path, bool)], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let values = list_to_sort(datum)?;
        let sorted = sorted(&values, |left, right| {
            let (left, right) = (Datum::root(left.clone()), Datum::root(right.clone()));
            for (key, downward) in keys {
                let left = self.find(key, &left)?;
                let right = self.find(key, &right)?;
                let ([left], [right]) = (left.as_slice(), right.as_slice()) else {
                    continue;
                };
                let order = sort_order(&left.value, &right.value)?;
                if order != Ordering::Equal {
                    return Ok(if *downward { order.reverse() } else { order });
                }
            }
            Ok(Ordering::Equal)
        })?;
        Ok(vec![Datum::root(Val::list(sorted))])
    }

    fn function<'a>(&self, function: &Function, datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let value = &datum.value;
        let result = match function {
            Function::Len => functions::length(value).map(Val::scalar),
            Function::Keys => {
                self.spend(functions::length(value).unwrap_or(0))?;
                let keys = value.object().into_iter().flat_map(|map| map.keys());
                let keys = keys.map(|key| Datum::root(Val::scalar(key.as_str())));
                return Ok(keys.collect());
            }
            Function::Sorted => {
                let values = match value.object() {
                    Some(object) => object.keys().map(|key| Val::scalar(key.as_str())).collect(),
                    None => list_to_sort(datum)?,
                };
                Some(Val::list(sorted(&values, |left, right| {
                    self.spend(1)?;
                    sort_order(left, right)
                })?))
            }
            Function::Str => match value.json().and_then(functions::text_of) {
                Some(text) => Some(Val::scalar(text)),
                None => return Err(SelectError::Type("make a text of it".to_owned())),
            },
            Function::Split(split) => functions::split_text(value, split),
        };
        Ok(result.map(Datum::root).into_iter().collect())
    }
}

fn outermost<'a>(datum: &Rc<Datum<'a>>) -> Val<'a> {
    let mut datum = datum;
    while let Some(context) = &datum.context {
        datum = context;
    }
    datum.value.clone()
}

fn list_to_sort<'a>(datum: &Rc<Datum<'a>>) -> Result<Vec<Val<'a>>, SelectError> {
    if datum.value.list_len().is_none() {
        return Err(SelectError::Type("sort what is no list".to_owned()));
    }
    Ok(datum.value.children())
}

fn passes(test: &Test, value: &Value) -> Result<bool, SelectError> {
    match test {
        Test::Compare(comparison, literal) => compare(value, *comparison, literal),
        Test::Matches(pattern) => match value {
            Value::String(text) => pattern.is_in(text).map_err(SelectError::Pattern),
            _ => Ok(false),
        },
        Test::MatchesNumber => whole(value).map(|_| false),
    }
}
