//! Searches for the next match, by month, day and field.

use super::Schedule;
use super::days::days_in_month;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};

/// Dates, leap years and weekdays repeat after this many years.
const CALENDAR_CYCLE: i32 = 400;

/// The earliest start of a matching minute or second after the one that `after` is in.
pub(super) fn next_match(schedule: &Schedule, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let unit = if schedule.seconds.is_some() { 1 } else { 60 };
    let into = i64::from(after.second()) % unit;
    let start = after.with_nanosecond(0)?.checked_add_signed(TimeDelta::seconds(unit - into))?;
    if schedule.matches_day(start.year(), start.month(), start.day()) {
        let time = [start.hour(), start.minute(), start.second()];
        if let Some(time) = next_time(schedule, time) {
            return time_at(start.date_naive(), time);
        }
    }
    let first = first_time(schedule)?;
    time_at(next_day(schedule, start.date_naive())?, first)
}

fn time_at(date: NaiveDate, [hour, minute, second]: [u32; 3]) -> Option<DateTime<Utc>> {
    Some(date.and_hms_opt(hour, minute, second)?.and_utc())
}

/// The first matching day after `date`.
fn next_day(schedule: &Schedule, date: NaiveDate) -> Option<NaiveDate> {
    let last_year = match &schedule.years {
        Some(years) => *years.last()?,
        None => date.year() + CALENDAR_CYCLE,
    };
    let mut year = date.year();
    if let Some(years) = &schedule.years {
        year = year.max(*years.first()?);
    }
    while year <= last_year {
        for month in 1..=12 {
            if !schedule.matches_month(year, month) {
                continue;
            }
            let day = (1..=days_in_month(year, month))
                .filter(|&day| (year, month, day) > (date.year(), date.month(), date.day()))
                .find(|&day| schedule.matches_day(year, month, day));
            if let Some(day) = day {
                return NaiveDate::from_ymd_opt(year, month, day);
            }
        }
        year += 1;
    }
    None
}

/// The first matching time of a day.
fn first_time(schedule: &Schedule) -> Option<[u32; 3]> {
    next_time(schedule, [0, 0, 0])
}

/// The first matching time of day that is not before `from` (hour, minute, second).
fn next_time(schedule: &Schedule, from: [u32; 3]) -> Option<[u32; 3]> {
    let masks = [u64::from(schedule.hours), schedule.minutes, schedule.seconds.unwrap_or(1)];
    let lowest = masks.map(u64::trailing_zeros);
    // The longest common start with `from` gives the earliest time. The next field is
    // greater, and those after it are minimal.
    let matching = (0..3).take_while(|&index| masks[index] >> from[index] & 1 == 1).count();
    if matching == 3 {
        return Some(from);
    }
    for keep in (0..=matching).rev() {
        if let Some(value) = next_bit(masks[keep], from[keep] + 1) {
            let mut time = lowest;
            time[..keep].copy_from_slice(&from[..keep]);
            time[keep] = value;
            return Some(time);
        }
    }
    None
}

/// The lowest bit that is set at or above `from`.
fn next_bit(mask: u64, from: u32) -> Option<u32> {
    let rest = mask.checked_shr(from)?;
    (rest != 0).then(|| from + rest.trailing_zeros())
}
