//! Names have a maximum length: a longer one is a problem of its own target, and appears in no output.

use std::process::Command;

use datafiles::{Datafiles, Place, SaasFile, Target};
use serde_json::{Value, json};

const NEW: &str = "5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b";
const OLD: &str = "0000000000000000000000000000000000000001";

/// Two apps with only the environment in common, each with a due target.
fn files() -> Datafiles {
    let mut files = Datafiles::default();
    files.environment("/env.yml", "production");
    for app in ["apple", "pear"] {
        let components = format!(
            "name: {app}\ncodeComponents:\n- name: api\n  url: https://git.example.com/{app}\n  \
             blockedVersions: [blocked-{app}]\n  hotfixVersions: [hotfix-{app}]\n"
        );
        let cluster =
            format!("name: cluster-{app}\nprometheusUrl: https://prometheus.example.com/{app}\n");
        let slo = format!(
            "name: document-{app}\nnamespaces:\n- namespace: {{$ref: /{app}/prod.yml}}\n  \
             prometheusAccess: {{url: 'https://access.example.com/{app}'}}\n\
             slos:\n- name: slo-{app}\n  SLOTarget: 0.9\n  expr: up\n"
        );
        files.put(format!("/{app}/app.yml"), "/app-sre/app-1.yml", components);
        files.put(format!("/{app}/cluster.yml"), "/openshift/cluster-1.yml", cluster);
        files.put(format!("/{app}/slo.yml"), "/app-sre/slo-document-1.yml", slo);
        let [app_file, cluster] = [format!("/{app}/app.yml"), format!("/{app}/cluster.yml")];
        let place = Place { app: &app_file, cluster: &cluster, environment: "/env.yml" };
        let namespace = |stage: &str| format!("/{app}/{stage}.yml");
        for stage in ["stage", "prod"] {
            files.namespace(&namespace(stage), &format!("{app}-{stage}"), place);
        }
        let channel = format!("channel-{app}");
        let saas = SaasFile::new(&format!("saas-{app}"), &app_file)
            .template(&format!("template-{app}"), &format!("https://git.example.com/{app}"))
            .target(&Target::new(&namespace("stage"), NEW).named("stage").publishes(&channel))
            .target(
                &Target::new(&namespace("prod"), OLD)
                    .named(&format!("target-{app}"))
                    .with("slos", format!("[{{$ref: /{app}/slo.yml}}]"))
                    .subscribes(&channel, ", schedule: '* * * * *'"),
            );
        files.saas(&format!("/{app}/saas.yml"), &saas);
    }
    files
}

fn snapshot() -> Value {
    use sapm::domain::{TargetIdentity, UidDigest};
    let mut records = serde_json::Map::new();
    let mut values = serde_json::Map::new();
    for app in ["apple", "pear"] {
        let uid = TargetIdentity {
            saas_file: &format!("saas-{app}"),
            resource_template: &format!("template-{app}"),
            target: Some("stage"),
            cluster: &format!("cluster-{app}"),
            namespace: &format!("{app}-stage"),
        };
        let uid = uid.uid(UidDigest::Blake2s);
        records.insert(
            format!("promotions_v2/channel-{app}/{uid}/{NEW}"),
            json!({"success": true, "target_config_hash": "00ff", "saas_file": format!("saas-{app}")}),
        );
        values.insert(format!("document-{app}/cluster-{app}/{app}-prod/slo-{app}"), json!(0.99));
    }
    json!({"version": 1, "observed_at": "2026-08-20T10:15:30Z", "commits": {},
           "deployment_records": records, "slo_values": values})
}

/// The plan, and everything that was written.
fn plan(files: &Datafiles, snapshot: &Value) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    files.write(folder.path());
    let facts = folder.path().join("snapshot.json");
    std::fs::write(&facts, snapshot.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
        .args(["plan", "--format", "json", "--app-interface"])
        .arg(folder.path())
        .arg("--snapshot")
        .arg(&facts)
        .env_clear()
        .output()
        .unwrap();
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(all).unwrap())
}

fn promoted(plan: &Value) -> Vec<&str> {
    let subscribers = plan["subscribers"].as_array().unwrap().iter();
    let promoted = subscribers.filter(|subscriber| subscriber["decision"] == "promote");
    promoted.map(|subscriber| subscriber["app"].as_str().unwrap()).collect()
}

