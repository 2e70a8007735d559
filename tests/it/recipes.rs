//! The recipes of docs/report-deployments.md: their shell and their commands run for real against the fakes, with stubs of
//! helm, kubectl and terraform. `ci_templates/record.rs` runs the one for GitLab CI. No cluster is involved: of manifests,
//! the command of the container runs here.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_yaml::Value;

use crate::e2e::record::{CHANNEL, key_of, stored};
use crate::e2e::support::World;
use crate::shop::ORDERS_DB_NEW;

/// The target of the page, and the one of the shop in its place.
const ON_PAGE: &str = "saas-shop/shop-api/stage01/shop-stage";
const TARGET: &str = "saas-orders/orders-db/stage01/orders-stage";

/// The code blocks of a language in a section, in order.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/report-deployments.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once(&format!("\n### {section}\n")).expect(section);
    let section = section.split("\n##").next().unwrap();
    let begin = format!("```{language}\n");
    let all = section.split(&begin).skip(1);
    let all: Vec<String> =
        all.map(|block| block.split_once("\n```").unwrap().0.replace(ON_PAGE, TARGET)).collect();
    assert!(!all.is_empty(), "{section} has no {language}");
    all
}

/// A folder with programs that note how they were called, and `sapm` itself.
fn programs(world: &World, exit: i32) -> PathBuf {
    let folder = world.path("bin");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["helm", "kubectl", "terraform"] {
        let stub = format!("#!/bin/sh\necho \"{name} $*\" >> \"$STUB_LOG\"\nexit {exit}\n");
        let path = folder.join(name);
        std::fs::write(&path, stub).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let sapm = folder.join("sapm");
    if !sapm.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sapm"), sapm).unwrap();
    }
    folder
}

/// Runs a program as a job of the shop would, with these programs on its PATH.
fn run(world: &World, mut command: Command, exit: i32) -> Output {
    let path = format!("{}:/usr/bin:/bin", programs(world, exit).display());
    command
        .env_clear()
        .envs(world.shop.environment())
        .env("PATH", path)
        .env("TMPDIR", world.path("tmp"))
        .env("STUB_LOG", world.path("calls"))
        .env("CI_COMMIT_SHA", ORDERS_DB_NEW)
        .env("COMMIT", ORDERS_DB_NEW)
        .current_dir(world.folder.path())
        .stdin(Stdio::null());
    command.output().unwrap()
}

fn shell(world: &World, script: &str, exit: i32) -> Output {
    let mut command = Command::new("/bin/sh");
    command.args(["-ec", script]);
    run(world, command, exit)
}

fn calls(world: &World) -> Vec<String> {
    let calls = std::fs::read_to_string(world.path("calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

#[track_caller]
fn passed(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The record of the shop's commit.
#[track_caller]
fn assert_recorded(world: &World, success: bool) {
    assert!(key_of(world, CHANNEL).ends_with(ORDERS_DB_NEW));
    assert_eq!(stored(world, CHANNEL)["success"], success);
}

/// Runs the command of a job's container with the commit in place of `variable`.
fn run_job(job: &Value, variable: &str) {
    assert_eq!(job["kind"], "Job");
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let words = container["command"].as_sequence().unwrap().iter();
    let words: Vec<String> =
        words.map(|word| word.as_str().unwrap().replace(variable, ORDERS_DB_NEW)).collect();
    assert!(words.contains(&ORDERS_DB_NEW.to_owned()), "{words:?} has no {variable}");
    let world = World::start();
    let mut command = Command::new(programs(&world, 0).join(&words[0]));
    command.args(&words[1..]);
    passed(&run(&world, command, 0));
    assert_recorded(&world, true);
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn gitlab_ci_with_helm_or_kubectl() {
    let pipeline = yaml(&blocks("GitLab CI with Helm or kubectl", "yaml")[0]);
    assert_eq!(pipeline["include"][0]["inputs"]["deployment-job"], "deploy-stage");
    let script = pipeline["deploy-stage"]["script"].as_sequence().unwrap();
    let world = World::start();
    for line in script {
        passed(&shell(&world, line.as_str().unwrap(), 0));
    }
    let helm = calls(&world);
    assert!(
        helm.len() == 1 && helm[0].contains(ORDERS_DB_NEW) && helm[0].contains("--wait"),
        "{helm:?}"
    );
    let world = World::start();
    let lines = &blocks("GitLab CI with Helm or kubectl", "sh")[0];
    passed(&shell(&world, lines, 0));
    let kubectl = calls(&world);
    assert!(kubectl.len() == 2 && kubectl[0].contains(ORDERS_DB_NEW), "{kubectl:?}");
    assert!(!shell(&world, lines, 1).status.success(), "a failed rollout fails the job");
}

#[test]
fn argo_cd() {
    let job = yaml(&blocks("Argo CD", "yaml")[0]);
    assert_eq!(job["metadata"]["annotations"]["argocd.argoproj.io/hook"], "PostSync");
    run_job(&job, "{{ .Values.image.tag }}");
    let variables = job["spec"]["template"]["spec"]["containers"][0]["env"].as_sequence().unwrap();
    let names: Vec<&str> = variables.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["SAPM_APP_INTERFACE", "SAPM_GITLAB_URL", "SAPM_GITLAB_TOKEN", "SAPM_STATE"]);
}

#[test]
fn flux() {
    let both = blocks("Flux", "yaml");
    let kustomization = yaml(&both[0]);
    let substitute = &kustomization["spec"]["postBuild"]["substitute"];
    assert_eq!(substitute["image_tag"].as_str().unwrap().len(), 40);
    assert_eq!(kustomization["spec"]["force"], true);
    run_job(&yaml(&both[1]), "${image_tag}");
}

#[test]
fn terraform() {
    // The provisioner's command, as Terraform passes it to a shell.
    let resource = &blocks("Terraform", "hcl")[0];
    let command = resource.split_once("command     = \"").expect("a command").1;
    let command = command.split_once("\"\n").unwrap().0.replace("\\\"", "\"");
    let world = World::start();
    passed(&shell(&world, &command, 0));
    assert_recorded(&world, true);
    let lines = &blocks("Terraform", "sh")[0];
    for (exit, success) in [(0, true), (1, false)] {
        let world = World::start();
        let output = shell(&world, lines, exit);
        assert_eq!(output.status.success(), success);
        assert_recorded(&world, success);
        assert_eq!(calls(&world), ["terraform apply -auto-approve -input=false"]);
    }
}

/// Every block of the page is read by a test, and is YAML or JSON where it says so.
#[test]
fn every_block_of_the_page_can_be_parsed() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/report-deployments.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut seen = 0;
    for block in page.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "yaml" => drop(yaml(text)),
            "json" => drop(serde_json::from_str::<serde_json::Value>(text).unwrap()),
            "sh" | "hcl" => {}
            other => panic!("a block of {other:?}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 9);
}

/// The formula on the page gives what `sapm record` writes: the JSON of the page, without its line break and blanks.
#[test]
fn the_record_on_the_page_has_the_fields_that_are_written() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/report-deployments.md");
    let page = std::fs::read_to_string(path).unwrap();
    let json = page.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    let shown: serde_json::Value = serde_json::from_str(json).unwrap();
    let world = World::start();
    let url = ["--url", "https://ci.example.com/1"];
    crate::e2e::record::record(&world, "--succeeded").args(url).expect(0);
    let written = stored(&world, CHANNEL);
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&shown), keys(&written));
    assert!(sapm::decide::record_outcome(&shown).is_ok());
}
