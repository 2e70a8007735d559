//! Typed access to YAML nodes, with error messages for nodes of another type.

use std::collections::HashSet;

use crate::domain::{MAX_NAME_BYTES, MAX_URL_BYTES, Problem, ProblemCode, check_length};
use yaml11::{Kind, NodeRef};

/// A field that is missing or not of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// YAML path from the root of the file.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The error message.
    pub message: String,
}

impl FieldError {
    /// Creates an error for a node.
    pub fn new(path: &str, node: NodeRef<'_>, message: impl Into<String>) -> Self {
        let position = node.position();
        Self {
            path: path.to_owned(),
            line: position.line,
            column: position.column,
            message: message.into(),
        }
    }

    /// The source location and the message.
    pub fn text(&self) -> String {
        if self.path.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.path, self.message)
        }
    }

    /// As a problem of severity error.
    pub fn into_problem(self, code: ProblemCode, file: &str) -> Problem {
        Problem::new(code, self.text()).in_file(file).at(self.path).at_line(self.line, self.column)
    }
}

/// A node with its YAML path, so that errors can name its source location.
#[derive(Clone)]
pub struct Field<'a> {
    /// The node, aliases resolved.
    pub node: NodeRef<'a>,
    /// Path from the root of the file, e.g. `resourceTemplates[0].targets[1]`.
    pub path: String,
}

impl<'a> Field<'a> {
    /// The root of a file.
    pub fn root(node: NodeRef<'a>) -> Self {
        Self { node, path: String::new() }
    }

    /// A member of a mapping; `None` if it is absent or null.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        #[cfg(test)]
        note_key(&self.path, key);
        let node = self.node.get(key)?;
        if node.is_null() {
            return None;
        }
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Field { node, path })
    }

    /// Creates an error for this node.
    pub fn error(&self, message: impl Into<String>) -> FieldError {
        FieldError::new(&self.path, self.node, message)
    }

    /// Returns the node if it is a mapping.
    pub fn mapping(self) -> Result<Self, FieldError> {
        match self.node.kind() {
            Kind::Mapping => Ok(self),
            other => Err(self.error(format!("must be a mapping, not {}", describe(other)))),
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Result<Vec<Field<'a>>, FieldError> {
        if self.node.kind() != Kind::Sequence {
            return Err(self.error(format!("must be a list, not {}", describe(self.node.kind()))));
        }
        Ok(self
            .node
            .items()
            .enumerate()
            .map(|(i, node)| Field { node, path: format!("{}[{i}]", self.path) })
            .collect())
    }

    /// A text of at most the length of a name. Numbers and dates count as their text.
    pub fn text(&self) -> Result<String, FieldError> {
        self.text_of_bytes(MAX_NAME_BYTES)
    }

    fn text_of_bytes(&self, limit: usize) -> Result<String, FieldError> {
        let text = self.long_text()?;
        check_length(&text, limit).map_err(|message| self.error(message))?;
        Ok(text)
    }

    /// A text of any length, for values that are not repeated in identities, branches or messages.
    pub fn long_text(&self) -> Result<String, FieldError> {
        self.node.text().map(std::borrow::Cow::into_owned).ok_or_else(|| {
            self.error(match self.node.as_bool() {
                Some(value) => format!(
                    "must be a string, not the boolean {value}: put it in \
                                        quotes"
                ),
                None => format!("must be a string, not {}", describe(self.node.kind())),
            })
        })
    }

    /// Checks that all these members are there.
    ///
    /// # Errors
    /// One error that names all that are missing.
    pub fn require(&self, keys: &[&str]) -> Result<(), FieldError> {
        let missing: Vec<&str> =
            keys.iter().copied().filter(|key| self.get(key).is_none()).collect();
        match missing.as_slice() {
            [] => Ok(()),
            [one] => Err(self.error(format!("{one} is missing"))),
            [all @ .., last] => {
                Err(self.error(format!("{} and {last} are missing", all.join(", "))))
            }
        }
    }

    /// A required text that is not empty.
    pub fn required_text(&self, key: &str) -> Result<String, FieldError> {
        self.required(key, self.optional_text(key)?)
    }

    /// A required text of any length that is not empty.
    pub fn required_long_text(&self, key: &str) -> Result<String, FieldError> {
        let text = self.get(key).map(|field| field.long_text()).transpose()?;
        self.required(key, text)
    }

    /// A required URL that is not empty.
    pub fn required_url(&self, key: &str) -> Result<String, FieldError> {
        self.required(key, self.optional_url(key)?)
    }

    fn required(&self, key: &str, text: Option<String>) -> Result<String, FieldError> {
        let text = text.ok_or_else(|| self.error(format!("{key} is missing")))?;
        if text.is_empty() {
            return Err(self.error(format!("{key} is empty")));
        }
        Ok(text)
    }

    /// An optional URL.
    pub fn optional_url(&self, key: &str) -> Result<Option<String>, FieldError> {
        self.get(key).map(|field| field.text_of_bytes(MAX_URL_BYTES)).transpose()
    }

    /// An optional text.
    pub fn optional_text(&self, key: &str) -> Result<Option<String>, FieldError> {
        self.get(key).map(|field| field.text()).transpose()
    }

    /// A boolean; false if absent.
    pub fn flag(&self, key: &str) -> Result<bool, FieldError> {
        match self.get(key) {
            None => Ok(false),
            Some(field) => field
                .node
                .as_bool()
                .ok_or_else(|| field.error(format!("{key} must be true or false"))),
        }
    }

    /// The datafile that a member `{$ref: /path}` names.
    pub fn reference(&self, key: &str) -> Result<Option<String>, FieldError> {
        self.get(key).map(|field| field.as_reference()).transpose()
    }

    /// The datafile that this `{$ref: /path}` names.
    pub fn as_reference(&self) -> Result<String, FieldError> {
        match self.get("$ref") {
            Some(target) => target.text(),
            None => Err(self.error("must be {$ref: /path/of/a/datafile.yml}")),
        }
    }

    /// A list of texts without duplicates, in file order; empty if it is absent.
    pub fn distinct_texts(&self, key: &str) -> Result<Vec<String>, FieldError> {
        let (mut texts, mut seen) = (Vec::new(), HashSet::new());
        if let Some(list) = self.get(key) {
            for item in list.items()? {
                let text = item.text()?;
                if seen.insert(text.clone()) {
                    texts.push(text);
                }
            }
        }
        Ok(texts)
    }
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "a single value",
        Kind::Sequence => "a list",
        Kind::Mapping => "a mapping",
    }
}

#[cfg(test)]
thread_local! {
    /// The keys read so far, while a test records them.
    static NOTED: std::cell::RefCell<Option<std::collections::BTreeSet<String>>> =
        const { std::cell::RefCell::new(None) };
}

/// Starts to record the keys that this thread reads.
#[cfg(test)]
pub(super) fn note_keys() {
    NOTED.with_borrow_mut(|noted| *noted = Some(std::collections::BTreeSet::new()));
}

/// Returns the recorded keys as `targets[].ref`, without `$ref` and the like.
#[cfg(test)]
pub(super) fn noted_keys() -> std::collections::BTreeSet<String> {
    NOTED.take().unwrap_or_default()
}

#[cfg(test)]
fn note_key(path: &str, key: &str) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(noted) = noted.as_mut().filter(|_| !key.starts_with('$')) {
            let path: String = path.chars().filter(|c| !c.is_ascii_digit()).collect();
            let dot = if path.is_empty() { "" } else { "." };
            noted.insert(format!("{path}{dot}{key}"));
        }
    });
}
