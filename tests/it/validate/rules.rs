//! A table per rule: what it reports, and what it accepts.

mod broken;
mod misspelt;

use sapm::app_interface::{DirectoryTree, load_with_texts};
use sapm::domain::UidDigest;
use sapm::inventory::build;
use sapm::validate::validate;

use super::repo::*;

#[track_caller]
fn finds(edits: &[(&str, &str, &str)], wanted: &[&str]) {
    let repo = edits.iter().fold(Repo::good(), |repo, (file, from, to)| repo.edit(file, from, to));
    assert_eq!(repo.marked(), wanted, "{edits:?}");
}

#[track_caller]
fn finds_nothing(edits: &[(&str, &str, &str)]) {
    finds(edits, &[]);
}

const CANARY_REF: &str = "1111111111111111111111111111111111111111";
const CANARY: &str = "      - api-stage\n      publish:\n      - api-canary\n";
const PRODUCTION: &str = "      subscribe:\n      - api-canary\n";

#[test]
fn a_good_repo() {
    finds_nothing(&[]);
}

#[test]
fn channel_without_publisher() {
    finds(
        &[(SAAS, CANARY, "      - api-stage\n      publish:\n      - api-kanary\n")],
        &["error channel_without_publisher: api-canary"],
    );
    let repo =
        Repo::good().edit(SAAS, PRODUCTION, "      subscribe: [api-canary, \"api-stagee\"]\n");
    let problem = &repo.findings().problems[0];
    assert_eq!(problem.help.as_deref(), Some("did you mean `api-stage`?"));
    assert_eq!(
        problem.path.as_deref(),
        Some("resourceTemplates[0].targets[2].promotion.subscribe[1]")
    );
    // The notes name disabled publishers.
    let repo =
        Repo::good().edit(SAAS, "  - name: canary\n", "  - name: canary\n    disable: true\n");
    let problem = &repo.findings().problems[0];
    assert_eq!(problem.code.as_str(), "channel_without_publisher");
    assert_eq!(problem.related[0].path, "resourceTemplates[0].targets[1]");
    assert_eq!(problem.related[0].line, Some(14));
    let help = "enable the target that publishes it, or subscribe to another channel";
    assert_eq!(problem.help.as_deref(), Some(help));
}

#[test]
fn self_subscription() {
    finds(
        &[(
            SAAS,
            CANARY,
            "      - api-stage\n      - api-canary\n      publish:\n      - api-canary\n",
        )],
        &["error self_subscription: api-canary"],
    );
}

#[test]
fn promotion_cycle() {
    finds(
        &[
            (SAAS, CANARY, "      - api-stage\n      - api-prod\n      publish: [api-canary]\n"),
            (SAAS, PRODUCTION, "      subscribe:\n      - api-canary\n      publish: [api-prod]\n"),
        ],
        &["error promotion_cycle: api-prod"],
    );
    let repo = Repo::good()
        .edit(SAAS, CANARY, "      - api-stage\n      - web\n      publish: [api-canary]\n")
        .edit(SAAS, PRODUCTION, "      subscribe:\n      - api-canary\n      publish: [api-prod]\n")
        .edit(TARGET, "  subscribe: [api-stage]\n", "  subscribe: [api-prod]\n  publish: [web]\n");
    let problems = repo.findings().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let shared = "saas-other/web/shared/c1/shop-prod";
    let (canary, production) =
        ("saas-shop/api/canary/c1/shop-prod", "saas-shop/api/production/c1/shop-prod");
    assert_eq!(
        problems[0].message,
        format!(
            "targets promote each other in a cycle: {shared} -> {canary} -> {production} -> {shared}"
        )
    );
    assert_eq!(problems[0].related.len(), 2);
    // A chain back to a target that is never promoted is not a cycle.
    finds_nothing(&[
        (SAAS, PRODUCTION, "      subscribe:\n      - api-canary\n      publish: [x]\n"),
        (
            SAAS,
            "      publish: [api-stage]\n",
            "      publish: [api-stage]\n      subscribe: [x]\n",
        ),
    ]);
}

