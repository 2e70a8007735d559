//! Pipelines that really run, with the binary under test.

use forge::Access;

use super::jobs::change_a_datafile;
use super::pipeline::{ConfigRepo, Situation, auto_merge_job, job_with_counts};
use crate::e2e::support::{CANARY, CATALOG_FILE, ORDERS, ORDERS_FILE, Plan, World, files_below};
use crate::shop::{PROJECT, TOKEN};

/// The due targets of the shop.
const DUE: usize = 4;

#[test]
fn the_scheduled_job_opens_merge_requests_and_then_writes_nothing() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    repo.add_jobs(&job_with_counts());
    let (passed, log) = repo.run(&Situation::of("schedule"));
    assert!(passed, "{log}");
    assert!(log.contains(&format!("{DUE} merge requests opened, 0 problems")), "{log}");
    assert_eq!(world.project().open_merge_requests().len(), DUE, "{log}");
    for name in ["plan.json", "snapshot.json", "report.md", "junit.xml", "metrics.txt"] {
        assert!(!repo.report(&format!("1/{name}")).is_empty(), "{name}");
    }
    assert!(repo.report("1/gl-code-quality-report.json").starts_with('['));
    let counts = repo.report("1/counts.env");
    assert!(counts.contains(&format!("SAPM_OPENED={DUE}\n")), "{counts}");
    assert!(counts.contains("SAPM_EXIT_CODE=0\n"), "{counts}");
    assert_no_token(&repo, &log);

    world.forge().clear_log();
    let (passed, log) = repo.run(&Situation::of("schedule"));
    assert!(passed, "{log}");
    world.assert_nothing_written();
    // There are styles between the name and its value.
    let reused = log.lines().any(|line| line.contains("from_cache") && line.contains("true"));
    assert!(reused, "{log}");
    let counts = repo.report("1/counts.env");
    assert!(
        counts.contains(&format!(
            "SAPM_OPENED=0\nSAPM_PROMOTIONS=0\nSAPM_SPLIT=0\nSAPM_UPDATED=0\nSAPM_DRAFTED=0\nSAPM_CLOSED=0\nSAPM_KEPT={DUE}\n"
        )),
        "{counts}"
    );
    world.forge().assert_no_unknown_routes();
}

/// The job of docs/set-up.md, with the fake's address.
fn auto_merge_for(world: &World) -> String {
    let (from, to) = (
        "https://gitlab.example.com/api/v4/projects/service%2Fapp-interface/",
        PROJECT.replace('/', "%2F"),
    );
    let job = auto_merge_job();
    assert!(job.contains(from), "{job}");
    job.replace(from, &format!("{}/api/v4/projects/{to}/", world.forge().gitlab_url()))
}

const MERGER: &str = "glpat-token-of-one-who-may-merge";

#[test]
fn a_following_job_sets_auto_merge_on_what_was_opened() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    world.project().add_bot("merger", MERGER, Access::Maintainer, &["api"]);
    world.forge().configure(|settings| settings.pipelines_begin = "running");
    repo.add_jobs(&auto_merge_for(&world));
    let schedule = Situation::of("schedule").with("SAPM_MERGE_TOKEN", MERGER);
    let (passed, log) = repo.run(&schedule);
    assert!(passed, "{log}");
    let open = world.project().open_merge_requests();
    assert_eq!(open.len(), DUE, "{log}");
    assert!(open.iter().all(|request| request.auto_merge), "{open:?}\n{log}");
    assert!(!log.contains(MERGER), "{log}");
    // The next run leaves them alone, and the job has nothing to do.
    world.forge().clear_log();
    let (passed, log) = repo.run(&schedule);
    assert!(passed, "{log}");
    world.assert_nothing_written();
}

