//! Push rules of a project, and the options that meet them.

use forge::Access;
use serde_json::json;

use super::support::*;

/// Field and pattern, the option, and the variables.
type Rule = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Each rule, what a refusal says to set, and the options that meet it.
const RULES: [Rule; 4] = [
    (
        "branch_name_regex",
        "^(feature|fix)/",
        "--branch-prefix (SAPM_BRANCH_PREFIX)",
        &[("SAPM_BRANCH_PREFIX", "feature/sapm-")],
    ),
    (
        "commit_message_regex",
        "^JIRA-\\d+ ",
        "--commit-message-template (SAPM_COMMIT_MESSAGE_TEMPLATE)",
        &[("SAPM_COMMIT_MESSAGE_TEMPLATE", "JIRA-12 {summary}\n\nOf {apps} in {environments}.")],
    ),
    (
        "author_email_regex",
        "@bots\\.example$",
        "--commit-author (SAPM_COMMIT_AUTHOR)",
        &[("SAPM_COMMIT_AUTHOR", "Promotions <promotions@bots.example>")],
    ),
    (
        "reject_non_dco_commits",
        "",
        "--sign-off (SAPM_SIGN_OFF)",
        &[
            ("SAPM_SIGN_OFF", "true"),
            ("SAPM_COMMIT_AUTHOR", "Promotions <promotions@bots.example>"),
        ],
    ),
];

#[test]
fn a_refusal_names_the_option_that_meets_the_rule() {
    for (field, pattern, option, variables) in RULES {
        let world = World::start();
        let value = if pattern.is_empty() { json!(true) } else { json!(pattern) };
        world.project().set_push_rule(json!({ field: value }), Access::Developer);
        let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
        let problems = plan.list("problems");
        assert_eq!(problems.len(), 1, "{field}: {problems:#?}");
        let message = problems[0]["message"].as_str().unwrap();
        assert!(message.contains("push rule") && message.contains(option), "{message}");
        assert!(world.branches().is_empty());
        let mut run = world.sapm("apply");
        for (name, text) in variables {
            run = run.env(name, text);
        }
        run.expect(0);
        assert_eq!(world.project().open_merge_requests().len(), 4, "{field}");
        // It goes on so.
        world.forge().clear_log();
        let mut run = world.sapm("apply");
        for (name, text) in variables {
            run = run.env(name, text);
        }
        run.expect(0);
        world.assert_nothing_written();
    }
}

#[test]
fn titles_and_commits_are_as_the_templates_say() {
    let world = World::start();
    world
        .sapm("apply")
        .args(["--title-template", "chore({apps}): {summary}", "--sign-off"])
        .args(["--commit-message-template", "{title}\n\nRefs: OPS-7"])
        .args(["--commit-author", "Promotions <promotions@bots.example>"])
        .expect(0);
    let request = world.request(CANARY);
    assert!(request.title.starts_with("chore(catalog): saas-catalog/"), "{}", request.title);
    let message = world.project().message(&request.source_branch).unwrap();
    assert!(message.starts_with("[AutoPromoterV2] saas-catalog/"), "{message}");
    assert!(message.contains("\n\nRefs: OPS-7\n\nSapm-Version: 1\n"), "{message}");
    let last = message.lines().last().unwrap();
    assert_eq!(last, "Signed-off-by: Promotions <promotions@bots.example>");
    // A run without the templates changes nothing that is open.
    world.forge().clear_log();
    world.sapm("apply").expect(0);
    world.assert_nothing_written();
}

#[test]
fn templates_that_cannot_be_used_are_usage_errors() {
    let world = World::start();
    for (flag, text, reason) in [
        ("--branch-prefix", "feature", "end with /"),
        ("--branch-prefix", "a..b/", "it contains `..`"),
        ("--former-branch-prefix", "/x/", "begin with a letter"),
        ("--title-template", "promotion", "{title} or {summary}"),
        ("--title-template", "Draft: {title}", "draft"),
        ("--title-template", "{titel}", "no placeholder {titel}"),
        ("--commit-message-template", "{title}\nSapm-Path: x", "Sapm-"),
        ("--commit-author", "promotions@bots.example", "Name <address>"),
        ("--sign-off", "", "--commit-author"),
    ] {
        let run = world.sapm("apply").arg(flag);
        let ran = if text.is_empty() { run } else { run.arg(text) }.expect(2);
        assert!(ran.err.contains(reason), "{flag} {text}: {}", ran.err);
    }
    world.assert_nothing_written();
}
