//! A config repo in which a tenant names everything.

use std::collections::BTreeMap;

use sapm::app_interface::{Entry, FileTree, TreeError};
use serde_json::json;

/// How many names there are.
pub const NAMES: usize = 14;

/// The files of a config repo.
pub struct Tenant(BTreeMap<String, String>);

impl Tenant {
    /// With a name for each place that has one.
    pub fn called(name: impl Fn(usize) -> String) -> Self {
        let mut files = BTreeMap::new();
        let mut put = |path: String, schema: &str, mut content: serde_json::Value| {
            content["$schema"] = schema.into();
            files.insert(path, ascii(&content.to_string()));
        };
        let app = format!("/services/{}/app.yml", name(0).replace('/', "-"));
        put(
            app.clone(),
            "/app-sre/app-1.yml",
            json!({
                "name": name(1),
                "codeComponents": [{"name": "c", "url": name(2), "blockedVersions": [name(3)]}],
            }),
        );
        put("/c.yml".into(), "/openshift/cluster-1.yml", json!({"name": name(4)}));
        put("/e.yml".into(), "/app-sre/environment-1.yml", json!({"name": name(5)}));
        for (file, namespace) in [("/n1.yml", 6), ("/n2.yml", 7)] {
            put(
                file.into(),
                "/openshift/namespace-1.yml",
                json!({
                    "name": name(namespace), "cluster": {"$ref": "/c.yml"}, "app": {"$ref": app},
                    "environment": {"$ref": "/e.yml"},
                }),
            );
        }
        let target = |namespace: &str, git_ref: String, promotion: serde_json::Value| json!({"namespace": {"$ref": namespace}, "ref": git_ref, "promotion": promotion});
        let mut named = target(
            "/n2.yml",
            "1".repeat(40),
            json!({
                "auto": true, "subscribe": [name(8)],
            }),
        );
        named["name"] = name(10).into();
        let mut late = target(
            "/n2.yml",
            "1".repeat(40),
            json!({
                "auto": true, "subscribe": [name(8)], "schedule": name(11),
            }),
        );
        late["name"] = "late".into();
        let mut waits = target(
            "/n2.yml",
            "1".repeat(40),
            json!({
                "auto": true, "subscribe": [name(9)], "soakDays": name(11),
            }),
        );
        waits["name"] = "waits".into();
        let mut moving = target("/n2.yml", name(12), json!({"publish": [name(9)]}));
        moving["name"] = "moving".into();
        let mut lost =
            target("/n2.yml", "1".repeat(40), json!({"auto": true, "subscribe": [name(13)]}));
        lost["name"] = "lost".into();
        lost["namespace"] = json!({"$ref": name(12)});
        put(
            "/services/saas.yml".into(),
            "/app-sre/saas-file-2.yml",
            json!({
                "name": name(13), "app": {"$ref": app},
                "resourceTemplates": [{
                    "name": name(12), "url": "https://git.example.com/team/code", "path": "/t.yml",
                    "targets": [
                        target("/n1.yml", "2".repeat(40), json!({"publish": [name(8)]})),
                        named, late, waits, moving, lost,
                    ],
                }],
            }),
        );
        Self(files)
    }
}

impl FileTree for Tenant {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, text) in &self.0 {
            visitor(Entry::File(path, text.as_bytes()));
        }
        Ok(())
    }
}

/// JSON is YAML where all of it is ASCII.
fn ascii(json: &str) -> String {
    let escaped = |c: char| match c {
        ' '..='~' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    json.chars().map(escaped).collect()
}
