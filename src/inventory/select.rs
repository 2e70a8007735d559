//! Namespace selectors: from JSONPath expressions to namespaces.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::app_interface::{Bundle, Namespace, SELECTOR_DOCUMENT, Selector};
use crate::domain::{Problem, ProblemCode, near};
use jsonpath_ng::{Document, Expression, Indexed, Match, UnknownField};

/// Number of characters that a message shows of an expression.
const SHOWN: usize = 200;

/// Evaluates selectors. An expression that many of them share is evaluated once.
pub(super) struct Selectors<'a> {
    bundle: &'a Bundle,
    document: Option<Indexed<'a>>,
    known: BTreeMap<String, Rc<Evaluated>>,
}

/// The result of a selector.
pub(super) struct Selection {
    /// The namespaces that it matches, by path.
    pub(super) namespaces: Vec<Arc<Namespace>>,
    /// Warnings about its expressions, with paths below the target.
    pub(super) doubts: Vec<Problem>,
}

/// Why a selector cannot be used.
pub(super) struct Unusable {
    /// Path of the expression below the target.
    pub(super) below: String,
    pub(super) message: String,
}

/// The result of an expression.
#[derive(Default)]
struct Evaluated {
    /// Identities (cluster and name) and paths of namespaces.
    namespaces: Vec<(Identity, String)>,
    unknown_fields: Vec<UnknownField>,
    /// Problems of the expression.
    error: Option<String>,
}

type Identity = (String, String);

impl<'a> Selectors<'a> {
    pub(super) fn new(bundle: &'a Bundle) -> Self {
        let document = bundle.selector_document.as_ref().map(Indexed::new);
        Self { bundle, document, known: BTreeMap::new() }
    }

    /// The namespaces that a selector matches.
    ///
    /// # Errors
    /// An expression that does not parse, or that selects something other than a
    /// namespace. The message names the expression and the position.
    pub(super) fn select(&mut self, selector: &Selector) -> Result<Selection, Unusable> {
        let mut selected: BTreeMap<Identity, String> = BTreeMap::new();
        let mut doubts = Vec::new();
        for (index, expression) in selector.include.iter().enumerate() {
            let below = path_below("include", index);
            for (identity, path) in &self.usable(expression, &below, &mut doubts)?.namespaces {
                // If two files declare one namespace, the later path wins.
                let kept = selected.entry(identity.clone()).or_insert_with(|| path.clone());
                if *kept < *path {
                    kept.clone_from(path);
                }
            }
        }
        let included: Vec<Identity> = selected.keys().cloned().collect();
        for (index, expression) in selector.exclude.iter().enumerate() {
            let below = path_below("exclude", index);
            let excluded = self.usable(expression, &below, &mut doubts)?;
            for (identity, _) in &excluded.namespaces {
                selected.remove(identity);
            }
            let excludes = |identity: &Identity| {
                excluded.namespaces.iter().any(|(excluded, _)| excluded == identity)
            };
            if !included.is_empty() && !included.iter().any(excludes) {
                doubts.push(report_idle_exclude(expression, &below));
            }
        }
        let found = selected.into_values();
        let mut namespaces: Vec<_> =
            found.filter_map(|path| self.bundle.namespaces.get(&path).cloned()).collect();
        namespaces.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Selection { namespaces, doubts })
    }

    /// The result of an expression, or why it cannot be used.
    fn usable(
        &mut self,
        expression: &str,
        below: &str,
        doubts: &mut Vec<Problem>,
    ) -> Result<Rc<Evaluated>, Unusable> {
        let evaluated = self.evaluate(expression);
        if let Some(message) = &evaluated.error {
            let (below, message) = (below.to_owned(), message.clone());
            return Err(Unusable { below, message });
        }
        doubts.extend(
            evaluated.unknown_fields.iter().map(|field| report_unknown_field(field, below)),
        );
        Ok(evaluated)
    }

    fn evaluate(&mut self, expression: &str) -> Rc<Evaluated> {
        if let Some(known) = self.known.get(expression) {
            return Rc::clone(known);
        }
        let evaluated = match &mut self.document {
            Some(document) => evaluate(document, expression)
                .unwrap_or_else(|error| Evaluated { error: Some(error), ..Evaluated::default() }),
            None => Evaluated::default(),
        };
        let evaluated = Rc::new(evaluated);
        self.known.insert(expression.to_owned(), Rc::clone(&evaluated));
        evaluated
    }
}

fn path_below(list: &str, index: usize) -> String {
    format!("namespaceSelector.jsonPathSelectors.{list}[{index}]")
}

fn evaluate(document: &mut Indexed<'_>, text: &str) -> Result<Evaluated, String> {
    let shown = shorten(text);
    let expression = Expression::parse(text)
        .map_err(|error| format!("the selector `{shown}` cannot be parsed: {error}"))?;
    let namespaces = document
        .select(&expression)
        .map_err(|error| format!("the selector `{shown}` cannot be evaluated: {error}"))?
        .iter()
        .map(find_identity)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            format!(
                "the selector `{shown}` selects something that is not a \
                                namespace"
            )
        })?;
    let unknown_fields = expression.unknown_fields(&SELECTOR_DOCUMENT);
    Ok(Evaluated { namespaces, unknown_fields, error: None })
}

/// Cluster and name of a namespace, and its path; `None` for anything else.
fn find_identity(selected: &Match<'_>) -> Option<(Identity, String)> {
    let namespace = selected.node()?;
    let text = |value: Option<&Document>| value?.as_str().map(str::to_owned);
    let identity = (text(namespace.get("cluster")?.get("name"))?, text(namespace.get("name"))?);
    Some((identity, text(namespace.get("path"))?))
}

/// The start of an expression, which may be as long as a file.
fn shorten(expression: &str) -> String {
    match expression.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &expression[..end]),
        None => expression.to_owned(),
    }
}

fn report_unknown_field(field: &UnknownField, below: &str) -> Problem {
    let message = format!(
        "the selector uses the field `{}`, which the deployer does not fetch: it never matches",
        field.name
    );
    let problem = Problem::new(ProblemCode::UnknownSelectorField, message).at(below);
    let near = near(field.known.iter().copied(), &field.name);
    match (near.first(), field.known.is_empty()) {
        (Some(near), _) => problem.help(format!("did you mean `{near}`?")),
        (None, false) => problem.help(format!("the known fields are {}", field.known.join(", "))),
        (None, true) => problem.help("a list has elements, not fields: write `list[*].field`"),
    }
}

fn report_idle_exclude(expression: &str, below: &str) -> Problem {
    let message = format!(
        "the exclude `{}` matches no namespace that the includes select",
        shorten(expression)
    );
    Problem::new(ProblemCode::IdleExclude, message).at(below)
}
