//! The same checks for the program: its output, logs and errors.

use crate::e2e::support::{CATALOG_FILE, World, files_below};

const NAME: &str = "x\u{9b}31m\u{202e}y\u{200b}z\u{fffe}\u{1b}]0;t\u{7}";

#[test]
fn output_and_logs_contain_no_terminal_control_characters() {
    let world = World::start();
    let folder = world.checkout();
    let text = std::fs::read_to_string(folder.join(CATALOG_FILE)).unwrap();
    let quoted: String = NAME.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
    let text = text.replace("name: catalog-api\n", &format!("name: \"{quoted}\"\n"));
    std::fs::write(folder.join(CATALOG_FILE), text).unwrap();
    let hidden = super::hidden();
    let clean = |what: &str, text: &str| {
        let found = hidden.find(&text.replace('\n', " ")).unwrap().map(|m| m.as_str().to_owned());
        assert_eq!(found, None, "in {what}: {text}");
    };
    for (command, more) in [
        ("plan", vec!["--report-dir", "report"]),
        ("plan", vec!["--format", "json"]),
        ("plan", vec!["--format", "markdown"]),
        ("plan", vec!["--app-name", NAME]),
        ("explain", vec!["catalog-canary"]),
        ("explain", vec![NAME]),
        ("validate", vec!["--report-dir", "findings"]),
        ("validate", vec!["--format", "json"]),
        ("graph", vec![]),
        ("graph", vec!["--format", "dot"]),
        ("graph", vec!["--format", "svg", "--target", NAME]),
        ("graph", vec!["--channel", NAME]),
        ("plan", vec!["--format", NAME]),
        ("plan", vec!["--report-dir", "report", "--github-url", NAME]),
    ] {
        let run = world.sapm(command).args(&more).env("SAPM_APP_INTERFACE", &folder);
        let run = run.env("SAPM_GITLAB_PROJECT", crate::shop::PROJECT).env("SAPM_LOG", "debug");
        let ran = run.run();
        clean(&format!("the output of {command} {more:?}"), &ran.out);
        clean(&format!("the log of {command} {more:?}"), &ran.err);
    }
    let files = [files_below(&world.path("report")), files_below(&world.path("findings"))].concat();
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        clean(&file.display().to_string(), &std::fs::read_to_string(&file).unwrap());
    }
}
