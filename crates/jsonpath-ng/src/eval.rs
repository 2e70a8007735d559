//! Evaluates an expression on a document.

use super::access::{element, slice_indexes};
use super::ast::{Condition, Function, Path, Slice, Step as ChainStep, Test};
use super::budget::{Budget, VALUE_BYTES};
use super::compare::{compare, whole};
use super::datum::{Datum, Found, Step, Val};
use super::sort::{sort_order, sorted};
use super::{Document, Match, SelectError, functions};
use serde_json::Value;
use std::cmp::Ordering;
use std::rc::Rc;

/// Maximum depth of `..` in a document.
const MAX_DOCUMENT_DEPTH: usize = 256;

pub(super) fn select<'a>(
    path: &Path,
    document: &'a Document,
    budget: &Budget,
) -> Result<Vec<Match<'a>>, SelectError> {
    let evaluator = Evaluator { budget };
    let found = evaluator.find(path, &Datum::root(Val::Doc(document)))?;
    Ok(found.iter().map(|datum| datum.value.clone().into_match()).collect())
}

/// The values that meet all conditions of a filter.
pub(super) fn passing<'a>(
    values: &[&'a Document],
    conditions: &[Condition],
    budget: &Budget,
) -> Result<Vec<Match<'a>>, SelectError> {
    let evaluator = Evaluator { budget };
    let mut found = Vec::new();
    for value in values {
        if evaluator.meets(conditions, Val::Doc(value))? {
            found.push(Match::Node(value));
        }
    }
    Ok(found)
}

pub(super) struct Evaluator<'b> {
    pub(super) budget: &'b Budget,
}

pub(super) type Selected<'a> = Result<Found<'a>, SelectError>;

