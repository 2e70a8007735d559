//! The rules that come from Python libraries, compared with those libraries' own answers.
//!
//! `tests/data/cron.json`, `isoformat.json` and `jsonpath.json` are the reference's answers;
//! `*-generated.json` come from the scripts `croniter-table.py` and `jsonpath-table.py`.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sapm::domain::check_in::parse_check_in;
use sapm::domain::schedule::Schedule;
use sapm::inventory::jsonpath::{Expression, SelectError};
use serde_json::Value;

fn table(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("a table is JSON")
}

fn rows(table: &Value) -> &[Value] {
    table["rows"].as_array().expect("rows")
}

fn utc(text: &str) -> DateTime<Utc> {
    let text = text.trim_end_matches("+00:00");
    let at: NaiveDateTime = text.parse().expect("a time");
    at.and_utc()
}

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

/// Fails with all the differences.
fn none(differences: &[String]) {
    let count = differences.len();
    assert!(differences.is_empty(), "{count}:\n{}", differences.join("\n"));
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
            // The bases stand in the last second of a minute; croniter looks behind them.
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
fn random_schedules_are_refused_though_croniter_takes_them() {
    for text in ["R * * * *", "* r(1-5) * * *", "* * * * * r/15"] {
        let error = Schedule::parse(text).expect_err("refused").to_string();
        assert!(error.contains("random"), "{error}");
    }
}

#[test]
fn a_schedule_error_names_field_and_reason() {
    let error = |text| Schedule::parse(text).expect_err("invalid").to_string();
    assert_eq!(error("99 * * * *"), "minute `99`: out of range, 0 to 59 are legal");
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

/// Rows of the reference's table that are errors there, and times here.
const CHECK_INS_THAT_WE_READ: [&str; 2] = [
    // Without an offset: UTC.
    "2026-08-18 10:15:30",
    "2026-08-18",
];

/// What the reference reads (Python 3.14) and Python 3.11 does not.
const HOURS_24: [&str; 4] =
    ["2026-08-18 24:00-00:00", "20260818 24.00000+0100", "2024-02-29_24:00Z", "2026W342T24+01"];

#[test]
fn check_ins_of_the_reference() {
    let table = table("isoformat");
    let now = utc(table["now"].as_str().expect("text"));
    for row in rows(&table) {
        let text = row["check_in"].as_str().expect("text");
        let parsed = parse_check_in(text);
        if CHECK_INS_THAT_WE_READ.contains(&text) {
            let expected = utc(row["parsed"].as_str().expect("text"));
            assert_eq!(parsed, Ok(expected), "{row}");
        } else if let Some(age) = row["seconds_before_now"].as_f64() {
            let parsed = parsed.unwrap_or_else(|error| panic!("{row}: {error}"));
            let found = (now - parsed).as_seconds_f64();
            assert!((found - age).abs() < 1e-6, "{row}: {found}");
        } else {
            // An empty text is as an absent one there.
            assert!(parsed.is_err(), "{row}: {parsed:?}");
        }
    }
}

#[test]
fn check_ins_of_python() {
    let table = table("isoformat-generated");
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let text = row[0].as_str().expect("text");
        let parsed = parse_check_in(text).ok().map(|at| at.timestamp_micros());
        // 24:00 is midnight from Python 3.14 on.
        let midnight = row[1].is_null() && HOURS_24.contains(&text);
        if parsed != row[1].as_i64() && !midnight {
            wrong.push(format!("{row}: {parsed:?}"));
        }
    }
    none(&wrong);
}

/// What an expression selects from a document of namespaces, as `cluster/name`; `None` if it does
/// not parse, cannot be evaluated, or selects something that is no namespace.
fn namespaces(text: &str, document: &Value) -> Option<Vec<String>> {
    let list = document["namespace"].as_array()?;
    let mut names = Vec::new();
    for found in Expression::parse(text).ok()?.select(document).ok()? {
        let node = found.node()?;
        list.iter().find(|namespace| std::ptr::eq(*namespace, node))?;
        let [cluster, name] = [&node["cluster"]["name"], &node["name"]].map(Value::as_str);
        names.push(format!("{}/{}", cluster?, name?));
    }
    Some(names)
}

/// The reference's evaluation turns a namespace into a list under its own feet, and then fails; on
/// a document that stays as it is, the expression selects the namespace.
const SELECTS_WITHOUT_SPOILING: [(&str, &str); 1] =
    [("$..*[?(@.name==\"hive-stage\")]", "hives02ue1/hive-stage")];

#[test]
fn selectors_of_the_reference() {
    let (table, document) = (table("jsonpath"), table("jsonpath-tree"));
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let text = row["expr"].as_str().expect("text");
        let found = namespaces(text, &document);
        let ours = SELECTS_WITHOUT_SPOILING.iter().find(|(expr, _)| *expr == text);
        let expected = match (row["load"].as_array(), ours) {
            (Some(names), _) => {
                let names = names.iter().filter_map(Value::as_str);
                Some(names.map(str::to_owned).collect())
            }
            (None, Some((_, name))) => Some(vec![(*name).to_owned()]),
            (None, None) => None,
        };
        if found != expected {
            wrong.push(format!("{row}: {found:?}"));
        }
    }
    none(&wrong);
}

