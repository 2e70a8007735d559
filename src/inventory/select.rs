//! Namespace selectors: from JSONPath expressions to namespaces.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::jsonpath::{Expression, Indexed};
use crate::app_interface::{Bundle, Namespace, Selector};

/// Evaluates selectors, an expression that many of them have only once.
pub(super) struct Selectors<'a> {
    bundle: &'a Bundle,
    document: Option<Indexed<'a>>,
    known: BTreeMap<String, Rc<Selected>>,
}

/// Identities (cluster and name) and paths of namespaces, or what is wrong with the expression.
type Selected = Result<Vec<(Identity, String)>, String>;
type Identity = (String, String);

impl<'a> Selectors<'a> {
    pub(super) fn new(bundle: &'a Bundle) -> Self {
        let document = bundle.selector_document.as_ref().map(Indexed::new);
        Self { bundle, document, known: BTreeMap::new() }
    }

    /// The namespaces that a selector matches, by path.
    ///
    /// # Errors
    /// An expression that does not parse, or that selects something that is no
    /// namespace: the message names the expression and the position.
    pub(super) fn select(&mut self, selector: &Selector) -> Result<Vec<Arc<Namespace>>, String> {
        let mut selected: BTreeMap<Identity, String> = BTreeMap::new();
        for expression in &selector.include {
            for (identity, path) in self.evaluate(expression).as_ref().as_ref()? {
                // Two files of one namespace: the later path wins.
                let kept = selected.entry(identity.clone()).or_insert_with(|| path.clone());
                if *kept < *path {
                    kept.clone_from(path);
                }
            }
        }
        for expression in &selector.exclude {
            for (identity, _) in self.evaluate(expression).as_ref().as_ref()? {
                selected.remove(identity);
            }
        }
        let found = selected.into_values();
        let mut namespaces: Vec<_> =
            found.filter_map(|path| self.bundle.namespaces.get(&path).cloned()).collect();
        namespaces.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(namespaces)
    }

    fn evaluate(&mut self, expression: &str) -> Rc<Selected> {
        if let Some(known) = self.known.get(expression) {
            return Rc::clone(known);
        }
        let selected = match &mut self.document {
            Some(document) => Rc::new(evaluate(document, expression)),
            None => Rc::new(Ok(Vec::new())),
        };
        self.known.insert(expression.to_owned(), Rc::clone(&selected));
        selected
    }
}

fn evaluate(document: &mut Indexed<'_>, expression: &str) -> Selected {
    let parsed = Expression::parse(expression)
        .map_err(|error| format!("the selector `{expression}` is not understood: {error}"))?;
    document
        .select(&parsed)
        .map_err(|error| format!("the selector `{expression}` cannot be evaluated: {error}"))?
        .into_iter()
        .map(|selected| {
            let text = |pointer: &str| {
                selected
                    .value()
                    .pointer(pointer)
                    .and_then(|value| value.as_str().map(str::to_owned))
            };
            let identity = text("/cluster/name").zip(text("/name"));
            identity.zip(text("/path")).ok_or_else(|| {
                format!("the selector `{expression}` selects something that is no namespace")
            })
        })
        .collect()
}
