//! The `check_in` of a deployment record: when it was deployed, as Python prints a datetime.
//!
//! The rule is that of Python 3.11 `datetime.fromisoformat`, with `24:00` as midnight of the next
//! day (Python 3.14) and with one difference on purpose: a text without an offset is UTC.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc, Weekday};

/// Why a `check_in` text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckInError {
    /// The text is not an ISO 8601 date, or a date and a time.
    #[error("not an ISO 8601 date and time")]
    Form,
    /// The form is right, but there is no such date.
    #[error("no such date")]
    Date,
    /// The form is right, but there is no such time of day.
    #[error("no such time of day")]
    Time,
    /// The offset from UTC is 24 hours or more.
    #[error("offset from UTC of 24 hours or more")]
    Offset,
}

/// Reads a `check_in` text, with microseconds; further digits of a fraction are cut off.
///
/// Dates are `2026-08-18`, `20260818`, `2026-W34-2`, `2026W342` or `2026-W34` (its Monday). One
/// character of any kind stands between date and time. Times are `10`, `10:15`, `1015`,
/// `10:15:30`, each with an optional fraction after `.` or `,`, and an optional offset: `Z`,
/// `+01`, `+0100`, `+01:00`, `-01:00:30`, with a fraction if need be. Without an offset the text
/// is UTC, and a bare date is midnight UTC.
///
/// # Errors
///
/// Whatever Python does not read either; see [`CheckInError`].
pub fn parse_check_in(text: &str) -> Result<DateTime<Utc>, CheckInError> {
    let bytes = text.as_bytes();
    if bytes.len() < 7 {
        return Err(CheckInError::Form);
    }
    let split = find_date_length(bytes);
    let date = parse_date(bytes.get(..split).ok_or(CheckInError::Form)?)?;
    let rest = text.get(split..).ok_or(CheckInError::Form)?;
    let Some(separator) = rest.chars().next() else {
        return at_midnight(date);
    };
    let (time, offset) = parse_time(&rest.as_bytes()[separator.len_utf8()..])?;
    let local = at_midnight(date)?
        .checked_add_signed(time.since_midnight()?)
        .filter(|local| local.date_naive().year_is_python())
        .ok_or(CheckInError::Date)?;
    local.checked_sub_signed(offset).ok_or(CheckInError::Date)
}

/// Prints a time as Python's `str(datetime)` does, which [`parse_check_in`] reads back: with microseconds
/// unless they are zero, and the offset `+00:00`.
pub fn format_check_in(time: DateTime<Utc>) -> String {
    let format = match time.timestamp_subsec_micros() {
        0 => "%Y-%m-%d %H:%M:%S+00:00",
        _ => "%Y-%m-%d %H:%M:%S%.6f+00:00",
    };
    time.format(format).to_string()
}

/// Python's datetimes end with the year 9999.
trait PythonYear {
    fn year_is_python(&self) -> bool;
}

impl PythonYear for NaiveDate {
    fn year_is_python(&self) -> bool {
        (1..=9999).contains(&chrono::Datelike::year(self))
    }
}

fn at_midnight(date: NaiveDate) -> Result<DateTime<Utc>, CheckInError> {
    let midnight = date.and_hms_opt(0, 0, 0).ok_or(CheckInError::Time)?;
    Ok(midnight.and_utc())
}

/// The byte at `index`, NUL behind the end.
fn byte_at(bytes: &[u8], index: usize) -> u8 {
    bytes.get(index).copied().unwrap_or(0)
}

/// How many bytes belong to the date. The next character separates it from the time.
fn find_date_length(bytes: &[u8]) -> usize {
    if bytes.len() == 7 {
        return 7;
    }
    match (byte_at(bytes, 4), byte_at(bytes, 5)) {
        (b'-', b'W') => {
            let has_day = byte_at(bytes, 8) == b'-';
            // `2026-W34-10`: the hyphen separates week and hour.
            let is_hour = byte_at(bytes, 10).is_ascii_digit();
            if has_day && !is_hour { 10 } else { 8 }
        }
        (b'-', _) => 10,
        (b'W', _) => {
            let digits = bytes[7..].iter().take_while(|b| b.is_ascii_digit()).count();
            match digits {
                // Without a separator, as many digits as make whole hours, minutes and seconds.
                0 | 1 => 7 + digits,
                _ if digits % 2 == 1 => 7,
                _ => 8,
            }
        }
        _ => 8,
    }
}

/// Reads `count` decimal digits from `position` on.
fn digits(bytes: &[u8], position: usize, count: usize) -> Result<u32, CheckInError> {
    let text = bytes.get(position..position + count).ok_or(CheckInError::Form)?;
    text.iter().try_fold(0_u32, |value, byte| {
        if byte.is_ascii_digit() {
            Ok(value * 10 + u32::from(byte - b'0'))
        } else {
            Err(CheckInError::Form)
        }
    })
}

