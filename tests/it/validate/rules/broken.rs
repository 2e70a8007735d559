//! Unreadable files, references and values.

use super::*;

#[test]
fn dangling_ref() {
    finds(
        &[(SAAS, "- $ref: /services/shop/slo.yml", "- $ref: /services/shop/sli.yml")],
        &["error dangling_ref: $ref: /services/shop/sli.yml"],
    );
    finds(
        &[(OTHER, "- $ref: /services/shop/target.yml", "- $ref: /services/shop/gone.yml")],
        &["error dangling_ref: $ref: /services/shop/gone.yml"],
    );
    finds(
        &[(TARGET, "/namespaces/prod.yml", "/namespaces/gone.yml")],
        &["error dangling_ref: {$ref: /services/shop/namespaces/gone.yml}"],
    );
    finds(
        &[(SLO, "/namespaces/prod.yml", "/namespaces/gone.yml")],
        &[
            "error broken_target: $ref: /services/shop/slo.yml",
            "error dangling_ref: {$ref: /services/shop/namespaces/gone.yml}",
        ],
    );
    let marked = Repo::good().edit(PROD, "/openshift/c1/", "/openshift/c2/").marked();
    let namespace = "error dangling_ref: $ref: /openshift/c2/cluster.yml".to_owned();
    assert!(marked.contains(&namespace), "{marked:?}");
}

#[test]
fn broken_values() {
    finds(&[(SAAS, "soakDays: 2", "soakDays: soon")], &["error broken_target: soon"]);
    finds(&[(SAAS, "soakDays: 2", "soakDays: -1")], &["error broken_target: -1"]);
    finds(
        &[(SLO, "SLOTarget: 0.99", "SLOTarget: much")],
        &["error broken_target: $ref: /services/shop/slo.yml", "error broken_datafile: much"],
    );
    finds(&[(SAAS, "    ref: main\n", "")], &["error broken_target: name: stage"]);
    finds(
        &[(SAAS, "      soakDays: 2\n", "      soakDays: 1\n      soakDays: 2\n")],
        &["warning duplicate_key: 2"],
    );
    let repo = Repo::good().edit(TARGET, "  auto: true\n", "  auto: [\n");
    let problems = repo.findings().problems;
    let broken: Vec<_> = problems.iter().map(|p| (p.code.as_str(), p.file.as_deref())).collect();
    assert_eq!(
        broken,
        [
            ("dangling_ref", Some("/services/shop/other.yml")),
            ("unreadable_datafile", Some("/services/shop/target.yml")),
        ]
    );
    assert!(problems[1].line.is_some());
    let of_the_ref = (problems[0].message.as_str(), problems[0].help.as_deref());
    assert_eq!(
        of_the_ref,
        (
            "saas-other/web: resourceTemplates[0].targets[0]: $ref to /services/shop/target.yml, which exists but cannot be used",
            Some("correct that file, which has its own problem")
        )
    );
    let slo = Repo::good().edit(SLO, "slos:\n", "slos: [\n").findings().problems;
    assert_eq!(slo[0].code.as_str(), "dangling_ref");
    assert!(slo[0].message.contains("which exists but cannot be used"), "{slo:?}");
    assert_eq!(slo[0].help, problems[0].help);
}

#[test]
fn an_unreadable_target_is_identified() {
    let message = |from: &str, to: &str| {
        let mut problems = Repo::good().edit(SAAS, from, to).findings().problems;
        problems
            .retain(|problem| ["broken_target", "dangling_ref"].contains(&problem.code.as_str()));
        problems.remove(0).message
    };
    let found = message("- name: canary\n", "- name: canary\n    disable: perhaps\n");
    let wanted = "saas-shop/api/canary in /services/shop/namespaces/prod.yml: resourceTemplates[0].targets[1].disable: ";
    assert!(found.starts_with(wanted), "{found}");
    let found = message("stage.yml}\n    ref: main", "gone.yml}\n    ref: main");
    assert!(
        found.starts_with("saas-shop/api/stage: resourceTemplates[0].targets[0].namespace: "),
        "{found}"
    );
}

#[test]
fn a_list_is_marked_from_its_dash() {
    let list = "  - $ref: /openshift/c1/cluster.yml";
    let marked = Repo::good().edit(PROD, "  $ref: /openshift/c1/cluster.yml", list).marked();
    assert_eq!(marked[0], format!("error broken_datafile: {}", list.trim()));
}
