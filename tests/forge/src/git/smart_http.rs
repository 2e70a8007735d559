//! Git over HTTP (gitprotocol-http): the git binary handles the protocol over standard input and output.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use git2::Oid;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::gitlab::{auth, pushes};
use crate::http::{Req, Resp};
use crate::shared::Shared;
use crate::state::{Access, Visibility};

/// A parsed git request.
pub(crate) struct GitRequest {
    /// The repository's path, without `.git`.
    pub repo: String,
    /// `git-upload-pack` or `git-receive-pack`.
    pub service: String,
    pub advertise: bool,
    pub dot_git: bool,
}

pub(crate) fn parse(req: &Req) -> Option<GitRequest> {
    let path = crate::http::decode(req.path.trim_start_matches('/'));
    let (repo, service, advertise) = if let Some(repo) = path.strip_suffix("/info/refs") {
        let service = req.params().text("service")?;
        (repo, service, true)
    } else {
        let (repo, service) = path.rsplit_once('/')?;
        (repo, service.to_owned(), false)
    };
    if service != "git-upload-pack" && service != "git-receive-pack" {
        return None;
    }
    let bare = repo.strip_suffix(".git").unwrap_or(repo);
    Some(GitRequest { repo: bare.to_owned(), service, advertise, dot_git: bare.len() < repo.len() })
}

/// Serves git requests for GitLab's projects. Private ones require basic auth with a token as the password.
pub(crate) async fn gitlab(shared: &Arc<Shared>, req: Req) -> Resp {
    let Some(git) = parse(&req) else {
        return Resp { unknown_route: true, ..Resp::new(404, "") };
    };
    if !git.dot_git && git.advertise {
        let to = format!("{}/{}.git/info/refs?{}", shared.urls.gitlab, git.repo, req.query);
        return Resp::new(301, "").with("location", to);
    }
    let writes = git.service == "git-receive-pack";
    let (id, user, dir, name) = match admit(shared, &req, &git, writes) {
        Ok(admitted) => admitted,
        Err(resp) => return *resp,
    };
    let before = writes.then(|| branches(shared, id));
    let mut resp = run(&git, &req, &dir).await;
    resp.user = name;
    if let (Some(before), false, Some(user)) = (before, git.advertise, user) {
        follow(shared, id, user, &before);
    }
    resp
}

type Admitted = (u64, Option<u64>, PathBuf, Option<String>);

fn admit(
    shared: &Shared,
    req: &Req,
    git: &GitRequest,
    writes: bool,
) -> Result<Admitted, Box<Resp>> {
    let state = shared.state();
    let caller = auth::basic(&state, req);
    let denied = || {
        let text = "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was \
                    incorrect or you're required to use a token instead of a password.\n";
        Box::new(Resp::new(401, text).with("www-authenticate", "Basic realm=\"GitLab\""))
    };
    if caller.is_none() && req.header("authorization").is_some() {
        return Err(denied());
    }
    let missing = || {
        let text = "The project you were looking for could not be found or you don't have permission to view it.\n";
        Box::new(Resp::new(404, text))
    };
    let Some(id) = state.project_id(&git.repo) else {
        return Err(if caller.is_none() { denied() } else { missing() });
    };
    let project = state.project(id);
    let user = caller.as_ref().map(|(user, _)| *user);
    let scope = |names: &[&str]| {
        caller.as_ref().is_some_and(|(_, token)| {
            token.job || token.granular || names.iter().any(|name| token.scopes.contains(*name))
        })
    };
    let access = project.access(user);
    if writes {
        if caller.is_none() {
            return Err(denied());
        }
        let may = scope(&["api", "write_repository"]) && access >= Some(Access::Developer);
        let job = caller.as_ref().is_some_and(|(_, token)| token.job);
        if !may || job || !state.settings.allow_git_push {
            return Err(Box::new(Resp::new(
                403,
                "You are not allowed to push code to this project.\n",
            )));
        }
    } else if project.visibility != Visibility::Public {
        if caller.is_none() {
            return Err(denied());
        }
        if !scope(&["api", "read_repository", "write_repository"]) {
            let text =
                "remote: HTTP Basic: Access denied. The token needs the scope read_repository.\n";
            return Err(Box::new(Resp::new(403, text)));
        }
        if project.visibility == Visibility::Private && access < Some(Access::Reporter) {
            return Err(if access.is_none() {
                missing()
            } else {
                Box::new(Resp::new(403, "403 Forbidden\n"))
            });
        }
    }
    let name = user.map(|user| state.user(user).username.clone());
    match project.repo() {
        Some(repo) => Ok((id, user, repo.dir.clone(), name)),
        None => Err(Box::new(Resp { unknown_route: true, ..Resp::new(404, "") })),
    }
}

fn branches(shared: &Shared, id: u64) -> BTreeMap<String, Oid> {
    shared.state().project(id).repo().map(super::repo::Repo::branches).unwrap_or_default()
}

/// Updates merge requests and pipelines after a push with git.
fn follow(shared: &Shared, id: u64, user: u64, before: &BTreeMap<String, Oid>) {
    let after = branches(shared, id);
    let mut state = shared.state();
    for (branch, new) in &after {
        if before.get(branch) != Some(new) {
            pushes::pushed(&mut state, id, user, branch, before.get(branch).copied(), *new);
        }
    }
    for branch in before.keys().filter(|branch| !after.contains_key(*branch)) {
        pushes::branch_gone(&mut state, id, user, branch);
    }
}

/// Runs the git binary on a bare repository.
pub(crate) async fn run(git: &GitRequest, req: &Req, dir: &Path) -> Resp {
    let Some(body) = plain_body(req) else { return Resp::new(400, "unreadable body\n") };
    let mut command = Command::new("git");
    command
        .args(["-c", "safe.directory=*", "-c", "uploadpack.allowFilter=true"])
        .args(["-c", "uploadpack.allowAnySHA1InWant=true", "-c", "receive.denyDeletes=false"])
        .args([git.service.trim_start_matches("git-"), "--stateless-rpc"])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_PROTOCOL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if git.advertise {
        command.arg("--advertise-refs");
    }
    if let Some(protocol) = req.header("git-protocol") {
        command.env("GIT_PROTOCOL", protocol);
    }
    let Ok(mut child) = command.arg(dir).spawn() else {
        return Resp::new(500, "forge: the git binary cannot be run\n");
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let feed = tokio::spawn(async move {
        stdin.write_all(&body).await.ok();
        stdin.shutdown().await.ok();
    });
    let Ok(output) = child.wait_with_output().await else {
        return Resp::new(500, "forge: git failed\n");
    };
    feed.await.ok();
    let kind = if git.advertise { "advertisement" } else { "result" };
    let mut answer = Vec::new();
    let v2 = req.header("git-protocol").is_some_and(|protocol| protocol.contains("version=2"));
    if git.advertise && !(v2 && git.service == "git-upload-pack") {
        let line = format!("# service={}\n", git.service);
        answer.extend(format!("{:04x}{line}0000", line.len() + 4).into_bytes());
    }
    answer.extend(output.stdout);
    Resp::new(200, answer)
        .with("content-type", format!("application/x-{}-{kind}", git.service))
        .with("cache-control", "no-cache")
}

fn plain_body(req: &Req) -> Option<Bytes> {
    if req.header("content-encoding") != Some("gzip") {
        return Some(req.body.clone());
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(req.body.as_ref()).read_to_end(&mut plain).ok()?;
    Some(plain.into())
}
