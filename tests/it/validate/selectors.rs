//! The fields for namespace selectors, and the problems about them.

use sapm::app_interface::load;
use sapm::domain::UidDigest;
use sapm::inventory::build;

use super::repo::*;

const INCLUDE: &str = "namespace[?(@.environment.name==\"production\")]";

/// The valid repo with one selector, and more fields in its files than a selector can use.
fn rich() -> Repo {
    let cluster = "serverUrl: https://api.c1.example.com\ninternal: true\nlabels: {}\n\
        consoleUrl: https://console.c1.example.com\n\
        automationToken: {path: t/c1, field: token, extra: x}\n\
        disable: {integrations: [openshift-saas-deploy], e2eTests: [x]}\n\
        spec: {region: us-east-1, product: rosa}\n\
        externalConfiguration: {labels: {shard: '7', none: null}, x: 1}\n";
    let app = "labels: {tier: null, \"a.b\": 1}\nparentApp: {$ref: /services/parent/app.yml}\n\
        serviceOwners:\n- {name: team, email: team@example.com, phone: 1}\n\
        onboardingStatus: OnBoarded\n";
    let environment = "parameters: {LEVEL: 1, NOTHING: null}\nservicePhase: prod\n\
        secretParameters:\n- {name: s, secret: {path: p, field: f, version: 3}}\n";
    let namespace = "skupperSite: {}\ndelete: null\nclusterAdmin: true\n";
    let mut repo = Repo::good()
        .edit(CLUSTER, "name: c1\n", &format!("name: c1\n{cluster}"))
        .edit(APP, "name: shop\n", &format!("name: shop\n{app}"))
        .edit(PROD, "name: shop-prod\n", &format!("name: shop-prod\n{namespace}"))
        .edit(
            "environments/production.yml",
            "name: production\n",
            &format!("name: production\n{environment}"),
        );
    let role = "---\n$schema: /access/role-1.yml\nname: shop-team\nself_service:\n\
        - change_type: {$ref: /x.yml}\n  datafiles:\n  - $ref: /services/shop/app.yml\n\
        - datafiles:\n  - $ref: /services/shop/app.yml\n  - $ref: /services/gone/app.yml\n";
    let parent = "---\n$schema: /app-sre/app-1.yml\nname: parent\nlabels: {x: 1}\n";
    for (path, text) in [
        ("teams/shop/roles/shop.yml", role),
        ("teams/shop/roles/other.yml", "---\n$schema: /access/role-1.yml\nname: other\n"),
        ("services/parent/app.yml", parent),
    ] {
        repo.0.insert(path.to_owned(), text.to_owned());
    }
    repo
}

/// Number of namespaces that an expression selects; `None` if it is rejected.
fn selected(repo: &Repo, expression: &str) -> Option<usize> {
    let repo = repo.clone().edit(OTHER, INCLUDE, &yaml_text(expression));
    let inventory = build(&load(&repo).unwrap(), UidDigest::default());
    let refused =
        inventory.problems.iter().any(|problem| problem.code.as_str() == "invalid_selector");
    let count =
        inventory.targets.iter().filter(|t| t.name.as_deref() == Some("everywhere")).count();
    (!refused).then_some(count)
}

