//! Selectors, as `jsonpath_ng.ext` evaluates them.

mod properties;

use jsonpath_ng::{Document, Expression, Indexed, SelectError};
use proptest::prelude::*;
use serde_json::Value;

use super::{none, rows, table, texts};

/// The namespaces that an expression selects from a document, as `cluster/name`; `None` if it does
/// not parse, cannot be evaluated, or selects something that is not a namespace.
fn namespaces(text: &str, document: &Document) -> Option<Vec<String>> {
    let list = document.get("namespace")?.as_list()?;
    let mut names = Vec::new();
    for found in Expression::parse(text).ok()?.select(document).ok()? {
        let node = found.node()?;
        list.iter().find(|namespace| std::ptr::eq(*namespace, node))?;
        let (cluster, name) = (node.get("cluster")?.get("name")?, node.get("name")?);
        names.push(format!("{}/{}", cluster.as_str()?, name.as_str()?));
    }
    Some(names)
}

/// The reference's evaluation turns a namespace into a list while it is in use, and then fails. On
/// an unchanged document, the expression selects the namespace.
const SELECTS_WITHOUT_SPOILING: [(&str, &str); 1] =
    [("$..*[?(@.name==\"hive-stage\")]", "hives02ue1/hive-stage")];

#[test]
fn selectors_of_the_reference() {
    let (table, document) = (table("jsonpath"), Document::from(table("jsonpath-tree")));
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
    selects_as_jsonpath_ng(&table("jsonpath-generated"));
}

#[test]
fn functions_of_jsonpath_ng() {
    selects_as_jsonpath_ng(&table("jsonpath-functions-generated"));
}

