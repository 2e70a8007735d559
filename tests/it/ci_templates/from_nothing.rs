//! From an empty folder to a merged promotion, by the pipelines of a new config repo and of the code that it deploys.

use std::process::Command;

use forge::{Access, CommitInfo};

use super::pipeline::{ConfigRepo, Situation};
use super::record::pipeline_for;
use crate::e2e::support::World;
use crate::shop::{BUCKET, TOKEN};

const PROJECT: &str = "service/my-config";
const COMMIT: &str = "9705190ced53cafa7066f65786fc6d00876035ae";
const TARGET: &str = "saas-shop/shop/main/shop-stage";

/// What `sapm init` writes, as options say.
fn init(world: &World) {
    let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
        .arg("init")
        .arg(world.path("my-config"))
        .args(["--soak-days", "0", "--gitlab-project", PROJECT])
        .args(["--gitlab-url", &world.forge().gitlab_url(), "--state", &format!("s3://{BUCKET}")])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_pipelines_lead_from_an_empty_folder_to_a_merged_promotion() {
    let world = World::start();
    init(&world);
    let Some(config) = ConfigRepo::of_folder(&world, &world.path("my-config"), PROJECT) else {
        return;
    };
    let project = world.forge().project(PROJECT).expect("the new project");
    world.forge().set_gitlab_ref("shop/shop", "main", CommitInfo::new(COMMIT));
    let schedule = Situation::of("schedule");

    // Nothing is deployed yet.
    let (passed, log) = config.run(&schedule);
    assert!(passed && project.merge_requests().is_empty(), "{log}");

    // The pipeline of the code deploys stage, and says so.
    let commit = format!("commit: {COMMIT}");
    let deploys = pipeline_for(&world, (PROJECT, TARGET), "echo deployed", &[&commit]);
    let code = ConfigRepo::of_code(&world, &deploys).expect("gitlab-ci-local is there");
    let (passed, log) = code.run(&Situation::of("push").with("CI_COMMIT_BRANCH", "main"));
    assert!(passed && log.contains("1 written"), "{log}");

    let (passed, log) = config.run(&schedule);
    assert!(passed && !log.contains(TOKEN), "{log}");
    let open = project.open_merge_requests();
    assert_eq!(open.len(), 1, "{log}");
    project.merge("alice", open[0].iid).expect("a clean merge");
    let saas_file = project.file("main", "data/services/shop/saas.yml").expect("the saas file");
    assert!(String::from_utf8(saas_file).unwrap().contains(&format!("ref: '{COMMIT}'")));

    let (passed, log) = config.run(&schedule);
    assert!(passed && project.open_merge_requests().is_empty(), "{log}");
    assert_eq!(project.merge_requests().len(), 1);
}

impl<'a> ConfigRepo<'a> {
    /// A new project with the files of a folder, whose pipeline is pointed to the fakes. `None` where gitlab-ci-local
    /// cannot run.
    fn of_folder(world: &'a World, folder: &std::path::Path, path: &str) -> Option<Self> {
        let pipeline = folder.join(".gitlab-ci.yml");
        let text = std::fs::read_to_string(&pipeline).unwrap();
        let state = text.lines().find(|line| line.trim_start().starts_with("state: "));
        let state = state.expect("the input state");
        let pointed = text.replace(state, &format!("{state}\n{}", Self::stand_ins(world)));
        std::fs::write(&pipeline, pointed).unwrap();
        let repo = Self::open(world, folder.to_owned())?;
        repo.commit_all(&format!("{}/{path}.git", world.forge().gitlab_url()));
        let project = world.forge().create_project_from_dir(path, "main", folder);
        project.add_member("sapm-bot", Access::Developer);
        repo.lay_includes();
        repo.lay_variables();
        Some(repo)
    }
}