#[test]
fn selectors_of_jsonpath_ng() {
    let table = table("jsonpath-generated");
    let documents = table["documents"].as_array().expect("list");
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let text = row[0].as_str().expect("text");
        let (expression, answers) = match (Expression::parse(text), row[1].as_array()) {
            (Err(_), None) => continue,
            (Ok(expression), Some(answers)) => (expression, answers),
            (Err(error), Some(answers)) => {
                if !refused(text, &error.message, answers) {
                    wrong.push(format!("{row}: {error}"));
                }
                continue;
            }
            (Ok(_), None) => {
                wrong.push(format!("{row}: parses"));
                continue;
            }
        };
        for (document, answer) in documents.iter().zip(answers) {
            let found = expression.select(document);
            let same = match (&found, answer.as_array()) {
                (Err(_), None) => true,
                // In Python the document's parent is a null that is good for nothing.
                (Err(SelectError::NoParent), Some(indexes)) => indexes.is_empty(),
                (Ok(found), Some(indexes)) => {
                    let values = indexes.iter().filter_map(Value::as_u64);
                    let values = values.map(|index| &table["values"][index as usize]);
                    found.iter().map(|found| found.value()).eq(values)
                }
                _ => false,
            };
            if !same {
                wrong.push(format!("{text}: expected {answer}, found {found:?}"));
            }
        }
    }
    none(&wrong);
}

/// Refused when read, though Python evaluates them: an empty group that is repeated, and ASCII-only
/// regular expressions. Nobody needs them.
const REFUSED_PATTERNS: [&str; 2] =
    [r#"namespace[?(@.name=~"(?:)*")]"#, r#"namespace[?(@.name=~"(?a)\\w")]"#];

/// Whether an expression that jsonpath_ng takes is refused on purpose when it is read.
///
/// jsonpath_ng fails on it as soon as there is something to look at: a regular expression that
/// does not compile, `=~` with what is no text, `&` between paths, a slice with step 0. Or it is
/// one of the functions that we do not have.
fn refused(text: &str, message: &str, answers: &[Value]) -> bool {
    let fails = answers.iter().any(|answer| answer == "error");
    let idle = answers.iter().all(|a| a.as_array().is_none_or(Vec::is_empty));
    let late = ["regular expression", "`&` joins comparisons", "step 0"];
    REFUSED_PATTERNS.contains(&text)
        || message.contains("`path` is not supported")
        || message.contains("`sub` is not supported")
        || ((fails || idle) && late.iter().any(|late| message.contains(late)))
}

fn select<'a>(text: &str, document: &'a Value) -> Result<Vec<&'a Value>, SelectError> {
    let expression = Expression::parse(text).expect("an expression");
    let found = expression.select(document)?;
    Ok(found.iter().filter_map(|found| found.node()).collect())
}

