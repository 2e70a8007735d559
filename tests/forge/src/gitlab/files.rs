//! Files, blobs and trees (GitLab docs, api/repository_files and api/repositories).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use crate::git::repo::{Blob, Repo};
use crate::gitlab::commits::find;
use crate::gitlab::{Call, paging, repo};
use crate::http::{Answer, Resp, refuse};

fn open<'a>(call: &'a Call<'_>, id: u64, path: &str) -> Result<(&'a Repo, Oid, Blob), Box<Resp>> {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let rev = call.params.text("ref").unwrap_or_else(|| project.default_branch.clone());
    let rev = if rev == "HEAD" { project.default_branch.clone() } else { rev };
    let commit = find(repo, &rev)?;
    match repo.blob(commit, path) {
        Some(blob) => Ok((repo, commit, blob)),
        None => refuse(404, "404 File Not Found"),
    }
}

/// The file's properties for both JSON and headers.
fn about(
    call: &Call<'_>,
    repo: &Repo,
    path: &str,
    commit: Oid,
    blob: &Blob,
) -> Vec<(&'static str, Value)> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let last = repo.last_commit_of(commit, path).unwrap_or(commit).to_string();
    vec![
        ("file_name", json!(name)),
        ("file_path", json!(path)),
        ("size", json!(blob.bytes.len())),
        ("encoding", json!("base64")),
        ("ref", json!(call.params.text("ref").unwrap_or_else(|| "HEAD".to_owned()))),
        ("blob_id", json!(blob.id.to_string())),
        ("commit_id", json!(commit.to_string())),
        ("last_commit_id", json!(last)),
        ("execute_filemode", json!(blob.mode == 0o100_755)),
    ]
}

fn headers(resp: &mut Resp, about: Vec<(&'static str, Value)>) {
    for (name, value) in about {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        resp.set(&format!("x-gitlab-{}", name.replace('_', "-")), text);
    }
}

pub(crate) fn raw(call: &Call<'_>, id: u64, path: &str) -> Answer {
    let (repo, commit, blob) = open(call, id, path)?;
    let about = about(call, repo, path, commit, &blob);
    let mut resp = Resp::new(200, blob.bytes).with("content-type", "text/plain");
    headers(&mut resp, about);
    Ok(resp)
}

pub(crate) fn single(call: &Call<'_>, id: u64, path: &str) -> Answer {
    let (repo, commit, blob) = open(call, id, path)?;
    let about = about(call, repo, path, commit, &blob);
    if call.req.method == "HEAD" {
        let mut resp = Resp::new(200, "");
        headers(&mut resp, about);
        return Ok(resp);
    }
    let mut body: serde_json::Map<String, Value> =
        about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    body.insert("content".to_owned(), json!(STANDARD.encode(&blob.bytes)));
    Ok(Resp::ok(&Value::Object(body)))
}

pub(crate) fn blob(call: &Call<'_>, id: u64, sha: &str, raw: bool) -> Answer {
    let repo = repo(call.state.project(id))?;
    let found = Oid::from_str(sha).ok().and_then(|id| repo.git.find_blob(id).ok());
    let Some(blob) = found else { return refuse(404, "404 Blob Not Found") };
    if raw {
        return Ok(Resp::new(200, blob.content().to_vec()).with("content-type", "text/plain"));
    }
    let content = STANDARD.encode(blob.content());
    Ok(Resp::ok(
        &json!({ "size": blob.size(), "encoding": "base64", "content": content, "sha": sha }),
    ))
}

pub(crate) fn tree(call: &Call<'_>, id: u64) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let rev = call.params.text("ref").unwrap_or_else(|| project.default_branch.clone());
    let Some(commit) = repo.resolve(&rev) else { return refuse(404, "404 Tree Not Found") };
    let folder = call.params.text("path").unwrap_or_default();
    let folder = folder.trim_matches('/');
    let root = repo.git.find_tree(repo.tree_of(commit)).expect("a tree");
    let start = if folder.is_empty() {
        root
    } else {
        let entry = root.get_path(std::path::Path::new(folder)).ok();
        match entry.and_then(|entry| repo.git.find_tree(entry.id()).ok()) {
            Some(tree) => tree,
            None => return refuse(404, "404 invalid revision or path Not Found"),
        }
    };
    let recursive = call.params.flag("recursive");
    let mut found: Vec<(String, Value)> = Vec::new();
    start
        .walk(git2::TreeWalkMode::PreOrder, |below, entry| {
            let name = entry.name().unwrap_or_default();
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let path = format!("{prefix}{}{name}", below);
            let kind = if entry.kind() == Some(ObjectType::Tree) { "tree" } else { "blob" };
            let id = entry.id().to_string();
            let mode = format!("{:06o}", entry.filemode());
            found.push((
                path.clone(),
                json!({ "id": id, "name": name, "type": kind, "path": path, "mode": mode }),
            ));
            if recursive { git2::TreeWalkResult::Ok } else { git2::TreeWalkResult::Skip }
        })
        .expect("a tree that can be walked");
    if call.params.text("pagination").as_deref() == Some("keyset") {
        return paging::by_key(call, &found, |(path, _)| path, |(_, value)| value.clone());
    }
    paging::page(call, &found, true, |(_, value)| value.clone())
}
