//! Filters that ask for a text, answered by looking the text up instead of at every element.

use super::ast::{Comparison, Condition, Literal, Path, Step, Test};
use super::{Expression, Match, SelectError, eval};
use serde_json::Value;
use std::collections::BTreeMap;

/// A document of which many expressions are asked, most of them like
/// `namespace[?(@.app.name=="rbac" & @.labels.tier=="canary")]`.
///
/// Such a filter is put only to those elements of the list that have one of the texts, which are
/// the only ones that can pass. That is done where no condition can fail to be evaluated: an
/// element that is not looked at cannot spoil the others then.
pub struct Indexed<'a> {
    document: &'a Value,
    /// By list, and by path within its elements: which elements have a text there, in order.
    texts: BTreeMap<(Names, Names), BTreeMap<&'a str, Vec<&'a Value>>>,
}

type Names = Vec<String>;

impl<'a> Indexed<'a> {
    /// A document without anything looked up yet.
    pub fn new(document: &'a Value) -> Self {
        Self { document, texts: BTreeMap::new() }
    }

    /// What [`Expression::select`] gives for the document, in the same order.
    ///
    /// # Errors
    /// As there; but work that is not done does not count against [`Expression::MAX_WORK`].
    pub fn select(&mut self, expression: &Expression) -> Result<Vec<Match<'a>>, SelectError> {
        let document = self.document;
        let Some((list, conditions)) = filter_of_list(&expression.path) else {
            return expression.select(document);
        };
        let Some(elements) = member(document, &list).and_then(Value::as_array) else {
            return expression.select(document);
        };
        let wanted: Option<Vec<Harmless<'_>>> = conditions.iter().map(harmless).collect();
        let asked = wanted.into_iter().flatten().filter_map(|(path, text)| Some((path, text?)));
        let fewest = asked
            .map(|(path, text)| self.with_text(&list, elements, path, text))
            .min_by_key(Vec::len);
        match fewest {
            Some(candidates) => eval::passing(&candidates, conditions, Expression::MAX_WORK),
            None => expression.select(document),
        }
    }

    /// The elements of a list that have this text at this path.
    fn with_text(
        &mut self,
        list: &Names,
        elements: &'a [Value],
        path: Names,
        text: &str,
    ) -> Vec<&'a Value> {
        let by_text = self.texts.entry((list.clone(), path)).or_insert_with_key(|(_, path)| {
            let mut by_text: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
            for element in elements {
                if let Some(text) = member(element, path).and_then(Value::as_str) {
                    by_text.entry(text).or_default().push(element);
                }
            }
            by_text
        });
        by_text.get(text).cloned().unwrap_or_default()
    }
}

fn member<'a>(value: &'a Value, names: &[String]) -> Option<&'a Value> {
    names.iter().try_fold(value, |value, name| value.as_object()?.get(name))
}

/// The list and the conditions of `a.b[?(…)]`.
fn filter_of_list(path: &Path) -> Option<(Names, &[Condition])> {
    let Path::Chain(first, steps) = path else { return None };
    let (Step::Child(Path::Filter(conditions)), before) = steps.split_last()? else { return None };
    Some((names(first, before)?, conditions))
}

/// The path of a condition that cannot fail to be evaluated, and the text that has to stand there
/// if it is one that asks for a text.
type Harmless<'c> = (Names, Option<&'c str>);

fn harmless(condition: &Condition) -> Option<Harmless<'_>> {
    let path = match &condition.left {
        Path::Chain(first, steps) => names(first, steps)?,
        path => names(path, &[])?,
    };
    match &condition.test {
        Some(Test::Compare(Comparison::Equal, Literal::Text(text))) => Some((path, Some(text))),
        // A whole number on the right makes one of the left, which can fail; so can an order.
        Some(Test::Compare(Comparison::Equal | Comparison::NotEqual, Literal::Integer(_))) => None,
        Some(Test::Compare(Comparison::Equal | Comparison::NotEqual, _)) | None => {
            Some((path, None))
        }
        Some(_) => None,
    }
}

/// The names of `a.b`, `@.a.b` and `$.a.b`; `None` for a path that is more than names.
fn names(first: &Path, steps: &[Step]) -> Option<Names> {
    let paths = steps.iter().map(|step| match step {
        Step::Child(path) => Some(path),
        Step::Descend(_) | Step::Where(..) => None,
    });
    let mut names = match first {
        Path::This | Path::Root => Vec::new(),
        path => vec![name(path)?],
    };
    for path in paths {
        names.push(name(path?)?);
    }
    Some(names)
}

fn name(path: &Path) -> Option<String> {
    match path {
        Path::Fields(names) if names.len() == 1 && names[0] != "*" => Some(names[0].clone()),
        _ => None,
    }
}
