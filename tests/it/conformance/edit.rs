//! Judges the new text of a datafile against the old one, leaf by leaf and line by line.

use super::format::Leaves;
use fancy_regex::Regex;
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;
use yaml11::{Kind, Limits, NodeRef, Scalar, Style, Tree};

/// Plain scalars that a YAML 1.2 reader does not parse as texts.
static CORE_1_2: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"\A(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
        r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        r"|null|Null|NULL|~|true|True|TRUE|false|False|FALSE|)\z",
    ))
});
/// Lines on which more than one value may change: flow style, anchors, aliases.
const MANY_VALUES: [char; 4] = ['{', '[', '*', '&'];
/// The end of the text before a value: its tag and anchor.
static PROPERTIES: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:[!&]\S+ +)+\z"));
/// A value, optionally with tag and anchor.
static VALUE: LazyLock<Regex> = LazyLock::new(|| regex(r"\A(?:[!&]\S+ +)*\S+\z"));

fn regex(expression: &str) -> Regex {
    Regex::new(expression).expect("a valid expression")
}

fn matches(regex: &Regex, text: &str) -> bool {
    regex.is_match(text).unwrap_or(false)
}

/// The effect of an edit, and its errors.
#[derive(Debug, Default)]
pub struct Edit {
    /// Paths of the leaves with a new value.
    pub changed: Vec<String>,
    /// Number of lines added or replaced.
    pub lines: usize,
    pub complaints: Vec<String>,
}

pub fn judge_edit(path: &str, old: &str, new: &str, wanted: &Leaves) -> Edit {
    let trees = [("old", old), ("new", new)].map(|(which, text)| {
        Tree::parse(text.as_bytes(), &Limits::default())
            .map_err(|e| format!("{path}: the {which} text is no YAML: {e}"))
    });
    let (old_tree, new_tree) = match trees {
        [Ok(old_tree), Ok(new_tree)] => (old_tree, new_tree),
        [Err(e), _] | [_, Err(e)] => return Edit { complaints: vec![e], ..Edit::default() },
    };
    let (before, after) = (leaves(&old_tree), leaves(&new_tree));
    let mut edit = Edit::default();
    let differences = differences(&before, &after);
    for (place, value) in &differences {
        judge_leaf(place, *value, wanted.get(place.as_str()), &mut edit.complaints);
        if value.is_some() {
            edit.changed.push((*place).clone());
        }
    }
    let replaced = differences.iter().filter_map(|(place, _)| before.get(*place));
    let text = Text::new(old, replaced.copied());
    edit.lines = text.judge(&lines_of(new), &mut edit.complaints);
    judge_rest(old, new, &mut edit.complaints);
    for complaint in &mut edit.complaints {
        *complaint = format!("{path}: {complaint}");
    }
    edit
}

/// The nodes without children by path, including empty lists and maps.
fn leaves(tree: &Tree) -> BTreeMap<String, NodeRef<'_>> {
    let mut leaves = BTreeMap::new();
    flatten(tree.root(), String::new(), &mut leaves);
    leaves
}

fn flatten<'a>(node: NodeRef<'a>, place: String, leaves: &mut BTreeMap<String, NodeRef<'a>>) {
    let mut is_leaf = true;
    for (key, value) in node.entries() {
        is_leaf = false;
        let place = match key.contains(['.', '[', ']', '"']) {
            true => format!("{place}[{key:?}]"),
            false if place.is_empty() => key.into_owned(),
            false => format!("{place}.{key}"),
        };
        flatten(value, place, leaves);
    }
    for (i, item) in node.items().enumerate() {
        is_leaf = false;
        flatten(item, format!("{place}[{i}]"), leaves);
    }
    if is_leaf {
        leaves.insert(place, node);
    }
}

type Nodes<'a> = BTreeMap<String, NodeRef<'a>>;

/// Leaves that are new or have another value, and removed ones (`None`).
fn differences<'a>(
    before: &'a Nodes<'_>,
    after: &'a Nodes<'a>,
) -> Vec<(&'a String, Option<NodeRef<'a>>)> {
    let is_new = |place: &str, node| before.get(place).is_none_or(|old| !same(*old, node));
    let changed = after.iter().filter(|(place, node)| is_new(place, **node));
    let changed = changed.map(|(place, node)| (place, Some(*node)));
    let is_gone = |place: &str, node: NodeRef<'_>| {
        // an empty list or map that got members is not lost
        let grown =
            node.kind() != Kind::Scalar && after.keys().any(|other| other.starts_with(place));
        !after.contains_key(place) && !grown
    };
    let gone = before.iter().filter(|(place, node)| is_gone(place, **node));
    changed.chain(gone.map(|(place, _)| (place, None))).collect()
}

fn same(a: NodeRef<'_>, b: NodeRef<'_>) -> bool {
    match (a.scalar(), b.scalar()) {
        (Some(Scalar::Float(a)), Some(Scalar::Float(b))) => a == b || (a.is_nan() && b.is_nan()),
        (a_value, b_value) => a.kind() == b.kind() && a_value == b_value,
    }
}

