//! Finds the fields in an expression that no document can have.

use super::ast::{Function, Operand, Path, Step};

/// The possible content of a document.
#[derive(Debug)]
pub enum Shape {
    /// A single value.
    Scalar,
    /// Anything at all.
    Anything,
    /// A list of these.
    List(&'static Shape),
    /// An object that may have these fields.
    Object(&'static [(&'static str, Shape)]),
}

/// A field that no document of a shape has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Its name.
    pub name: String,
    /// The fields that exist in its place.
    pub known: Vec<&'static str>,
}

/// Possible shapes of a value.
type Shapes = Vec<&'static Shape>;

/// The unknown fields of a path, without duplicates.
pub(super) fn unknown_fields(path: &Path, document: &'static Shape) -> Vec<UnknownField> {
    let mut walk = Walk::default();
    let at = vec![document];
    walk.path(path, &at, &at);
    walk.unknown
}

#[derive(Default)]
struct Walk {
    unknown: Vec<UnknownField>,
}

impl Walk {
    /// The shapes of what a path finds in values of these shapes.
    fn path(&mut self, path: &Path, at: &Shapes, root: &Shapes) -> Shapes {
        match path {
            Path::Root => root.clone(),
            Path::This => at.clone(),
            Path::Parent | Path::Function(Function::Sorted | Function::Split(_)) => {
                vec![&Shape::Anything]
            }
            Path::Function(_) => vec![&Shape::Scalar],
            Path::Fields(names) if names.iter().any(|name| name == "*") => members(at),
            Path::Fields(names) => names.iter().flat_map(|name| self.field(name, at)).collect(),
            Path::Index(_) => items(at),
            Path::Slice(_) => items(at).into_iter().chain(no_lists(at)).collect(),
            Path::Chain(first, steps) => {
                let first = self.path(first, at, root);
                steps.iter().fold(first, |found, step| self.step(step, found, root))
            }
            Path::Union(paths) => paths.iter().flat_map(|path| self.path(path, at, root)).collect(),
            Path::Filter(conditions) => {
                let candidates: Shapes = items(at).into_iter().chain(members(at)).collect();
                for condition in conditions {
                    // A filter evaluates each candidate without its context.
                    self.path(&condition.left, &candidates, &candidates);
                }
                candidates
            }
            Path::Sort(keys) => {
                for (key, _) in keys {
                    self.path(key, &items(at), &items(at));
                }
                at.clone()
            }
            Path::Arithmetic(left, _, right) => {
                for operand in [left.as_ref(), right.as_ref()] {
                    if let Operand::Path(path) = operand {
                        self.path(path, at, root);
                    }
                }
                vec![&Shape::Scalar]
            }
        }
    }

    fn step(&mut self, step: &Step, found: Shapes, root: &Shapes) -> Shapes {
        match step {
            Step::Child(path) => self.path(path, &found, root),
            Step::Descend(path) => self.path(path, &all_below(found), root),
            Step::Where(path, _) => {
                self.path(path, &found, root);
                found
            }
        }
    }

    fn field(&mut self, name: &str, at: &Shapes) -> Shapes {
        let found: Shapes = at
            .iter()
            .filter_map(|shape| match shape {
                Shape::Anything => Some(*shape),
                Shape::Object(fields) => {
                    fields.iter().find(|(known, _)| *known == name).map(|(_, shape)| shape)
                }
                Shape::Scalar | Shape::List(_) => None,
            })
            .collect();
        let is_known = self.unknown.iter().any(|field| field.name == name);
        if found.is_empty() && !at.is_empty() && !is_known {
            let known = at.iter().flat_map(|shape| names(shape)).collect();
            self.unknown.push(UnknownField { name: name.to_owned(), known });
        }
        found
    }
}

fn names(shape: &'static Shape) -> impl Iterator<Item = &'static str> {
    let fields = match shape {
        Shape::Object(fields) => *fields,
        _ => &[],
    };
    fields.iter().map(|(name, _)| *name)
}

fn members(at: &Shapes) -> Shapes {
    at.iter()
        .flat_map(|shape| match shape {
            Shape::Object(fields) => fields.iter().map(|(_, shape)| shape).collect(),
            Shape::Anything => vec![*shape],
            Shape::Scalar | Shape::List(_) => Vec::new(),
        })
        .collect()
}

fn items(at: &Shapes) -> Shapes {
    at.iter()
        .filter_map(|shape| match shape {
            Shape::List(item) => Some(*item),
            Shape::Anything => Some(*shape),
            Shape::Scalar | Shape::Object(_) => None,
        })
        .collect()
}

/// A value that is not a list counts as a list of itself.
fn no_lists(at: &Shapes) -> impl Iterator<Item = &'static Shape> {
    at.iter().copied().filter(|shape| matches!(shape, Shape::Scalar | Shape::Object(_)))
}

fn all_below(mut shapes: Shapes) -> Shapes {
    let mut next = 0;
    while let Some(shape) = shapes.get(next) {
        let one = vec![*shape];
        let below = items(&one).into_iter().chain(members(&one));
        let new: Shapes =
            below.filter(|new| !shapes.iter().any(|old| std::ptr::eq(*old, *new))).collect();
        shapes.extend(new);
        next += 1;
    }
    shapes
}
