//! A small valid config repo, to which tests add errors.

use std::collections::BTreeMap;

use sapm::app_interface::{Entry, FileTree, TreeError, load_with_texts};
use sapm::domain::{Problem, UidDigest};
use sapm::inventory::build;
use sapm::report::FindingsReport;
use sapm::validate::{Findings, validate};

pub const SAAS: &str = "services/shop/saas.yml";
pub const OTHER: &str = "services/shop/other.yml";
pub const TARGET: &str = "services/shop/target.yml";
pub const APP: &str = "services/shop/app.yml";
pub const STAGE: &str = "services/shop/namespaces/stage.yml";
pub const PROD: &str = "services/shop/namespaces/prod.yml";
pub const CLUSTER: &str = "openshift/c1/cluster.yml";
pub const SLO: &str = "services/shop/slo.yml";

const SAAS_TEXT: &str = "\
---
$schema: /app-sre/saas-file-2.yml
name: saas-shop
app: {$ref: /services/shop/app.yml}
resourceTemplates:
- name: api
  url: https://git.example.com/shop/api
  targets:
  - name: stage
    namespace: {$ref: /services/shop/namespaces/stage.yml}
    ref: main
    promotion:
      publish: [api-stage]
  - name: canary
    namespace: {$ref: /services/shop/namespaces/prod.yml}
    ref: 1111111111111111111111111111111111111111
    promotion:
      auto: true
      subscribe:
      - api-stage
      publish:
      - api-canary
  - name: production
    namespace: {$ref: /services/shop/namespaces/prod.yml}
    ref: 2222222222222222222222222222222222222222
    slos:
    - $ref: /services/shop/slo.yml
    promotion:
      auto: true
      soakDays: 2
      schedule: 0-59 8-16 * * mon-fri
      redeployOnPublisherConfigChange: true
      subscribe:
      - api-canary
      promotion_data:
      - channel: api-canary
        data:
        - parent_saas: saas-shop
          target_config_hash: 0a1b2c3d4e5f6071
          type: parent_saas_config
";

const OTHER_TEXT: &str = "\
---
$schema: /app-sre/saas-file-2.yml
name: saas-other
app: {$ref: /services/shop/app.yml}
resourceTemplates:
- name: web
  url: https://git.example.com/shop/api.git
  targets:
  - $ref: /services/shop/target.yml
  - name: everywhere
    provider: dynamic
    namespaceSelector:
      jsonPathSelectors:
        include:
        - namespace[?(@.environment.name==\"production\")]
    ref: 3333333333333333333333333333333333333333
    promotion: {auto: true, subscribe: [api-stage]}
";

const TARGET_TEXT: &str = "\
---
$schema: /app-sre/saas-file-target-1.yml
name: shared
namespace: {$ref: /services/shop/namespaces/prod.yml}
ref: 4444444444444444444444444444444444444444
promotion:
  auto: true
  subscribe: [api-stage]
";

const APP_TEXT: &str = "\
---
$schema: /app-sre/app-1.yml
name: shop
codeComponents:
- name: api
  url: https://git.example.com/shop/api
  blockedVersions:
  - 5555555555555555555555555555555555555555
  - 6666666666666666666666666666666666666666
";

const SLO_TEXT: &str = "\
---
$schema: /app-sre/slo-document-1.yml
name: shop
namespaces:
- namespace: {$ref: /services/shop/namespaces/prod.yml}
slos:
- name: latency
  SLOTarget: 0.99
  SLOParameters: {window: 28d}
  expr: a[{{window}}] / b[{{window}}]
";

/// The files, by path below `data/`.
#[derive(Clone)]
pub struct Repo(pub BTreeMap<String, String>);

impl FileTree for Repo {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        self.0
            .iter()
            .for_each(|(path, text)| visitor(Entry::File(&format!("/{path}"), text.as_bytes())));
        Ok(())
    }
}

impl Repo {
    pub fn good() -> Self {
        let namespace = |name: &str, environment: &str| {
            format!(
                "---\n$schema: /openshift/namespace-1.yml\nname: shop-{name}\n\
                 cluster:\n  $ref: /openshift/c1/cluster.yml\napp:\n  $ref: /services/shop/app.yml\n\
                 environment:\n  $ref: /environments/{environment}.yml\n"
            )
        };
        let environment =
            |name: &str| format!("---\n$schema: /app-sre/environment-1.yml\nname: {name}\n");
        let cluster = "---\n$schema: /openshift/cluster-1.yml\nname: c1\n\
                       prometheusUrl: https://prometheus.example.com\n";
        let files = [
            (SAAS, SAAS_TEXT.to_owned()),
            (OTHER, OTHER_TEXT.to_owned()),
            (TARGET, TARGET_TEXT.to_owned()),
            (APP, APP_TEXT.to_owned()),
            (SLO, SLO_TEXT.to_owned()),
            (CLUSTER, cluster.to_owned()),
            (STAGE, namespace("stage", "stage")),
            (PROD, namespace("prod", "production")),
            ("environments/stage.yml", environment("stage")),
            ("environments/production.yml", environment("production")),
        ];
        Self(files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect())
    }

    /// Replaces a text that occurs once.
    #[track_caller]
    pub fn edit(mut self, file: &str, from: &str, to: &str) -> Self {
        let text = self.0.get_mut(file).unwrap_or_else(|| panic!("no {file}"));
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}:\n{text}");
        *text = text.replacen(from, to, 1);
        self
    }

    pub fn write(&self, folder: &std::path::Path) {
        for (path, text) in &self.0 {
            let path = folder.join("data").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    pub fn findings(&self) -> Findings {
        self.report_parts().0
    }

    pub fn report(&self) -> FindingsReport {
        let (findings, counts) = self.report_parts();
        FindingsReport::new(findings, counts)
    }

    fn report_parts(&self) -> (Findings, sapm::app_interface::LoadCounts) {
        let bundle = load_with_texts(self).unwrap();
        let inventory = build(&bundle, UidDigest::default());
        let now = "2026-08-20T10:00:00Z".parse().unwrap();
        (validate(&bundle, &inventory, now), bundle.counts)
    }

    /// `severity code: marked text` of each problem, in order.
    pub fn marked(&self) -> Vec<String> {
        let findings = self.findings();
        findings
            .problems
            .iter()
            .map(|problem| {
                let severity = if problem.is_error() { "error" } else { "warning" };
                format!("{severity} {}: {}", problem.code, self.mark(problem))
            })
            .collect()
    }

    /// The text at a problem's source location, read from the file itself.
    fn mark(&self, problem: &Problem) -> String {
        let file = problem.file.as_deref().unwrap().trim_start_matches('/');
        let line = self.0[file].lines().nth(problem.line.unwrap() as usize - 1).unwrap();
        let rest = line.chars().skip(problem.column.unwrap() as usize - 1);
        match problem.end_column {
            Some(end) => rest.take((end - problem.column.unwrap()) as usize).collect(),
            None => rest.collect(),
        }
    }
}
