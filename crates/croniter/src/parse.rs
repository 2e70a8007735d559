//! Parses a schedule.

use super::days::{DayRule, Nth, WeekdayRule};
use super::field::{self, FieldName, Reason};
use super::{Schedule, ScheduleError};
use std::collections::BTreeSet;

/// A parsed field: its values, and the rest.
#[derive(Debug, Default)]
struct Field {
    /// The list contains `*`, which makes the rest of it redundant.
    any: bool,
    values: BTreeSet<i32>,
    /// Day of month `l`.
    last: bool,
    /// Day of month `15w`.
    nearest: Option<i32>,
    /// Day of week `5#2` and `l5`.
    monthly: BTreeSet<(i32, Nth)>,
}

pub(super) fn parse(text: &str) -> Result<Schedule, ScheduleError> {
    let lower = text.to_lowercase();
    let expanded = alias(&lower).unwrap_or(&lower);
    let words: Vec<&str> = expanded
        .split([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
        .filter(|word| !word.is_empty())
        .collect();
    if !(5..=7).contains(&words.len()) {
        return Err(ScheduleError::FieldCount(words.len()));
    }
    let mut fields = Vec::with_capacity(words.len());
    for (name, word) in FieldName::ALL.into_iter().zip(&words) {
        fields.push(parse_field(name, word)?);
    }
    let mut fields = fields.into_iter();
    let mut next = || fields.next().unwrap_or_default();
    let (minute, hour, day, month, weekday) = (next(), next(), next(), next(), next());
    Ok(Schedule {
        minutes: mask(&minute, FieldName::Minute),
        hours: mask(&hour, FieldName::Hour) as u32,
        days: day_rule(&day, words[4].contains('*')),
        months: mask(&month, FieldName::Month) as u16,
        weekdays: weekday_rule(&weekday, words[4])?,
        seconds: (words.len() > 5).then(|| mask(&next(), FieldName::Second)),
        years: (words.len() > 6).then(next).and_then(years),
    })
}

/// The meaning of an expression without fields.
fn alias(text: &str) -> Option<&'static str> {
    Some(match text {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return None,
    })
}

/// The values as bits; all of them for `*`.
fn mask(field: &Field, name: FieldName) -> u64 {
    let (low, high) = name.bounds();
    let all = (low..=high).filter(|value| field.any || field.values.contains(value));
    all.fold(0, |mask, value| mask | 1 << value)
}

/// `None` for every year, also beyond those that can be written.
fn years(field: Field) -> Option<BTreeSet<i32>> {
    let (low, high) = FieldName::Year.bounds();
    let all = (low..=high).all(|year| field.values.contains(&year));
    (!field.any && !all).then_some(field.values)
}

fn day_rule(field: &Field, weekday_has_star: bool) -> DayRule {
    if let Some(day) = field.nearest {
        return DayRule::NearestWeekday(day.unsigned_abs());
    }
    // croniter treats 31 different items as "every day", and `l` is one.
    let every = weekday_has_star && field.last && field.values.len() == 30;
    if field.any || every {
        return DayRule::default();
    }
    DayRule::Days { mask: mask(field, FieldName::DayOfMonth) as u32, last: field.last }
}

fn weekday_rule(field: &Field, text: &str) -> Result<WeekdayRule, ScheduleError> {
    if field.monthly.is_empty() {
        return Ok(WeekdayRule::Weekly(mask(field, FieldName::DayOfWeek) as u8));
    }
    let weekly = |day: &i32| !field.monthly.iter().any(|(monthly, _)| monthly == day);
    let items = field.values.len() + usize::from(field.any);
    if items != 7 && field.values.iter().any(weekly) {
        return Err(error(FieldName::DayOfWeek, text, Reason::MixedWeekdays));
    }
    let monthly = field.monthly.iter();
    Ok(WeekdayRule::Monthly(monthly.map(|&(day, nth)| (day.unsigned_abs(), nth)).collect()))
}

fn error(field: FieldName, text: &str, reason: Reason) -> ScheduleError {
    ScheduleError::Field { field, text: text.to_owned(), reason }
}

fn parse_field(name: FieldName, word: &str) -> Result<Field, ScheduleError> {
    if is_hashed(word) {
        return Err(error(name, word, Reason::Hashed));
    }
    let mut field = Field::default();
    if word.contains('?') {
        let has_it = matches!(name, FieldName::DayOfMonth | FieldName::DayOfWeek);
        if word != "?" || !has_it {
            return Err(error(name, word, Reason::QuestionMark));
        }
        field.any = true;
        return Ok(field);
    }
    for item in word.split(',') {
        parse_item(name, item, &mut field).map_err(|reason| error(name, item, reason))?;
    }
    if field.nearest.is_some() && word.contains(',') {
        return Err(error(name, word, Reason::NearestWeekdayInList));
    }
    Ok(field)
}

/// `h`, `r`, `h(1-5)`, `r/15`, `h(1-30)/10`.
fn is_hashed(word: &str) -> bool {
    let Some(rest) = word.strip_prefix(['h', 'r']) else {
        return false;
    };
    let (range, step) = match rest.split_once('/') {
        Some((range, step)) => (range, field::number(step).is_some()),
        None => (rest, true),
    };
    let range = range.is_empty()
        || range
            .strip_prefix('(')
            .and_then(|range| range.strip_suffix(')'))
            .and_then(|range| range.split_once('-'))
            .is_some_and(|(low, high)| {
                field::number(low).is_some() && field::number(high).is_some()
            });
    range && step
}

fn parse_item(name: FieldName, item: &str, field: &mut Field) -> Result<(), Reason> {
    match name {
        FieldName::DayOfWeek => {
            if let Some((days, nth)) = monthly_weekday(item) {
                for day in values(name, days)? {
                    field.values.insert(day);
                    field.monthly.insert((day, nth?));
                }
                nth?;
                return Ok(());
            }
        }
        FieldName::DayOfMonth => {
            if item == "l" {
                field.last = true;
                return Ok(());
            }
            if let Some(day) = nearest_weekday(item) {
                field.nearest = Some(in_range(name, day)?);
                return Ok(());
            }
        }
        _ => {}
    }
    if item == "*" {
        field.any = true;
    } else {
        field.values.extend(values(name, item)?);
    }
    Ok(())
}

/// `15w` and `w15`.
fn nearest_weekday(item: &str) -> Option<i32> {
    let day = item.strip_suffix('w').or_else(|| item.strip_prefix('w'))?;
    field::number(day)
}

/// The days and the number of `5#2`, `mon-fri#1` and `l5`.
fn monthly_weekday(item: &str) -> Option<(&str, Result<Nth, Reason>)> {
    if let Some(day) = item.strip_prefix('l') {
        field::number(day)?;
        return Some((day, Ok(Nth::Last)));
    }
    let (days, number) = item.split_once('#')?;
    let number = field::number(number)?;
    let word = !days.is_empty() && days.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !word && !field::is_weekday_names(days) {
        return None;
    }
    let legal = (1..=5).contains(&number);
    let nth = Nth::Number(number.unsigned_abs());
    Some((days, if legal { Ok(nth) } else { Err(Reason::NthWeekday) }))
}

fn in_range(name: FieldName, value: i32) -> Result<i32, Reason> {
    let (low, high) = name.bounds();
    if (low..=high).contains(&value) { Ok(value) } else { Err(Reason::OutOfRange(low, high)) }
}

/// The values of one item: a value, a range, a range with a step, `*/15`, `5/10`.
fn values(name: FieldName, item: &str) -> Result<Vec<i32>, Reason> {
    let (least, greatest) = name.bounds();
    let (range, step) = match item.rsplit_once('/') {
        Some((range, step)) => (range, Some(field::number(step).ok_or(Reason::NotAValue)?)),
        None => (item, None),
    };
    let explicit = range.split_once('-');
    let (low, high) = match (range, step, explicit) {
        ("*", Some(_), _) => (least, greatest),
        (_, _, Some((low, high))) => (value(name, low)?, last_value(name, high)?),
        (_, Some(_), None) => (value(name, range)?, greatest),
        (_, None, None) => return in_range(name, value(name, range)?).map(|value| vec![value]),
    };
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Reason::ZeroStep);
    }
    if low.max(high) > greatest {
        return Err(Reason::OutOfRange(least, greatest));
    }
    // `3-3` is the whole field, but `59/15` is 59.
    let (low, high) =
        if low == high && explicit.is_some() { (least, greatest) } else { (low, high) };
    let values = if low > high {
        wrapped(name, low, high, step)
    } else {
        stepped(low, high, step).collect()
    };
    values.into_iter().map(|value| in_range(name, value)).collect()
}

fn value(name: FieldName, text: &str) -> Result<i32, Reason> {
    name.value(text).ok_or(Reason::NotAValue)
}

/// The end of a range, which may be `l` for a day of the month.
fn last_value(name: FieldName, text: &str) -> Result<i32, Reason> {
    if name == FieldName::DayOfMonth && text == "l" { Ok(31) } else { value(name, text) }
}

fn stepped(low: i32, high: i32, step: i32) -> impl Iterator<Item = i32> {
    let step = usize::try_from(step).unwrap_or(usize::MAX).max(1);
    (low..=high).step_by(step)
}

/// A range that wraps around the end of the field, such as `22-4`. After the end, croniter continues with the
/// step, one late if it does not divide evenly.
fn wrapped(name: FieldName, low: i32, high: i32, step: i32) -> Vec<i32> {
    let (least, greatest) = name.bounds();
    let mut values: Vec<i32> = stepped(low, greatest, step).collect();
    let end = values.last().copied().unwrap_or(low);
    let left = greatest - end;
    let overshoots = (end - least).saturating_add(step) > greatest - least + 1;
    let skip = if overshoots && left < step { step - left } else { 0 };
    values.extend(stepped(least.saturating_add(skip), high, step));
    values
}
