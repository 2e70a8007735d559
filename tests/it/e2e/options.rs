//! Options and variables, by their effect.

use sapm::domain::{TargetIdentity, UidDigest};

use super::support::*;
use crate::shop::{BUCKET, CATALOG_NEW, Shop};

#[test]
fn the_limit_defers_targets_and_the_longest_eligible_go_first() {
    let world = World::start();
    let run = || {
        world.forge().clear_log();
        let run = world.sapm("apply").args(["--max-new-merge-requests=1", "--format", "json"]);
        run.expect(0).plan()
    };
    let first = run();
    assert_eq!(first.actions(), ["create", "defer", "defer", "defer"]);
    // Three days; the others are eligible for a day.
    assert_eq!(first.action(PRODUCTION), "create: due");
    assert_eq!(first.action(CANARY), "defer: run_limit");
    assert_eq!(world.writes().len(), 2);
    for open in 2..=4 {
        let plan = run();
        assert_eq!(plan.actions().iter().filter(|action| *action == "create").count(), 1);
        assert_eq!(world.project().open_merge_requests().len(), open);
        assert_eq!(world.writes().len(), 2);
    }
    run();
    world.assert_nothing_written();
}

#[test]
fn a_limit_of_zero_opens_nothing() {
    let world = World::start();
    let run = world.sapm("apply").env("SAPM_MAX_NEW_MERGE_REQUESTS", "0");
    let ran = run.expect(0);
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_eq!(ran.out.matches("  defer ").count(), 4, "{}", ran.out);
}

#[test]
fn labels_are_set_by_flags_or_a_variable() {
    let labels = |world: &World| -> Vec<String> {
        let requests = world.project().open_merge_requests();
        assert_eq!(requests.len(), 4);
        assert!(requests.windows(2).all(|pair| pair[0].labels == pair[1].labels));
        requests[0].labels.iter().cloned().collect()
    };
    let world = World::start();
    world.sapm("apply").env("SAPM_LABELS", "bot: one, two").expect(0);
    assert_eq!(labels(&world), ["bot: one", "two"]);
    world.forge().clear_log();
    world.sapm("apply").env("SAPM_LABELS", "two,bot: one").expect(0);
    world.assert_nothing_written();
    // Open ones follow the configuration.
    world.sapm("apply").expect(0);
    assert_eq!(labels(&world), ["AutoPromoterV2"]);
    let world = World::start();
    let run = world.sapm("apply").args(["--label", "a", "--label", "b"]);
    run.env("SAPM_LABELS", "ignored").expect(0);
    assert_eq!(labels(&world), ["a", "b"]);
}

#[test]
fn booleans_have_several_spellings_and_empty_is_unset() {
    let world = World::start();
    for (key, value) in [
        ("SAPM_DRY_RUN", "yes"),
        ("SAPM_DRY_RUN", "1"),
        ("SAPM_DRY_RUN", "On"),
        ("SAPM_ALLOW_OPENING", "off"),
        ("SAPM_ALLOW_OPENING", "no"),
        ("SAPM_ALLOW_OPENING", "0"),
    ] {
        world.sapm("apply").env(key, value).expect(0);
        assert_eq!(world.writes(), Vec::<String>::new(), "{key}={value}");
    }
    let ran = world.sapm("apply").env("SAPM_DRY_RUN", "maybe").expect(2);
    assert!(ran.err.starts_with("error: ") && ran.err.contains("maybe"), "{}", ran.err);
    let variables = ["SAPM_DRY_RUN", "SAPM_ALLOW_OPENING", "SAPM_ALLOW_CLOSING", "SAPM_LABELS"];
    let more = ["SAPM_ENV_NAME", "SAPM_CACHE_DIR", "SAPM_REPORT_DIR", "SAPM_FORMAT", "SAPM_AT"];
    let others = ["SAPM_CONCURRENCY", "SAPM_MAX_NEW_MERGE_REQUESTS", "USED_FOR_SECURITY"];
    let limits = ["SAPM_PIPELINES_PER_MINUTE", "SAPM_DEADLINE"];
    let mut run = world.sapm("apply");
    for key in variables.into_iter().chain(more).chain(others).chain(limits) {
        run = run.env(key, "");
    }
    run.expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    let labels = world.request(CANARY).labels;
    assert!(labels.contains("AutoPromoterV2"), "{labels:?}");
}

#[test]
fn a_limit_of_zero_pipelines_is_rejected() {
    let world = World::start();
    let ran = world.sapm("apply").env("SAPM_PIPELINES_PER_MINUTE", "0").expect(2);
    assert!(ran.err.contains("a number, 1 or more"), "{}", ran.err);
    world.assert_nothing_written();
}

#[test]
fn a_flag_wins_over_its_variable() {
    let world = World::start();
    let run = world.sapm("apply").env("SAPM_ALLOW_OPENING", "false");
    run.args(["--allow-opening=true", "--env-name=shop-stage"]).env("SAPM_ENV_NAME", "x").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 0);
    let run = world.sapm("apply").env("SAPM_DRY_RUN", "true").env("SAPM_APP_NAME", "none");
    run.args(["--dry-run=false", "--app-name=catalog"]).expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 2);
}

/// The catalog's record in stage, stored as by a deployer in FIPS mode.
fn fips_record(world: &World) {
    let uid = TargetIdentity {
        saas_file: "saas-catalog",
        resource_template: "catalog-api",
        target: None,
        cluster: "stage01",
        namespace: "catalog-stage",
    };
    let (short, fips) = (uid.uid(UidDigest::Blake2s), uid.uid(UidDigest::FipsSha256));
    let key = Shop::record_key("catalog-stage", CATALOG_NEW);
    let record = world.forge().get_object(BUCKET, &key).unwrap();
    let key = key.replace(short.as_str(), fips.as_str());
    world.forge().put_object(BUCKET, &key, record);
}

#[test]
fn in_fips_mode_records_are_found_by_the_sha256_uid() {
    for (key, value, flag) in [
        ("USED_FOR_SECURITY", "true", None),
        ("USED_FOR_SECURITY", "false", Some("--fips")),
        ("OTHER", "", Some("--fips=yes")),
    ] {
        let world = World::start();
        fips_record(&world);
        let run = world.sapm("apply").env(key, value).args(["--format", "json"]).args(flag);
        let plan = run.expect(0).plan();
        assert_eq!(plan.decision(CANARY), "promote");
        assert_eq!(plan.decision(PRODUCTION), "hold by deployment");
        assert_eq!(plan.decision(MAIL), "hold by deployment");
        assert_eq!(world.project().open_merge_requests().len(), 1);
    }
    let world = World::start();
    fips_record(&world);
    let run = world.sapm("apply").env("USED_FOR_SECURITY", "true").arg("--fips=false");
    run.expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn gitlabs_job_variables_are_used() {
    let world = World::start();
    world
        .sapm("apply")
        .without("SAPM_APP_INTERFACE")
        .without("SAPM_GITLAB_URL")
        .env("CI_PROJECT_DIR", world.checkout())
        .env("CI_SERVER_URL", world.forge().gitlab_url())
        .env("CI_PROJECT_PATH", crate::shop::PROJECT)
        .env("CI_PIPELINE_URL", "https://gitlab.example.com/p/-/pipelines/7")
        .expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    let description = world.request(CANARY).description;
    assert!(description.contains("(https://gitlab.example.com/p/-/pipelines/7)"), "{description}");
}
