//! Runs regular expressions: in linear time if an automaton can, otherwise by backtracking.

use super::SelectError;
use super::budget::Budget;
use super::pattern::{Cost, Translation};
use std::sync::OnceLock;

/// Bytes per state in all forms that the engines keep, measured.
const STATE_BYTES: u64 = 200;

/// Maximum bytes of a compiled automaton, in case the count of states is wrong.
const MAX_COMPILED: usize = 8 << 20;

/// Bytes of an automaton's cache.
const MAX_CACHE: usize = 256 << 10;

/// Maximum instructions of a backtracking regular expression.
const MAX_INSTRUCTIONS: usize = 50_000;

/// `fancy-regex` does not report how many steps it took. So a search gets a few at first, then
/// more and more, and its limit counts as work.
const STEP_LIMITS: [usize; 6] = [64, 256, 1_024, 4_096, 16_384, 100_000];

/// Maximum bytes of a text for backtracking. Each step may read all of them.
const MAX_BACKTRACKED_TEXT: usize = 16 << 10;

/// Number of characters at which a position is tried per unit of work.
const PLACES_PER_WORK: usize = 64;

/// Bytes for start and end of a match and of each of its groups.
pub(super) type Groups = Vec<Option<(usize, usize)>>;

/// A compiled regular expression.
#[derive(Debug)]
pub(super) enum Engine {
    Linear(Linear),
    Backtracking(Box<Backtracking>),
}

impl Engine {
    /// Compiles it.
    pub(super) fn new(translated: &Translation) -> Result<Self, String> {
        if translated.backtracks {
            let engine = Backtracking { text: translated.text.clone(), levels: Default::default() };
            // Compiles now to find errors.
            engine.level(0)?;
            return Ok(Self::Backtracking(Box::new(engine)));
        }
        let regex = regex::RegexBuilder::new(&translated.text)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_CACHE)
            .build()
            .map_err(|error| error.to_string())?;
        let positions = usize::try_from(translated.cost.positions).unwrap_or(usize::MAX);
        Ok(Self::Linear(Linear { regex, positions }))
    }

    /// Maximum memory once it is compiled.
    pub(super) fn bytes(backtracks: bool, cost: Cost) -> usize {
        let forms = if backtracks { STEP_LIMITS.len() as u64 } else { 1 };
        let bytes = cost.states.saturating_mul(STATE_BYTES).saturating_mul(forms);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    pub(super) fn is_match(&self, text: &str, budget: &Budget) -> Result<bool, SelectError> {
        match self {
            Self::Linear(linear) => {
                linear.spend(text.len(), budget)?;
                Ok(linear.regex.is_match(text))
            }
            Self::Backtracking(engine) => engine.search(text, budget, |regex| regex.is_match(text)),
        }
    }

    pub(super) fn find_from(
        &self,
        text: &str,
        from: usize,
        budget: &Budget,
    ) -> Result<Option<Groups>, SelectError> {
        match self {
            Self::Linear(linear) => {
                linear.spend(text.len() - from, budget)?;
                let found = linear.regex.captures_at(text, from);
                Ok(found.map(|found| {
                    found.iter().map(|group| group.map(|g| (g.start(), g.end()))).collect()
                }))
            }
            Self::Backtracking(engine) => engine.search(text, budget, |regex| {
                let found = regex.captures_from_pos(text, from)?;
                Ok(found.map(|found| {
                    found.iter().map(|group| group.map(|g| (g.start(), g.end()))).collect()
                }))
            }),
        }
    }
}

/// An automaton.
#[derive(Debug)]
pub(super) struct Linear {
    regex: regex::Regex,
    positions: usize,
}

impl Linear {
    /// Counts a search, as if each position of the pattern were tried at each character.
    fn spend(&self, length: usize, budget: &Budget) -> Result<(), SelectError> {
        budget.spend(1 + length.saturating_mul(self.positions) / PLACES_PER_WORK)
    }
}

/// A backtracking regular expression, compiled for each limit when first needed.
#[derive(Debug)]
pub(super) struct Backtracking {
    text: String,
    levels: [OnceLock<Result<fancy_regex::Regex, String>>; STEP_LIMITS.len()],
}

impl Backtracking {
    /// Searches with increasing limits until one is enough.
    fn search<T>(
        &self,
        text: &str,
        budget: &Budget,
        search: impl Fn(&fancy_regex::Regex) -> fancy_regex::Result<T>,
    ) -> Result<T, SelectError> {
        if text.len() > MAX_BACKTRACKED_TEXT {
            let message = format!("a text of {} bytes is too long for back-tracking", text.len());
            return Err(SelectError::Pattern(message));
        }
        let mut last = String::new();
        for (level, limit) in STEP_LIMITS.into_iter().enumerate() {
            budget.spend(limit * (1 + text.len() / 256))?;
            match search(self.level(level).map_err(SelectError::Pattern)?) {
                Ok(found) => return Ok(found),
                Err(error) if is_out_of_steps(&error) => last = error.to_string(),
                Err(error) => return Err(SelectError::Pattern(error.to_string())),
            }
        }
        Err(SelectError::Pattern(last))
    }

    fn level(&self, level: usize) -> Result<&fancy_regex::Regex, String> {
        let compile = || {
            fancy_regex::RegexBuilder::new(&self.text)
                .backtrack_limit(STEP_LIMITS[level])
                .delegate_size_limit(MAX_COMPILED)
                .delegate_dfa_size_limit(MAX_CACHE)
                .max_prog_size(MAX_INSTRUCTIONS)
                .build()
                .map_err(|error| error.to_string())
        };
        self.levels[level].get_or_init(compile).as_ref().map_err(Clone::clone)
    }
}

fn is_out_of_steps(error: &fancy_regex::Error) -> bool {
    use fancy_regex::{Error, RuntimeError};
    matches!(error, Error::RuntimeError(RuntimeError::BacktrackLimitExceeded))
}
