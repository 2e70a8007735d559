//! Translates regular expressions of Python's `re.search` for the engines that run them.

use super::SelectError;
use super::budget::Budget;
use super::engine::{Engine, Groups};
use super::pattern_class::{self, Reader};
use std::sync::OnceLock;

/// Maximum nesting of groups.
const MAX_DEPTH: usize = 50;

/// Maximum states of the regular expressions of one expression, with their repeats expanded.
pub(super) const MAX_STATES: u64 = 100_000;

/// Minimum states of each: caches, and what is allocated around them.
const LEAST_STATES: u64 = 1_000;

/// States of a set of characters, of `\d` and `\s`, and of `\w`, measured.
const SET: u64 = 16;
const CATEGORY: u64 = 100;
const WORD: u64 = 600;

/// A Python regular expression that is searched anywhere in a text.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    translated: Translation,
    engine: OnceLock<Result<Engine, String>>,
    /// For texts that end with a line end, where `$` also matches before it.
    before_newline: OnceLock<Result<Engine, String>>,
}

impl Pattern {
    /// Parses a Python regular expression. The flag `a` and names of characters are not supported.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        Ok(Self {
            text: text.to_owned(),
            translated: translate(text, End::OfText)?,
            engine: OnceLock::new(),
            before_newline: OnceLock::new(),
        })
    }

    /// Is this its source?
    pub(super) fn is_written(&self, text: &str) -> bool {
        self.text == text
    }

    /// Its size with its repeats expanded.
    pub(super) fn states(&self) -> u64 {
        self.translated.cost.states
    }

    /// The names of its groups.
    pub(super) fn groups(&self) -> &[Option<String>] {
        &self.translated.groups
    }

    /// Compiles it.
    pub(super) fn prepare(&self, budget: &Budget) -> Result<(), SelectError> {
        let cost = self.translated.cost;
        budget.spend(usize::try_from(cost.states).unwrap_or(usize::MAX))?;
        budget.hold(Engine::bytes(self.translated.backtracks, cost))?;
        self.compiled(&self.engine, End::OfText).map(|_| ())
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_in(&self, text: &str, budget: &Budget) -> Result<bool, SelectError> {
        self.engine_for(text)?.is_match(text, budget)
    }

    /// The first match at or after a position: start and end of the whole and of each group.
    pub(super) fn find_from(
        &self,
        text: &str,
        from: usize,
        budget: &Budget,
    ) -> Result<Option<Groups>, SelectError> {
        self.engine_for(text)?.find_from(text, from, budget)
    }

    fn engine_for(&self, text: &str) -> Result<&Engine, SelectError> {
        if self.translated.asks_for_end && text.ends_with('\n') {
            return self.compiled(&self.before_newline, End::BeforeNewline);
        }
        self.compiled(&self.engine, End::OfText)
    }

    fn compiled<'e>(
        &self,
        engine: &'e OnceLock<Result<Engine, String>>,
        end: End,
    ) -> Result<&'e Engine, SelectError> {
        let compile = || match end {
            End::OfText => Engine::new(&self.translated),
            End::BeforeNewline => Engine::new(&translate(&self.text, end)?),
        };
        engine.get_or_init(compile).as_ref().map_err(|error| SelectError::Pattern(error.clone()))
    }
}

/// Where `$` matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of a text that does not end with a line end.
    OfText,
    /// At the end of a text, and before a line end there.
    BeforeNewline,
}

/// A translated regular expression.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) text: String,
    /// Does it need backtracking?
    pub(super) backtracks: bool,
    pub(super) cost: Cost,
    /// Does it contain a `$` for the end of the text?
    asks_for_end: bool,
    groups: Vec<Option<String>>,
}

fn translate(text: &str, end: End) -> Result<Translation, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut translator = Translator {
        reader: Reader::new(&characters),
        out: String::new(),
        groups: Vec::new(),
        conditions: Vec::new(),
        end,
        asks_for_end: false,
        backtracks: false,
    };
    let width = translator.alternatives(Flags::default(), 0)?;
    if translator.reader.peek().is_some() {
        return Err("unbalanced parenthesis".to_owned());
    }
    let groups = translator.groups.len();
    if translator.conditions.iter().any(|&group| group > groups) {
        return Err("no such group".to_owned());
    }
    let mut cost = width.cost;
    cost.states = cost.states.saturating_add(LEAST_STATES);
    Ok(Translation {
        text: translator.out,
        backtracks: translator.backtracks,
        cost,
        asks_for_end: translator.asks_for_end,
        groups: translator.groups.into_iter().map(|group| group.name).collect(),
    })
}

/// The flags that change how a pattern is parsed. Others are passed on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) multiline: bool,
    pub(super) verbose: bool,
}

/// The size of a part with its repeats expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// Positions in the pattern, each of which may be tried at each character.
    pub(super) positions: u64,
    /// States of an automaton.
    pub(super) states: u64,
}