/// What somebody pushed to a branch after `apply` is not merged by the job.
#[test]
fn a_following_job_merges_only_the_commits_of_the_bot() {
    let world = World::start();
    let report = world.path("sapm-report/1");
    std::fs::create_dir_all(&report).unwrap();
    world.sapm("apply").arg("--report-dir").arg(&report).expect(0);
    world.forge().settle();
    world.project().add_bot("merger", MERGER, Access::Maintainer, &["api"]);
    let taken = world.request(CANARY);
    world.project().commit("alice", &taken.source_branch, "Mine\n", [("x", Some("x"))]);
    world.forge().settle();
    let job: serde_yaml::Value = serde_yaml::from_str(&auto_merge_for(&world)).unwrap();
    let lines = job["auto-merge"]["script"].as_sequence().unwrap();
    let script: Vec<&str> = lines.iter().map(|line| line.as_str().unwrap()).collect();
    // Without the pauses between attempts.
    let script = script.join("\n").replace("--retry 5 --retry-all-errors", "");
    let run = std::process::Command::new("sh")
        .args(["-e", "-c", &script])
        .env_clear()
        .envs([("PATH", std::env::var("PATH").unwrap().as_str()), ("SAPM_MERGE_TOKEN", MERGER)])
        .envs([("SAPM_OPENED", "4"), ("SAPM_UPDATED", "0")])
        .current_dir(world.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said} {}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(said, format!("!{} stays as it is\n", taken.iid));
    // Their pipelines have succeeded: they are merged at once.
    let open: Vec<u64> = world.project().open_merge_requests().iter().map(|mr| mr.iid).collect();
    assert_eq!(open, [taken.iid], "{said}");
    assert!(!world.project().merge_request(taken.iid).unwrap().auto_merge);
}

#[test]
fn a_job_after_several_nodes_gets_the_counts_and_reports_of_all() {
    let world = World::start();
    let Some(repo) = ConfigRepo::with_inputs(&world, &["parallel: 2"]) else { return };
    let sum = r#"echo "together $((SAPM_OPENED_1 + SAPM_OPENED_2))"; cat sapm-report/*/report.md >/dev/null"#;
    let job = job_with_counts();
    let (job, _) = job.split_once("script:").unwrap();
    repo.add_jobs(&format!(
        "{job}script:\n    - {sum}\n    - ls sapm-report/1/plan.json sapm-report/2/plan.json\n"
    ));
    let (passed, log) = repo.run(&Situation::of("schedule"));
    assert!(passed, "{log}");
    assert!(log.contains(&format!("together {DUE}")), "{log}");
    assert_eq!(world.project().open_merge_requests().len(), DUE, "{log}");
}

#[test]
fn a_manual_run_is_filtered_by_each_of_its_fields() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    world.forge().clear_log();
    for (field, value, beginning, targets) in [
        ("SAPM_ENV_NAME", "shop-stage", "-", 0),
        ("SAPM_ENV_NAME", "shop-production", "saas-", 12),
        ("SAPM_SAAS_FILE_NAME", "saas-catalog", "saas-catalog/", 3),
    ] {
        let (passed, log) = repo.run(&Situation::of("web").with(field, value));
        assert!(passed, "{log}");
        let decisions = Plan::read(&repo.folder.join("sapm-report/plan.json")).decisions();
        assert_eq!(decisions.len(), targets, "{field}={value}: {decisions:?}");
        assert!(decisions.keys().all(|target| target.starts_with(beginning)), "{decisions:?}");
    }
    world.assert_nothing_written();
}

/// GitLab's form sets each empty field in the pipeline, where it overrides a variable of the project.
#[test]
fn filters_from_inputs_apply_whatever_the_form_says() {
    let world = World::start();
    let inputs = ["app-name: catalog", "env-name: shop-production", "bot-user: sapm-bot"];
    let Some(repo) = ConfigRepo::with_inputs(&world, &inputs) else { return };
    let by_hand = |app: &str, saas_file: &str| {
        let empty = Situation::of("web").with("SAPM_ENV_NAME", "").with("SAPM_AT", "");
        empty.with("SAPM_APP_NAME", app).with("SAPM_SAAS_FILE_NAME", saas_file)
    };
    let targets = |situation: &Situation, report: &str| {
        let (passed, log) = repo.run(situation);
        assert!(passed, "{log}");
        Plan::read(&repo.folder.join("sapm-report").join(report)).decisions()
    };
    // Another app is ignored; another name filters further.
    for (app, saas_file) in [("", ""), ("orders", ""), ("", "saas-catalog")] {
        let found = targets(&by_hand(app, saas_file), "plan.json");
        assert_eq!(found.len(), 3, "{app:?} {saas_file:?}: {found:?}");
        assert!(found.keys().all(|target| target.starts_with("saas-catalog/")), "{found:?}");
    }
    let (_, log) = repo.run(&by_hand("", "saas-orders"));
    assert!(log.contains("none of all together"), "{log}");
    change_a_datafile(&repo);
    let request = Situation::merge_request().with("SAPM_PLAN_TOKEN", TOKEN);
    assert_eq!(targets(&request, "plan.json").len(), 3, "a plan shows what would be promoted");
    assert_eq!(targets(&Situation::of("schedule"), "1/plan.json").len(), 3);
    let (passed, log) = repo.run(&by_hand("", "").with("SAPM_DRY_RUN", "false"));
    assert!(passed, "{log}");
    let requests = world.project().open_merge_requests();
    assert!(!requests.is_empty(), "{log}");
    assert!(requests.iter().all(|request| request.title.contains("saas-catalog/")), "{requests:?}");
}

