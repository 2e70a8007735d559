//! Cron expressions, as croniter reads them.

use chrono::{DateTime, TimeDelta, Utc};
use croniter::Schedule;
use proptest::prelude::*;
use serde_json::Value;

use super::{none, rows, table, texts, utc};

fn times(list: &Value) -> Vec<DateTime<Utc>> {
    let list = list.as_array().expect("times");
    list.iter().map(|at| utc(at.as_str().expect("text"))).collect()
}

fn digits(schedule: &Schedule, times: &[DateTime<Utc>]) -> String {
    let digit = |at| if schedule.matches(at) { '1' } else { '0' };
    times.iter().copied().map(digit).collect()
}

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

#[test]
fn schedules_of_the_reference() {
    let table = table("cron");
    let times = times(&table["times"]);
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let text = row["schedule"].as_str().expect("text");
        let (valid, found) = match Schedule::parse(text) {
            Ok(schedule) => (true, digits(&schedule, &times)),
            Err(_) => (false, "0".repeat(times.len())),
        };
        if row["valid"] != valid || row["in_window"] != found.as_str() {
            wrong.push(format!("{row}: {valid} {found}"));
        }
    }
    none(&wrong);
}

#[test]
fn schedules_of_croniter() {
    let table = table("croniter-generated");
    let (times, bases) = (times(&table["times"]), times(&table["bases"]));
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let text = row[0].as_str().expect("text");
        let schedule = match (Schedule::parse(text), row[1].as_str()) {
            (Err(_), None) => continue,
            (Ok(schedule), Some(expected)) if digits(&schedule, &times) == expected => schedule,
            (parsed, _) => {
                wrong.push(format!("{row}: {parsed:?}"));
                continue;
            }
        };
        let mut near = String::new();
        for (base, first) in bases.iter().zip(row[2].as_array().expect("list")) {
            // The start times are in the last second of a minute; croniter searches after them.
            let found = schedule.next_match(*base + seconds(1));
            let first = first.as_i64().map(|at| DateTime::UNIX_EPOCH + seconds(at));
            // croniter gives up after 50 years.
            let far = found.is_some_and(|at| at - *base > TimeDelta::days(50 * 365));
            if found != first && !(first.is_none() && far) {
                wrong.push(format!("{row}: next after {base} is {found:?}"));
            }
            if let Some(first) = first {
                near += &digits(&schedule, &[-1, 0, 59, 60].map(|s| first + seconds(s)));
            }
        }
        if row[3] != near.as_str() {
            wrong.push(format!("{row}: {near}"));
        }
    }
    none(&wrong);
}

#[test]
fn random_schedules_are_rejected_although_croniter_accepts_them() {
    for text in ["R * * * *", "* r(1-5) * * *", "* * * * * r/15"] {
        let error = Schedule::parse(text).expect_err("refused").to_string();
        assert!(error.contains("random"), "{error}");
    }
}

#[test]
fn a_schedule_error_names_field_and_reason() {
    let error = |text| Schedule::parse(text).expect_err("invalid").to_string();
    assert_eq!(error("99 * * * *"), "minute `99`: out of range, allowed are 0 to 59");
    assert_eq!(error("* * * * mon,THURS"), "day of week `thurs`: not a value of this field");
    assert_eq!(error("* * * *"), "a cron expression has 5, 6 or 7 fields, not 4");
}

#[test]
fn next_match_is_inclusive_and_knows_never() {
    let at = utc("2026-08-20T10:15:30");
    let next = |text| Schedule::parse(text).expect("valid").next_match(at);
    assert_eq!(next("* * * * *"), Some(at));
    assert_eq!(next("16 * * * *"), Some(utc("2026-08-20T10:16:00")));
    assert_eq!(next("* * * * * 30"), Some(at));
    assert_eq!(next("* * * * * 29"), Some(utc("2026-08-20T10:16:29")));
    assert_eq!(next("* * 8-14 * 5"), Some(utc("2026-09-11T00:00:00")));
    assert_eq!(next("0 0 29 2 1"), Some(utc("2044-02-29T00:00:00")));
    assert_eq!(next("0 0 30 2 *"), None);
    assert_eq!(next("* * * * * 0 2025"), None);
    assert_eq!(Schedule::default(), Schedule::parse("* * * * *").expect("valid"));
}

const CRON: &[&str] = &[
    " ", " ", "*", "0", "5", "31", "59", "99", "7", "-", "/", ",", "l", "L", "w", "#", "?", "mon",
    "JAN", "h", "(", ")", "@hourly", "\t", "2026",
];

fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    // 2020 to 2034, in seconds.
    (1_577_836_800_i64..2_050_000_000).prop_map(|at| DateTime::UNIX_EPOCH + seconds(at))
}

/// Schedules that match often enough for a search minute by minute.
fn frequent() -> impl Strategy<Value = String> {
    let minute = proptest::sample::select(&["*", "*/7", "5,50", "58-3", "0"][..]);
    let hour = proptest::sample::select(&["*", "*/5", "22-2", "13"][..]);
    let day = proptest::sample::select(&["*", "*", "1-20", "l,2-31/3", "15w"][..]);
    let weekday = proptest::sample::select(&["*", "*", "mon-fri", "l5,2#1", "0"][..]);
    (minute, hour, day, weekday).prop_map(|(m, h, d, w)| format!("{m} {h} {d} * {w}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_a_parser(cron in texts(CRON), at in moment()) {
        if let Ok(schedule) = Schedule::parse(&cron) {
            let next = schedule.next_match(at);
            prop_assert!(next.is_none_or(|next| next >= at && schedule.matches(next)));
        }
    }

    #[test]
    fn next_match_is_the_earliest(text in frequent(), at in moment()) {
        let schedule = Schedule::parse(&text).expect("a schedule");
        let next = schedule.next_match(at);
        prop_assert!(next.is_none_or(|next| next >= at && schedule.matches(next)));
        let minutes = (0..20_000).map(|minute| at + TimeDelta::minutes(minute));
        let mut earlier = minutes.take_while(|minute| next.is_none_or(|next| *minute < next));
        prop_assert!(!earlier.any(|minute| schedule.matches(minute)), "{} {:?}", text, next);
    }
}
