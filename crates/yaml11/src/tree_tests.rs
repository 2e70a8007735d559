use super::*;

fn parse(text: &str) -> Tree {
    read(text).unwrap_or_else(|e| panic!("{e}: {text:?}"))
}

fn read(text: &str) -> Result<Tree, ParseError> {
    Tree::parse(text.as_bytes(), &Limits::default())
}

fn refused(text: &str) -> String {
    match read(text) {
        Ok(tree) => format!("reads as {}", tree.root().to_json()),
        Err(e) => e.to_string(),
    }
}

#[test]
fn documents_read_as_json() {
    for (text, json) in [
        ("", "null"),
        ("# nothing\n", "null"),
        (
            "a: on\nb: 0777\nc: 1e3\nd: .nan\ne: 2026-08-20\n",
            r#"{"a":true,"b":511,"c":"1e3","d":null,"e":"2026-08-20"}"#,
        ),
        (
            "%YAML 1.2\n%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 12\n...\n# end\n",
            r#"{"a":"12"}"#,
        ),
        ("\u{feff}a: 'x\r\n\r\n  y'\r\n", r#"{"a":"x\ny"}"#),
        ("a: b\rc: d\r", r#"{"a":"b","c":"d"}"#),
        ("a: b\t\nc:\t\n- d\t# e\n", r#"{"a":"b","c":["d"]}"#),
        ("{\n\t\"a\": [1, \"\\/\\ud83d\\ude00\"]\n}\n", r#"{"a":[1,"/😀"]}"#),
        ("on: 1\n~: 2\n12: 3\n", r#"{"12":3,"null":2,"true":1}"#),
        (
            "a: ! '12'\nb: !!int '0x10'\nc: !!binary aGk=\nd: !!null x\n",
            r#"{"a":12,"b":16,"c":"aGk=","d":null}"#,
        ),
        ("a: |\n  x", r#"{"a":"x"}"#),
        ("a: =\nb: <<\n", r#"{"a":"=","b":"<<"}"#),
    ] {
        let expected: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
        assert_eq!(parse(text).root().to_json(), expected, "{text}");
    }
}

#[test]
fn merge_keys_are_weaker_than_keys_and_the_first_of_a_list_wins() {
    let tree =
        parse("a: &a {x: 1, y: 1, z: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*b, *a]\n  w: 3\n");
    let c = tree.root().get("c").expect("is there");
    assert_eq!(c.to_json(), serde_json::json!({"z": 3, "y": 2, "x": 1, "w": 3}));
    let keys: Vec<_> = c.entries().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(keys, ["x", "y", "z", "w"]);
    assert_eq!(c.get("x").and_then(|x| x.text()).as_deref(), Some("1"));
    assert!(c.get("<<").is_none());
    let quoted = parse("a: {'<<': 1}\n");
    assert!(quoted.root().get("a").is_some_and(|a| a.get("<<").is_some()));
}

#[test]
fn the_last_of_duplicates_counts_with_a_warning() {
    let tree = parse("a:\n- é: 1\n  b: 2\n  b: 3\n");
    assert_eq!(tree.root().to_json(), serde_json::json!({"a": [{"é": 1, "b": 3}]}));
    let [warning] = tree.warnings() else {
        panic!("{:?}", tree.warnings());
    };
    assert_eq!(warning.path.to_string(), "a[0].b");
    assert_eq!((warning.position.line, warning.position.column), (4, 3));
}

#[test]
fn positions_count_characters_and_bytes() {
    let text = "\u{feff}é: x\nb: [ü, *x]\n".replace("*x", "&x !!str 12");
    let tree = parse(&text);
    let b = tree.root().get("b").expect("is there");
    let last = b.items().last().expect("is there");
    assert_eq!(&tree.text()[last.span()], "12");
    assert_eq!(last.position(), Position { line: 2, column: 17 });
    assert_eq!(tree.root().position(), Position { line: 1, column: 1 });
    assert_eq!(last.text().as_deref(), Some("12"));
}

#[test]
fn errors_have_positions() {
    for (text, message) in [
        (
            "a: 1\n---\nb: 2\n",
            "line 2, column 1: a second document begins here; a file may have only one",
        ),
        (
            "a: 1\n---\n",
            "line 2, column 1: a second document begins here; a file may have only one",
        ),
        ("a: !vault x\n", "line 1, column 4: unknown tag !vault"),
        ("a: !!int x\n", "line 1, column 10: the value does not match its tag !!int"),
        ("a: !!map [x]\n", "line 1, column 10: the value does not match its tag !!map"),
        ("a: &a [*a]\n", "line 1, column 8: an alias of a node that contains it"),
        ("a: {<<: x}\n", "line 1, column 5: a merge key needs a mapping or a list of mappings"),
        ("[a]: b\n", "line 1, column 1: a list or a mapping cannot be a key"),
        ("%YAML 2.0\n---\na: b\n", "line 1, column 1: unsupported YAML major version"),
    ] {
        assert_eq!(refused(text), message);
    }
    assert!(refused("a: b: c\n").starts_with("line 1, column 5: "));
    let bytes = |bytes: &[u8]| Tree::parse(bytes, &Limits::default()).err().map(|e| e.to_string());
    assert_eq!(
        bytes(b"a: \xc3\xa9\r\nb: \xff").as_deref(),
        Some("line 2, column 4: the byte 0xff is not valid UTF-8")
    );
    assert_eq!(bytes(b"\xff\xfea\0"), bytes(b"a\0:\0"));
    assert!(bytes(b"\xfe\xff\0a").is_some_and(|e| e.contains("UTF-16")));
}

#[test]
fn bombs_and_depth_are_refused_at_once() {
    let bomb = (1..40).fold("a0: &a0 x\n".to_owned(), |text, n| {
        let m = n - 1;
        format!("{text}a{n}: &a{n} [*a{m}, *a{m}, *a{m}]\n")
    });
    assert!(refused(&bomb).contains("more than 1000000 values"));
    let merges = (1..60).fold("a0: &a0 {x: y}\n".to_owned(), |text, n| {
        let m = n - 1;
        format!("{text}a{n}: &a{n} {{<<: [*a{m}, *a{m}]}}\n")
    });
    assert!(refused(&merges).contains("more than 1000000 values"));
    let chain = (1..200)
        .fold("a0: &a0 [x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{}]\n", n - 1));
    assert!(refused(&chain).contains("more than 100 levels"));
    for open in ["[", "{a: ", "- ", "? "] {
        assert!(!refused(&open.repeat(100_000)).starts_with("reads"));
    }
    let small = Limits { bytes: 3, ..Limits::default() };
    assert!(matches!(Tree::parse(b"a: b", &small), Err(ParseError::TooLarge { .. })));
    assert!(refused(&format!("a: {}", "1".repeat(5000))).contains("a number of 5000 digits"));
}
