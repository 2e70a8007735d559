//! What is to become of a text: replacements of parts of it.

use std::ops::Range;

use similar::{ChangeTag, TextDiff};

/// Texts that differ in more lines than this are not compared line by line, which takes the square of it.
const MAX_COMPARED_LINES: usize = 2_000;

/// Replacements of parts of one text, in its order and apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch(Vec<(Range<usize>, String)>);

impl Patch {
    /// `parts` are in order, apart from each other, and begin and end at characters of the text.
    pub(crate) fn new(parts: Vec<(Range<usize>, String)>) -> Self {
        Self(parts)
    }

    /// What is replaced, as ranges of bytes, and by what.
    pub fn parts(&self) -> &[(Range<usize>, String)] {
        &self.0
    }

    /// How many bytes it writes.
    pub fn added_bytes(&self) -> usize {
        self.0.iter().map(|(_, new)| new.len()).sum()
    }

    /// Does it leave every text as it is?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text that it makes of the one that it is for.
    pub fn apply(&self, text: &str) -> String {
        self.apply_within(text, 0..text.len())
    }

    /// What becomes of a range of the text that every part lies in or beside.
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

    /// What makes one text of another, by lines. Texts that hardly have anything in common count as replaced from
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

/// How many bytes of whole lines are the same at the beginning, and at the end, of both texts.
fn differing_lines(old: &str, new: &str) -> (usize, usize) {
    let (a, b) = (old.as_bytes(), new.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let start = a[..same].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let (a, b) = (&a[start..], &b[start..]);
    if a == b {
        return (start, a.len());
    }
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    // The line break before the lines that are the same is not theirs.
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
