//! Scalars, as `PyYAML` reads them.

use yaml11::{Limits, Scalar, Tree};

/// The table comes from `scripts/yaml11-table.py`.
#[test]
fn scalars_read_as_in_pyyaml() {
    let table = include_str!("../../data/yaml11_scalars.json");
    let rows: Vec<[String; 3]> = serde_json::from_str(table).expect("the table is JSON");
    assert!(rows.len() > 1000);
    let mut wrong = Vec::new();
    for [source, kind, text] in &rows {
        let got = match Tree::parse(format!("a: {source}\n").as_bytes(), &Limits::default()) {
            Err(e) => e.to_string(),
            Ok(tree) => match tree.root().get("a").and_then(|a| a.scalar()) {
                None => "no scalar".to_owned(),
                Some(Scalar::Null) => "NoneType None".to_owned(),
                Some(Scalar::Bool(true)) => "bool True".to_owned(),
                Some(Scalar::Bool(false)) => "bool False".to_owned(),
                Some(Scalar::Int(n)) => format!("int {n}"),
                Some(Scalar::Float(x)) => {
                    format!("float {}", Scalar::Float(x).text().unwrap_or_default())
                }
                Some(Scalar::Str(s)) => format!("str {s}"),
                Some(Scalar::Timestamp(s)) => format!("timestamp {s}"),
                Some(Scalar::Binary(_)) => "bytes".to_owned(),
            },
        };
        if got != format!("{kind} {text}") {
            wrong.push(format!("{source}: {got}, not {kind} {text}"));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