fn parse_date(bytes: &[u8]) -> Result<NaiveDate, CheckInError> {
    let year = digits(bytes, 0, 4)? as i32;
    let dashed = byte_at(bytes, 4) == b'-';
    let mut position = 4 + usize::from(dashed);
    let date = if byte_at(bytes, position) == b'W' {
        let week = digits(bytes, position + 1, 2)?;
        position += 3;
        let mut day = 1;
        if position < bytes.len() {
            if dashed {
                expect_dash(bytes, position)?;
                position += 1;
            }
            day = digits(bytes, position, 1)?;
        }
        iso_week_date(year, week, day)
    } else {
        let month = digits(bytes, position, 2)?;
        position += 2;
        if dashed {
            expect_dash(bytes, position)?;
            position += 1;
        }
        let day = digits(bytes, position, 2)?;
        if position + 2 != bytes.len() {
            return Err(CheckInError::Form);
        }
        NaiveDate::from_ymd_opt(year, month, day)
    };
    date.filter(|date| year >= 1 && date.year_is_python()).ok_or(CheckInError::Date)
}

fn expect_dash(bytes: &[u8], position: usize) -> Result<(), CheckInError> {
    if byte_at(bytes, position) == b'-' { Ok(()) } else { Err(CheckInError::Form) }
}

fn iso_week_date(year: i32, week: u32, day: u32) -> Option<NaiveDate> {
    let index = u8::try_from(day.checked_sub(1)?).ok()?;
    NaiveDate::from_isoywd_opt(year, week, Weekday::try_from(index).ok()?)
}

/// The parts of a time of day or of an offset, with unchecked ranges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
    microsecond: u32,
}

impl Clock {
    fn seconds(self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    fn duration(self) -> TimeDelta {
        TimeDelta::seconds(self.seconds()) + TimeDelta::microseconds(self.microsecond.into())
    }

    /// Time since the midnight before; 24:00 is the midnight after.
    fn since_midnight(self) -> Result<TimeDelta, CheckInError> {
        let midnight_after = self.hour == 24 && self.duration() == TimeDelta::days(1);
        if midnight_after || (self.hour < 24 && self.minute < 60 && self.second < 60) {
            Ok(self.duration())
        } else {
            Err(CheckInError::Time)
        }
    }
}

/// A time of day, and the offset to subtract for UTC.
fn parse_time(bytes: &[u8]) -> Result<(Clock, TimeDelta), CheckInError> {
    let zone = bytes.iter().position(|b| matches!(b, b'+' | b'-' | b'Z'));
    let end = zone.unwrap_or(bytes.len());
    let (time, clean) = parse_clock(bytes, end)?;
    let Some(zone) = zone else {
        return if clean { Ok((time, TimeDelta::zero())) } else { Err(CheckInError::Form) };
    };
    if bytes[zone] == b'Z' {
        return if byte_at(bytes, zone + 1) == 0 {
            Ok((time, TimeDelta::zero()))
        } else {
            Err(CheckInError::Form)
        };
    }
    let text = &bytes[zone + 1..];
    let (offset, clean) = parse_clock(text, text.len())?;
    if !clean {
        return Err(CheckInError::Form);
    }
    // Python ignores an offset of less than a second.
    if offset.seconds() == 0 {
        return Ok((time, TimeDelta::zero()));
    }
    if offset.duration() >= TimeDelta::days(1) {
        return Err(CheckInError::Offset);
    }
    let sign = if bytes[zone] == b'-' { -1 } else { 1 };
    Ok((time, offset.duration() * sign))
}

/// Reads hours, minutes, seconds and a fraction up to `end`, where `bytes` ends or the offset
/// begins. The flag says that every byte was used: Python allows one extra character between
/// time and offset, such as a space.
fn parse_clock(bytes: &[u8], end: usize) -> Result<(Clock, bool), CheckInError> {
    let mut parts = [0_u32; 3];
    let mut position = 0;
    let mut colons = true;
    let mut clock = Clock::default();
    for (index, part) in parts.iter_mut().enumerate() {
        *part = digits(bytes, position, 2)?;
        let next = byte_at(bytes, position + 2);
        position += 3;
        if index == 0 {
            colons = next == b':';
        }
        if position >= end {
            [clock.hour, clock.minute, clock.second] = parts;
            return Ok((clock, next == 0));
        }
        match next {
            b':' if colons => {}
            b'.' | b',' => break,
            _ if colons => return Err(CheckInError::Form),
            _ => position -= 1,
        }
    }
    [clock.hour, clock.minute, clock.second] = parts;
    let (microsecond, clean) = parse_fraction(bytes, position, end)?;
    clock.microsecond = microsecond;
    Ok((clock, clean))
}

/// Reads a fraction of a second, in microseconds.
fn parse_fraction(bytes: &[u8], position: usize, end: usize) -> Result<(u32, bool), CheckInError> {
    let count = end.saturating_sub(position).min(6);
    let mut value = digits(bytes, position, count)?;
    for _ in count..6 {
        value *= 10;
    }
    let rest = bytes.get(position + count..).unwrap_or_default();
    let after = rest.iter().position(|byte| !byte.is_ascii_digit());
    Ok((value, after.is_none_or(|index| rest[index] == 0)))
}
