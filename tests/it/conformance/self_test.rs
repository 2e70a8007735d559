//! Tests that the judge rejects plans that are wrong in one thing each.

use super::case::{Case, alternatives, find};
use super::edit::judge_edit;
use super::format::{Leaves, Plan};
use super::{CASES, Results, judge, report};
use serde_json::{Value, json};
use std::path::Path;

/// A case with one promotion that changes one line.
const NAME: &str = "a01_single_publisher_promoted";
const SAAS_FILE: &str = "data/services/rbac/cicd/saas.yml";
const OLD: &str = "c00dbbc9dadfbe1e232e93a729dd4752fade0abf";
const NEW: &str = "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc";
const STAGE: &str = "d345865ddb0170950533c8b82452783c81ea718e";
const PROD: &str = "c049c573e91a04105785592fcac443c320cfd266";

fn the_case() -> Case {
    let mut cases = find(Path::new(CASES), NAME).expect("the folder of the cases can be read");
    cases.pop().expect("the case is there")
}

fn publisher(uid: &str, cluster: &str, namespace: &str, sha: &str, deployments: Value) -> Value {
    json!({"uid": uid, "app": "rbac", "saas_file": "saas-rbac", "resource_template": "rbac", "target": null,
           "cluster": cluster, "namespace": namespace, "commit_sha": sha, "deployments": deployments})
}

/// The correct plan of the case.
fn right_plan(case: &Case) -> Value {
    let text = case.read(SAAS_FILE).expect("it can be read").expect("it is there");
    let deployed = json!({"rbac-stage-ok": {"state": "success"}});
    json!({
        "version": 1,
        "publishers": [
            publisher(STAGE, "crcs02ue1", "rbac-stage", NEW, deployed),
            publisher(PROD, "crcp01ue1", "rbac-prod", OLD, json!({})),
        ],
        "subscribers": [{
            "uid": PROD, "saas_file": "saas-rbac", "resource_template": "rbac", "target": null,
            "namespace": "rbac-prod", "decision": "promote", "held_by": null, "desired_ref": NEW,
            "desired_hashes": [],
        }],
        "merge_requests": [{
            "action": "create", "targets": [PROD],
            "files": [{"path": SAAS_FILE, "content": text.replace(OLD, NEW)}],
        }],
        "problems": [],
    })
}

fn complaints(code: i32, plan: Value) -> String {
    let case = the_case();
    let plan: Plan = serde_json::from_value(plan).expect("it has the format of a plan");
    let expected = case.expected().expect("the case can be read");
    judge::answer(&case, code, &plan, &expected).join("\n")
}

/// The correct plan with something replaced in the text of its file.
fn with_text(from: &str, to: &str) -> Value {
    let mut plan = right_plan(&the_case());
    let content = &mut plan["merge_requests"][0]["files"][0]["content"];
    let text = content.as_str().expect("a text");
    assert!(text.contains(from), "{from:?} is not in the text");
    *content = text.replacen(from, to, 1).into();
    plan
}

/// The correct plan with one value replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut plan = right_plan(&the_case());
    *plan.pointer_mut(pointer).expect("the place is there") = value;
    plan
}

#[test]
fn the_right_plan_is_right() {
    assert_eq!(complaints(0, right_plan(&the_case())), "");
}

