//! The life of merge requests over REST.

use crate::support::{Api, config, config_with};
use forge::{MrState, ProjectHandle, Settings};
use serde_json::{Value, json};

fn new_branch(project: &ProjectHandle, branch: &str, path: &str, text: &str) {
    project.commit("bot", branch, "change", [(path, Some(text))]);
}

fn open(api: &Api, source: &str) -> (u16, Value) {
    let body = json!({ "source_branch": source, "target_branch": "main", "title": "t", "labels": "a,b",
                       "remove_source_branch": true });
    api.json("POST", "merge_requests", Some(body))
}

#[test]
fn a_second_open_request_of_a_branch_is_refused() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    new_branch(&project, "x", "data/b.yml", "1\n");
    let (status, first) = open(&api, "x");
    assert_eq!(status, 201, "{first}");
    assert_eq!(first["labels"], json!(["a", "b"]));
    assert_eq!((&first["diff_refs"], &first["changes_count"]), (&Value::Null, &Value::Null));
    let (status, second) = open(&api, "x");
    assert_eq!(status, 409);
    assert_eq!(
        second["message"][0],
        "Another open merge request already exists for this source branch: !1"
    );
    assert_eq!(open(&api, "main").0, 422);
    let body = json!({ "source_branch": "y", "target_branch": "main", "title": "t".repeat(256) });
    assert_eq!(api.json("POST", "merge_requests", Some(body)).0, 400);
}

#[test]
fn the_merge_check_comes_later_and_a_conflict_cannot_be_merged() {
    let (forge, project) = config_with(Settings { checking_reads: 2, ..Settings::default() });
    let api = Api::of(&forge);
    project.protect("main", None);
    new_branch(&project, "x", "data/b.yml", "1\n");
    open(&api, "x");
    let status =
        || api.get("merge_requests/1").1["detailed_merge_status"].as_str().unwrap().to_owned();
    assert_eq!([status(), status(), status()], ["checking", "checking", "mergeable"]);
    project.commit("dev", "main", "other", [("data/b.yml", Some("2\n"))]);
    let listed = api.get("merge_requests?state=opened").1;
    assert_eq!(listed[0]["has_conflicts"], false, "stale");
    assert_eq!([status(), status(), status()], ["checking", "checking", "conflict"]);
    assert_eq!(api.get("merge_requests?state=opened").1[0]["has_conflicts"], true);
    assert_eq!(api.json("PUT", "merge_requests/1/merge", None).0, 405);
    assert!(project.try_merge("main", &["x"]).is_err());
}

#[test]
fn a_merge_is_real_and_removes_the_branch_later() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    new_branch(&project, "x", "data/b.yml", "1\n");
    open(&api, "x");
    assert_eq!(api.json("PUT", "merge_requests/1/merge", None).0, 401, "main is protected");
    project.protect("main", None);
    let wrong = json!({ "sha": "0".repeat(40) });
    assert_eq!(api.json("PUT", "merge_requests/1/merge", Some(wrong)).0, 409);
    let (status, merged) = api.json("PUT", "merge_requests/1/merge", None);
    assert_eq!((status, merged["state"].as_str()), (200, Some("merged")));
    assert_eq!(merged["merge_commit_sha"].as_str(), project.tip("main").as_deref());
    assert_eq!(project.file("main", "data/b.yml").unwrap(), b"1\n");
    assert!(project.tip("x").is_some());
    forge.settle();
    assert!(project.tip("x").is_none());
    assert_eq!(project.merge_request(1).unwrap().state, MrState::Merged);
}

#[test]
fn what_happens_in_the_background_takes_requests() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    new_branch(&project, "x", "data/b.yml", "1\n");
    new_branch(&project, "y", "data/sub/c.yml", "1\n");
    open(&api, "x");
    open(&api, "y");
    project.delete_branch("dev", "x");
    let state = |iid: u64| {
        api.get(&format!("merge_requests/{iid}")).1["state"].as_str().unwrap().to_owned()
    };
    assert_eq!([state(1), state(1), state(1)], ["opened", "opened", "closed"]);
    let tip = project.tip("y").unwrap();
    project.set_branch("dev", "main", &tip).unwrap();
    assert_eq!([state(2), state(2), state(2)], ["opened", "opened", "merged"]);
}

#[test]
fn pushes_cost_approvals_and_pipelines_but_a_clean_rebase_keeps_them() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    new_branch(&project, "x", "data/b.yml", "1\n");
    open(&api, "x");
    project.approve("dev", 1);
    project.commit("dev", "main", "other", [("data/a.yml", Some("new\n"))]);
    assert_eq!(api.json("PUT", "merge_requests/1/rebase", None).0, 202);
    assert_eq!(
        api.get("merge_requests/1?include_rebase_in_progress=true").1["rebase_in_progress"],
        true
    );
    forge.settle();
    let rebased = project.merge_request(1).unwrap();
    assert_eq!((rebased.approvals.len(), rebased.versions.len()), (1, 2));
    assert_eq!(project.file("x", "data/a.yml").unwrap(), b"new\n");
    project.commit("dev", "x", "more", [("data/b.yml", Some("3\n"))]);
    assert_eq!(project.merge_request(1).unwrap().lost_approvals, 1);
    let pipelines = api.get("merge_requests/1/pipelines").1;
    assert_eq!(pipelines.as_array().unwrap().len(), 3);
}

