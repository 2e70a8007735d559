//! The files that a run needs: saas files, target files, apps, namespaces, clusters, environments, SLO documents.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::estate::Urls;
use crate::service::{Host, Service, State};

/// Stages of an app: namespace suffix and environment.
pub(crate) const STAGES: [(&str, &str); 5] = [
    ("stage", "stage"),
    ("canary", "production"),
    ("prod-a", "production"),
    ("prod-b", "production"),
    ("prod-c", "production"),
];

type Files = BTreeMap<String, String>;

/// Cluster of an app's namespace.
pub(crate) fn cluster(app: usize, stage: &str) -> String {
    let number = app % 8;
    match stage {
        "stage" => format!("stage{number:02}"),
        "canary" => format!("canary{number:02}"),
        _ => format!("prod{}{number:02}", stage.trim_start_matches("prod-")),
    }
}

/// Address of the code repository.
pub(crate) fn url(service: &Service, urls: &Urls) -> String {
    let host = match service.host {
        Host::GitHub => "https://github.com",
        Host::GitLab => urls.gitlab.as_str(),
        Host::Git => urls.git.as_str(),
    };
    format!("{host}/{}", service.repo_path())
}

/// The saas file, and the target file and SLO document that go with it.
pub(crate) fn service(service: &Service, urls: &Urls, files: &mut Files) {
    let (name, app) = (service.name(), service.app_name());
    let url = url(service, urls);
    let mut text = format!(
        "---\n$schema: /app-sre/saas-file-2.yml\n\nlabels:\n  team: {app}\n\nname: saas-{name}\n\
         displayName: {name}\ndescription: how {name} is deployed\n\napp:\n  $ref: /services/{app}/app.yml\n\
         pipelinesProvider:\n  $ref: /dependencies/pipelines/p{:02}.yml\n\ndeployResources:\n  requests:\n\
         \x20   cpu: 200m\n    memory: 300Mi\n  limits:\n    memory: 600Mi\n\nmanagedResourceTypes:\n- Deployment\n\
         - Service\n- ServiceAccount\n- ConfigMap\n- PodDisruptionBudget\n\nslack:\n  workspace:\n\
         \x20   $ref: /dependencies/slack/workspace.yml\n  channel: team-{app}\n\nimagePatterns:\n\
         - quay.io/example/{name}\n\nparameters:\n  LOG_LEVEL: info\n  IMAGE: quay.io/example/{name}\n\n\
         resourceTemplates:\n- name: {name}\n  url: {url}\n  path: /deploy/template.yml\n  parameters:\n\
         \x20   ENVIRONMENT: any\n  targets:\n",
        service.number % 40,
    );
    let namespace = |stage: &str| format!("/services/{app}/namespaces/{app}-{stage}.yml");
    let _ = write!(
        text,
        "  # follows the branch\n  - namespace:\n      $ref: {}\n    ref: main\n    parameters:\n      REPLICAS: 1\n\
         \x20     CPU: 100m\n      MEMORY: 200Mi\n    promotion:\n      publish:\n      - {name}-stage\n\
         \x20 - namespace:\n      $ref: {}\n    name: load-test\n    ref: main\n    disable: {}\n    parameters:\n\
         \x20     REPLICAS: 0\n",
        namespace("stage"),
        namespace("stage"),
        service.number.is_multiple_of(4),
    );
    canary(service, &namespace("canary"), &mut text, files);
    production(service, &namespace, &mut text);
    if service.slo {
        slo(service, &namespace("prod-a"), files);
    }
    files.insert(format!("data/services/{app}/cicd/saas-{name}.yml"), text);
}

fn canary(service: &Service, namespace: &str, text: &mut String, files: &mut Files) {
    let (name, app) = (service.name(), service.app_name());
    let git_ref = service.on_canary();
    let body = |indent: &str| {
        format!(
            "ref: {git_ref}\n{indent}promotion:\n{indent}  auto: true\n{indent}  subscribe:\n{indent}  - {name}-stage\n\
             {indent}  publish:\n{indent}  - {name}-canary\n"
        )
    };
    if service.target_file {
        let path = format!("/services/{app}/cicd/targets/{name}-canary.yml");
        let _ = writeln!(text, "  - $ref: {path}");
        files.insert(
            format!("data{path}"),
            format!(
                "---\n$schema: /app-sre/saas-file-target-1.yml\n\nnamespace:\n  $ref: {namespace}\n{}",
                body("")
            ),
        );
    } else {
        let _ = write!(
            text,
            "  - namespace:\n      $ref: {namespace}\n    parameters:\n      REPLICAS: 1\n    {}",
            body("    ")
        );
    }
}

fn production(service: &Service, namespace: &dyn Fn(&str) -> String, text: &mut String) {
    let (name, app) = (service.name(), service.app_name());
    let mut rest = format!(
        "    ref: {}\n    parameters:\n      REPLICAS: 3\n      CPU: 500m\n      MEMORY: 1Gi\n",
        service.on_production()
    );
    if service.slo {
        let _ = write!(rest, "    slos:\n    - $ref: /services/{app}/slos/{name}.yml\n");
    }
    rest.push_str("    promotion:\n      auto: true\n");
    if service.state == State::Closed {
        rest.push_str("      schedule: '0 4 29 2 1'\n");
    } else {
        rest.push_str("      soakDays: 2\n");
    }
    let _ = write!(rest, "      subscribe:\n      - {name}-canary\n");
    if service.selector {
        let _ = write!(
            text,
            "  - provider: dynamic\n    namespaceSelector:\n      jsonPathSelectors:\n        include:\n\
             \x20       - namespace[?(@.app.name==\"{app}\" & @.labels.tier==\"production\")]\n    name: production\n{rest}"
        );
        return;
    }
    for stage in ["prod-a", "prod-b", "prod-c"] {
        let _ = write!(text, "  - namespace:\n      $ref: {}\n{rest}", namespace(stage));
    }
}