#[test]
fn wrong_decisions_are_wrong() {
    let stranger = "0123456789012345678901234567890123456789";
    let another = {
        let mut plan = right_plan(&the_case());
        let mut subscriber = plan["subscribers"][0].clone();
        subscriber["uid"] = stranger.into();
        subscriber["decision"] = "hold".into();
        plan["subscribers"].as_array_mut().expect("a list").push(subscriber);
        plan
    };
    let failure = json!([{"severity": "error", "code": "x", "message": "y"}]);
    let hash = json!([{"channel": "c", "parent_saas": "p", "target_config_hash": "h"}]);
    for (plan, complaint) in [
        (with("/version", 2.into()), "version is 2"),
        (with("/subscribers", json!([])), "subscriber c049c573 is missing, expected promote"),
        (with("/subscribers/0/decision", "hold".into()), "decision is hold, expected promote"),
        (with("/subscribers/0/held_by", "soak".into()), "held_by is soak, expected null"),
        (with("/subscribers/0/desired_ref", OLD.into()), "desired_ref is c00dbbc9"),
        (with("/subscribers/0/desired_hashes", hash), "desired_hashes are"),
        (another, "subscriber 01234567 (saas-rbac/rbac/-/rbac-prod) is not expected: hold"),
        (with("/publishers", json!([])), "publisher c049c573 is missing"),
        (with("/publishers/0/uid", stranger.into()), "publishers [\"01234567\"] are not expected"),
        (with("/publishers/0/commit_sha", Value::Null), "commit_sha is null, expected c2a6b03f"),
        (with("/publishers/0/deployments", json!({})), "deployments are {}"),
        (with("/publishers/0/cluster", "x".into()), "export of rbac/saas-rbac/rbac/None/crcs02ue1"),
        (with("/problems", failure), "exit code 0 with 1 problem(s) of severity error"),
    ] {
        let found = complaints(0, plan);
        assert!(found.contains(complaint), "{complaint:?} is not in {found:?}");
    }
    assert!(complaints(5, right_plan(&the_case())).contains("exit code 5, expected one of [0]"));
}

#[test]
fn wrong_merge_requests_are_wrong() {
    let none = "is promoted, and a target of 0 merge requests";
    let file = "/merge_requests/0/files/0";
    let case = the_case();
    let same = case.read(SAAS_FILE).expect("it can be read");
    let doubled = {
        let mut plan = right_plan(&case);
        let requests = plan["merge_requests"].as_array_mut().expect("a list");
        requests.push(requests[0].clone());
        plan
    };
    for (plan, complaint) in [
        (with("/merge_requests", json!([])), none),
        (with("/merge_requests", json!([])), "ref is not changed to"),
        (with("/merge_requests/0/action", "close".into()), none),
        (with("/merge_requests/0/targets", json!([])), none),
        (
            with("/merge_requests/0/targets", json!([PROD, STAGE])),
            "d345865d, which is not promoted",
        ),
        (doubled, "a target of 2 merge requests"),
        (
            with(&format!("{file}/path"), "data/x.yml".into()),
            "data/x.yml: changed, expected untouched",
        ),
        (with(&format!("{file}/content"), json!(same)), "but the text is the same"),
        (with(&format!("{file}/content"), "a: [".into()), "the new text is no YAML"),
    ] {
        let found = complaints(0, plan);
        assert!(found.contains(complaint), "{complaint:?} is not in {found:?}");
    }
}

#[test]
fn wrong_texts_are_wrong() {
    let stage_ref = "    ref: master\n";
    for (from, to, complaint) in [
        (NEW, STAGE, "ref is \"d345865d"),
        (stage_ref, &format!("    ref: {NEW}\n"), "targets[0].ref changed to"),
        (
            "path: /deploy/clowdapp.yml",
            "path: '/deploy/clowdapp.yml'",
            "2 lines changed, 1 would do",
        ),
        ("displayName: saas-rbac\n", "", "displayName is gone"),
        ("- Service\n", "", "managedResourceTypes[1] is gone"),
        ("    promotion:\n", "    # later\n    promotion:\n", "1 line(s) \"# later\" added"),
        (
            "\nlabels:\n",
            "labels:\n",
            "a line that carries no changed value is changed or gone: \"\"",
        ),
        (NEW, &format!("{NEW} # new"), "more than the value changed"),
        (
            "      - rbac-stage-ok\n  - ",
            "      -  rbac-stage-ok\r\n  - ",
            "carries no changed value",
        ),
    ] {
        let found = complaints(0, with_text(from, to));
        assert!(found.contains(complaint), "{complaint:?} is not in {found:?}");
    }
    let mut cut = right_plan(&the_case());
    let content = &mut cut["merge_requests"][0]["files"][0]["content"];
    *content = content.as_str().map(str::trim_end).into();
    assert!(complaints(0, cut).contains("the final newline is gone"));
}

