//! A git host without an API, for `ls-remote`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::git::{smart_http, virtual_refs};
use crate::http::{Req, Resp};
use crate::shared::Shared;

/// A repository of the host.
#[derive(Clone, Default)]
pub(crate) struct Refs {
    /// Full ref name to hash, for a repository without objects.
    pub refs: BTreeMap<String, String>,
    pub head: String,
    /// A real bare repository.
    pub dir: Option<PathBuf>,
    /// The password that it requires.
    pub password: Option<String>,
}

pub(crate) async fn handle(shared: &Arc<Shared>, req: Req) -> Resp {
    let Some(git) = smart_http::parse(&req) else {
        return Resp { unknown_route: true, ..Resp::new(404, "") };
    };
    let found = shared.state().git_host.get(&git.repo).cloned();
    let Some(repo) = found else { return Resp::new(404, "repository not found\n") };
    if let Some(wanted) = &repo.password
        && password(&req).as_ref() != Some(wanted)
    {
        return Resp::new(401, "authentication required\n")
            .with("www-authenticate", "Basic realm=\"git\"");
    }
    if git.service != "git-upload-pack" {
        return Resp::new(403, "read only\n");
    }
    match &repo.dir {
        Some(dir) => smart_http::run(&git, &req, dir).await,
        None => virtual_refs::answer(&git, &req, &repo.refs, &repo.head),
    }
}

fn password(req: &Req) -> Option<String> {
    let encoded = req.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}
