//! Completion and hover in an editor: yaml-language-server with the schemas of docs/schemas/datafiles.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::optional::skipped;

/// yaml-language-server, or what is missing.
fn install() -> Result<PathBuf, String> {
    for program in ["node", "npm"] {
        let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
        found.map_err(|_| format!("no `{program}` on PATH"))?;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-node-tool");
    let mut call = Command::new(script);
    let output = call.arg("yaml-language-server").stdin(Stdio::null()).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it cannot be installed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(folder.join("node_modules/yaml-language-server/bin/yaml-language-server"))
}

/// The answers of the server about a file, to questions as `client.mjs` takes them.
fn ask(server: &Path, file: &Path, questions: &Value) -> Vec<Value> {
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/editor/client.mjs");
    let mut node = Command::new("node");
    node.arg(client).arg(server).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().unwrap();
    node.stdin.take().unwrap().write_all(questions.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_editor_completes_and_explains_keys_and_marks_misspelt_ones() {
    let server = match install() {
        Ok(server) => server,
        Err(missing) => {
            let missing = format!("yaml-language-server cannot run: {missing}");
            return skipped("SAPM_REQUIRE_YAML_LANGUAGE_SERVER", &missing);
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let mut init = Command::new(env!("CARGO_BIN_EXE_sapm"));
    let made = init.args(["init", "repo"]).env_clear().current_dir(folder.path()).output();
    assert!(made.unwrap().status.success());
    // The first line of the file names its schema. Somebody points at a key, misspells one, and begins another one.
    let file = folder.path().join("repo/data/services/shop/saas.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("    ref: main", "    |ref: main");
    let text = text.replace("      soakDays: 1\n", "      soakDay: 1\n      |\n");
    let marks = text.lines().enumerate().filter_map(|(line, text)| Some((line, text.find('|')?)));
    let mut questions: Vec<Value> =
        marks.map(|(line, character)| json!({"line": line, "character": character})).collect();
    questions.push(Value::Null);
    std::fs::write(&file, text.replace('|', "")).unwrap();
    let answers = ask(&server, &file, &Value::Array(questions));
    let shown = render(&answers).replace(folder.path().to_str().unwrap(), "");
    insta::assert_snapshot!(shown);
}

/// The answers as text: the explanation of a key, the completions of an empty line, and what is marked.
fn render(answers: &[Value]) -> String {
    let [explained, completed, marked] = answers else { panic!("{answers:?}") };
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let mut items: Vec<String> = completed["completion"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{}: {}", text(&item["label"]), text(&item["documentation"])))
        .collect();
    items.sort();
    let marked: Vec<String> = marked.as_array().unwrap().iter().map(text).collect();
    format!(
        "Hover over ref:\n{}\n\nCompletion in promotion:\n{}\n\nMarked:\n{}\n",
        text(&explained["hover"]),
        items.join("\n"),
        marked.join("\n")
    )
}
