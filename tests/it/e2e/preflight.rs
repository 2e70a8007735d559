//! `sapm preflight` as a program: exit codes, what it prints and leaves behind. The checks are tested in `tests/cut-over`.

use std::fs;

use serde_json::Value;

use super::support::World;

#[test]
fn it_prints_the_answer_and_writes_its_reports() {
    let world = World::start();
    world.project().add_schedule("alice", "main", false);
    let folder = world.path("report");
    world.forge().clear_log();
    let ran = world.sapm("preflight").arg("--report-dir").arg(&folder).run();
    world.assert_nothing_written();
    world.forge().assert_no_unknown_routes();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    assert!(ran.out.starts_with("Cut-over from the old promoter: GO ("), "{}", ran.out);
    let read = |name: &str| {
        fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let report: Value = serde_json::from_str(&read("preflight.json")).unwrap();
    assert_eq!((&report["version"], &report["verdict"]), (&1.into(), &"go".into()));
    assert!(read("preflight.md").starts_with("# Cut-over from the old promoter: GO\n"));
    assert!(read("junit.xml").contains("<testcase name=\"old_requests_open\""));
    assert!(
        read("plan.json").contains("\"subscribers\"")
            && read("snapshot.json").contains("\"commits\"")
    );

    // The schedule must be off, and on the default branch.
    world.project().change_schedules(|schedule| schedule.branch = "other".to_owned());
    let ran = world.sapm("preflight").args(["--format", "json"]).expect(10);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["verdict"], "no_go");
}

#[test]
fn without_an_answer_it_says_why() {
    let world = World::start();
    let folder = world.path("report");
    let wrong = world.sapm("preflight").env("SAPM_GITLAB_TOKEN", "glpat-wrong");
    let ran = wrong.arg("--report-dir").arg(&folder).expect(4);
    assert!(ran.err.contains("refuses the token"), "{}", ran.err);
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("preflight.json")).unwrap()).unwrap();
    assert_eq!(
        (&report["verdict"], &report["checks"]),
        (&"not_known".into(), &Value::Array(Vec::new()))
    );
    assert_eq!(report["problems"][0]["code"], "run_failed");
    assert!(fs::read_to_string(folder.join("junit.xml")).unwrap().contains("run_failed"));
    let ran = world.sapm("preflight").env("SAPM_AT", "2026-01-01T00:00:00Z").expect(2);
    assert!(ran.err.contains("--at (SAPM_AT)"), "{}", ran.err);
}
