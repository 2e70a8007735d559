//! Keys that are similar to a known one.

use super::*;

/// A misspelt gate does not block.
#[test]
fn misspelt_key() {
    let production = "  - name: production\n";
    for (file, from, to, marked, meant) in [
        (SAAS, "soakDays: 2", "soakDay: 2", "2", "`soakDays`"),
        (SAAS, "      schedule:", "      Schedule:", "0-59 8-16 * * mon-fri", "`schedule`"),
        (SAAS, "    slos:\n", "    slo:\n", "$ref: /services/shop/slo.yml", "`slos`"),
        (
            SAAS,
            production,
            "  - name: production\n    soakDays: 3\n",
            "3",
            "`soakDays` below `promotion`",
        ),
        (SAAS, production, "  - name: production\n    soak_days: 3\n", "", ""),
        (TARGET, "  auto: true\n", "  auto: true\n  Disable: no\n", "", ""),
        (
            TARGET,
            "  auto: true\n",
            "  auto: true\n  disable: no\n",
            "no",
            "`disable` next to `promotion`",
        ),
        (
            APP,
            "  blockedVersions:\n",
            "  blockedVersion:\n",
            "5555555555555555555555555555555555555555",
            "`blockedVersions`",
        ),
        (
            SLO,
            "  SLOParameters: {window: 28d}\n",
            "  SLOParameters: {window: 28d}\n  SLOTargets: 1\n",
            "1",
            "`SLOTarget`",
        ),
        (
            SAAS,
            "redeployOnPublisherConfigChange: true",
            "redeployOnPublisherConfigChange: true\n      redeployOnPublisherConfigChanges: true",
            "true",
            "`redeployOnPublisherConfigChange`",
        ),
        // Keys of other programs, or unlike any known one.
        (
            SAAS,
            production,
            "  - name: production\n    parameters: {soakDay: 1}\n    x: 1\n",
            "",
            "",
        ),
        (
            SAAS,
            "resourceTemplates:\n",
            "imagePatterns: []\n\"x.y\": 1\nresourceTemplates:\n",
            "",
            "",
        ),
    ] {
        let repo = Repo::good().edit(file, from, to);
        let findings = repo.findings();
        let found: Vec<_> =
            findings.problems.iter().filter(|p| p.code.as_str() == "misspelt_key").collect();
        if meant.is_empty() {
            assert!(found.is_empty(), "{to}: {found:?}");
            continue;
        }
        assert_eq!(found.len(), 1, "{to}: {:?}", findings.problems);
        assert_eq!(found[0].help, Some(format!("did you mean {meant}?")));
        let marked = format!("warning misspelt_key: {marked}");
        assert!(repo.marked().contains(&marked), "{marked}: {:?}", repo.marked());
    }
    // A target whose only subscription is misspelt subscribes to nothing.
    finds(
        &[(TARGET, "  subscribe: [", "  subscrbe: [")],
        &["warning auto_without_subscribe: true", "warning misspelt_key: [api-stage]"],
    );
    // With aliases, one mapping is in several locations: it is reported once.
    finds(
        &[
            (TARGET, "promotion:\n", "promotion: &p\n  soakDay: 1\n"),
            (OTHER, "  - name: everywhere\n", "  - name: everywhere\n    labels: {x: 1}\n"),
        ],
        &["warning misspelt_key: 1"],
    );
}

#[test]
fn misspelt_keys_in_field_data() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/field/misspelt-keys");
    let bundle = load_with_texts(&DirectoryTree::new(folder)).unwrap();
    let inventory = build(&bundle, UidDigest::default());
    let findings = validate(&bundle, &inventory, "2026-08-20T10:00:00Z".parse().unwrap());
    let found: Vec<_> = findings
        .problems
        .iter()
        .filter(|problem| problem.code.as_str() == "misspelt_key")
        .map(|problem| {
            let (_, key) = problem.path.as_ref().unwrap().rsplit_once('.').unwrap();
            format!("{key}: {}", problem.help.as_ref().unwrap())
        })
        .collect();
    let wanted = [
        "Schedule: did you mean `schedule`?",
        "soakDay: did you mean `soakDays`?",
        "blockedVersion: did you mean `blockedVersions`?",
        "slo: did you mean `slos`?",
    ];
    assert_eq!(found, wanted);
}
