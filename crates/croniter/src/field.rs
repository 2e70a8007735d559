//! The fields of a cron expression and their values.

use std::fmt;

/// A field of a cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldName {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12, or a name.
    Month,
    /// 0 (Sunday) to 7 (Sunday too), or a name.
    DayOfWeek,
    /// 0 to 59.
    Second,
    /// 1970 to 2099.
    Year,
}

impl fmt::Display for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
            Self::Second => "second",
            Self::Year => "year",
        })
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not a number, a name, a range or a step.
    #[error("not a value of this field")]
    NotAValue,
    /// A value below or above what the field takes.
    #[error("out of range, allowed are {0} to {1}")]
    OutOfRange(i32, i32),
    /// A step of zero.
    #[error("a step must not be 0")]
    ZeroStep,
    /// `?` with something else, or not in a field for days.
    #[error("`?` must be alone, as the day of month or the day of week")]
    QuestionMark,
    /// `1#0` or `1#6`.
    #[error("a weekday occurs at most 5 times in a month: allowed are #1 to #5")]
    NthWeekday,
    /// `mon,4#3`: weekly days beside monthly ones.
    #[error("weekly days cannot be combined with `#` or `l` days of the month")]
    MixedWeekdays,
    /// `w` in a list.
    #[error("`w` needs a single day, not a list")]
    NearestWeekdayInList,
    /// `h` and `r`: hashed and random values.
    #[error("hashed and random values are not supported: write a value")]
    Hashed,
}

/// Names of months, from 1.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Names of days of the week, from 0.
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl FieldName {
    /// In their order in an expression.
    pub(super) const ALL: [Self; 7] = [
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
        Self::Second,
        Self::Year,
    ];

    /// The least and the greatest value.
    pub(super) fn bounds(self) -> (i32, i32) {
        match self {
            Self::Minute | Self::Second => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
            Self::Year => (1970, 2099),
        }
    }

    /// The value of a number or a name. Numbers out of range are returned unchanged, truncated to
    /// `i32`; 7 is Sunday.
    pub(super) fn value(self, text: &str) -> Option<i32> {
        if let Some(number) = number(text) {
            let sunday = self == Self::DayOfWeek && number == 7;
            return Some(if sunday { 0 } else { number });
        }
        let names: &[&str] = match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &WEEKDAYS,
            _ => &[],
        };
        let index = names.iter().position(|name| *name == text)?;
        i32::try_from(index).ok().map(|index| if self == Self::Month { index + 1 } else { index })
    }
}

/// Reads at least one ASCII digit. Numbers that are too large become the largest.
pub(super) fn number(text: &str) -> Option<i32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(
        text.bytes().fold(0_i32, |value, byte| {
            value.saturating_mul(10).saturating_add(i32::from(byte - b'0'))
        }),
    )
}

/// Whether the text names a day of the week or a range of such names.
pub(super) fn is_weekday_names(text: &str) -> bool {
    text.split_once('-').map_or_else(
        || WEEKDAYS.contains(&text),
        |(low, high)| WEEKDAYS.contains(&low) && WEEKDAYS.contains(&high),
    )
}