#[test]
fn edits_keep_everything_but_the_value() {
    let edit = |old: &str, new: &str, value: &str| {
        let wanted = Leaves::from([("ref".to_owned(), value.to_owned())]);
        judge_edit("x.yml", old, new, &wanted).complaints.join("\n")
    };
    for (old, new, value) in [
        ("ref: a  # why\n", "ref: b  # why\n", "b"),
        ("\u{feff}ref: 'a'\r\nx: 1\r\n", "\u{feff}ref: 'b'\r\nx: 1\r\n", "b"),
        ("ref: !!str a\n", "ref: !!str b\n", "b"),
        ("ref: !!str a\n", "ref: b\n", "b"),
        ("ref: 0777", "ref: '1234567'", "1234567"),
        ("{x: 1, ref: a}\n", "{x: 1, ref: b}\n", "b"),
    ] {
        assert_eq!(edit(old, new, value), "", "{old:?} to {new:?}");
    }
    for (old, new, value, complaint) in [
        ("ref: a\n", "ref: 1234567\n", "1234567", "ref is Int(\"1234567\"), expected \"1234567\""),
        ("ref: a\n", "ref: 0o17\n", "0o17", "must be quoted: 0o17 is not a text for every reader"),
        ("ref: a\n", "ref: 1e3\n", "1e3", "must be quoted"),
        ("ref: a\n", "ref: 2026-08-20\n", "2026-08-20", "ref is Timestamp"),
        ("ref: a # why\n", "ref: b\n", "b", "more than the value changed"),
        ("ref: a\nx: yes\n", "ref: b\nx: true # yes\n", "b", "carries no changed value"),
        ("ref: a\nx: yes\n", "ref: b\nx: 'yes'\n", "b", "x changed to \"yes\""),
        ("ref: a\r\n", "ref: b\n", "b", "more than the value changed"),
        ("# why\nref: a\n", "ref: b\n", "b", "carries no changed value is changed or gone"),
        ("\u{feff}x: 1\nref: a\n", "x: 1\nref: b\n", "b", "line 1: a line that carries no changed"),
    ] {
        let found = edit(old, new, value);
        assert!(found.contains(complaint), "{complaint:?} is not in {found:?}");
    }
}

#[test]
fn one_alternative_must_match_completely() {
    let case = the_case();
    let mut expected = json!({"exit_codes": [0], "files": {SAAS_FILE: {"x": "y"}}});
    expected["subscribers"] =
        json!({PROD: {"any_of": [{"decision": "error"}, {"decision": "hold"}]}});
    expected["publishers"] = json!({STAGE: {"commit_sha": NEW}});
    let judged = |any_of: Value| {
        let mut whole = expected.as_object().expect("an object").clone();
        whole.insert("any_of".to_owned(), any_of);
        let alternatives = alternatives(whole)?;
        let plan = serde_json::from_value(right_plan(&case)).map_err(|e| e.to_string())?;
        Ok::<_, String>(judge::answer(&case, 0, &plan, &alternatives).join("\n"))
    };
    let subscribers = json!({PROD: {"any_of": [{"decision": "hold"}, {"decision": "promote"}]}});
    let right = json!({"subscribers": subscribers, "files": null, "publishers": null});
    assert_eq!(judged(json!([{}, right])).as_deref(), Ok(""));
    // each of these fixes only a part
    let halves = json!([{"subscribers": subscribers, "publishers": null}, {"files": null}]);
    let found = judged(halves).expect("it can be judged");
    assert!(found.contains("x is not changed to \"y\""), "{found:?}");
    // an unknown field must not be ignored silently
    assert!(judged(json!([{"exit_code": 0}])).is_err_and(|e| e.contains("unknown field")));
    assert!(judged(json!([])).is_err());
}

#[test]
fn the_report_names_what_fails() {
    let bad: Vec<String> = (0..6).map(|i| format!("bad {i}")).collect();
    let results = Results::from([
        ("a1".to_owned(), Vec::new()),
        ("a2".to_owned(), bad),
        ("b1".to_owned(), Vec::new()),
    ]);
    let lines = [
        "family  passed / total",
        "a            1 / 2   <--",
        "b            1 / 1",
        "all          2 / 3",
        "FAIL a2: bad 0; bad 1; bad 2; bad 3 (and 2 more)",
    ];
    assert_eq!(report(&results), lines.join("\n"));
}