fn selects_as_jsonpath_ng(table: &Value) {
    let documents = table["documents"].as_array().expect("list");
    let documents: Vec<Document> = documents.iter().cloned().map(Document::from).collect();
    let mut wrong = Vec::new();
    for row in rows(table) {
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
                (Err(SelectError::Type(what)), Some(_)) if what == "make a text of an object" => {
                    true
                }
                // In Python, the document's parent is a useless null.
                (Err(SelectError::NoParent), Some(indexes)) => indexes.is_empty(),
                (Ok(found), Some(indexes)) => {
                    let values = indexes.iter().filter_map(Value::as_u64);
                    let values = values.map(|index| &table["values"][index as usize]);
                    found.iter().map(|found| found.to_value()).eq(values.cloned())
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

/// Rejected on parsing, although Python evaluates them: ASCII-only regular expressions. Nobody needs
/// them.
const REFUSED_PATTERNS: [&str; 1] = [r#"namespace[?(@.name=~"(?a)\\w")]"#];

/// Whether an expression that jsonpath_ng accepts is deliberately rejected on parsing.
///
/// jsonpath_ng fails on it as soon as there is a value: a regular expression
/// or replacement that does not compile, `=~` with a value that is not a text, `&` between paths, a slice with
/// step 0.
fn refused(text: &str, message: &str, answers: &[Value]) -> bool {
    let fails = answers.iter().any(|answer| answer == "error");
    let idle = answers.iter().all(|a| a.as_array().is_none_or(Vec::is_empty));
    let late = ["regular expression", "replacement", "`&` joins comparisons", "step 0"];
    REFUSED_PATTERNS.contains(&text)
        || ((fails || idle) && late.iter().any(|late| message.contains(late)))
}

fn select<'a>(text: &str, document: &'a Document) -> Result<Vec<&'a Document>, SelectError> {
    let expression = Expression::parse(text).expect("an expression");
    let found = expression.select(document)?;
    Ok(found.iter().filter_map(|found| found.node()).collect())
}

#[test]
fn a_selector_error_names_position_and_reason() {
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
fn the_work_of_selectors_is_limited() {
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
    let document = document(&serde_json::json!({ "namespace": vec![0; 4000] }));
    let found = select("namespace[*].`parent`[?(@==1)]", &document);
    assert_eq!(found, Err(SelectError::TooMuchWork(Expression::MAX_WORK)));

    let document = named(&["a".repeat(64)]);
    let found = select(r#"namespace[?(@.name =~ "^(?:(a)\\1?)+(?<!a)")]"#, &document);
    assert!(matches!(found, Err(SelectError::Pattern(_))), "{found:?}");
}

fn document(value: &Value) -> Document {
    Document::from(value.clone())
}

/// Namespaces of these names.
fn named(names: &[String]) -> Document {
    let each = names.iter().map(|name| serde_json::json!({ "name": name }));
    document(&serde_json::json!({ "namespace": each.collect::<Vec<_>>() }))
}

#[test]
fn the_memory_of_selectors_is_limited() {
    let document = document(&serde_json::json!({ "namespace": vec![0; 2000] }));
    for text in [
        "namespace[*].`parent`[*].`parent`[*]".to_owned(),
        // A text for each of two million pairs.
        r#"namespace[*].`parent`[*].`str()`.`sub(/.*/, aaaaaaaaaaaaaaaa)`"#.to_owned(),
    ] {
        assert_eq!(select(&text, &document), Err(SelectError::TooMuchMemory), "{text}");
    }
    // A replacement that grows with each match.
    let document = named(&["a".repeat(2_000)]);
    let text = format!("namespace[?(@.name.`sub(/a/, {})`==x)]", "b".repeat(40_000));
    assert_eq!(select(&text, &document), Err(SelectError::TooMuchMemory));
    let document = named(&["a".repeat(100_000)]);
    let text = "namespace[?(@.name.`split(a, *, -1)`.`len`==100001)]";
    assert_eq!(select(text, &document).map(|found| found.len()), Ok(1));
}

#[test]
fn large_regular_expressions_are_rejected_on_parsing() {
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), "{10})".repeat(levels));
    for pattern in [
        "(a{1000}){1000}",
        r"(\\w{100}){100}",
        r"(?=(\\w{50}){30})x",
        "(a|b{300,}){2000}",
        "((((((a{10}){10}){10}){10}){10}){10})",
        &deep(8),
        &format!("{}a", "(?=(b{1000}){9})".repeat(20)),
    ] {
        let text = format!(r#"namespace[?(@.name =~ "{pattern}")]"#);
        let error = Expression::parse(&text).expect_err(pattern);
        assert!(error.message.contains("too large"), "{pattern}: {error}");
    }
    let document = named(&["a".repeat(1_000), "b".to_owned()]);
    for (pattern, count) in
        [("^a{1000}$", 1), (r"^\\w{50}", 1), ("(a?){1000}", 2), ("a{0,2000}b", 1)]
    {
        let text = format!(r#"namespace[?(@.name =~ "{pattern}")]"#);
        assert_eq!(select(&text, &document).map(|found| found.len()), Ok(count), "{pattern}");
    }
    // Many of them in one expression: each counts, but equal ones only once.
    let condition = |n: usize| format!(r#"@.name =~ "a{{1000}}{n}""#);
    let many: Vec<String> = (0..200).map(condition).collect();
    assert!(Expression::parse(&format!("namespace[?({})]", many.join(" & "))).is_err());
    let same = vec![condition(0); 200];
    assert!(Expression::parse(&format!("namespace[?({})]", same.join(" & "))).is_ok());
}

/// One of these took ten milliseconds per condition and namespace, and the next took the same time again.
const BACKTRACKING: &str = r#"@.name =~ "(.*)(.*)(.*)(?!q)\\1\\2[A-Z]""#;

#[test]
fn backtracking_counts_as_work() {
    let names: Vec<String> = (0..42).map(|n| format!("ns{n:04}-production-environment")).collect();
    let document = named(&names);
    let text = format!("namespace[?({})]", [BACKTRACKING; 10].join(" & "));
    let found = select(&text, &document);
    assert_eq!(found, Err(SelectError::TooMuchWork(Expression::MAX_WORK)));
    // Look-around that needs few steps is accepted.
    let few = r#"namespace[?(@.name =~ "^(?!ns0001)ns.*(?<!ment-old)$")]"#;
    assert_eq!(select(few, &document).map(|found| found.len()), Ok(41));
}

#[test]
fn expensive_expressions_leave_budget_for_the_others() {
    let document = named(&["a".repeat(100_000), "prod".to_owned()]);
    let mut indexed = Indexed::new(&document);
    // Nearly all that one may do: positions of the pattern times length of the text.
    let expensive = |n: usize| format!(r#"namespace[?(@.name =~ "b{{2500}}{n}")]"#);
    let mut results = Vec::new();
    for n in 0..20 {
        let expression = Expression::parse(&expensive(n)).expect("an expression");
        results.push(indexed.select(&expression).map(|found| found.len()));
    }
    assert_eq!(results[0], Ok(0));
    assert_eq!(results[19], Err(SelectError::RunExhausted));
    for text in [r#"namespace[?(@.name == "prod")]"#, r#"namespace[?(@.name =~ "^p.*d$")]"#] {
        let expression = Expression::parse(text).expect("an expression");
        assert_eq!(indexed.select(&expression).map(|found| found.len()), Ok(1), "{text}");
    }
}

#[test]
fn a_dollar_matches_before_a_last_line_end() {
    let document = named(&["prod".to_owned(), "prod\n".to_owned(), "prod\nx".to_owned()]);
    for (pattern, count) in
        [("prod$", 2), ("^(prod$|stage$)", 2), (r"^prod$\\n", 1), (r"prod\\Z", 1), ("(?m)prod$", 3)]
    {
        let text = format!("namespace[?(@.name =~ \"{pattern}\")]");
        assert_eq!(select(&text, &document).map(|found| found.len()), Ok(count), "{pattern}");
    }
}

#[test]
fn an_evaluation_does_not_change_the_document() {
    let document = Document::from(table("jsonpath-tree"));
    let chained = r#"namespace[?(@.app.name=="rbac")][?(@.name=="rbac-prod")]"#;
    assert_eq!(select(chained, &document), Ok(vec![]));
    let good = r#"namespace[?(@.app.name=="rbac")]"#;
    assert_eq!(select(good, &document).map(|found| found.len()), Ok(3));
}

#[test]
fn an_equal_text_is_found_by_index() {
    let each: Vec<Value> = (0..1_000)
        .map(|n| serde_json::json!({ "name": format!("n{n}"), "app": { "name": "a", "n": n } }))
        .collect();
    let document = document(&serde_json::json!({ "namespace": each }));
    let text = r#"$.namespace[?(@.name=="n7" & $.app.name!="b" & @['app']['name']==a & @.app.n)]"#;
    let expression = Expression::parse(text).expect("an expression");
    let mut indexed = Indexed::new(&document);
    let found = indexed.select(&expression).expect("a match");
    assert_eq!(found, expression.select(&document).expect("a match"));
    assert_eq!(
        found.iter().map(|found| found.to_value()["app"]["n"].clone()).collect::<Vec<_>>(),
        [7]
    );
    // An element that is not compared may still cause an error.
    let order = Expression::parse(r#"namespace[?(@.name=="n7" & @.app>"a")]"#).expect("one");
    assert!(order.select(&document).is_err());
    assert_eq!(indexed.select(&order), order.select(&document));
}
