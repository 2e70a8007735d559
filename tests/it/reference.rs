//! docs/reference.md lists every option of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, CommandFactory};
use sapm::cli::Cli;

/// If set, the test writes the reference instead of comparing it.
const WRITE: &str = "SAPM_WRITE_REFERENCE";
const BEGIN: &str = "<!-- options: made by scripts/generate from the command line -->\n";
const END: &str = "<!-- end of options -->";

/// An option, with the commands that take it.
struct Opt {
    heading: String,
    cells: [String; 4],
    commands: Vec<String>,
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn flag(arg: &Arg) -> String {
    let name = arg.get_long().expect("a flag");
    match arg.get_value_names() {
        Some([value]) if arg.get_action().takes_values() => format!("`--{name} {value}`"),
        _ => format!("`--{name}`"),
    }
}

fn default(arg: &Arg) -> String {
    let values = arg.get_default_values();
    let values = values.iter().map(|value| format!("`{}`", value.to_string_lossy()));
    values.collect::<Vec<_>>().join(", ")
}

/// Every option once, in the order of the commands.
fn options() -> Vec<Opt> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut options: Vec<Opt> = Vec::new();
    for command in Cli::command().get_subcommands() {
        let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
        for arg in visible.filter(|arg| arg.get_long().is_some_and(|name| name != "help")) {
            let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let cells = [flag(arg), variable.unwrap_or_default(), default(arg), help];
            // One flag can have different meanings in two commands: then it has two rows.
            let key = cells.join("\n");
            let at = *places.entry(key).or_insert_with(|| {
                let heading = arg.get_help_heading().unwrap_or("Other").to_owned();
                options.push(Opt { heading, cells, commands: Vec::new() });
                options.len() - 1
            });
            options[at].commands.push(format!("`{}`", command.get_name()));
        }
    }
    options
}

fn table() -> String {
    let options = options();
    let mut headings: Vec<&str> = Vec::new();
    for option in &options {
        if !headings.contains(&option.heading.as_str()) {
            headings.push(&option.heading);
        }
    }
    let mut text = String::new();
    for heading in headings {
        text += &format!("\n### {heading}\n\n");
        text +=
            "| flag | variable | default | commands | meaning |\n| --- | --- | --- | --- | --- |\n";
        for Opt { cells, commands, .. } in options.iter().filter(|option| option.heading == heading)
        {
            let [flag, variable, default, help] = cells.each_ref().map(|text| cell(text));
            let commands = commands.join(" ");
            text += &format!("| {flag} | {variable} | {default} | {commands} | {help} |\n");
        }
    }
    text + "\n"
}

#[test]
fn the_reference_lists_the_options_of_the_command_line() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the options");
    let (listed, after) = rest.split_once(END).expect("the end of the options");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert!(listed == table(), "docs/reference.md is old: scripts/generate writes it");
    }
    assert!(options().len() > 25, "most options are there");
}
