//! Selectors, as `jsonpath_ng.ext` evaluates them.

use proptest::prelude::*;
use sapm::inventory::jsonpath::{Expression, SelectError};
use serde_json::Value;

use super::{none, rows, table, texts};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

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
}