#[test]
fn a_selector_error_names_place_and_reason() {
    let error = |text| Expression::parse(text).expect_err("invalid").to_string();
    assert_eq!(
        error("namespace[?(@.name=="),
        "at character 21: a text or a number expected, but the expression ends"
    );
    assert_eq!(
        error(r#"n[?(@.a=="x" && @.b=="y")]"#),
        "at character 15: `&` joins comparisons; `&&` is not supported"
    );
    assert_eq!(error(r#"n[?(@.é=="x")]"#), "at character 7: unexpected character 'é'");
    assert_eq!(
        error(r#"n[?(@.a=~"[")]"#),
        "at character 10: regular expression: unterminated character set"
    );
}

#[test]
fn selectors_are_bounded() {
    let deep =
        |open: &str, close: &str| format!("{}a{}", open.repeat(50_000), close.repeat(50_000));
    for text in [
        deep("(", ")"),
        deep("a[?(", ")]"),
        deep("a+", ""),
        deep("1-", ""),
        deep("a.", ""),
        deep("a..", ""),
        deep("a|", ""),
        format!(r#"a[?(@=~"{}")]"#, deep("(", ")")),
    ] {
        assert!(Expression::parse(&text).is_err());
    }
    let document = serde_json::json!({ "namespace": vec![0; 4000] });
    let found = select("namespace[*].`parent`[?(@==1)]", &document);
    assert_eq!(found, Err(SelectError::TooMuchWork(Expression::MAX_WORK)));

    let document = serde_json::json!({ "namespace": [{ "name": "a".repeat(64) }] });
    let found = select(r#"namespace[?(@.name =~ "^(?:(a)\\1?)+(?<!a)")]"#, &document);
    assert!(matches!(found, Err(SelectError::Pattern(_))), "{found:?}");
}

#[test]
fn an_evaluation_leaves_the_document_alone() {
    let document = table("jsonpath-tree");
    let chained = r#"namespace[?(@.app.name=="rbac")][?(@.name=="rbac-prod")]"#;
    assert_eq!(select(chained, &document), Ok(vec![]));
    let good = r#"namespace[?(@.app.name=="rbac")]"#;
    assert_eq!(select(good, &document).map(|found| found.len()), Ok(3));
}

/// Texts of the pieces that a grammar is made of, and of anything.
fn texts(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const CRON: &[&str] = &[
    " ", " ", "*", "0", "5", "31", "59", "99", "7", "-", "/", ",", "l", "L", "w", "#", "?", "mon",
    "JAN", "h", "(", ")", "@hourly", "\t", "2026",
];
const ISO: &[&str] = &[
    "2026", "-", "-", "08", "18", "T", " ", "10", ":", ":", "30", ".", ",", "123456", "Z", "+",
    "05", "W", "34", "24", "00", "1", "\0",
];
const PATH: &[&str] = &[
    "namespace",
    "name",
    ".",
    "..",
    "[",
    "]",
    "(",
    ")",
    "*",
    "$",
    "@",
    "?",
    "[?(@.",
    ")]",
    "==",
    "=~",
    "<",
    "'x'",
    "\"a*\"",
    "0",
    "-1",
    "1.5",
    ",",
    ":",
    "&",
    "|",
    "+",
    "-",
    "`len`",
    "`parent`",
    "`sorted`",
    "where ",
    "/",
    "\\",
    "true",
    "`split(a, 0, 1)`",
    "[*]",
];
const PATTERN: &[&str] = &[
    "a", "b", "(", ")", "(?:", "(?=", "(?<!", "(?P<n>", "(?P=n)", "(?(1)", "|", "*", "+", "?",
    "{2}", "{,3}", "[", "]", "^", "$", "-", "\\\\", "\\\\d", "\\\\1", ".", "(?i)", "(?x)", "#",
    "(?i-s:",
];

fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    // 2020 to 2034, in seconds.
    (1_577_836_800_i64..2_050_000_000).prop_map(|at| DateTime::UNIX_EPOCH + seconds(at))
}

/// Schedules that match often enough for a search by minutes.
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
    fn no_text_breaks_a_parser(cron in texts(CRON), iso in texts(ISO), at in moment()) {
        if let Ok(schedule) = Schedule::parse(&cron) {
            let next = schedule.next_match(at);
            prop_assert!(next.is_none_or(|next| next >= at && schedule.matches(next)));
        }
        let _ = parse_check_in(&iso);
    }

    #[test]
    fn no_text_breaks_an_expression(path in texts(PATH), pattern in texts(PATTERN)) {
        let document = serde_json::json!({
            "namespace": [{ "name": "a", "labels": { "x": 1 } }, { "name": "aab" }],
            "name": [1, "a", null, [2, 3]],
        });
        for text in [path, format!(r#"namespace[?(@.name =~ "{pattern}")]"#)] {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = expression.select(&document);
            }
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
