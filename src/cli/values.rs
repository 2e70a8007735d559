//! Parses values of arguments and variables.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::domain::quoted;
use crate::plan::MAX_BATCH_SIZE;

/// A boolean as written in CI variables. Empty counts as unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toggle {
    /// true, 1, yes, on
    On,
    /// false, 0, no, off
    Off,
    /// An empty variable.
    Unset,
}

impl Toggle {
    /// Its value, or the default if it is empty.
    pub fn or(self, default: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Unset => default,
        }
    }
}

impl FromStr for Toggle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Self::On),
            "false" | "0" | "no" | "off" => Ok(Self::Off),
            "" => Ok(Self::Unset),
            _ => Err("expected true or false (also 1/0, yes/no, on/off)".to_owned()),
        }
    }
}

/// How many promotions go into one merge request.
pub fn batch_size(text: &str) -> Result<usize, String> {
    let size = number(text)?;
    match (1..=MAX_BATCH_SIZE).contains(&size) {
        true => Ok(size),
        false => Err(format!("wanted 1 to {MAX_BATCH_SIZE}")),
    }
}

/// A span of time: a number and its unit.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{} is not a duration: write it like 10m, 90s or 1h", quoted(text));
    let text = text.trim();
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| !c.is_ascii_digit()).len());
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(seconds) if (1..=LONGEST_DEADLINE).contains(&seconds) => {
            Ok(Duration::from_secs(seconds))
        }
        _ => Err("it must be between 1s and 24h".to_owned()),
    }
}

/// A day, in seconds: no job runs for longer.
const LONGEST_DEADLINE: u64 = 24 * 60 * 60;

/// How to write a time.
pub const AT_HINT: &str =
    "write it like 2026-08-20T10:15:30Z, 2026-08-20 (midnight UTC), or +7d, +36h, +90m from now";

/// The time of the decisions, as a user gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// This time.
    Time(DateTime<Utc>),
    /// This long after the facts were observed: now, or when a snapshot was recorded.
    Later(TimeDelta),
}

impl At {
    /// The time, for facts observed then; `None` if it is beyond the calendar.
    pub fn resolve(self, observed_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Time(time) => Some(time),
            Self::Later(span) => observed_at.checked_add_signed(span),
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let later = text.strip_prefix('+').and_then(|span| {
            let (number, unit) = span.split_at_checked(span.len().checked_sub(1)?)?;
            let minutes = match unit {
                "m" => 1,
                "h" => 60,
                "d" => 24 * 60,
                "w" => 7 * 24 * 60,
                _ => return None,
            };
            let number = number.parse::<u32>().ok().filter(|_| !number.starts_with('+'))?;
            Some(Self::Later(TimeDelta::minutes(i64::from(number) * minutes)))
        });
        let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
        let time = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc));
        later
            .or_else(|| Some(Self::Time(time().or_else(|| day().map(|day| day.and_utc()))?)))
            .ok_or_else(|| format!("{} is not a time", quoted(text)))
    }
}

/// A whole number.
pub fn number(text: &str) -> Result<usize, String> {
    text.trim().parse().map_err(|_| "expected a number, 0 or more".to_owned())
}

/// A whole number that is not zero.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("expected a number, 1 or more".to_owned()),
    }
}

/// Trims blanks and line ends around a value, which are a common mistake in CI variables.
pub fn trimmed(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.trim().to_owned())
}

/// A trimmed path.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    let trimmed = |path: PathBuf| path.to_str().map(|text| text.trim().into()).unwrap_or(path);
    PathBufValueParser::new().map(trimmed)
}

/// The number of concurrent requests.
pub fn concurrency(text: &str) -> Result<usize, String> {
    match text.trim().parse::<usize>() {
        Ok(number @ 1..=512) => Ok(number),
        _ => Err("expected a number from 1 to 512".to_owned()),
    }
}
