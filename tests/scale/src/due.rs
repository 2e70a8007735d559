//! Config repos in which many targets of few files are due at once.

use std::collections::BTreeMap;
use std::fmt::Write;

use sapm::domain::{TargetIdentity, UidDigest};
use serde_json::{Value, json};

/// The commit that all publishers have.
const NEW: &str = "5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b";

/// So many saas files, each with so many targets that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Saas files.
    pub files: usize,
    /// Due targets in each of them.
    pub targets: usize,
    /// Bytes of each of them, at least: what is missing becomes parameters of the targets.
    pub bytes: usize,
}

impl Due {
    /// Path to text, from the repository's root.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut put = |path: String, schema: &str, text: String| {
            found.insert(format!("data{path}"), format!("---\n$schema: {schema}\n{text}"));
        };
        put("/app.yml".to_owned(), "/app-sre/app-1.yml", "name: shop\n".to_owned());
        put("/env.yml".to_owned(), "/app-sre/environment-1.yml", "name: production\n".to_owned());
        put("/cluster.yml".to_owned(), "/openshift/cluster-1.yml", "name: prod01\n".to_owned());
        for number in 0..=self.targets {
            let text = format!(
                "name: shop-{number}\ncluster:\n  $ref: /cluster.yml\napp:\n  $ref: /app.yml\nenvironment:\n  $ref: /env.yml\n"
            );
            put(namespace(number), "/openshift/namespace-1.yml", text);
        }
        for file in 0..self.files {
            put(format!("/saas/{file}.yml"), "/app-sre/saas-file-2.yml", self.saas_file(file));
        }
        found
    }

    fn saas_file(&self, file: usize) -> String {
        let mut text = format!(
            "name: saas-{file}\napp:\n  $ref: /app.yml\nresourceTemplates:\n- name: api\n  \
             url: https://git.example.com/shop/api-{file}\n  path: /deploy/template.yml\n  targets:\n  \
             - namespace:\n      $ref: {}\n    ref: {NEW}\n    promotion:\n      publish:\n      - {}\n",
            namespace(0),
            channel(file),
        );
        for number in 1..=self.targets {
            let _ = write!(
                text,
                "  - namespace:\n      $ref: {}\n    ref: a{number:039x}\n    parameters:\n      REPLICAS: 3\n",
                namespace(number)
            );
            let mut parameter = 0;
            while text.len() < self.bytes / self.targets * number {
                let _ = writeln!(text, "      PARAMETER_{parameter}: \"value {parameter}\"");
                parameter += 1;
            }
            let _ = write!(
                text,
                "    promotion:\n      auto: true\n      subscribe:\n      - {}\n",
                channel(file)
            );
        }
        text
    }

    /// The facts: every publisher is deployed well.
    pub fn snapshot(&self) -> Value {
        let records = (0..self.files).map(|file| {
            let uid = TargetIdentity {
                saas_file: &format!("saas-{file}"),
                resource_template: "api",
                target: None,
                cluster: "prod01",
                namespace: "shop-0",
            }
            .uid(UidDigest::Blake2s);
            let record = json!({
                "success": true,
                "target_config_hash": "5ca1ab1e5ca1ab1e",
                "saas_file": format!("saas-{file}"),
                "check_in": "2026-08-01 08:00:00.000000+00:00",
            });
            (format!("promotions_v2/{}/{uid}/{NEW}", channel(file)), record)
        });
        json!({
            "version": 1,
            "observed_at": "2026-08-20T10:15:30Z",
            "commits": {},
            "deployment_records": serde_json::Map::from_iter(records),
        })
    }
}

fn namespace(number: usize) -> String {
    format!("/namespaces/shop-{number}.yml")
}

fn channel(file: usize) -> String {
    format!("shop-api-{file}-stage")
}