#[test]
fn duplicate_target() {
    let repo = Repo::good().edit(SAAS, "name: production\n", "name: canary\n");
    assert_eq!(repo.marked(), ["error duplicate_target: name: canary"]);
    let related = &repo.findings().problems[0].related[0];
    assert_eq!((related.line, related.column), (Some(14), Some(5)));
}

/// Two publishers share their records too; the later one publishes nothing.
#[test]
fn duplicate_target_of_a_publisher() {
    finds(
        &[(
            SAAS,
            "  - name: stage\n    namespace: {$ref: /services/shop/namespaces/stage.yml}\n",
            "  - name: canary\n    namespace: {$ref: /services/shop/namespaces/prod.yml}\n",
        )],
        &["error duplicate_target: name: canary", "error channel_without_publisher: api-canary"],
    );
}

#[test]
fn unsubscribed_promotion_data() {
    finds(
        &[(SAAS, "      - channel: api-canary\n", "      - channel: api-old\n")],
        &["warning unsubscribed_promotion_data: api-old"],
    );
}

#[test]
fn invalid_schedule() {
    let schedule = "0-59 8-16 * * mon-fri";
    for (text, why) in [
        ("0 8-16 * *", "is not valid: a cron expression has 5, 6 or 7 fields, not 4"),
        ("0 25 * * *", "is not valid: hour `25`: "),
        ("0 0 30 2 *", "never opens"),
    ] {
        finds(&[(SAAS, schedule, text)], &[&format!("error invalid_schedule: {text}")]);
        let problem = &Repo::good().edit(SAAS, schedule, text).findings().problems[0];
        assert!(problem.message.contains(why), "{}", problem.message);
    }
    for text in ["'@daily'", "''", "\"*/5 * * * *\"", "0 0 29 2 *"] {
        let marked = Repo::good().edit(SAAS, schedule, text).marked();
        assert!(marked.iter().all(|found| found.contains("short_schedule")), "{marked:?}");
    }
}

#[test]
fn invalid_ref() {
    for text in ["''", "'a b'", "a..b", "refs/heads/", "' main'"] {
        finds(&[(SAAS, CANARY_REF, text)], &[&format!("error invalid_ref: {text}")]);
        finds(
            &[(SAAS, "ref: main", &format!("ref: {text}"))],
            &[&format!("error invalid_ref: {text}")],
        );
    }
    for text in ["release/1.2", "v1.2.3"] {
        finds_nothing(&[(SAAS, "ref: main", &format!("ref: {text}"))]);
    }
}

#[test]
fn abbreviated_commit() {
    let long = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for text in ["abcdef1", "1234567890", long] {
        finds(&[(SAAS, CANARY_REF, text)], &[&format!("warning abbreviated_commit: {text}")]);
        finds(
            &[(SAAS, "ref: main", &format!("ref: {text}"))],
            &[&format!("warning abbreviated_commit: {text}")],
        );
    }
    finds_nothing(&[(SAAS, "ref: main", "ref: abcdef")]);
}

#[test]
fn selectors() {
    let include = "namespace[?(@.environment.name==\"production\")]";
    let at = "jsonPathSelectors:";
    finds(
        &[(OTHER, include, "namespace[?(@.environment.name==\"moon\")]")],
        &[&format!("warning selector_without_match: {at}")],
    );
    finds(
        &[(OTHER, include, "namespace[?(@.name==")],
        &["error invalid_selector: namespace[?(@.name=="],
    );
    finds(&[(OTHER, "    provider: dynamic\n", "")], &[&format!("error broken_target: {at}")]);
}

#[test]
fn auto_without_subscribe() {
    finds(&[(TARGET, "  subscribe: [api-stage]\n", "")], &["warning auto_without_subscribe: true"]);
}

