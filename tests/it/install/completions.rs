//! The candidates, whichever shell shows them.

use std::path::Path;

use proptest::prelude::*;

use super::{Names, PLAIN, sapm, silent};

const STAGE: &str = "saas-shop/api/stage/c1/shop";
const PRODUCTION: &str = "saas-shop/api/production/c1/shop";

/// The candidates for the last of these words, in this folder with these variables.
fn candidates(folder: &Path, variables: &[(&str, &str)], words: &[&str]) -> Vec<String> {
    let mut call = sapm(folder);
    call.envs(variables.iter().copied());
    call.args(["__complete", "bash", &words.len().to_string(), "--", "sapm"]).args(words);
    silent(&mut call).lines().map(str::to_owned).collect()
}

fn repo() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    PLAIN.write(folder.path());
    folder
}

#[test]
fn every_argument_that_names_something_in_the_config_repo_is_completed() {
    let repo = repo();
    for (words, expected) in [
        (&["explain", ""][..], &[PRODUCTION, STAGE][..]),
        (&["explain", "saas-shop/api/s"], &[STAGE]),
        (&["explain", "prod"], &[PRODUCTION]),
        (&["explain", "nothing-like-it"], &[]),
        (&["explain", STAGE, ""], &[]),
        (&["graph", "--target", "saas"], &[PRODUCTION, STAGE]),
        (&["graph", "--target=saas-shop/api/s"], &["--target=saas-shop/api/stage/c1/shop"]),
        (&["graph", "--channel", ""], &["shop-stage"]),
        (&["plan", "--app-name", ""], &["shop"]),
        (&["plan", "--env-name", "prod"], &["production"]),
        (&["apply", "--saas-file-name", ""], &["saas-shop"]),
    ] {
        let found = candidates(repo.path(), &[], words);
        let values = found.iter().filter(|value| !value.starts_with('-') || value.contains('='));
        assert_eq!(values.collect::<Vec<_>>(), expected, "{words:?}");
    }
}

#[test]
fn bash_splits_words_at_the_equals_sign() {
    let repo = repo();
    for (words, expected) in [
        (&["plan", "--format", "=", ""][..], &["text", "json", "markdown"][..]),
        (&["plan", "--format", "=", "j"], &["json"]),
        (&["explain", "--format", "=", "json", "saas-shop/api/s"], &[STAGE]),
        (&["apply", "--allow-opening", "=", "false", "--report-d"], &["--report-dir"]),
    ] {
        assert_eq!(candidates(repo.path(), &[], words), expected, "{words:?}");
    }
}

#[test]
fn the_config_repo_is_the_flags_or_the_variables_or_the_current_folder() {
    let [flag, variable, current] = ["from-flag", "from-variable", "from-folder"].map(|saas| {
        let folder = tempfile::tempdir().unwrap();
        Names { saas, ..PLAIN }.write(folder.path());
        folder
    });
    let path = |folder: &tempfile::TempDir| folder.path().to_str().unwrap().to_owned();
    let (flag_path, variable) = (path(&flag), path(&variable));
    let set = [("SAPM_APP_INTERFACE", variable.as_str())];
    let url = [("SAPM_APP_INTERFACE", "https://gitlab.invalid/service/app-interface.git")];
    let inside = format!("--app-interface={flag_path}");
    let home = flag.path().file_name().unwrap().to_str().unwrap().to_owned();
    let tilde = format!("~/{home}");
    let above = path(&flag).trim_end_matches(&home).to_owned();
    let home = [("HOME", above.as_str())];
    for (variables, words, expected) in [
        (&set[..], &["--app-interface", &flag_path][..], "from-flag"),
        (&set, &[&inside], "from-flag"),
        (&home, &["--app-interface", &tilde], "from-flag"),
        (&set, &[], "from-variable"),
        (&[], &[], "from-folder"),
        // A URL is not cloned. A checkout of it is where people stand.
        (&url, &[], "from-folder"),
    ] {
        let words = [&["plan"], words, &["--saas-file-name", ""]].concat();
        assert_eq!(candidates(current.path(), variables, &words), [expected], "{words:?}");
    }
    let outside = tempfile::tempdir().unwrap();
    assert_eq!(candidates(outside.path(), &url, &["explain", "a"]), [""; 0]);
}

#[test]
fn what_goes_wrong_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let none = candidates(folder.path(), &[], &["explain", "saas"]);
    assert!(none.is_empty(), "{none:?}");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/saas.yml"), "$schema: /app-sre/saas-file-2.yml\n{{")
        .unwrap();
    std::fs::write(folder.path().join("data/x.yml"), b"\xff\xfe\x00").unwrap();
    assert!(candidates(folder.path(), &[], &["explain", "saas"]).is_empty());
    // Lines that are no command, and variables that no command accepts.
    for words in [&["no-such-command", ""][..], &["plan", "--no-such-option", "", "--", "x"], &[]] {
        candidates(folder.path(), &[("SAPM_FORMAT", "neither"), ("USED_FOR_SECURITY", "?")], words);
    }
    let mut call = sapm(folder.path());
    silent(call.args(["__complete", "fish", "7", "--", "sapm"]));
}

#[test]
fn options_come_when_they_are_begun_and_hidden_ones_never() {
    let repo = repo();
    let options = candidates(repo.path(), &[], &["explain", "--"]);
    assert!(options.contains(&"--assume".to_owned()), "{options:?}");
    let options = candidates(repo.path(), &[], &["apply", "--"]);
    assert!(options.contains(&"--dry-run".to_owned()), "{options:?}");
    assert!(!options.contains(&"--at".to_owned()), "{options:?}");
    let commands = candidates(repo.path(), &[], &[""]);
    assert!(
        commands.contains(&"explain".to_owned()) && !commands.contains(&"__complete".to_owned())
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever tenants call things, a candidate is a plain word on a line of its own.
    #[test]
    fn candidates_are_plain(
        saas in "\\PC{1,8}", template in "[ -~]{1,8}", stage in "[a-z$`'\"\n\t;-]{1,6}", channel in any::<String>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let names = Names { saas: &saas, template: &template, stage: &stage, production: "x", channel: &channel };
        names.write(folder.path());
        for words in [["explain", ""], ["graph", "--channel"], ["plan", "--saas-file-name"]] {
            let words = [&words[..], &[""]].concat();
            for candidate in candidates(folder.path(), &[], &words) {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
                prop_assert!(candidate.chars().all(plain), "{candidate:?}");
            }
        }
    }
}