#[test]
fn a_manual_run_writes_only_on_request() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    world.forge().clear_log();
    let (passed, log) = repo.run(&Situation::of("web"));
    assert!(passed, "{log}");
    world.assert_nothing_written();
    assert_eq!(world.project().open_merge_requests().len(), 0);
    let plan = Plan::read(&repo.folder.join("sapm-report/plan.json"));
    assert_eq!(plan.actions(), vec!["create"; DUE], "it shows what would be done");
    assert_no_token(&repo, &log);

    let wet = Situation::of("web").with("SAPM_DRY_RUN", "false");
    let (passed, log) = repo.run(&wet.clone().with("SAPM_AT", "2030-01-01T04:00:00Z"));
    assert!(passed && log.contains("nothing is written"), "{log}");
    world.assert_nothing_written();
    let plan = Plan::read(&repo.folder.join("sapm-report/plan.json"));
    assert_eq!(plan.0["observed_at"], "2030-01-01T04:00:00Z");

    let (passed, log) = repo.run(&wet.with("SAPM_APP_NAME", "catalog"));
    assert!(passed, "{log}");
    let requests = world.project().open_merge_requests();
    assert!(!requests.is_empty(), "{log}");
    assert!(requests.iter().all(|request| request.title.contains("saas-catalog/")), "{requests:?}");
}