#[test]
fn targets_that_cannot_be_edited() {
    finds(
        &[(
            SAAS,
            &format!("    ref: {CANARY_REF}\n"),
            &format!("    ref: old\n    ref: {CANARY_REF}\n"),
        )],
        &["error unsafe_edit: name: canary", &format!("warning duplicate_key: {CANARY_REF}")],
    );
    // The value of something that is never promoted.
    let repo = Repo::good()
        .edit(SAAS, "name: saas-shop\n", "name: saas-shop\nx: &ref main\n")
        .edit(SAAS, "ref: main\n", "ref: *ref\n")
        .edit(SAAS, &format!("ref: {CANARY_REF}"), "ref: *ref");
    // An alias can get its own value.
    assert_eq!(repo.marked(), ["warning auto_with_moving_ref: main"]);
    let repo = Repo::good()
        .edit(SAAS, &format!("ref: {CANARY_REF}"), &format!("ref: &ref {CANARY_REF}"))
        .edit(
            SAAS,
            "          target_config_hash",
            "          used: *ref\n          target_config_hash",
        );
    assert_eq!(repo.marked(), ["error shared_value: name: canary"]);
}

#[test]
fn stuck_edit_site() {
    let shared = "ref: &ref 2222222222222222222222222222222222222222";
    let idle = "  - name: idle\n    <<: *t\n    promotion: {auto: true}\n";
    let repo = Repo::good()
        .edit(SAAS, "  - name: production\n", "  - &t\n    name: production\n")
        .edit(SAAS, "ref: 2222222222222222222222222222222222222222", shared);
    let text = repo.0[SAAS].clone() + idle;
    let mut repo = repo;
    repo.0.insert(SAAS.to_owned(), text);
    assert_eq!(
        repo.marked(),
        [
            "error stuck_edit_site: 2222222222222222222222222222222222222222",
            "warning auto_without_subscribe: true"
        ]
    );
}

#[test]
fn other_repository() {
    let repo = Repo::good().edit(OTHER, "shop/api.git", "shop/web");
    assert_eq!(
        repo.marked(),
        ["warning other_repository: api-stage", "warning other_repository: api-stage"]
    );
    let problem = &repo.findings().problems[0];
    assert_eq!(problem.related[0].path, "resourceTemplates[0].targets[0].promotion.publish[0]");
}

#[test]
fn slo_documents() {
    finds(
        &[(CLUSTER, "prometheusUrl: https://prometheus.example.com\n", "")],
        &["error slo_without_prometheus: namespace: {$ref: /services/shop/namespaces/prod.yml}"],
    );
    let access = "- prometheusAccess: {url: https://p.example.com}\n  namespace: {";
    finds_nothing(&[
        (CLUSTER, "prometheusUrl: https://prometheus.example.com\n", ""),
        (SLO, "- namespace: {", access),
    ]);
    let slos = Repo::good().0[SLO].split_once("slos:\n").unwrap().1.to_owned();
    finds(&[(SLO, &format!("slos:\n{slos}"), "slos: []\n")], &["warning empty_slo_document: shop"]);
}

#[test]
fn invalid_slo_expression() {
    let expression = "expr: a[{{window}}] / b[{{window}}]";
    let repo = Repo::good().edit(SLO, expression, "expr: a[{{ widow }}]");
    let unrendered = "error invalid_slo_expression: a[{{ widow }}]";
    assert!(repo.marked().contains(&unrendered.to_owned()), "{:?}", repo.marked());
    let problems = repo.findings().problems;
    let problem =
        problems.iter().find(|problem| problem.code.as_str() == "invalid_slo_expression").unwrap();
    assert_eq!(problem.path.as_deref(), Some("slos[0].expr"));
    let place = "SLOParameters has no such value: `widow` in line 1, column 6 of the expression";
    assert!(problem.message.contains(place), "{}", problem.message);
    // Filters, conditions and comments belong to Jinja.
    finds_nothing(&[(SLO, expression, "expr: \"a[{{ window|default('1h') }}] {#- why -#}\"")]);
    // A document that no target uses is not rendered.
    let unused = "    slos:\n    - $ref: /services/shop/slo.yml\n";
    finds_nothing(&[(SLO, expression, "expr: '{{ odd'"), (SAAS, unused, "")]);
}

