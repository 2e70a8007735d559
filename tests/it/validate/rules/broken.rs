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

#[test]
fn a_dangling_ref_suggests_the_paths_that_are_like_it() {
    let help = |file: &str, from: &str, to: &str| {
        let problems = Repo::good().edit(file, from, to).findings().problems;
        let found = problems.iter().find(|problem| problem.code.as_str() == "dangling_ref");
        found.unwrap().help.clone().unwrap()
    };
    for (file, from, to, meant) in [
        (SAAS, "/shop/slo.yml", "/shop/slo.yaml", "/services/shop/slo.yml"),
        (SAAS, "/services/shop/app.yml", "services/shop/app.yml", "/services/shop/app.yml"),
        (OTHER, "/shop/target.yml", "/shop/targets.yml", "/services/shop/target.yml"),
        (
            TARGET,
            "/namespaces/prod.yml",
            "/namespace/prod.yml",
            "/services/shop/namespaces/prod.yml",
        ),
        (PROD, "/openshift/c1/", "/openshift/c2/", "/openshift/c1/cluster.yml"),
        (
            PROD,
            "/environments/production.yml",
            "/environment/production.yml",
            "/environments/production.yml",
        ),
        (SLO, "/namespaces/prod.yml", "/namespaces/prd.yml", "/services/shop/namespaces/prod.yml"),
    ] {
        assert_eq!(help(file, from, to), format!("did you mean {meant}?"), "{to}");
    }
    // A path of another kind is no suggestion, nor is one that is unlike it.
    let usual = "correct the path: it must begin with a slash, and is relative to data/";
    assert_eq!(
        help(SAAS, "{$ref: /services/shop/app.yml}", "{$ref: /services/shop/slo.yml}"),
        usual
    );
    assert_eq!(
        help(OTHER, "/services/shop/target.yml", "/elsewhere/entirely/different.yml"),
        usual
    );
}

#[test]
fn all_refs_of_a_namespace_that_dangle_are_reported() {
    let repo = Repo::good().edit(PROD, "/openshift/c1/cluster.yml", "/x.yml");
    let repo = repo.edit(PROD, "/services/shop/app.yml", "/y.yml");
    let found = repo.edit(PROD, "/environments/production.yml", "/z.yml").marked();
    for path in ["/x.yml", "/y.yml", "/z.yml"] {
        assert!(found.contains(&format!("error dangling_ref: $ref: {path}")), "{found:?}");
    }
}

#[test]
fn all_missing_fields_of_a_datafile_are_reported_at_once() {
    let message = |file: &str, text: &str| {
        let mut repo = Repo::good();
        repo.0.insert(file.to_owned(), text.to_owned());
        let problems = repo.findings().problems;
        let file = format!("/{file}");
        let of_file: Vec<_> = problems.iter().filter(|p| p.file.as_ref() == Some(&file)).collect();
        let found: Vec<&str> = of_file.iter().map(|problem| problem.message.as_str()).collect();
        found.join("\n")
    };
    let namespace = "$schema: /openshift/namespace-1.yml\n";
    let saas = "$schema: /app-sre/saas-file-2.yml\n";
    let slo = "$schema: /app-sre/slo-document-1.yml\nname: x\n";
    for (file, text, wanted) in [
        (
            PROD,
            format!("{namespace}description: x\n"),
            "name, cluster, app and environment are missing",
        ),
        (
            PROD,
            format!("{namespace}name: x\ncluster: {{$ref: /openshift/c1/cluster.yml}}\n"),
            "app and environment are missing",
        ),
        (SAAS, format!("{saas}resourceTemplates: []\n"), "name and app are missing"),
        (
            SAAS,
            format!(
                "{saas}name: x\napp: {{$ref: /services/shop/app.yml}}\nresourceTemplates: [{{targets: []}}]\n"
            ),
            "resourceTemplates[0]: name and url are missing",
        ),
        (
            SAAS,
            format!(
                "{saas}name: x\napp: {{$ref: /services/shop/app.yml}}\nresourceTemplates: [{{name: a, url: u, targets: [{{name: t}}]}}]\n"
            ),
            "x/a/t: resourceTemplates[0].targets[0]: ref and namespace are missing",
        ),
        (
            SLO,
            format!("{slo}slos: [{{SLOParameters: {{}}}}]\n"),
            "slos[0]: name, SLOTarget and expr are missing",
        ),
    ] {
        assert_eq!(message(file, &text), wanted, "{text}");
    }
}