/// A text as a YAML scalar.
fn yaml_text(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn a_selector_can_use_the_deployers_fields() {
    let repo = rich();
    for (condition, count) in [
        // Of the namespace.
        ("@.name==shop-prod", 1),
        ("@.path=='/services/shop/namespaces/prod.yml'", 1),
        ("@.skupperSite", 1),
        ("@.skupperSite.`len`==0", 1),
        ("@.delete", 0),
        ("@.clusterAdmin", 0),
        ("@.description", 0),
        // Of the environment.
        ("@.environment.parameters.LEVEL==1", 1),
        ("@.environment.parameters.NOTHING", 1),
        ("@.environment.secretParameters[0].secret.version==3", 1),
        ("@.environment.servicePhase", 0),
        // Of the app.
        ("@.app.labels.tier", 2),
        ("@.app.labels.'a.b'==1", 2),
        ("@.app.parentApp.name==parent", 2),
        ("@.app.parentApp.labels", 0),
        ("@.app.selfServiceRoles.`len`==1", 2),
        ("@.app.selfServiceRoles[*].name=='shop-team'", 2),
        ("@.app.serviceOwners[0].email=='team@example.com'", 2),
        ("@.app.serviceOwners[0].phone", 0),
        ("@.app.codeComponents[0].blockedVersions.`len`==2", 2),
        ("@.app.codeComponents[0].name", 0),
        ("@.app.onboardingStatus", 0),
        // Of the cluster.
        ("@.cluster.serverUrl=~'^https'", 2),
        ("@.cluster.internal==true", 2),
        ("@.cluster.labels", 2),
        ("@.cluster.consoleUrl", 0),
        ("@.cluster.prometheusUrl", 0),
        ("@.cluster.automationToken.path=='t/c1'", 2),
        ("@.cluster.automationToken.extra", 0),
        ("@.cluster.clusterAdminAutomationToken", 0),
        ("@.cluster.disable.integrations[*]=='openshift-saas-deploy'", 2),
        ("@.cluster.disable.e2eTests", 0),
        ("@.cluster.spec.region=='us-east-1'", 2),
        ("@.cluster.spec.product", 0),
        ("@.cluster.externalConfiguration.labels.shard=='7'", 2),
        ("@.cluster.externalConfiguration.labels.none", 2),
        ("@.cluster.externalConfiguration.x", 0),
    ] {
        let expression = format!("namespace[?({condition})]");
        assert_eq!(selected(&repo, &expression), Some(count), "{condition}");
    }
    assert_eq!(selected(&Repo::good(), "namespace[?(@.app.selfServiceRoles.`len`==0)]"), Some(2));
}

#[test]
fn an_unknown_field_in_a_selector_is_reported() {
    for (expression, unknown, help) in [
        (
            "namespace[?(@.cluster.prometheusUrl=~'x')]",
            "prometheusUrl",
            "the known fields are name, serverUrl",
        ),
        ("namespace[?(@.cluster.server_url=~'x')]", "server_url", "did you mean `serverUrl`?"),
        (
            "namespace[?(@.enviroment.name=='production')]",
            "enviroment",
            "did you mean `environment`?",
        ),
        (
            "namespace[?(@.cluster.disable.integration[*]=='x')]",
            "integration",
            "did you mean `integrations`?",
        ),
        ("namespaces[*]", "namespaces", "did you mean `namespace`?"),
        ("namespace.name", "name", "`list[*].field`"),
        ("namespace[*] where app.owner", "owner", "the known fields are name"),
    ] {
        let repo = Repo::good().edit(OTHER, INCLUDE, &yaml_text(expression));
        let findings = repo.findings();
        let found: Vec<_> = findings
            .problems
            .iter()
            .filter(|p| p.code.as_str() == "unknown_selector_field")
            .collect();
        assert_eq!(found.len(), 1, "{expression}: {:?}", findings.problems);
        assert!(found[0].message.contains(&format!("`{unknown}`")), "{:?}", found[0]);
        assert!(found[0].help.as_ref().unwrap().contains(help), "{:?}", found[0]);
        let place =
            "resourceTemplates[0].targets[1].namespaceSelector.jsonPathSelectors.include[0]";
        assert_eq!(found[0].path.as_deref(), Some(place));
    }
    for expression in [
        "namespace[?(@.labels.anything.at.all & @.environment.parameters.X[0].y)]",
        "namespace[*][?(@.name=='x')]",
        "$..labels.x",
        "namespace[?(@.*.name)]",
        "namespace[?(@.app.serviceOwners[*].email=~'x')].app.`parent`",
        "namespace[?(@.cluster.name.`split(0, 1, 1)`)]",
    ] {
        let repo = Repo::good().edit(OTHER, INCLUDE, &yaml_text(expression));
        let findings = repo.findings();
        let codes: Vec<_> = findings.problems.iter().map(|p| p.code.as_str()).collect();
        assert!(!codes.contains(&"unknown_selector_field"), "{expression}: {findings:?}");
    }
}

#[test]
fn an_idle_exclude_is_reported() {
    let with = |exclude: &str| {
        let list = format!("{INCLUDE}\n        exclude:\n        - {}", yaml_text(exclude));
        Repo::good().edit(OTHER, INCLUDE, &list)
    };
    let idle = with("namespace[?(@.name=='shop-gone')]");
    assert_eq!(idle.marked(), ["warning idle_exclude: \"namespace[?(@.name=='shop-gone')]\""]);
    let place = "resourceTemplates[0].targets[1].namespaceSelector.jsonPathSelectors.exclude[0]";
    assert_eq!(idle.findings().problems[0].path.as_deref(), Some(place));
    // It excludes a namespace that is not included, which has no effect.
    assert_eq!(with("namespace[?(@.name=='shop-stage')]").marked().len(), 1);
    let all = with("namespace[?(@.name=='shop-prod')]");
    assert_eq!(all.marked(), ["warning selector_without_match: jsonPathSelectors:"]);
    // Runs do not repeat it every few minutes.
    let inventory = build(&load(&idle).unwrap(), UidDigest::default());
    assert_eq!(inventory.problems, []);
}

#[test]
fn a_publisher_behind_a_selector_without_match_is_an_error_here() {
    let moon = "namespace[?(@.environment.name==\"moon\")]";
    let promotion = "promotion: {auto: true, subscribe: [api-stage]}";
    let repo = Repo::good().edit(OTHER, INCLUDE, moon);
    assert_eq!(repo.marked(), ["warning selector_without_match: jsonPathSelectors:"]);
    let repo = repo.edit(OTHER, promotion, "promotion: {publish: [api-stage]}");
    assert_eq!(repo.marked(), ["error publisher_selector_without_match: jsonPathSelectors:"]);
    // A run continues.
    let inventory = build(&load(&repo).unwrap(), UidDigest::default());
    assert!(inventory.problems.iter().all(|problem| !problem.is_error()));
}

/// A selector of 12 kB used to run for hours.
#[test]
fn a_backtracking_selector_affects_only_its_target() {
    let condition = r#"@.name =~ "(.*)(.*)(.*)(?!q)\\1\\2[A-Z]""#;
    let conditions = [condition; 10].join(" & ");
    let mut repo =
        Repo::good().edit(OTHER, INCLUDE, &yaml_text(&format!("namespace[?({conditions})]")));
    for number in 0..42 {
        let name = format!("ns{number:04}-production-environment");
        let namespace = repo.0[STAGE].replace("shop-stage", &name);
        repo.0.insert(format!("services/shop/namespaces/{name}.yml"), namespace);
    }
    let findings = repo.findings();
    let codes: Vec<&str> = findings.problems.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["invalid_selector"]);
    let problem = &findings.problems[0];
    let place = "resourceTemplates[0].targets[1].namespaceSelector.jsonPathSelectors.include[0]";
    assert_eq!(problem.path.as_deref(), Some(place));
    assert!(problem.message.contains("steps"), "{}", problem.message);
    assert!(problem.message.len() < 500, "{}", problem.message);
}
