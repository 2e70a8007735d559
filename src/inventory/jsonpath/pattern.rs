//! Regular expressions as Python's `re.search` reads them, rewritten for the engine that runs them.

use super::pattern_class::{self, Reader};
use fancy_regex::{Regex, RegexBuilder};

/// How many steps back a search may go.
const BACKTRACK_LIMIT: usize = 100_000;

/// How deeply groups may nest.
const MAX_DEPTH: usize = 50;

/// A Python regular expression that is looked for anywhere in a text.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Reads a Python regular expression. Not supported: the flag `a`, names of characters, a
    /// repeated group that matches nothing.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let translated = translate(text).map_err(|error| format!("regular expression: {error}"))?;
        RegexBuilder::new(&translated)
            .backtrack_limit(BACKTRACK_LIMIT)
            .build()
            .map(|regex| Self { regex })
            .map_err(|error| format!("regular expression: {error}"))
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_in(&self, text: &str) -> Result<bool, String> {
        self.regex.is_match(text).map_err(|error| error.to_string())
    }
}

fn translate(text: &str) -> Result<String, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut translator = Translator {
        reader: Reader::new(&characters),
        out: String::new(),
        groups: Vec::new(),
        conditions: Vec::new(),
    };
    translator.alternatives(Flags::default(), 0)?;
    if translator.reader.peek().is_some() {
        return Err("unbalanced parenthesis".to_owned());
    }
    let groups = translator.groups.len();
    if translator.conditions.iter().any(|&group| group > groups) {
        return Err("no such group".to_owned());
    }
    Ok(translator.out)
}

/// The flags that change how a pattern reads; the others are handed on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) multiline: bool,
    pub(super) verbose: bool,
}

/// How many characters something can match, least and most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width(pub(super) u64, pub(super) u64);

impl Width {
    fn then(self, next: Self) -> Self {
        Self(self.0.saturating_add(next.0), self.1.saturating_add(next.1))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.min(other.0), self.1.max(other.1))
    }

    /// Of a sequence whose last item, which counts once already, is repeated.
    fn repeated(self, item: Self, least: u64, most: Option<u64>) -> Self {
        let most = most.unwrap_or(u64::MAX);
        let before = Self(self.0.saturating_sub(item.0), self.1.saturating_sub(item.1));
        before.then(Self(item.0.saturating_mul(least), item.1.saturating_mul(most)))
    }
}

/// What a quantifier would repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Nothing,
    Item(Width),
    Repeated,
}

pub(super) struct Group {
    pub(super) name: Option<String>,
    /// `None` while it is open.
    pub(super) width: Option<Width>,
}

pub(super) struct Translator<'t> {
    pub(super) reader: Reader<'t>,
    pub(super) out: String,
    pub(super) groups: Vec<Group>,
    /// Groups that conditions ask for.
    pub(super) conditions: Vec<usize>,
}

pub(super) type Translated<T> = Result<T, String>;