impl Evaluator<'_> {
    fn spend(&self, values: usize) -> Result<(), SelectError> {
        self.budget.spend(values)
    }

    pub(super) fn find<'a>(&self, path: &Path, datum: &Rc<Datum<'a>>) -> Selected<'a> {
        self.spend(1)?;
        let found = match path {
            // Their parts count their own results.
            Path::Chain(first, steps) => return self.chain(first, steps, datum),
            Path::Union(paths) => {
                let mut found = Vec::new();
                for path in paths {
                    found.append(&mut self.find(path, datum)?);
                }
                return Ok(found);
            }
            Path::Root => Ok(vec![Datum::alone(outermost(datum), Step::Root)]),
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
            Path::Filter(conditions) => self.filter(conditions, datum),
            Path::Sort(keys) => self.sort(keys, datum),
            Path::Function(function) => self.function(function, datum),
            Path::Arithmetic(left, operator, right) => {
                let results = self.operate(left, *operator, right, datum)?;
                Ok(results.into_iter().map(Datum::root).collect())
            }
        }?;
        self.budget.hold(found.len() * VALUE_BYTES)?;
        Ok(found)
    }

    fn fields<'a>(&self, names: &[String], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let Some(object) = datum.value.object() else {
            return Ok(Vec::new());
        };
        if names.iter().any(|name| name == "*") {
            self.spend(object.len())?;
            return Ok(datum.children());
        }
        self.spend(names.len())?;
        let members = names.iter().filter_map(|name| object.get_key_value(name));
        Ok(members
            .map(|(name, value)| Datum::within(Val::Doc(value), Step::Name(name), datum))
            .collect())
    }

    fn slice<'a>(&self, slice: Slice, datum: &Rc<Datum<'a>>) -> Selected<'a> {
        if let Some(Value::Null) = datum.value.json() {
            return Ok(Vec::new());
        }
        // A value that is not a list counts as a list of itself.
        let list = match datum.value.list_len() {
            Some(_) => Rc::clone(datum),
            None => Rc::new(Datum {
                value: Val::list(vec![datum.value.clone()]),
                step: datum.step,
                context: datum.context.clone(),
            }),
        };
        let indexes = slice_indexes(slice, list.value.list_len().unwrap_or(0));
        self.spend(indexes.len())?;
        Ok(indexes
            .into_iter()
            .filter_map(|index| Some((index, list.value.element(index)?)))
            .map(|(index, value)| {
                let step = Step::Index(i64::try_from(index).unwrap_or(i64::MAX));
                Datum::within(value, step, &list)
            })
            .collect())
    }

    fn chain<'a>(&self, first: &Path, steps: &[ChainStep], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let mut found = self.find(first, datum)?;
        for step in steps {
            let mut next = Vec::new();
            for datum in found {
                match step {
                    ChainStep::Child(path) => next.append(&mut self.find(path, &datum)?),
                    ChainStep::Descend(path) => self.descend(path, &datum, 0, &mut next)?,
                    ChainStep::Where(path, wanted) => {
                        let found = self.budget.releasing(|| self.find(path, &datum))?;
                        if found.is_empty() != *wanted {
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
        let (held, before) = (self.budget.held(), found.len());
        found.append(&mut self.find(path, datum)?);
        let children = datum.children();
        self.budget.hold(children.len() * VALUE_BYTES)?;
        for child in children {
            self.descend(path, &child, depth + 1, found)?;
        }
        // Of the other results, only the context of the matches is still in memory.
        self.budget.release_to(held);
        self.budget.hold((found.len() - before) * 2 * VALUE_BYTES)
    }

    fn filter<'a>(&self, conditions: &[Condition], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let candidates = datum.value.children();
        self.spend(candidates.len())?;
        // The values of an object are visited as a list.
        let context = match datum.value.object() {
            Some(_) => Rc::new(Datum {
                value: Val::list(candidates.clone()),
                step: datum.step,
                context: datum.context.clone(),
            }),
            None => Rc::clone(datum),
        };
        let mut found = Vec::new();
        for (index, candidate) in (0..).zip(candidates) {
            if self.meets(conditions, candidate.clone())? {
                found.push(Datum::within(candidate, Step::Index(index), &context));
            }
        }
        Ok(found)
    }

    fn meets(&self, conditions: &[Condition], candidate: Val<'_>) -> Result<bool, SelectError> {
        let root = Datum::root(candidate);
        let mut all = true;
        for condition in conditions {
            all &= self.budget.releasing(|| self.holds(condition, &root))?;
        }
        Ok(all)
    }

    /// Whether any of the values that the left side finds passes. All are tested as in Python,
    /// where a test that raises an exception invalidates the others.
    fn holds(&self, condition: &Condition, datum: &Rc<Datum<'_>>) -> Result<bool, SelectError> {
        let found = self.find(&condition.left, datum)?;
        let Some(test) = &condition.test else {
            return Ok(!found.is_empty());
        };
        let mut any = false;
        for datum in found {
            any |= self.passes(test, &datum.value)?;
        }
        Ok(any)
    }

    fn passes(&self, test: &Test, value: &Val<'_>) -> Result<bool, SelectError> {
        match test {
            Test::Compare(comparison, literal) => {
                compare(&value.comparable(), *comparison, literal)
            }
            Test::Matches(pattern) => match value.text() {
                Some(text) => pattern.is_in(text, self.budget),
                None => Ok(false),
            },
            Test::MatchesNumber => whole(&value.comparable()).map(|_| false),
        }
    }

    fn sort<'a>(&self, keys: &[(Path, bool)], datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let values = list_to_sort(datum)?;
        let sorted = sorted(&values, self.budget, |left, right| {
            let (left, right) = (Datum::root(left.clone()), Datum::root(right.clone()));
            self.budget.releasing(|| self.sort_keys(keys, &left, &right))
        })?;
        Ok(vec![Datum::root(Val::list(sorted))])
    }

    fn sort_keys(
        &self,
        keys: &[(Path, bool)],
        left: &Rc<Datum<'_>>,
        right: &Rc<Datum<'_>>,
    ) -> Result<Ordering, SelectError> {
        for (key, downward) in keys {
            let left = self.find(key, left)?;
            let right = self.find(key, right)?;
            let ([left], [right]) = (left.as_slice(), right.as_slice()) else {
                continue;
            };
            let order = sort_order(&left.value, &right.value, self.budget)?;
            if order != Ordering::Equal {
                return Ok(if *downward { order.reverse() } else { order });
            }
        }
        Ok(Ordering::Equal)
    }

    fn function<'a>(&self, function: &Function, datum: &Rc<Datum<'a>>) -> Selected<'a> {
        let value = &datum.value;
        // Texts are read completely.
        self.spend(value.text().map_or(0, |text| text.len() / 64))?;
        let result = match function {
            Function::Len => {
                let length = functions::length(value).map(Val::scalar);
                let found = length.map(|length| Datum::alone(length, Step::Function("len")));
                return Ok(found.into_iter().collect());
            }
            Function::Keys => {
                let keys = value.object().into_iter().flat_map(|map| map.keys());
                let key =
                    |key: &String| Datum::alone(Val::scalar(key.as_str()), Step::Function("keys"));
                self.spend(value.object().map_or(0, |map| map.len()))?;
                return Ok(keys.map(key).collect());
            }
            Function::Path => {
                let step = Val::scalar(functions::step_text(datum.step));
                return Ok(vec![Datum::within(step, Step::Function("path"), datum)]);
            }
            Function::Sorted => {
                let values = match value.object() {
                    Some(object) => object.keys().map(|key| Val::scalar(key.as_str())).collect(),
                    None => list_to_sort(datum)?,
                };
                Some(Val::list(sorted(&values, self.budget, |left, right| {
                    sort_order(left, right, self.budget)
                })?))
            }
            Function::Str => Some(Val::scalar(functions::text_of(value, self.budget)?)),
            Function::Split(split) => functions::split_text(value, split, self.budget)?,
            Function::Sub(sub) => sub.apply(value, self.budget)?,
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
        return Err(SelectError::Type("sort a value that is not a list".to_owned()));
    }
    Ok(datum.value.children())
}
