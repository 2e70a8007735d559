//! Git over HTTP, the other services, the log and the faults.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Api, TOKEN, config};
use forge::{CommitInfo, Fault, FaultKind, Forge, PromAnswer, Service};
use serde_json::{Value, json};

fn git(args: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .args(["-c", "credential.helper="])
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn clone_shallow_and_ls_remote() {
    let (forge, project) = config();
    let dir = tempfile::tempdir().unwrap();
    let url = project.clone_url();
    let with_token = url.replace("http://", &format!("http://oauth2:{TOKEN}@"));
    project.commit("dev", "main", "second", [("data/b.yml", Some("B\n"))]);
    for (at, protocol) in ["0", "1", "2"].iter().enumerate() {
        let to = dir.path().join(at.to_string());
        let config = format!("protocol.version={protocol}");
        let (ok, text) =
            git(&["-c", &config, "clone", "-q", "--depth", "1", &with_token, to.to_str().unwrap()]);
        assert!(ok, "{text}");
        assert_eq!(std::fs::read(to.join("data/b.yml")).unwrap(), b"B\n");
        let (_, count) = git(&["-C", to.to_str().unwrap(), "rev-list", "--count", "HEAD"]);
        assert_eq!(count.trim(), "1");
        project.commit("dev", "main", "more", [(format!("data/{at}.yml"), Some("new\n"))]);
        let (ok, text) =
            git(&["-C", to.to_str().unwrap(), "-c", &config, "fetch", "-q", "--depth", "1"]);
        assert!(ok, "{text}");
    }
    assert!(!git(&["ls-remote", &url]).0, "no token");
    assert!(!git(&["ls-remote", &url.replace("http://", "http://oauth2:wrong@")]).0);
    let push =
        ["-C", dir.path().join("0").to_str().unwrap(), "push", "-q", "origin", "HEAD:refs/heads/y"]
            .map(str::to_owned);
    let push: Vec<&str> = push.iter().map(String::as_str).collect();
    assert!(!git(&push).0);
    assert!(forge.writes().is_empty(), "a refused advertisement is a GET");
    forge.configure(|settings| settings.allow_git_push = true);
    forge.change_token(TOKEN, |token| {
        token.scopes.insert("write_repository".to_owned());
    });
    let (ok, text) = git(&push);
    assert!(ok, "{text}");
    assert_eq!(forge.writes().len(), 1);
    assert!(project.tip("y").is_some());
}

#[test]
fn the_git_host_knows_refs_without_objects() {
    let forge = Forge::builder().start_blocking();
    let sha = "a".repeat(40);
    forge.set_git_ref("team/code", "main", &sha);
    forge.set_git_ref("team/code", "refs/tags/v1", &"b".repeat(40));
    for version in ["0", "2"] {
        let config = format!("protocol.version={version}");
        let (ok, text) =
            git(&["-c", &config, "ls-remote", &forge.git_url("team/code.git"), "refs/heads/main"]);
        assert!(ok, "{text}");
        assert_eq!(text, format!("{sha}\trefs/heads/main\n"));
    }
    forge.require_git_password("team/code", "secret");
    assert!(!git(&["ls-remote", &forge.git_url("team/code")]).0);
    assert!(
        git(&["ls-remote", &forge.git_url("team/code").replace("http://", "http://u:secret@")]).0
    );
    let real = forge.create_git_repo("team/real", &[("x".to_owned(), b"1".to_vec())].into());
    assert!(git(&["ls-remote", &forge.git_url("team/real")]).1.contains(&real));
}

#[test]
fn github_prometheus_and_s3_answer() {
    let (forge, _) = config();
    let client = Api::of(&forge).client;
    let get = |url: String| {
        let answer = client.get(url).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    let sha = "c".repeat(40);
    forge.set_github_ref("o/r", "release/1", CommitInfo::new(&sha));
    let commits = format!("{}/api/v3/repos/o/r/commits", forge.github_url());
    let body: Value = serde_json::from_str(&get(format!("{commits}/release/1")).1).unwrap();
    assert_eq!(body["sha"], json!(sha));
    assert_eq!(get(format!("{commits}/release%2F1")).0, 200);
    assert_eq!(get(format!("{commits}/no")).0, 422);
    assert_eq!(get(format!("{}/repos/o/none/commits/main", forge.github_url())).0, 404);
    forge.remove_github_ref("o/r", "release/1");
    assert_eq!(get(format!("{commits}/no")).0, 409);
    forge.set_prometheus("up{a=\"b c\"}", PromAnswer::Value(0.5));
    let query =
        format!("{}/cluster/api/v1/query?query=up%7Ba%3D%22b+c%22%7D", forge.prometheus_url());
    assert!(get(query).1.contains("\"0.5\""));
    forge.put_object("state", "state/k", "v");
    assert_eq!(forge.objects("state", ""), ["state/k"]);
    assert_eq!(get(format!("{}/state/state/k", forge.s3_endpoint())).0, 403, "unsigned");
    let services: Vec<Service> = forge.log().iter().map(|entry| entry.service).collect();
    assert_eq!((services[0], *services.last().unwrap()), (Service::GitHub, Service::S3));
    forge.assert_no_unknown_routes();
}

#[test]
fn faults_strike_before_or_after_the_effect() {
    let (forge, project) = config();
    let api = Api::of(&forge);
    let main = project.tip("main").unwrap();
    let post = |name: &str| {
        let body = json!({ "branch": name, "ref": main });
        let request = api
            .client
            .post(format!("{}/repository/branches", api.base))
            .header("PRIVATE-TOKEN", TOKEN);
        let sent = request.json(&body).timeout(Duration::from_millis(500)).send();
        sent.and_then(|answer| {
            let status = answer.status().as_u16();
            answer.text().map(|_| status)
        })
    };
    let kinds = [
        (FaultKind::Status(503, String::new(), Vec::new()), Some(503), false),
        (FaultKind::StatusAfter(502), Some(502), true),
        (FaultKind::DropBefore, None, false),
        (FaultKind::DropAfter, None, true),
        (FaultKind::Truncate, None, true),
        (FaultKind::Hang, None, false),
        (FaultKind::HangAfter, None, true),
        (FaultKind::Delay(Duration::from_millis(5)), Some(201), true),
    ];
    for (at, (kind, status, effect)) in kinds.into_iter().enumerate() {
        let name = format!("f{at}");
        let called = Arc::new(AtomicBool::new(false));
        let seen = called.clone();
        let fault =
            Fault::new(kind.clone()).on(Service::GitLab).method("POST").path("/branches").nth(2);
        forge.fault(fault.calling(move |_| seen.store(true, Ordering::SeqCst)));
        assert_eq!(post(&format!("before{at}")).unwrap(), 201);
        assert_eq!(post(&name).ok(), status, "{kind:?}");
        assert_eq!(project.tip(&name).is_some(), effect, "{kind:?}");
        assert!(called.load(Ordering::SeqCst));
        assert_eq!(forge.faults_played(), 1);
        forge.clear_faults();
    }
    forge.clear_log();
    let hook = project.clone();
    forge.on_request(2, move |_| {
        hook.delete_branch("dev", "f1");
    });
    assert_eq!(api.get("repository/branches/f1").0, 200);
    assert_eq!(api.get("repository/branches/f1").0, 404);
    assert_eq!(forge.request_count(), 2);
    assert_eq!(
        api.get("nowhere").1,
        json!("forge: unknown route GET /api/v4/projects/group%2Fconfig/nowhere\n")
    );
    assert!(forge.log()[2].unknown_route);
}

#[test]
fn refs_of_gitlab_repositories_without_objects() {
    let (forge, _) = config();
    let api = Api::of(&forge);
    forge.set_gitlab_ref("code/app", "release/1", CommitInfo::new("d".repeat(40)));
    let base = format!("{}/api/v4/projects/code%2Fapp/repository/commits", forge.gitlab_url());
    let get = |url: String| api.client.get(url).header("PRIVATE-TOKEN", TOKEN).send().unwrap();
    let one: Value = get(format!("{base}/release%2F1")).json().unwrap();
    assert_eq!(one["id"], json!("d".repeat(40)));
    assert_eq!(get(format!("{base}/none")).status(), 404);
    forge.move_project("code/app", "code/new");
    assert_eq!(get(format!("{base}/release%2F1")).status(), 301);
}

#[test]
fn many_requests_at_once() {
    let (forge, _) = config();
    let api = Api::of(&forge);
    forge.set_gitlab_ref("code/app", "main", CommitInfo::new("d".repeat(40)));
    let url = format!("{}/api/v4/projects/code%2Fapp/repository/commits/main", forge.gitlab_url());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let answer =
                        api.client.get(&url).header("PRIVATE-TOKEN", TOKEN).send().unwrap();
                    assert_eq!(answer.status(), 200);
                }
            });
        }
    });
    assert_eq!(forge.request_count(), 800);
}
