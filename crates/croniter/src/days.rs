//! Days of the month and days of the week.

use chrono::{Datelike, NaiveDate};

/// The field for the day of the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DayRule {
    /// These days; bit by value.
    Days {
        mask: u32,
        /// The last day of the month, whichever it is, too.
        last: bool,
    },
    /// Monday to Friday next to this day, in the same month.
    NearestWeekday(u32),
}

impl Default for DayRule {
    fn default() -> Self {
        Self::Days { mask: !1, last: false }
    }
}

impl DayRule {
    pub(super) fn matches(&self, year: i32, month: u32, day: u32) -> bool {
        match *self {
            Self::Days { mask, last } => {
                mask >> day & 1 == 1 || (last && day == days_in_month(year, month))
            }
            Self::NearestWeekday(wanted) => day == nearest_weekday(year, month, wanted),
        }
    }
}

/// The number of a weekday within the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nth {
    /// The first is 1.
    Number(u32),
    Last,
}

/// The field for the day of the week, Sunday is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WeekdayRule {
    /// These days of each week; bit by value.
    Weekly(u8),
    /// These days of each month, by day of the week.
    Monthly(Vec<(u32, Nth)>),
}

impl Default for WeekdayRule {
    fn default() -> Self {
        Self::Weekly(0x7f)
    }
}

impl WeekdayRule {
    pub(super) fn matches(&self, year: i32, month: u32, day: u32) -> bool {
        let weekday = weekday(year, month, day);
        match self {
            Self::Weekly(mask) => mask >> weekday & 1 == 1,
            Self::Monthly(list) => list.iter().any(|&(wanted, nth)| {
                wanted == weekday
                    && match nth {
                        Nth::Number(number) => (day - 1) / 7 + 1 == number,
                        Nth::Last => day + 7 > days_in_month(year, month),
                    }
            }),
        }
    }
}

/// Sunday is 0.
fn weekday(year: i32, month: u32, day: u32) -> u32 {
    NaiveDate::from_ymd_opt(year, month, day)
        .map_or(0, |date| date.weekday().num_days_from_sunday())
}

/// Number of days in a month.
pub(super) fn days_in_month(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day from Monday to Friday that is nearest to `day`, within the month.
fn nearest_weekday(year: i32, month: u32, day: u32) -> u32 {
    let last = days_in_month(year, month);
    let day = day.min(last);
    match weekday(year, month, day) {
        6 if day == 1 => 3,
        6 => day - 1,
        0 if day == last => day - 2,
        0 => day + 1,
        _ => day,
    }
}