#[test]
fn an_slo_document_with_too_many_queries_is_refused() {
    let entry = "- namespace: {$ref: /services/shop/namespaces/prod.yml}\n";
    finds_nothing(&[(SLO, entry, &entry.repeat(1_000))]);
    let repo = Repo::good().edit(SLO, entry, &entry.repeat(1_001));
    let problems = repo.findings().problems;
    let problem =
        problems.iter().find(|problem| problem.code.as_str() == "broken_datafile").unwrap();
    assert!(problem.message.contains("1001 queries"), "{}", problem.message);
    assert_eq!(problem.path.as_deref(), Some("namespaces"));
}

#[test]
fn unusable_version() {
    let full = "6666666666666666666666666666666666666666";
    finds(&[(APP, full, "66666666")], &["warning unusable_version: 66666666"]);
    finds(
        &[(APP, "blockedVersions", "hotfixVersions"), (APP, full, "v1.2")],
        &["warning unusable_version: v1.2"],
    );
}

#[test]
fn duplicate_namespace() {
    let repo = Repo::good().edit(STAGE, "name: shop-stage", "name: shop-prod");
    let problems = repo.findings().problems;
    assert_eq!(problems[0].code.as_str(), "duplicate_namespace");
    assert_eq!(problems[0].related[0].file, "/services/shop/namespaces/prod.yml");
    assert_eq!(repo.marked()[0], "warning duplicate_namespace: shop-prod");
}

#[test]
fn duplicate_saas_file() {
    finds(
        &[(OTHER, "name: saas-other", "name: saas-shop")],
        &["warning duplicate_saas_file: saas-shop"],
    );
}

#[test]
fn auto_with_moving_ref() {
    finds(&[(SAAS, CANARY_REF, "main")], &["warning auto_with_moving_ref: main"]);
    finds(&[(SAAS, CANARY_REF, "v1.2")], &["warning auto_with_moving_ref: v1.2"]);
    // Other rules report these.
    finds(&[(SAAS, CANARY_REF, "1111111")], &["warning abbreviated_commit: 1111111"]);
    finds(&[(SAAS, CANARY_REF, "a..b")], &["error invalid_ref: a..b"]);
}

#[test]
fn leftover_promotion_data() {
    let flag = "      redeployOnPublisherConfigChange: true\n";
    let wanted = ["warning leftover_promotion_data: channel: api-canary"];
    finds(&[(SAAS, flag, "")], &wanted);
    finds(&[(SAAS, flag, "      redeployOnPublisherConfigChange: false\n")], &wanted);
}

#[test]
fn short_schedule() {
    let schedule = "0-59 8-16 * * mon-fri";
    for (text, open) in [
        ("0 8-16 * * mon-fri", "1 minute"),
        ("'*/5 * * * *'", "1 minute"),
        ("0-13 3 * * *", "14 minutes"),
        ("50-59,0-4 3,5 * * *", "10 minutes"),
        ("'* * * * * 0'", "less than a minute"),
    ] {
        finds(&[(SAAS, schedule, text)], &[&format!("warning short_schedule: {text}")]);
        let problem = &Repo::good().edit(SAAS, schedule, text).findings().problems[0];
        assert!(problem.message.contains(&format!("open for {open} at a time")), "{problem:?}");
    }
    for text in ["0-14 3 * * *", "50-59,0-4 3,4 * * *", "50-59,0-4 23,0 * * *", "'* 3 1 1 *'"] {
        finds_nothing(&[(SAAS, schedule, text)]);
    }
}

#[test]
fn no_saas_file() {
    let mut repo = Repo::good();
    repo.0.retain(|path, _| path != SAAS && path != OTHER);
    let findings = repo.findings();
    let codes: Vec<&str> = findings.problems.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["no_saas_file"]);
    assert!(findings.problems[0].is_error());
    assert_eq!(repo.report().errors, 1);
}
