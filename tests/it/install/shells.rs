//! Completions in the shells themselves.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::terminal::{Terminal, install, installed, search_path};
use super::{Names, PLAIN};

/// What a shell would run if it read this as a word. It creates the file `pwned` in the current folder.
const HOSTILE: [&str; 12] = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned;",
    "a\ntouch pwned\n",
    "'$(touch pwned)'",
    "\"$(touch pwned)",
    "\\$(touch pwned)",
    "=(touch pwned)",
    "<(touch pwned)",
    "%{$(touch pwned)%}",
    "a:$(touch pwned)\tb",
    "\u{1b}]0;a\u{7}${x:=$(touch pwned)}",
];

/// A config repo, and a folder for programs.
fn folders(names: &Names<'_>) -> (TempDir, TempDir) {
    let (repo, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    names.write(repo.path());
    (repo, tools)
}

fn hostile(name: &str) -> Names<'_> {
    Names { saas: name, template: name, stage: name, production: "production", channel: name }
}

#[test]
fn bash_and_zsh_complete_a_target_and_values_of_options() {
    let (repo, tools) = folders(&PLAIN);
    for shell in ["bash", "zsh"] {
        let Some(mut terminal) = Terminal::start(shell, repo.path(), tools.path()) else {
            continue;
        };
        for (typed, arguments) in [
            ("sapm expl\tsaas-shop/api/p\t", vec!["explain", "saas-shop/api/production/c1/shop"]),
            ("sapm explain stage/c1\t", vec!["explain", "saas-shop/api/stage/c1/shop"]),
            ("sapm plan --format=j\t", vec!["plan", "--format=json"]),
            ("sapm plan --forma\tmark\t", vec!["plan", "--format", "markdown"]),
            (
                "sapm graph --channel sh\t--app-n\ts\t",
                vec!["graph", "--channel", "shop-stage", "--app-name", "shop"],
            ),
        ] {
            terminal.enter(typed);
            assert_eq!(terminal.arguments(), arguments, "{shell}: {}", terminal.screen());
        }
    }
}

#[test]
fn no_name_of_a_tenant_is_run_by_bash_or_zsh() {
    let (repo, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for shell in ["bash", "zsh"] {
        let Some(mut terminal) = Terminal::start(shell, repo.path(), tools.path()) else {
            continue;
        };
        for name in HOSTILE {
            hostile(name).write(repo.path());
            // The two uids are listed; then the line is given up.
            terminal.enter("sapm explain \t\t\u{15}sapm listed\n");
            assert_eq!(
                terminal.arguments(),
                ["listed"],
                "{shell}, {name:?}: {}",
                terminal.screen()
            );
            // One that fits is inserted, and the line is run.
            terminal.enter("sapm explain production\t");
            let arguments = terminal.arguments();
            let is_uid =
                |text: &String| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let expected = arguments.len() == 2 && is_uid(&arguments[1]);
            assert!(expected, "{shell}, {name:?}: {arguments:?}");
            terminal.enter("sapm graph --channel \t\t\u{15}sapm listed\n");
            assert_eq!(terminal.arguments(), ["listed"], "{shell}, {name:?}");
            assert!(!repo.path().join("pwned").exists(), "{shell} ran {name:?}");
        }
    }
}

#[test]
fn bash_and_zsh_quote_the_names_of_files() {
    let (repo, tools) = folders(&PLAIN);
    let name = "evil $(touch pwned) 'x'.json";
    std::fs::write(repo.path().join(name), "{}").unwrap();
    for shell in ["bash", "zsh"] {
        let Some(mut terminal) = Terminal::start(shell, repo.path(), tools.path()) else {
            continue;
        };
        terminal.enter("sapm plan --snapshot evil\t");
        assert_eq!(terminal.arguments(), ["plan", "--snapshot", name], "{shell}");
        assert!(!repo.path().join("pwned").exists(), "{shell}");
    }
}

/// What fish offers for a line, as it would insert it.
fn fish(folder: &Path, tools: &Path, line: &str) -> Option<Vec<String>> {
    if !installed("fish") {
        return None;
    }
    let script = install("fish", tools, &tools.join("arguments"));
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "--command"]);
    fish.arg("source $argv[1]; complete --escape --do-complete $argv[2]").arg(script).arg(line);
    fish.env_clear().env("PATH", search_path(tools)).env("HOME", tools).env("LC_ALL", "C.UTF-8");
    let output = fish.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn fish_completes_targets_values_and_files() {
    let (repo, tools) = folders(&PLAIN);
    std::fs::write(repo.path().join("evil $(touch pwned).json"), "{}").unwrap();
    for (line, expected) in [
        ("sapm explain saas-shop/api/p", vec!["saas-shop/api/production/c1/shop"]),
        ("sapm explain stage/c1", vec!["saas-shop/api/stage/c1/shop"]),
        ("sapm plan --format=j", vec!["--format=json\tFor programs: JSON, and nothing else"]),
        ("sapm graph --channel sh", vec!["shop-stage"]),
        ("sapm plan --snapshot evil", vec!["evil\\ \\$\\(touch\\ pwned\\).json"]),
    ] {
        let Some(offered) = fish(repo.path(), tools.path(), line) else { return };
        assert_eq!(offered, expected, "{line}");
    }
    let commands = fish(repo.path(), tools.path(), "sapm ").unwrap();
    assert!(commands.iter().any(|line| line.starts_with("explain\tExplains why")), "{commands:?}");
    assert!(!commands.iter().any(|line| line.contains("__complete")), "{commands:?}");
}

#[test]
fn no_name_of_a_tenant_is_run_by_fish() {
    for name in HOSTILE {
        let (repo, tools) = folders(&hostile(name));
        let Some(offered) = fish(repo.path(), tools.path(), "sapm explain ") else { return };
        assert_eq!(offered.len(), 2, "{offered:?}");
        for line in offered {
            let (uid, label) = line.split_once('\t').unwrap();
            assert!(uid.len() == 40 && uid.bytes().all(|b| b.is_ascii_hexdigit()), "{uid}");
            assert!(label.contains("/c1/shop") && !label.contains(['\u{1b}', '\t']), "{label:?}");
        }
        assert!(!repo.path().join("pwned").exists(), "fish ran {name:?}");
    }
}
