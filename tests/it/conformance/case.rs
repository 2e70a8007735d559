//! A case: a folder with a config repo, its facts and the expected result.

use super::format::Expected;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;
use std::{fs, io};

/// A run of a case takes some ten milliseconds. If it takes longer than this, it hangs.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Prefixes of variables that would affect `sapm`.
const OUR_VARIABLES: [&str; 7] =
    ["SAPM_", "CI_", "GITLAB_", "GITHUB_", "AWS_", "APP_INTERFACE_", "USED_FOR_SECURITY"];

/// One folder.
pub struct Case {
    pub name: String,
    pub dir: PathBuf,
}

/// The folders whose names begin with `prefix`, sorted. A folder without an expected result is a case that
/// fails.
pub fn find(folder: &Path, prefix: &str) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && name.starts_with(prefix) {
            cases.push(Case { name, dir: entry.path() });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

impl Case {
    /// The expected results: one, or the alternatives.
    pub fn expected(&self) -> Result<Vec<Expected>, String> {
        let path = self.dir.join("expected.json");
        let text = fs::read(path).map_err(|e| format!("expected.json: {e}"))?;
        let whole = serde_json::from_slice(&text).map_err(|e| format!("expected.json: {e}"))?;
        alternatives(whole)
    }

    /// A file of the case as text; `None` if it does not exist.
    pub fn read(&self, path: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.dir.join(path)) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Runs `sapm plan` in an empty folder, with only the variables of the case.
    pub fn run(&self) -> io::Result<Output> {
        let empty = tempfile::tempdir()?;
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sapm"));
        command.current_dir(empty.path()).timeout(TIMEOUT);
        for (name, _) in std::env::vars_os() {
            if OUR_VARIABLES.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
                command.env_remove(name);
            }
        }
        if let Some(text) = self.read("env.json")? {
            command.envs(serde_json::from_str::<BTreeMap<String, String>>(&text)?);
        }
        command.arg("plan").arg("--app-interface").arg(&self.dir);
        command.arg("--snapshot").arg(self.dir.join("snapshot.json")).args(["--format", "json"]);
        if let Some(text) = self.read("args.txt")? {
            command.args(text.lines());
        }
        command.output()
    }
}

/// Merges each member of `any_of` into the other fields.
pub fn alternatives(mut whole: Map<String, Value>) -> Result<Vec<Expected>, String> {
    let any_of = match whole.remove("any_of") {
        None => vec![Map::new()],
        Some(any_of) => serde_json::from_value::<Vec<Map<String, Value>>>(any_of)
            .map_err(|e| format!("expected.json: any_of: {e}"))?,
    };
    if any_of.is_empty() {
        return Err("expected.json: any_of is empty".to_owned());
    }
    let alternative = |fields: Map<String, Value>| {
        let mut answer = whole.clone();
        answer.extend(fields);
        serde_json::from_value(Value::Object(answer)).map_err(|e| format!("expected.json: {e}"))
    };
    any_of.into_iter().map(alternative).collect()
}