/// A name of the app apple, in its file; its replacement there, and its maximum length.
const NAMES: [(&str, &str, usize); 15] = [
    ("apple/saas.yml", "name: saas-apple", 1_024),
    ("apple/saas.yml", "name: template-apple", 1_024),
    ("apple/saas.yml", "url: https://git.example.com/apple", 2_048),
    ("apple/saas.yml", "name: target-apple", 1_024),
    ("apple/saas.yml", "ref: \"0000000000000000000000000000000000000001", 1_024),
    ("apple/saas.yml", "subscribe: [channel-apple", 1_024),
    ("apple/saas.yml", "publish: [channel-apple", 1_024),
    ("apple/prod.yml", "name: apple-prod", 1_024),
    ("apple/cluster.yml", "name: cluster-apple", 1_024),
    ("apple/cluster.yml", "prometheusUrl: https://prometheus.example.com/apple", 2_048),
    ("apple/app.yml", "url: https://git.example.com/apple", 2_048),
    ("apple/app.yml", "blockedVersions: [blocked-apple", 1_024),
    ("apple/slo.yml", "name: document-apple", 1_024),
    ("apple/slo.yml", "name: slo-apple", 1_024),
    ("apple/slo.yml", "url: 'https://access.example.com/apple", 2_048),
];

/// The same files with one name of this length.
fn lengthened(file: &str, name: &str, bytes: usize) -> Datafiles {
    let mut files = files();
    let text = files.0.get_mut(&format!("/{file}")).unwrap();
    assert_eq!(text.matches(name).count(), 1, "{name}");
    let value = name.rsplit([' ', '[', '\'', '"']).next().unwrap();
    let more = "x".repeat(bytes - value.len());
    *text = text.replacen(name, &format!("{name}{more}"), 1);
    files
}

#[test]
fn a_too_long_name_is_a_problem_of_its_own_target() {
    let (usual, _) = plan(&files(), &snapshot());
    assert_eq!(promoted(&usual), ["apple", "pear"], "{usual:#}");
    for (file, name, limit) in NAMES {
        let (plan, output) = plan(&lengthened(file, name, limit + 1), &snapshot());
        assert_eq!(promoted(&plan), ["pear"], "{name}: {plan:#}");
        let message = format!("has {} bytes; the limit is {limit}", limit + 1);
        let problems = plan["problems"].as_array().unwrap();
        let found = problems.iter().any(|problem| {
            problem["file"] == format!("/{file}")
                && problem["message"].as_str().unwrap().contains(&message)
        });
        assert!(found, "{name}: {problems:#?}");
        assert!(!output.contains(&"x".repeat(200)), "{name}: the name is repeated");
    }
}

#[test]
fn a_name_of_maximum_length_is_accepted() {
    for (file, name, limit) in NAMES {
        let (plan, _) = plan(&lengthened(file, name, limit), &snapshot());
        let problems = plan["problems"].to_string();
        assert!(!problems.contains("bytes"), "{name}: {problems}");
        assert!(promoted(&plan).contains(&"pear"));
    }
}

#[test]
fn a_record_with_a_too_long_name_is_not_usable() {
    for field in ["saas_file", "target_config_hash"] {
        let mut snapshot = snapshot();
        let records = snapshot["deployment_records"].as_object_mut().unwrap();
        let (_, record) = records.iter_mut().find(|(key, _)| key.contains("apple")).unwrap();
        record[field] = json!("x".repeat(1_025));
        let (plan, output) = plan(&files(), &snapshot);
        assert_eq!(promoted(&plan), ["pear"], "{plan:#}");
        assert!(output.contains(&format!("`{field}` has 1025 bytes")), "{output}");
        assert!(!output.contains(&"x".repeat(200)));
    }
}

#[test]
fn a_long_key_is_shortened_in_messages() {
    let mut files = files();
    let key = "x".repeat(100_000);
    let text = files.0.get_mut("/apple/saas.yml").unwrap();
    *text += &format!("parameters: {{? {key} : 1, ? {key} : 2}}\n");
    let (plan, _) = plan(&files, &snapshot());
    assert!(plan["problems"].to_string().contains("duplicate_key"), "{plan:#}");
    assert!(plan["problems"].to_string().len() < 5_000, "{plan:#}");
}