#[test]
fn edits_notes_and_quick_actions() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    new_branch(&project, "x", "data/b.yml", "1\n");
    open(&api, "x");
    let body = json!({ "title": "Draft: t", "add_labels": "c", "remove_labels": "a" });
    let (_, edited) = api.json("PUT", "merge_requests/1", Some(body));
    assert_eq!((&edited["draft"], &edited["labels"]), (&json!(true), &json!(["b", "c"])));
    assert_eq!(api.get("merge_requests/1").0, 200);
    assert_eq!(api.get("merge_requests/1").1["detailed_merge_status"], "draft_status");
    let note = json!({ "body": "hello @dev\n/label ~d\nbye" });
    let (status, note) = api.json("POST", "merge_requests/1/notes", Some(note));
    assert_eq!((status, note["body"].as_str()), (201, Some("hello @dev\nbye")));
    assert_eq!(forge.mentions()[0].name, "dev");
    assert_eq!(forge.quick_actions()[0].command, "label");
    assert!(project.merge_request(1).unwrap().labels.contains("d"));
    let close = json!({ "state_event": "close" });
    assert_eq!(api.json("PUT", "merge_requests/1", Some(close)).1["state"], "closed");
    assert_eq!(api.get("merge_requests?state=opened").1, json!([]));
    assert_eq!(
        api.get("merge_requests?state=closed&author_username=bot&source_branch=x&labels=b").1[0]["iid"],
        1
    );
    assert_eq!(api.get("merge_requests/1/resource_state_events").1[0]["state"], "closed");
    assert_eq!(api.get("merge_requests/9").0, 404);
}

#[test]
fn the_pipeline_limit_drops_silently() {
    let limit = Settings { pipelines_created_per_user: Some(1), ..Settings::default() };
    let (forge, project) = config_with(limit);
    forge.advance(chrono::Duration::zero());
    let api = Api::of(&forge);
    new_branch(&project, "x", "data/b.yml", "1\n");
    new_branch(&project, "y", "data/b.yml", "2\n");
    assert_eq!((open(&api, "x").0, open(&api, "y").0), (201, 201));
    assert_eq!(api.get("merge_requests/1/pipelines").1.as_array().unwrap().len(), 1);
    assert_eq!(api.get("merge_requests/2/pipelines").1, json!([]));
    forge.advance(chrono::Duration::seconds(61));
    project.commit("bot", "y", "again", [("data/b.yml", Some("3\n"))]);
    assert_eq!(api.get("merge_requests/2/pipelines").1.as_array().unwrap().len(), 1);
    assert_eq!(api.send("HEAD", "repository/files/data%2Fb.yml?ref=y", None).status(), 200);
    assert_eq!(api.send("HEAD", "repository/branches/none", None).status(), 404);
    assert_eq!(api.get("merge_requests?not%5Blabels%5D=x").0, 404);
}

#[test]
fn pipelines_are_limited_for_a_commit_and_for_a_user() {
    let (forge, project) = config();
    forge.set_time(forge.now());
    project.set_branch("dev", "stable", "main").unwrap();
    new_branch(&project, "x", "data/b.yml", "1\n");
    project.open_merge_request("dev", "x", "main", "t", "").unwrap();
    let dropped = || project.pipelines().iter().filter(|pipeline| pipeline.dropped).count();
    let retarget = |times: usize| {
        (0..times).for_each(|time| {
            let target = if time % 2 == 0 { "stable" } else { "main" };
            project.retarget("dev", 1, target).unwrap();
        });
    };
    // Each starts a pipeline of the same commit, as opening it did.
    retarget(24);
    assert_eq!(dropped(), 0);
    retarget(1);
    assert_eq!(dropped(), 1);
    project.commit("dev", "x", "another commit", [("data/b.yml", Some("2\n"))]);
    assert_eq!(dropped(), 1);
    forge.configure(|settings| settings.pipelines_created_per_user = Some(26));
    project.commit("dev", "x", "one more", [("data/b.yml", Some("3\n"))]);
    assert_eq!(dropped(), 2);
    project.commit("bot", "x", "somebody else's", [("data/b.yml", Some("4\n"))]);
    assert_eq!(dropped(), 2);
    forge.advance(chrono::Duration::minutes(1));
    retarget(2);
    assert_eq!(dropped(), 2);
}
