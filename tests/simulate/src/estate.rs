//! A config repo with many apps, and what is deployed of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sapm::domain::{TargetIdentity, UidDigest};
use serde_json::json;

use crate::load::subscribers;

/// The commit of an app's release with this number.
pub(crate) fn commit(app: usize, release: usize) -> String {
    format!("{:08x}{:016x}{release:016x}", (app as u32 + 1).wrapping_mul(0x9e37_79b1), app)
}

/// The number of a release, by its commit.
pub(crate) fn release_of(commit: &str) -> usize {
    usize::from_str_radix(&commit[24..], 16).unwrap()
}

/// The repository that an app's code is in.
pub(crate) fn url(app: usize) -> String {
    format!("https://code.example/s{app}")
}

/// Path of an app's saas file, from the repository's root.
pub(crate) fn saas_file(app: usize) -> String {
    format!("data/services/app{app}/saas.yml")
}

/// The app whose saas file this is.
pub(crate) fn app_of(path: &str) -> Option<usize> {
    path.strip_prefix("data/services/app")?.strip_suffix("/saas.yml")?.parse().ok()
}

/// All files, everything at its first commit.
pub(crate) fn files(apps: usize) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut put = |path: String, schema: &str, text: &str| {
        files
            .insert(format!("data/{path}"), format!("---\n$schema: {schema}\n{text}").into_bytes());
    };
    put("env.yml".into(), "/app-sre/environment-1.yml", "name: production\n");
    for cluster in ["stage", "prod"] {
        let text = format!("name: {cluster}\n");
        put(format!("{cluster}.yml"), "/openshift/cluster-1.yml", &text);
    }
    for app in 0..apps {
        let folder = format!("services/app{app}");
        put(format!("{folder}/app.yml"), "/app-sre/app-1.yml", &format!("name: app{app}\n"));
        let mut namespace = |name: &str, cluster: &str| {
            let text = format!(
                "name: app{app}-{name}\ncluster: {{$ref: /{cluster}.yml}}\n\
                 app: {{$ref: /{folder}/app.yml}}\nenvironment: {{$ref: /env.yml}}\n"
            );
            put(format!("{folder}/{name}.yml"), "/openshift/namespace-1.yml", &text);
        };
        namespace("stage", "stage");
        (0..subscribers(app)).for_each(|at| namespace(&format!("prod{at}"), "prod"));
        put(format!("{folder}/saas.yml"), "/app-sre/saas-file-2.yml", &saas(app));
    }
    files
}

fn saas(app: usize) -> String {
    let (folder, url) = (format!("/services/app{app}"), url(app));
    let mut text = format!(
        "name: saas{app}\napp: {{$ref: {folder}/app.yml}}\nresourceTemplates:\n- name: publisher\n  \
         url: {url}\n  path: /openshift/template.yml\n  targets:\n  \
         - namespace: {{$ref: {folder}/stage.yml}}\n    ref: main\n    \
         promotion: {{publish: [stage{app}]}}\n\
         - name: service\n  url: {url}\n  path: /openshift/template.yml\n  targets:\n"
    );
    for at in 0..subscribers(app) {
        let _ = write!(
            text,
            "  - namespace:\n      $ref: {folder}/prod{at}.yml\n    ref: {}\n    parameters:\n      \
             REPLICAS: 3\n      LOG_LEVEL: info\n      CPU_REQUEST: 200m\n      MEMORY_LIMIT: 1Gi\n    \
             promotion:\n      auto: true\n      subscribe:\n      - stage{app}\n",
            commit(app, 0)
        );
    }
    text
}

/// The commits that an app's subscribers are at, by the text of its saas file.
pub(crate) fn refs(text: &str) -> Vec<&str> {
    let refs = text.lines().filter_map(|line| line.strip_prefix("    ref: "));
    // One that YAML would read as a number has quotes.
    refs.map(|text| text.trim_matches(['"', '\''])).filter(|text| *text != "main").collect()
}

/// The text of a saas file with other commits of its subscribers, where there are to be others.
pub(crate) fn with_refs<'a>(text: &str, wanted: impl Fn(usize, &str) -> Option<&'a str>) -> String {
    let mut subscribers = 0..;
    let line = |line: &str| {
        let old = line.strip_prefix("    ref: ").filter(|old| *old != "main");
        let new = old.and_then(|old| wanted(subscribers.next()?, old));
        new.map_or_else(|| format!("{line}\n"), |new| format!("    ref: '{new}'\n"))
    };
    text.lines().map(line).collect()
}

/// Key and content of the record that an app's release was deployed on stage.
pub(crate) fn record(app: usize, commit: &str, check_in: &str) -> (String, Vec<u8>) {
    let (saas_file, namespace) = (format!("saas{app}"), format!("app{app}-stage"));
    let identity = TargetIdentity {
        saas_file: &saas_file,
        resource_template: "publisher",
        target: None,
        cluster: "stage",
        namespace: &namespace,
    };
    let uid = identity.uid(UidDigest::Blake2s);
    let record = json!({
        "success": true,
        "saas_file": saas_file,
        "target_config_hash": "5ca1ab1e5ca1ab1e",
        "check_in": check_in,
    });
    let key = format!("state/openshift-saas-deploy/promotions_v2/stage{app}/{uid}/{commit}");
    (key, record.to_string().into_bytes())
}
