//! docs/config-repo.md: its examples are a valid config repo, and its tables list every field that is read.

use std::path::{Path, PathBuf};
use std::process::Command;

use sapm::app_interface::datafile_schemas;
use serde_json::Value;

/// If set, the test writes the tables instead of comparing them.
const WRITE: &str = "SAPM_WRITE_REFERENCE";
const BEGIN: &str = "<!-- fields: made by scripts/generate from the tables of the reader -->\n";
const END: &str = "<!-- end of fields -->";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config-repo.md")
}

/// The types of a value, as people call them. `None` for a key that other programs read.
fn describe_type(schema: &Value) -> Option<String> {
    let kind = schema.get("type")?;
    let first = kind.as_str().or_else(|| kind[0].as_str())?;
    let item = schema.get("items").and_then(describe_type);
    Some(match first {
        "object" if schema["properties"]["$ref"].is_object() => "`$ref`".to_owned(),
        "object" => "mapping".to_owned(),
        "array" => match item.as_deref() {
            Some("mapping" | "`$ref`") | None => "list".to_owned(),
            Some(item) => format!("list of {item}s"),
        },
        "integer" => "whole number".to_owned(),
        other => other.to_owned(),
    })
}

/// The rows of a mapping's fields.
fn list_fields(schema: &Value, way: &str, rows: &mut String) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let conditions = schema.get("else").unwrap_or(schema);
    let required = conditions["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in properties.iter().filter(|(name, _)| !name.starts_with('$')) {
        let Some(kind) = describe_type(field) else { continue };
        let needed = if required.contains(&Value::from(name.as_str())) { "yes" } else { "" };
        let about = field["description"].as_str().unwrap().replace('|', "\\|");
        *rows += &format!("| `{way}{name}` | {kind} | {needed} | {about} |\n");
        list_fields(field, &format!("{way}{name}."), rows);
        // The fields of a target are listed once, as those of its own file.
        if field["items"]["properties"]["$ref"].is_null() {
            list_fields(&field["items"], &format!("{way}{name}[]."), rows);
        }
    }
}

fn tables() -> String {
    let mut text = String::new();
    for (file, schema) in datafile_schemas() {
        let (title, kind) = (&schema["title"], &schema["properties"]["$schema"]["const"]);
        let (title, kind) = (title.as_str().unwrap(), kind.as_str().unwrap());
        text +=
            &format!("\n### {title}\n\n`$schema: {kind}`, [schema](schemas/datafiles/{file})\n\n");
        text += "| field | type | required | meaning |\n| --- | --- | --- | --- |\n";
        list_fields(&schema, "", &mut text);
    }
    text + "\n"
}

#[test]
fn the_page_lists_every_field_that_is_read() {
    let text = std::fs::read_to_string(page()).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the fields");
    let (listed, after) = rest.split_once(END).expect("the end of the fields");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(page(), format!("{before}{BEGIN}{}{END}{after}", tables())).unwrap();
    } else {
        assert!(listed == tables(), "docs/config-repo.md is old: scripts/generate writes it");
    }
    for field in ["promotion.soakDays", "slos[].SLOTarget", "spec"] {
        assert!(tables().contains(&format!("| `{field}` |")), "{field}");
    }
}

#[test]
fn the_examples_of_the_page_are_a_valid_config_repo() {
    let text = std::fs::read_to_string(page()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut files = 0;
    for block in text.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let path = block.lines().next().and_then(|line| line.strip_prefix("# ")).expect("its path");
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, block).unwrap();
        files += 1;
    }
    assert!(files >= 11, "{files}");
    let mut sapm = Command::new(env!("CARGO_BIN_EXE_sapm"));
    sapm.arg("validate").arg("--app-interface").arg(folder.path()).env_clear();
    let output = sapm.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.starts_with("0 errors, 0 warnings"), "{said}");
}
