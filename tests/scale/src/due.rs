//! Config repos in which many targets of few files are due at once.

use std::collections::BTreeMap;

use datafiles::{Datafiles, Place, SaasFile, Target};
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
        let mut files = Datafiles::default();
        files.app("/app.yml", "shop").environment("/env.yml", "production");
        files.cluster("/cluster.yml", "prod01");
        let place = Place { app: "/app.yml", cluster: "/cluster.yml", environment: "/env.yml" };
        for number in 0..=self.targets {
            files.namespace(&namespace(number), &format!("shop-{number}"), place);
        }
        for file in 0..self.files {
            files.saas(&format!("/saas/{file}.yml"), &self.saas_file(file));
        }
        files.0.into_iter().map(|(path, text)| (format!("data{path}"), text)).collect()
    }

    fn saas_file(&self, file: usize) -> SaasFile {
        let publisher = Target::new(&namespace(0), NEW).publishes(&channel(file));
        let mut saas = SaasFile::new(&format!("saas-{file}"), "/app.yml")
            .template("api", &format!("https://git.example.com/shop/api-{file}"))
            .target(&publisher);
        for number in 1..=self.targets {
            let missing = (self.bytes / self.targets * number).saturating_sub(saas.bytes());
            let parameters: String = (0..missing.div_ceil(24))
                .map(|n| format!(", PARAMETER_{n}: \"value {n}\""))
                .collect();
            let target = Target::new(&namespace(number), &format!("a{number:039x}"))
                .with("parameters", format!("{{REPLICAS: 3{parameters}}}"))
                .subscribes(&channel(file), "");
            saas = saas.target(&target);
        }
        saas
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