/// A leaf in messages.
struct Shown<'a>(NodeRef<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.kind(), self.0.scalar()) {
            (_, Some(Scalar::Str(text))) => write!(f, "{text:?}"),
            (_, Some(scalar)) => write!(f, "{scalar:?}"),
            (Kind::Mapping, None) => f.write_str("{}"),
            (_, None) => f.write_str("[]"),
        }
    }
}

fn judge_leaf(
    place: &str,
    value: Option<NodeRef<'_>>,
    wanted: Option<&String>,
    bad: &mut Vec<String>,
) {
    match (value, wanted) {
        (None, None) => bad.push(format!("{place} is gone")),
        (None, Some(wanted)) => bad.push(format!("{place} is gone, expected {wanted:?}")),
        (Some(node), None) => bad.push(format!("{place} changed to {}", Shown(node))),
        (Some(node), Some(wanted)) if node.scalar() != Some(Scalar::Str(wanted)) => {
            bad.push(format!("{place} is {}, expected {wanted:?}", Shown(node)));
        }
        (Some(node), Some(wanted))
            if node.style() == Style::Plain && matches(&CORE_1_2, wanted) =>
        {
            bad.push(format!("{place} must be quoted: {wanted} is not a text for every reader"));
        }
        _ => {}
    }
}

/// Each line with its line end.
fn lines_of(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.find(['\r', '\n']) {
            Some(i) if rest[i..].starts_with("\r\n") => i + 2,
            Some(i) => i + 1,
            None => rest.len(),
        };
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after;
    }
    lines
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// The old text, with the parts that may change.
struct Text<'a> {
    lines: Vec<&'a str>,
    /// The values that change.
    values: Vec<String>,
    /// By line, the byte ranges of the values that change.
    places: BTreeMap<usize, Vec<Range<usize>>>,
}

impl<'a> Text<'a> {
    fn new(text: &'a str, replaced: impl Iterator<Item = NodeRef<'a>>) -> Self {
        let lines = lines_of(text);
        let mut starts = vec![0];
        starts.extend(lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        }));
        let mut this = Self { lines, values: Vec::new(), places: BTreeMap::new() };
        for node in replaced {
            let (Some(scalar), span) = (node.scalar(), node.span()) else {
                continue;
            };
            this.values.push(match scalar {
                Scalar::Str(value) => value.to_owned(),
                _ => text[span.clone()].to_owned(),
            });
            let line = starts.partition_point(|start| *start <= span.start) - 1;
            let place = span.start - starts[line]..span.end - starts[line];
            if this.lines.get(line).is_some_and(|line| place.end <= without_end(line).len()) {
                this.places.entry(line).or_default().push(place);
            }
        }
        this
    }

    /// Only lines with a changed value may differ, and only in the value. Returns how
    /// many lines are added or replaced.
    fn judge(&self, new: &[&str], bad: &mut Vec<String>) -> usize {
        let mut count = 0;
        for op in capture_diff_slices(Algorithm::Myers, &self.lines, new) {
            let (tag, old_range, new_range) = op.as_tag_tuple();
            if tag == DiffTag::Equal {
                continue;
            }
            count += old_range.len().max(new_range.len());
            for i in old_range {
                if let Some(what) = self.complaint(i, &new[new_range.clone()]) {
                    bad.push(format!("line {}: {what}: {:?}", i + 1, self.lines[i].trim()));
                }
            }
        }
        count
    }

    /// Why this line may not be replaced by these.
    fn complaint(&self, i: usize, new: &[&str]) -> Option<&'static str> {
        let line = self.lines[i];
        let is_open = i + 1 == self.lines.len() && !line.ends_with(['\r', '\n']);
        if is_open && new.first().is_some_and(|new| without_end(new) == line) {
            return None; // it had no line end, and something was appended to it
        }
        if line.contains(MANY_VALUES) {
            return None;
        }
        if !self.values.iter().any(|value| !value.is_empty() && line.contains(value)) {
            return Some("a line that carries no changed value is changed or gone");
        }
        let Some([place]) = self.places.get(&i).map(Vec::as_slice) else {
            return None;
        };
        let (head, tail) = (&line[..place.start], &line[place.end..]);
        let properties = PROPERTIES.find(head).ok().flatten();
        let head = properties.map_or(head, |found| &head[..found.start()]);
        let value_only = |new: &&str| {
            let rest = new.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
            rest.is_some_and(|value| matches(&VALUE, value))
        };
        if new.iter().any(value_only) { None } else { Some("more than the value changed") }
    }
}

/// Checks new comments, blank lines and markers, and the end of the file.
fn judge_rest(old: &str, new: &str, bad: &mut Vec<String>) {
    let mut added: BTreeMap<&str, i32> = BTreeMap::new();
    for (text, n) in [(new, 1), (old, -1)] {
        for line in lines_of(text).into_iter().map(str::trim) {
            if line.is_empty() || ["#", "---", "...", "%"].iter().any(|s| line.starts_with(s)) {
                *added.entry(line).or_default() += n;
            }
        }
    }
    for (line, n) in added.into_iter().filter(|(_, n)| *n > 0) {
        bad.push(format!("{n} line(s) {line:?} added"));
    }
    if old.ends_with('\n') && !new.ends_with('\n') {
        bad.push("the final newline is gone".to_owned());
    }
}
