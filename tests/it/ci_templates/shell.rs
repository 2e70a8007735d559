//! A job's script as its shell would run it, with inputs filled in.

use std::process::{Command, Output, Stdio};

use serde_yaml::Mapping;

use super::keywords::template;

/// The lines of `sapm-JOB` with these inputs, and the defaults of all others.
pub fn script(job: &str, inputs: &[(&str, &str)]) -> String {
    let required = [
        ("image", "registry.example.com/sapm:1"),
        ("gitlab-url", "https://gitlab.example.com"),
        ("only-in-project", "service/app-interface"),
        ("state", "s3://app-sre-state"),
    ];
    let key = format!("$[[ inputs.job-prefix ]]-{job}");
    fill_in(&template(), (&key, "script"), &[inputs, &required[..]].concat())
}

/// The lines of a part of a job with these inputs, and the defaults of all others.
pub fn fill_in(
    (declared, jobs): &(Mapping, Mapping),
    (job, part): (&str, &str),
    inputs: &[(&str, &str)],
) -> String {
    let lines = jobs[job][part].as_sequence();
    let lines: Vec<&str> = lines.unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let mut script = lines.join("\n");
    for (name, value) in inputs {
        script = script.replace(&format!("$[[ inputs.{name} ]]"), value);
    }
    for (name, input) in declared {
        let default = match &input["default"] {
            serde_yaml::Value::String(text) => text.clone(),
            serde_yaml::Value::Null => continue,
            other => serde_yaml::to_string(other).unwrap().trim().to_owned(),
        };
        script = script.replace(&format!("$[[ inputs.{} ]]", name.as_str().unwrap()), &default);
    }
    assert!(!script.contains("$[["), "{script}");
    script
}

/// Runs it in an empty folder, with only these variables and a PATH.
pub fn run_script(script: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new("sh")
        .args(["-e", "-c", script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