impl Translator<'_> {
    /// Alternatives up to the end or to a closing parenthesis.
    pub(super) fn alternatives(&mut self, mut flags: Flags, depth: usize) -> Translated<Width> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".to_owned());
        }
        let mut width = self.sequence(&mut flags, depth, depth == 0)?;
        while self.reader.take('|') {
            self.out.push('|');
            width = width.or(self.sequence(&mut flags, depth, false)?);
        }
        Ok(width)
    }

    /// One alternative. Flags for the whole pattern may stand at its start if it is `first`.
    pub(super) fn sequence(
        &mut self,
        flags: &mut Flags,
        depth: usize,
        mut first: bool,
    ) -> Translated<Width> {
        let mut total = Width(0, 0);
        let mut last = Last::Nothing;
        while let Some(character) = self.reader.peek().filter(|c| !matches!(c, '|' | ')')) {
            if flags.verbose && self.reader.skip_comment() {
                continue;
            }
            if let Some((least, most)) = self.reader.quantifier() {
                let Last::Item(width) = last else {
                    let again = last == Last::Repeated;
                    let message = if again { "multiple repeat" } else { "nothing to repeat" };
                    return Err(message.to_owned());
                };
                self.repeat(least, most)?;
                total = total.repeated(width, least, most);
                last = Last::Repeated;
                continue;
            }
            self.reader.at += 1;
            let item = if character == '(' {
                self.group(flags, depth, first)?
            } else {
                Some(self.atom(character, *flags, depth)?)
            };
            let Some(item) = item else {
                continue;
            };
            first = false;
            last = item;
            if let Last::Item(width) = item {
                total = total.then(width);
            }
        }
        Ok(total)
    }

    /// A character that begins no group and no quantifier, and what belongs to it.
    fn atom(&mut self, character: char, flags: Flags, depth: usize) -> Translated<Last> {
        match character {
            '\\' => return self.escape(),
            '^' => self.out.push_str(if flags.multiline { "(?m:^)" } else { "\\A" }),
            '$' => self.end_of_line(flags, depth),
            '.' => {
                self.out.push('.');
                return Ok(Last::Item(Width(1, 1)));
            }
            '[' => {
                let class = pattern_class::class(&mut self.reader)?;
                self.out.push_str(&class);
                return Ok(Last::Item(Width(1, 1)));
            }
            literal => return Ok(self.literal(literal)),
        }
        Ok(Last::Nothing)
    }

    fn literal(&mut self, character: char) -> Last {
        pattern_class::push_literal(&mut self.out, character);
        Last::Item(Width(1, 1))
    }

    /// The end of the text or a line end there; in lines, the end of each.
    fn end_of_line(&mut self, flags: Flags, depth: usize) {
        let at_end = depth == 0 && self.reader.peek().is_none();
        self.out.push_str(match (flags.multiline, at_end) {
            (true, _) => "(?m:$)",
            // Nothing follows: the same without looking ahead, which is slower.
            (false, true) => "\\n?\\z",
            (false, false) => "(?=\\n?\\z)",
        });
    }

    fn repeat(&mut self, least: u64, most: Option<u64>) -> Translated<()> {
        if most.is_some_and(|most| most < least) {
            return Err("min repeat greater than max repeat".to_owned());
        }
        match most {
            Some(most) => self.out.push_str(&format!("{{{least},{most}}}")),
            None => self.out.push_str(&format!("{{{least},}}")),
        }
        for mode in ['?', '+'] {
            if self.reader.take(mode) {
                self.out.push(mode);
                break;
            }
        }
        Ok(())
    }

    /// An escape outside brackets, behind the backslash.
    fn escape(&mut self) -> Translated<Last> {
        let start = self.reader.at;
        match self.reader.next().ok_or("bad escape at the end")? {
            'A' => self.out.push_str("\\A"),
            'Z' => self.out.push_str("\\z"),
            boundary @ ('b' | 'B') => self.out.extend(['\\', boundary]),
            category @ ('d' | 'D' | 's' | 'S' | 'w' | 'W') => {
                self.out.extend(['\\', category]);
                return Ok(Last::Item(Width(1, 1)));
            }
            '1'..='9' => {
                self.reader.at = start;
                if let Some(character) = self.reader.three_octal_digits()? {
                    return Ok(self.literal(character));
                }
                let number = self.reader.group_number();
                return self.reference(number);
            }
            _ => {
                self.reader.at = start;
                let character = self.reader.escaped_character()?;
                return Ok(self.literal(character));
            }
        }
        Ok(Last::Nothing)
    }

    pub(super) fn reference(&mut self, number: usize) -> Translated<Last> {
        let group = number.checked_sub(1).and_then(|index| self.groups.get(index));
        let group = group.ok_or("no such group")?;
        let width = group.width.ok_or("cannot refer to an open group")?;
        self.out.push_str(&format!("(?:\\{number})"));
        Ok(Last::Item(width))
    }
}
