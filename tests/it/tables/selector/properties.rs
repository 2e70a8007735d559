//! Properties of all selectors.

use super::*;

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
    "`sub(/a|(b)/, x\\\\1)`",
    "`path`",
    "`str()`",
    "[*]",
];
const PATTERN: &[&str] = &[
    "a", "b", "(", ")", "(?:", "(?=", "(?<!", "(?P<n>", "(?P=n)", "(?(1)", "|", "*", "+", "?",
    "{2}", "{,3}", "[", "]", "^", "$", "-", "\\\\", "\\\\d", "\\\\1", ".", "(?i)", "(?x)", "#",
    "(?i-s:",
];

/// Values in which the paths of [`condition`] exist, often with the same text.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => "[xy]".prop_map(Value::from),
        1 => prop_oneof![Just(Value::Null), Just(true.into()), Just(1.into()), Just(0.5.into())],
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        prop_oneof![
            4 => proptest::collection::btree_map("[abn*]", inner.clone(), 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            1 => proptest::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let root = proptest::sample::select(vec![
        "@",
        "$",
        "@.a",
        "a",
        "@['b']",
        "@.*",
        "@..a",
        "@.a[0]",
        "@.`parent`",
    ]);
    let names = proptest::sample::select(vec!["", ".a", ".b", ".a.b", "['n']", ".a,b"]);
    let tests = [
        r#"=="x""#, "==x", r#"=="y""#, "==1", "==0.5", "==true", r#"!="x""#, "", "!=1", "<2",
        r#">"x""#, r#"=~"x""#,
    ];
    let test = proptest::sample::select(tests.to_vec());
    (root, names, test).prop_map(|(root, names, test)| format!("{root}{names}{test}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn indexed_evaluation_equals_full_evaluation(
        elements in prop_oneof![
            4 => proptest::collection::vec(value(), 0..6).prop_map(Value::Array),
            1 => value(),
        ],
        expressions in proptest::collection::vec(
            (
                proptest::sample::select(vec!["n", "$.n", "@.n", "m.n", "n.*", "*", "n[*]"]),
                proptest::collection::vec(condition(), 1..4),
                proptest::sample::select(vec!["", "", "", ".a", "[?(@.b)]"]),
            ),
            1..6,
        ),
    ) {
        let document = document(&serde_json::json!({ "n": elements, "m": { "n": elements } }));
        let mut indexed = Indexed::new(&document);
        for (list, conditions, after) in expressions {
            let text = format!("{list}[?({})]{after}", conditions.join(" & "));
            let Ok(expression) = Expression::parse(&text) else { continue };
            let (looked_up, searched) = (indexed.select(&expression), expression.select(&document));
            prop_assert_eq!(&looked_up, &searched, "{}", text);
            // Exactly the same elements, not other equal ones.
            for (ours, theirs) in looked_up.iter().flatten().zip(searched.iter().flatten()) {
                let same = match (ours.node(), theirs.node()) {
                    (Some(ours), Some(theirs)) => std::ptr::eq(ours, theirs),
                    (ours, theirs) => ours.is_none() && theirs.is_none(),
                };
                prop_assert!(same, "{}", text);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_an_expression(path in texts(PATH), pattern in texts(PATTERN)) {
        let document = document(&serde_json::json!({
            "namespace": [{ "name": "a", "labels": { "x": 1 } }, { "name": "aab" }],
            "name": [1, "a", null, [2, 3]],
        }));
        for text in [path, format!(r#"namespace[?(@.name =~ "{pattern}")]"#)] {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = expression.select(&document);
            }
        }
    }
}
