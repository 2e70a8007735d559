//! Evaluates filters that compare to a text with an index instead of testing every element.

use super::ast::{Comparison, Condition, Literal, Path, Step, Test};
use super::budget::{Budget, RunBudget};
use super::{Document, Expression, Match, SelectError, eval};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A document for many expressions, most of them like
/// `namespace[?(@.app.name=="rbac" & @.labels.tier=="canary")]`.
///
/// Such a filter is tested only on those elements of the list that have one of the texts, because
/// no others can pass. This is done only if no condition can fail: otherwise an
/// element that is not tested could cause an error.
pub struct Indexed<'a> {
    document: &'a Document,
    texts: Texts<'a>,
    /// The remaining budget of all expressions.
    run: RunBudget,
}

type Names = Vec<String>;

/// By list, and by path within its elements: the elements that have a text there, in order.
type Texts<'a> = BTreeMap<(Names, Names), BTreeMap<&'a str, Vec<&'a Document>>>;

/// Maximum number of texts in a filter that are looked up.
const MAX_LOOKED_UP: usize = 4;

impl<'a> Indexed<'a> {
    /// A document with an empty index.
    pub fn new(document: &'a Document) -> Self {
        Self { document, texts: BTreeMap::new(), run: RunBudget::default() }
    }

    /// The result of [`Expression::select`] for the document, in the same order.
    ///
    /// # Errors
    /// As there. But work that is avoided does not count against [`Expression::MAX_WORK`], and
    /// all expressions together may do no more than [`Expression::MAX_RUN_WORK`]. When that is
    /// used up, each may still do a little.
    pub fn select(&mut self, expression: &Expression) -> Result<Vec<Match<'a>>, SelectError> {
        let Self { document, texts, run } = self;
        run.run(|budget| {
            expression.prepare(budget)?;
            match candidates(document, texts, expression, budget)? {
                Some((candidates, conditions)) => eval::passing(&candidates, conditions, budget),
                None => eval::select(&expression.path, document, budget),
            }
        })
    }
}

/// The elements that a filter has to test, and its conditions.
type Candidates<'a, 'e> = (Vec<&'a Document>, &'e [Condition]);

/// `None`: all elements have to be tested.
fn candidates<'a, 'e>(
    document: &'a Document,
    texts: &mut Texts<'a>,
    expression: &'e Expression,
    budget: &Budget,
) -> Result<Option<Candidates<'a, 'e>>, SelectError> {
    let Some((list, conditions)) = filter_of_list(&expression.path) else { return Ok(None) };
    let Some(elements) = member(document, &list).and_then(Document::as_list) else {
        return Ok(None);
    };
    let Some(wanted) = conditions.iter().map(harmless).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let mut fewest: Option<Vec<&Document>> = None;
    let asked = wanted.into_iter().filter_map(|(path, text)| Some((path, text?)));
    for (path, text) in asked.take(MAX_LOOKED_UP) {
        let key = (list.clone(), path);
        let by_text = match texts.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                budget.spend(elements.len())?;
                let by_text = by_text(elements, &new.key().1);
                new.insert(by_text)
            }
        };
        let found = by_text.get(text).map(Vec::as_slice).unwrap_or_default();
        if fewest.as_ref().is_none_or(|fewest| found.len() < fewest.len()) {
            fewest = Some(found.to_vec());
        }
    }
    Ok(fewest.map(|fewest| (fewest, conditions)))
}

fn by_text<'a>(elements: &'a [Document], path: &[String]) -> BTreeMap<&'a str, Vec<&'a Document>> {
    let mut by_text: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for element in elements {
        if let Some(text) = member(element, path).and_then(Document::as_str) {
            by_text.entry(text).or_default().push(element);
        }
    }
    by_text
}

fn member<'a>(value: &'a Document, names: &[String]) -> Option<&'a Document> {
    names.iter().try_fold(value, |value, name| value.get(name))
}

/// The list and the conditions of `a.b[?(…)]`.
fn filter_of_list(path: &Path) -> Option<(Names, &[Condition])> {
    let Path::Chain(first, steps) = path else { return None };
    let (Step::Child(Path::Filter(conditions)), before) = steps.split_last()? else { return None };
    Some((names(first, before)?, conditions))
}

/// The path of a condition that cannot fail, and the text to compare to
/// if it is an equality.
type Harmless<'c> = (Names, Option<&'c str>);

fn harmless(condition: &Condition) -> Option<Harmless<'_>> {
    let path = match &condition.left {
        Path::Chain(first, steps) => names(first, steps)?,
        path => names(path, &[])?,
    };
    match &condition.test {
        Some(Test::Compare(Comparison::Equal, Literal::Text(text))) => Some((path, Some(text))),
        // A whole number on the right converts the left side, which can fail; so can an order.
        Some(Test::Compare(Comparison::Equal | Comparison::NotEqual, Literal::Integer(_))) => None,
        Some(Test::Compare(Comparison::Equal | Comparison::NotEqual, _)) | None => {
            Some((path, None))
        }
        Some(_) => None,
    }
}

/// The names of `a.b`, `@.a.b` and `$.a.b`; `None` for a path of another form.
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
