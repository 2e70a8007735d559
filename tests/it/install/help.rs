//! `--help`, and what follows the error about a missing argument.

use clap::{CommandFactory as _, Parser as _};
use sapm::cli::Cli;

use super::sapm;

/// The commands that people call, with what their long help says at its end.
fn commands() -> Vec<(String, String)> {
    let sapm = Cli::command();
    let visible = sapm.get_subcommands().filter(|command| !command.is_hide_set());
    let after = |command: &clap::Command| {
        let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        (command.get_name().to_owned(), after)
    };
    visible.chain([&sapm]).map(after).collect()
}

#[test]
fn every_example_is_a_command_line_that_is_accepted() {
    for (name, help) in commands() {
        let (_, examples) =
            help.split_once("Examples:\n").unwrap_or_else(|| panic!("{name} has no examples"));
        let lines: Vec<&str> = examples.lines().take_while(|line| line.starts_with("  ")).collect();
        assert!(!lines.is_empty(), "{name}");
        for line in lines {
            let typed = line.trim_start().split("  ").next().unwrap();
            let words: Vec<&str> = typed.split_whitespace().collect();
            assert!(words[0] == "sapm" && (name == "sapm" || words[1] == name), "{line}");
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{line}: {error}");
            }
        }
    }
}

#[test]
fn a_missing_target_says_how_to_find_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = sapm(folder.path()).arg("explain").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    for part in ["<TARGET>", "any part", "sapm graph --app-interface .", "sapm completions"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // Not where something else is wrong.
    for args in [&["explain", "x", "--no-such-flag"][..], &["man"]] {
        let output = sapm(folder.path()).args(args).output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stderr).contains("To find it"), "{args:?}");
    }
}

#[test]
fn variables_without_an_option_are_those_of_the_reference() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let reference = std::fs::read_to_string(page).unwrap();
    let (_, table) = reference.split_once("## Variables without a flag\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let names = cells.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|name| !name.is_empty());
    let (_, help) = commands().into_iter().find(|(name, _)| name == "sapm").unwrap();
    let mut seen = 0;
    for name in names.filter(|name| !name.starts_with('…')) {
        assert!(help.contains(name), "{name} is in docs/reference.md, and not in sapm --help");
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}
