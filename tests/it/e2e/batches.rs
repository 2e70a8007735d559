//! Several promotions in one merge request, as people see them.

use super::support::*;

fn batched(world: &World, command: &str) -> Sapm {
    world.sapm(command).env("SAPM_BATCH_BY", "all").env("SAPM_CONCURRENCY", "1")
}

#[test]
fn a_first_run_opens_one_and_the_next_one_keeps_it() {
    let world = World::start();
    let ran = batched(&world, "apply").args(["--report-dir", "report"]).expect(0);
    let open = world.project().open_merge_requests();
    let [mr] = open.as_slice() else { panic!("{open:#?}") };
    insta::assert_snapshot!(mr.title);
    insta::assert_snapshot!("description_of_a_batch", normalise(&mr.description, world.forge()));
    assert!(ran.out.contains("1 create ("), "{}", ran.out);
    let counts = std::fs::read_to_string(world.path("report/counts.env")).unwrap();
    assert!(
        counts.contains("SAPM_OPENED=1\n") && !counts.contains("SAPM_PROMOTIONS=1\n"),
        "{counts}"
    );
    let metrics = std::fs::read_to_string(world.path("report/metrics.txt")).unwrap();
    assert!(metrics.contains("\nsapm_batches_open 1\n"), "{metrics}");

    let plan = batched(&world, "plan").args(["--format", "json", "--detailed-exitcode"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let kept = &plan["merge_requests"][0];
    assert_eq!((&kept["action"], &kept["reason_code"]), (&"keep".into(), &"as_wanted".into()));
    assert_eq!(kept["batch"]["size"], kept["batch"]["places"].as_array().unwrap().len());
}

#[test]
fn explain_tells_what_goes_with_a_promotion_and_what_a_failed_pipeline_means() {
    let world = World::start();
    batched(&world, "apply").expect(0);
    let iid = world.project().open_merge_requests()[0].iid;
    let answer = batched(&world, "explain").arg(CANARY).expect(0).out;
    assert!(answer.contains(&format!("!{iid}")) && answer.contains("sapm/split"), "{answer}");
    world.project().set_pipeline(iid, "failed");
    let ran = batched(&world, "apply").expect(0);
    assert!(ran.out.contains("1 update (1 is split)"), "{}", ran.out);
    assert_eq!(world.project().open_merge_requests().len(), 2);
}

#[test]
fn a_size_that_cannot_be_is_a_usage_error() {
    let world = World::start();
    for (name, value) in
        [("SAPM_BATCH_SIZE", "0"), ("SAPM_BATCH_SIZE", "51"), ("SAPM_BATCH_BY", "file")]
    {
        let ran = world.sapm("plan").env(name, value).expect(2);
        assert!(ran.err.contains(value), "{}", ran.err);
    }
    // An empty variable of a form is as unset.
    world.sapm("plan").env("SAPM_BATCH_BY", "").env("SAPM_BATCH_SIZE", "").expect(0);
}
