//! Patches of a text: replacements of parts of it.

use std::ops::Range;

use similar::{ChangeTag, TextDiff};

/// Longer differences are not compared line by line, because that takes quadratic time.
const MAX_COMPARED_LINES: usize = 2_000;

/// Replacements of parts of one text, in order and without overlaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch(Vec<(Range<usize>, String)>);

impl Patch {
    /// `parts` are in order, do not overlap, and begin and end at character boundaries.
    pub(crate) fn new(parts: Vec<(Range<usize>, String)>) -> Self {
        Self(parts)
    }

    /// The replaced ranges of bytes, with the new texts.
    pub fn parts(&self) -> &[(Range<usize>, String)] {
        &self.0
    }

    /// Number of bytes that it inserts.
    pub fn added_bytes(&self) -> usize {
        self.0.iter().map(|(_, new)| new.len()).sum()
    }

    /// Does it change nothing?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies the patch to its text.
    pub fn apply(&self, text: &str) -> String {
        self.apply_within(text, 0..text.len())
    }

    /// Applies the patch to a range of the text that contains or touches every part.
    pub fn apply_within(&self, text: &str, range: Range<usize>) -> String {
        let mut out = String::with_capacity(range.len() + self.added_bytes());
        let mut done = range.start;
        for (old, new) in &self.0 {
            if old.start >= range.start && old.end <= range.end {
                out.push_str(text.get(done..old.start).unwrap_or_default());
                out.push_str(new);
                done = old.end;
            }
        }
        out.push_str(text.get(done..range.end).unwrap_or_default());
        out
    }

    /// The patch from one text to another, by lines. Texts with almost nothing in common are replaced from
    /// the first to the last line that differs.
    pub fn between(old: &str, new: &str) -> Self {
        let (start, end) = differing_lines(old, new);
        let (old_part, new_part) = (&old[start..old.len() - end], &new[start..new.len() - end]);
        if old_part.is_empty() && new_part.is_empty() {
            return Self::default();
        }
        let lines = |text: &str| text.bytes().filter(|b| *b == b'\n').count();
        if lines(old_part) + lines(new_part) > MAX_COMPARED_LINES {
            return Self(vec![(start..old.len() - end, new_part.to_owned())]);
        }
        let (mut parts, mut at, mut is_open) = (Vec::<(Range<usize>, String)>::new(), start, false);
        for change in TextDiff::from_lines(old_part, new_part).iter_all_changes() {
            let is_equal = change.tag() == ChangeTag::Equal;
            if !is_equal && !is_open {
                parts.push((at..at, String::new()));
            }
            is_open = !is_equal;
            if change.tag() != ChangeTag::Insert {
                at += change.value().len();
            }
            if let Some((range, text)) = parts.last_mut().filter(|_| is_open) {
                range.end = at;
                text.push_str(if change.tag() == ChangeTag::Insert { change.value() } else { "" });
            }
        }
        Self(parts)
    }
}

/// The number of bytes in equal whole lines at the start and at the end of both texts.
fn differing_lines(old: &str, new: &str) -> (usize, usize) {
    let (a, b) = (old.as_bytes(), new.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let start = a[..same].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let (a, b) = (&a[start..], &b[start..]);
    if a == b {
        return (start, a.len());
    }
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    // The line break before the equal lines does not belong to them.
    let tail = &a[a.len() - same..];
    let end = tail.iter().position(|b| *b == b'\n').map_or(0, |at| same - at - 1);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_between_two_texts_makes_one_of_the_other() {
        let texts = [
            "",
            "a",
            "a\n",
            "b\n",
            "a\nb\nc\n",
            "a\nc\n",
            "a\nb\nb\nc",
            "x\na\r\nb\nc\ny",
            "b\nb\n",
        ];
        for old in texts {
            for new in texts {
                let patch = Patch::between(old, new);
                assert_eq!(patch.apply(old), new, "{old:?} -> {new:?}: {patch:?}");
                assert_eq!(patch.is_empty(), old == new);
            }
        }
    }

    #[test]
    fn only_lines_that_differ_are_replaced() {
        let patch = Patch::between("a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\n");
        assert_eq!(patch.parts(), [(2..4, "B\n".to_owned()), (8..10, "E\n".to_owned())]);
    }
}
