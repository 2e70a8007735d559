//! Commits, branches and files over REST.

use crate::support::{Api, config};
use serde_json::{Value, json};

#[test]
fn a_commit_starts_a_branch_and_force_replaces_it() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    let main = project.tip("main").unwrap();
    let body = |content: &str, force: bool| {
        json!({ "branch": "bot/x", "start_sha": main, "commit_message": "m\n\nKey: value", "force": force,
                "actions": [{ "action": "update", "file_path": "data/a.yml", "content": content }] })
    };
    let (status, first) = api.json("POST", "repository/commits", Some(body("1\n", false)));
    assert_eq!(status, 201, "{first}");
    assert_eq!(first["parent_ids"], json!([main]));
    assert_eq!(first["trailers"]["Key"], "value");
    assert_eq!(project.tip("bot/x").unwrap(), first["id"].as_str().unwrap());

    let (status, refused) = api.json("POST", "repository/commits", Some(body("2\n", false)));
    assert_eq!(status, 400);
    assert!(refused["message"].as_str().unwrap().contains("already exists"), "{refused}");

    let (status, second) = api.json("POST", "repository/commits", Some(body("2\n", true)));
    assert_eq!((status, &second["parent_ids"]), (201, &json!([main])));
    assert_eq!(project.file("bot/x", "data/a.yml").unwrap(), b"2\n");
    assert_eq!(project.file("main", "data/b.yml").unwrap(), b"b\n");
    forge.assert_no_unknown_routes();
}

#[test]
fn a_refused_action_changes_nothing() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    let main = project.tip("main").unwrap();
    let tries = [
        (json!([]), "actions is empty"),
        (
            json!([{ "action": "update", "file_path": "no", "content": "" }]),
            "A file with this name doesn't exist",
        ),
        (
            json!([{ "action": "create", "file_path": "data/b.yml", "content": "" }]),
            "A file with this name already exists",
        ),
        (
            json!([{ "action": "update", "file_path": "data/b.yml", "content": "", "last_commit_id": "1".repeat(40) }]),
            "has changed since",
        ),
        (json!([{ "action": "delete", "file_path": "../x" }]), "directory traversal"),
    ];
    for (actions, text) in tries {
        let body = json!({ "branch": "n", "start_branch": "main", "commit_message": "m", "actions": actions });
        let (status, answer) = api.json("POST", "repository/commits", Some(body));
        assert_eq!(status, 400);
        assert!(answer.to_string().contains(text), "{answer}");
    }
    let delete = json!([{ "action": "delete", "file_path": "data/sub/c.yml" }]);
    let protected = json!({ "branch": "main", "commit_message": "m", "actions": delete });
    assert_eq!(api.json("POST", "repository/commits", Some(protected)).0, 403);
    assert_eq!(project.branches().len(), 1);
    assert_eq!(project.tip("main").unwrap(), main);
    let body =
        json!({ "branch": "n", "start_branch": "main", "commit_message": "m", "actions": delete });
    assert_eq!(api.json("POST", "repository/commits", Some(body)).0, 201);
    let left: Vec<String> = project.files("n").into_keys().collect();
    assert_eq!(left, ["data/a.yml", "data/b.yml"]);
}

#[test]
fn branches_are_searched_and_paged() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    let main = project.tip("main").unwrap();
    for at in 0..5 {
        project.set_branch("dev", &format!("bot/{at}"), &main).unwrap();
    }
    project.set_branch("dev", "other/bot/1", &main).unwrap();
    // As GitLab: the first page of a search has every match, and its headers count all branches, also `main`.
    let answer = api.send("GET", "repository/branches?search=%5Ebot%2F&per_page=2", None);
    assert_eq!(answer.headers()["x-next-page"], "2");
    assert_eq!(answer.headers()["x-total"], "7");
    assert!(
        answer.headers()["link"].to_str().unwrap().contains("page=2&per_page=2>; rel=\"next\"")
    );
    let branches: Value = answer.json().unwrap();
    assert_eq!(branches.as_array().unwrap().len(), 5);
    let matches_on = |page: usize| {
        let path = format!("repository/branches?search=%5Ebot%2F&per_page=2&page={page}");
        api.get(&path).1.as_array().unwrap().len()
    };
    assert_eq!([2, 3, 4].map(matches_on), [2, 1, 0]);
    assert_eq!(api.get("repository/branches/bot%2F1").1["commit"]["id"], json!(main));
    assert_eq!(api.get("repository/branches/bot%2F9").0, 404);
    assert_eq!(api.json("DELETE", "repository/branches/bot%2F1", None).0, 204);
    assert_eq!(api.json("DELETE", "repository/branches/bot%2F1", None).0, 404);
    assert_eq!(api.json("DELETE", "repository/branches/main", None).0, 405);
}

#[test]
fn files_are_read_at_a_ref() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    let raw = api.send("GET", "repository/files/data%2Fb.yml/raw?ref=main", None);
    let blob = raw.headers()["x-gitlab-blob-id"].to_str().unwrap().to_owned();
    assert_eq!(raw.text().unwrap(), "b\n");
    assert_eq!(
        api.send("GET", &format!("repository/blobs/{blob}/raw"), None).text().unwrap(),
        "b\n"
    );
    assert_eq!(api.get("repository/files/data%2Fb.yml?ref=main").1["content"], "Ygo=");
    assert_eq!(api.get("repository/files/no?ref=main").1["message"], "404 File Not Found");
    assert_eq!(
        api.get("repository/files/data%2Fb.yml?ref=no").1["message"],
        "404 Commit Not Found"
    );
    assert_eq!(api.get("repository/tree?path=data").1.as_array().unwrap().len(), 3);
    let old = project.tip("main").unwrap();
    let new = project.commit("dev", "main", "x", [("data/b.yml", Some("B\n"))]);
    let compare = api.get(&format!("repository/compare?from={old}&to={new}")).1;
    assert_eq!(compare["diffs"][0]["diff"], "@@ -1 +1 @@\n-b\n+B\n");
    assert_eq!(api.get("repository/commits/main").1["id"], json!(new));
    assert_eq!(api.get("repository/commits?ref_name=main&per_page=1").1[0]["id"], json!(new));
    assert_eq!(api.get(&format!("repository/commits/{new}/diff")).1[0]["new_path"], "data/b.yml");
}

#[test]
fn tokens_are_checked() {
    let (forge, _) = config();
    forge.add_token("reader", "read", &["read_api"]);
    forge.project("group/config").unwrap().add_member("reader", forge::Access::Reporter);
    forge.add_job_token("reader", "job");
    let api = Api::of(&forge);
    let get = |name: &str, token: &str, path: &str| {
        api.client
            .get(format!("{}{path}", api.base))
            .header(name, token)
            .send()
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(get("PRIVATE-TOKEN", "wrong", ""), 401);
    assert_eq!(get("PRIVATE-TOKEN", "read", ""), 200);
    assert_eq!(get("JOB-TOKEN", "job", ""), 404);
    assert_eq!(get("JOB-TOKEN", "job", "/merge_requests"), 200);
    let post =
        api.client.post(format!("{}/merge_requests", api.base)).bearer_auth("read").send().unwrap();
    assert_eq!(post.status().as_u16(), 403);
    assert_eq!(
        api.client.get(format!("{}/api/v4/user", forge.gitlab_url())).send().unwrap().status(),
        401
    );
}