/// The minimum and maximum number of characters that something matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Width {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) cost: Cost,
}

impl Width {
    /// One character.
    pub(super) fn one(states: u64) -> Self {
        Self { least: 1, most: 1, cost: Cost { positions: 1, states } }
    }

    /// Matches nothing, at the cost of its content.
    pub(super) fn looking(self) -> Self {
        Self { least: 0, most: 0, cost: self.cost }
    }

    fn then(self, next: Self) -> Self {
        Self {
            least: self.least.saturating_add(next.least),
            most: self.most.saturating_add(next.most),
            cost: self.both(next),
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            cost: self.both(other),
        }
    }

    fn both(self, other: Self) -> Cost {
        Cost {
            positions: self.cost.positions.saturating_add(other.cost.positions),
            states: self.cost.states.saturating_add(other.cost.states),
        }
    }

    /// An item that is repeated.
    fn repeated(self, least: u64, most: Option<u64>) -> Self {
        let copies = most.unwrap_or(least.saturating_add(1)).max(1);
        Self {
            least: self.least.saturating_mul(least),
            most: self.most.saturating_mul(most.unwrap_or(u64::MAX)),
            cost: Cost {
                positions: self.cost.positions.saturating_mul(copies),
                states: self.cost.states.saturating_add(1).saturating_mul(copies),
            },
        }
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
    /// Groups that conditions refer to.
    pub(super) conditions: Vec<usize>,
    /// Where `$` matches.
    end: End,
    asks_for_end: bool,
    /// Is there a part that an automaton does not support?
    pub(super) backtracks: bool,
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

    /// One alternative. Flags for the whole pattern may be at its start if it is `first`.
    pub(super) fn sequence(
        &mut self,
        flags: &mut Flags,
        depth: usize,
        mut first: bool,
    ) -> Translated<Width> {
        let mut before = Width::default();
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
                before = before.then(width.repeated(least, most));
                last = Last::Repeated;
                continue;
            }
            self.reader.at += 1;
            let item = if character == '(' {
                self.group(flags, depth, first)?
            } else {
                Some(self.atom(character, *flags)?)
            };
            let Some(item) = item else {
                continue;
            };
            first = false;
            if let Last::Item(width) = last {
                before = before.then(width);
            }
            last = item;
        }
        Ok(if let Last::Item(width) = last { before.then(width) } else { before })
    }

    /// A character that begins neither a group nor a quantifier, and what belongs to it.
    fn atom(&mut self, character: char, flags: Flags) -> Translated<Last> {
        match character {
            '\\' => return self.escape(),
            '^' => self.out.push_str(if flags.multiline { "(?m:^)" } else { "\\A" }),
            '$' => self.end_of_line(flags),
            '.' => {
                self.out.push('.');
                return Ok(Last::Item(Width::one(SET)));
            }
            '[' => {
                let start = self.reader.at;
                let class = pattern_class::class(&mut self.reader)?;
                let items = (self.reader.at - start) as u64;
                let words = class.matches("\\w").count() + class.matches("\\W").count();
                self.out.push_str(&class);
                let states = SET + 4 * items + WORD * words as u64;
                return Ok(Last::Item(Width::one(states)));
            }
            literal => return Ok(self.literal(literal)),
        }
        Ok(Last::Nothing)
    }

    fn literal(&mut self, character: char) -> Last {
        pattern_class::push_literal(&mut self.out, character);
        // In another letter case it may be several.
        Last::Item(Width::one(4))
    }

    /// The end of the text or a line end there; in lines, the end of each.
    fn end_of_line(&mut self, flags: Flags) {
        self.asks_for_end |= !flags.multiline;
        self.out.push_str(match (flags.multiline, self.end) {
            (true, _) => "(?m:$)",
            (false, End::OfText) => "\\z",
            (false, End::BeforeNewline) => {
                self.backtracks = true;
                "(?=\\n?\\z)"
            }
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
        if self.reader.take('?') {
            self.out.push('?');
        } else if self.reader.take('+') {
            self.out.push('+');
            self.backtracks = true;
        }
        Ok(())
    }

    /// An escape outside brackets, after the backslash.
    fn escape(&mut self) -> Translated<Last> {
        let start = self.reader.at;
        match self.reader.next().ok_or("bad escape at the end")? {
            'A' => self.out.push_str("\\A"),
            'Z' => self.out.push_str("\\z"),
            boundary @ ('b' | 'B') => self.out.extend(['\\', boundary]),
            category @ ('d' | 'D' | 's' | 'S' | 'w' | 'W') => {
                self.out.extend(['\\', category]);
                let states = if matches!(category, 'w' | 'W') { WORD } else { CATEGORY };
                return Ok(Last::Item(Width::one(states)));
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
        self.backtracks = true;
        let cost = Cost { positions: 1, states: 1 };
        Ok(Last::Item(Width { cost, ..width }))
    }
}
