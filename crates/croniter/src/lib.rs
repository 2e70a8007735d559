#![doc = include_str!("../README.md")]

mod days;
mod field;
mod next;
mod parse;

pub use field::{FieldName, Reason};

use chrono::{DateTime, Datelike, Timelike, Utc};
use days::{DayRule, WeekdayRule};
use std::collections::BTreeSet;

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Five, six or seven fields are allowed.
    #[error("a cron expression has 5, 6 or 7 fields, not {0}")]
    FieldCount(usize),
    /// A field cannot be read.
    #[error("{field} `{text}`: {reason}")]
    Field {
        /// The field.
        field: FieldName,
        /// The field, or the wrong part of it, in lower case.
        text: String,
        /// What is wrong with it.
        reason: Reason,
    },
}

/// A cron expression in UTC, as croniter reads it with `day_or=False`.
///
/// The default is `* * * * *`: any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Bit by value, as for the other masks.
    minutes: u64,
    hours: u32,
    days: DayRule,
    months: u16,
    weekdays: WeekdayRule,
    /// `None`: the expression has no field for the second and holds for whole minutes.
    seconds: Option<u64>,
    /// `None`: every year.
    years: Option<BTreeSet<i32>>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            minutes: (1 << 60) - 1,
            hours: (1 << 24) - 1,
            days: DayRule::default(),
            months: (1 << 13) - 2,
            weekdays: WeekdayRule::default(),
            seconds: None,
            years: None,
        }
    }
}

impl Schedule {
    /// Reads an expression such as `0 22-4 * * mon-fri`, in any letter case.
    ///
    /// Fields are separated by blanks, tabs or line ends. A field is a list of values, names
    /// (`jan`, `mon`), ranges (`22-4` goes over midnight, `3-3` is everything), each with a step
    /// (`*/15`, `8-18/2`, `5/10`). Day of month also takes `l` (last day) and `15w` (nearest
    /// weekday), day of week `l5` (last Friday) and `5#2` (second Friday); `?` is `*` in both.
    /// Instead of fields: `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`,
    /// `@annually`.
    ///
    /// # Errors
    ///
    /// What croniter rejects, and the random values `r` and `r(1-5)`, which croniter accepts: a schedule
    /// must not change each time it is read.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        parse::parse(text)
    }

    /// Whether the schedule holds at this time: in its minute, with six or seven fields in its
    /// second.
    #[must_use]
    pub fn matches(&self, at: DateTime<Utc>) -> bool {
        self.matches_day(at.year(), at.month(), at.day())
            && self.hours >> at.hour() & 1 == 1
            && self.minutes >> at.minute() & 1 == 1
            && self.seconds.is_none_or(|seconds| seconds >> at.second() & 1 == 1)
    }

    /// The earliest time at or after `after` at which [`matches`](Self::matches) is true: `after`
    /// itself if it is true there, otherwise the start of a minute (with six or seven fields, of
    /// a second). `None` if there is no such time, as for `0 0 30 2 *`.
    ///
    /// Searches until the calendar repeats itself (400 years), further than croniter.
    #[must_use]
    pub fn next_match(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.matches(after) { Some(after) } else { next::next_match(self, after) }
    }

    /// How many minutes it stays open at most, counted up to an hour.
    /// 0 if it is open only for some seconds of a minute.
    #[must_use]
    pub fn longest_opening(&self) -> u32 {
        const HOUR: u32 = 60;
        const ALL: u64 = (1 << HOUR) - 1;
        if self.seconds.is_some_and(|seconds| seconds != ALL) {
            return 0;
        }
        if self.minutes == ALL {
            return HOUR;
        }
        // An opening can continue in the next hour. Midnight is not considered.
        let next_hours = self.hours >> 1 | (self.hours & 1) << 23;
        let goes_on = self.hours & next_hours != 0;
        let mut minutes = u128::from(self.minutes);
        if goes_on {
            minutes |= minutes << HOUR;
        }
        let mut longest = 0;
        while minutes != 0 {
            minutes &= minutes << 1;
            longest += 1;
        }
        longest
    }

    fn matches_month(&self, year: i32, month: u32) -> bool {
        self.months >> month & 1 == 1
            && self.years.as_ref().is_none_or(|years| years.contains(&year))
    }

    fn matches_day(&self, year: i32, month: u32, day: u32) -> bool {
        self.matches_month(year, month)
            && self.days.matches(year, month, day)
            && self.weekdays.matches(year, month, day)
    }
}