fn slo(service: &Service, namespace: &str, files: &mut Files) {
    let (name, app) = (service.name(), service.app_name());
    files.insert(
        format!("data/services/{app}/slos/{name}.yml"),
        format!(
            "---\n$schema: /app-sre/slo-document-1.yml\n\nname: {name}\nlabels: {{}}\napp:\n  $ref: /services/{app}/app.yml\n\
             namespaces:\n- namespace:\n    $ref: {namespace}\nslos:\n- name: latency\n  SLIType: latency\n\
             \x20 SLISpecification: share of fast requests\n  SLODetails: https://docs.example.com/{name}\n\
             \x20 SLOTarget: 0.99\n  SLOTargetUnit: percent_0_1\n  SLOParameters:\n    window: 28d\n\
             \x20 expr: fast_{}[{{{{window}}}}]\n  dashboard: https://grafana.example.com/{name}\n",
            service.number
        ),
    );
}

/// An app with its namespaces.
pub(crate) fn app(number: usize, files: &mut Files) {
    let app = format!("app-{number:05}");
    files.insert(
        format!("data/services/{app}/app.yml"),
        format!(
            "---\n$schema: /app-sre/app-1.yml\n\nlabels:\n  service: {app}\n\nname: {app}\ndescription: the {app} service\n\n\
             onboardingStatus: OnBoarded\n\ngrafanaUrls:\n- title: {app}\n  url: https://grafana.example.com/{app}\n\n\
             serviceOwners:\n- name: team {app}\n  email: {app}@example.com\n\nescalationPolicy:\n\
             \x20 $ref: /teams/{app}/escalation-policy.yml\n\ncodeComponents:\n- name: {app}\n  resource: upstream\n\
             \x20 url: https://github.com/team-{:03}/code-{:05}\n  blockedVersions:\n\
             \x20 - 00112233445566778899aabbccddeeff00112233\n",
            number * 2 % 97,
            number * 2,
        ),
    );
    for (stage, environment) in STAGES {
        let cluster = cluster(number, stage);
        let tier = if stage.starts_with("prod") { "production" } else { stage };
        files.insert(
            format!("data/services/{app}/namespaces/{app}-{stage}.yml"),
            format!(
                "---\n$schema: /openshift/namespace-1.yml\n\nlabels:\n  tier: {tier}\n\nname: {app}-{stage}\n\
                 description: {stage} of {app}\n\ncluster:\n  $ref: /openshift/{cluster}/cluster.yml\n\napp:\n\
                 \x20 $ref: /services/{app}/app.yml\n\nenvironment:\n\
                 \x20 $ref: /products/p{:02}/environments/{environment}.yml\n\nnetworkPoliciesAllow:\n\
                 - $ref: /services/observability/namespaces/customer-monitoring.yml\n\nmanagedRoles: true\n\n\
                 managedResourceTypes:\n- Secret\n- ConfigMap\n\nopenshiftResources:\n- provider: vault-secret\n\
                 \x20 path: app/{app}/{stage}/database\n  version: 3\n- provider: resource\n\
                 \x20 path: /services/{app}/config.yml\n\nexternalResources:\n- provider: aws\n  provisioner:\n\
                 \x20   $ref: /aws/account-{:02}/account.yml\n  resources:\n  - provider: rds\n\
                 \x20   identifier: {app}-{stage}\n    defaults: /terraform/rds-13.yml\n\
                 \x20   output_resource_name: database\n",
                number % 20,
                number % 12,
            ),
        );
    }
}

/// Clusters, products and environments: few, whatever the size.
pub(crate) fn clusters(services: usize, urls: &Urls, files: &mut Files) {
    for number in 0..services.div_ceil(2) {
        for (stage, _) in STAGES {
            let name = cluster(number, stage);
            files.entry(format!("data/openshift/{name}/cluster.yml")).or_insert_with(|| {
                format!(
                    "---\n$schema: /openshift/cluster-1.yml\n\nlabels:\n  environment: any\n\nname: {name}\n\
                     description: {name}\nserverUrl: https://api.{name}.example.com:6443\ninternal: false\n\
                     prometheusUrl: {}/{name}\nspec:\n  product: rosa\n  region: us-east-1\n  version: 4.19.3\n",
                    urls.prometheus
                )
            });
        }
        let product = format!("p{:02}", number % 20);
        files.entry(format!("data/products/{product}/product.yml")).or_insert_with(|| {
            format!("---\n$schema: /app-sre/product-1.yml\n\nname: {product}\n")
        });
        for environment in ["stage", "production"] {
            files
                .entry(format!("data/products/{product}/environments/{environment}.yml"))
                .or_insert_with(|| {
                    format!(
                        "---\n$schema: /app-sre/environment-1.yml\n\nlabels: {{}}\nname: {product}-{environment}\n\
                         description: {environment}\nproduct:\n  $ref: /products/{product}/product.yml\n\
                         parameters: |\n  {{\"ENV\": \"{environment}\"}}\n"
                    )
                });
        }
    }
}
