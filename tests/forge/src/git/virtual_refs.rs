//! Refs without a repository: the part of the protocol for `ls-remote` (gitprotocol-http, gitprotocol-v2: ls-refs).

use std::collections::BTreeMap;

use crate::git::smart_http::GitRequest;
use crate::http::{Req, Resp};

fn line(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

/// Responds with a list of full ref names and hashes; `HEAD` points to `head` if that is in the list.
pub(crate) fn answer(
    git: &GitRequest,
    req: &Req,
    refs: &BTreeMap<String, String>,
    head: &str,
) -> Resp {
    let head_name = format!("refs/heads/{head}");
    let mut all: Vec<(&str, &str)> = Vec::new();
    if let Some(sha) = refs.get(&head_name) {
        all.push(("HEAD", sha));
    }
    all.extend(refs.iter().map(|(name, sha)| (name.as_str(), sha.as_str())));
    let v2 = req.header("git-protocol").is_some_and(|protocol| protocol.contains("version=2"));
    let kind = if git.advertise { "advertisement" } else { "result" };
    let mut body = String::new();
    match (git.advertise, v2) {
        (true, true) => {
            for capability in
                ["version 2\n", "agent=forge\n", "ls-refs=unborn\n", "object-format=sha1\n"]
            {
                body += &line(capability);
            }
        }
        (true, false) => {
            body += &line("# service=git-upload-pack\n");
            body += "0000";
            let zero = "0".repeat(40);
            let capabilities = format!("\0symref=HEAD:{head_name} object-format=sha1 agent=forge");
            if all.is_empty() {
                body += &line(&format!("{zero} capabilities^{{}}{capabilities}\n"));
            }
            for (at, (name, sha)) in all.iter().enumerate() {
                let capabilities = if at == 0 { capabilities.as_str() } else { "" };
                body += &line(&format!("{sha} {name}{capabilities}\n"));
            }
        }
        (false, _) => {
            let asked = String::from_utf8_lossy(&req.body).into_owned();
            if !asked.contains("command=ls-refs") {
                return Resp::new(404, "forge: these refs have no objects\n");
            }
            let prefixes: Vec<&str> = asked
                .lines()
                .filter_map(|line| line.split_once("ref-prefix ").map(|(_, prefix)| prefix))
                .collect();
            for (name, sha) in all {
                if prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                    let symref = if name == "HEAD" {
                        format!(" symref-target:{head_name}")
                    } else {
                        String::new()
                    };
                    body += &line(&format!("{sha} {name}{symref}\n"));
                }
            }
        }
    }
    body += "0000";
    Resp::new(200, body)
        .with("content-type", format!("application/x-git-upload-pack-{kind}"))
        .with("cache-control", "no-cache")
}
