//! A job's script as its shell would run it, with inputs filled in.

use std::process::{Command, Output, Stdio};

use serde_yaml::Mapping;

use super::keywords::template;

/// The lines of `sapm-JOB` with these inputs, and the defaults of all others.
pub fn script(job: &str, inputs: &[(&str, &str)]) -> String {
    script_lines(job, inputs).join("\n")
}

/// The same, as the entries of `script`: a job's log shows the first line of each.
pub fn script_lines(job: &str, inputs: &[(&str, &str)]) -> Vec<String> {
    let required = [
        ("image", "registry.example.com/sapm:1"),
        ("gitlab-url", "https://gitlab.example.com"),
        ("only-in-project", "service/app-interface"),
        ("state", "s3://app-sre-state"),
    ];
    let key = format!("$[[ inputs.job-prefix ]]-{job}");
    fill_in_lines(&template(), (&key, "script"), &[inputs, &required[..]].concat())
}

/// The lines of a part of a job with these inputs, and the defaults of all others.
pub fn fill_in(
    template: &(Mapping, Mapping),
    part: (&str, &str),
    inputs: &[(&str, &str)],
) -> String {
    fill_in_lines(template, part, inputs).join("\n")
}

fn fill_in_lines(
    (declared, jobs): &(Mapping, Mapping),
    (job, part): (&str, &str),
    inputs: &[(&str, &str)],
) -> Vec<String> {
    let lines = jobs[job][part].as_sequence().unwrap();
    lines.iter().map(|line| fill_in_line(line.as_str().unwrap(), declared, inputs)).collect()
}

fn fill_in_line(line: &str, declared: &Mapping, inputs: &[(&str, &str)]) -> String {
    let mut script = line.to_owned();
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