#[test]
fn a_merge_request_is_validated_and_shows_what_it_would_promote() {
    let world = World::start();
    let Some(repo) = ConfigRepo::with_inputs(&world, &["bot-user: sapm-bot"]) else { return };
    // The change removes the canary from the automatic promotions.
    let path = repo.folder.join(CATALOG_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = text.replacen("auto: true", "auto: false", 1);
    assert_ne!(text, changed);
    std::fs::write(&path, changed).unwrap();
    let reader = "glpat-reads-only";
    world.project().add_bot(
        "sapm-reader",
        reader,
        forge::Access::Reporter,
        &["read_api", "read_repository"],
    );
    world.forge().clear_log();
    let request = Situation::merge_request().with("SAPM_PLAN_TOKEN", reader);
    let (passed, log) = repo.run(&request);
    assert!(passed, "{log}");
    world.assert_nothing_written();
    let plan = Plan::read(&repo.folder.join("sapm-report/plan.json"));
    let decisions = plan.decisions();
    assert!(!decisions.contains_key(CANARY), "as the change has it: {decisions:?}");
    assert!(decisions.values().any(|decision| decision == "promote"), "{decisions:?}");
    assert!(log.contains("sapm-validate") && log.contains("sapm-plan"), "{log}");
    assert!(!log.contains(reader), "{log}");
    assert_no_token(&repo, &log);
}

#[test]
fn a_merge_request_shows_the_difference_that_it_makes() {
    let world = World::start();
    let Some(repo) = ConfigRepo::with_inputs(&world, &["bot-user: sapm-bot"]) else { return };
    let base = world.project().tip("main").unwrap();
    let path = repo.folder.join(ORDERS_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("soakDays: 7", "soakDays: 1", 1)).unwrap();
    let (reader, writer) = ("glpat-reads-only", "glpat-writes-notes");
    let project = world.project();
    project.add_bot("sapm-reader", reader, forge::Access::Reporter, &["read_api"]);
    project.add_bot("sapm-notes", writer, forge::Access::Reporter, &["api"]);
    project.set_branch("alice", "a-change", &base).unwrap();
    project.commit("alice", "a-change", "Change\n", [(ORDERS_FILE, Some("a: b\n".to_owned()))]);
    let iid = project.open_merge_request("alice", "a-change", "main", "A change", "").unwrap();
    let request = Situation::merge_request()
        .with("SAPM_PLAN_TOKEN", reader)
        .with("CI_MERGE_REQUEST_IID", &iid.to_string())
        .with("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base);
    world.forge().clear_log();
    let (passed, log) = repo.run(&request);
    assert!(passed, "{log}");
    assert!(log.contains(" makes a difference to 1 target: 1 promotable"), "{log}");
    assert!(log.contains(ORDERS) && !log.contains(CANARY), "{log}");
    world.assert_nothing_written();
    assert!(repo.report("difference.md").contains(ORDERS));

    let (passed, log) = repo.run(&request.with("SAPM_NOTE_TOKEN", writer));
    assert!(passed, "{log}");
    let notes: Vec<String> =
        project.merge_request(iid).unwrap().comments().map(|note| note.body.clone()).collect();
    assert!(notes.len() == 1 && notes[0].contains(ORDERS), "{notes:?}\n{log}");
    assert!(!log.contains(writer), "{log}");
    assert_no_token(&repo, &log);
}

/// A tenant reads the answer in the job's log.
#[test]
fn the_form_answers_a_tenant_without_the_token_that_writes() {
    let world = World::start();
    let Some(repo) = ConfigRepo::with_inputs(&world, &["bot-user: sapm-bot"]) else { return };
    let reader = "glpat-reads-only";
    world.project().add_bot("sapm-reader", reader, forge::Access::Reporter, &["read_api"]);
    world.forge().clear_log();
    let ask = |name: &str| {
        let situation = Situation::of("web").with("SAPM_PLAN_TOKEN", reader);
        repo.run(&situation.with("SAPM_DRY_RUN", "false").with("SAPM_EXPLAIN", name))
    };
    let (passed, log) = ask("catalog");
    assert!(passed, "{log}");
    for wanted in [
        " stands for 3 targets: 1 hold, 2 promote",
        CANARY,
        "All gates and facts of one: sapm explain",
    ] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    let (passed, log) = ask(CANARY);
    assert!(passed && log.contains("What to do") && log.contains("is due for promotion"), "{log}");
    let (_, log) = ask("--help");
    assert!(log.contains("is called `--help`"), "{log}");
    world.assert_nothing_written();
    let users: std::collections::BTreeSet<_> =
        world.forge().log().into_iter().filter_map(|entry| entry.user).collect();
    assert!(users.contains("sapm-reader") && !users.contains("sapm-bot"), "{users:?}");
    assert_no_token(&repo, &log);
}

#[test]
fn a_broken_target_warns_and_fails_strict_validation() {
    let world = World::start();
    let Some(repo) = ConfigRepo::with_inputs(&world, &["strict-validation: true"]) else { return };
    world.edit(ORDERS_FILE, "soakDays: 7", "soakDays: soon");
    let (passed, log) = repo.run(&Situation::of("schedule"));
    assert!(passed, "the others were handled: {log}");
    assert!(repo.report("1/counts.env").contains("SAPM_EXIT_CODE=5\n"), "{log}");
    assert!(!world.project().open_merge_requests().is_empty(), "{log}");

    let path = repo.folder.join(ORDERS_FILE);
    std::fs::write(&path, world.text("main", ORDERS_FILE)).unwrap();
    let fork =
        Situation::merge_request().with("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "somebody/fork");
    let (passed, log) = repo.run(&fork);
    assert!(!passed && log.contains("soakDays"), "{log}");
}

/// Checks that the token is not in any output or file of a job.
fn assert_no_token(repo: &ConfigRepo<'_>, log: &str) {
    assert!(!log.contains(TOKEN), "{log}");
    let kept = ["sapm-report", ".gitlab-ci-local/cache", ".gitlab-ci-local/artifacts"];
    let mut looked_at = 0;
    for file in kept.iter().flat_map(|folder| files_below(&repo.folder.join(folder))) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!found, "the token is in {}", file.display());
        looked_at += 1;
    }
    assert!(looked_at > 5, "{looked_at} files");
}
