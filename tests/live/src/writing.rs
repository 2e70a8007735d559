//! Checks that need writes, in a scratch project: on branches that are deleted at the end.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::gitlab::{Answer, GitLab, MAIN, encode};
use crate::{Rows, Verdict, verdict};

/// Names of a scratch run contain its start time, so that two runs do not conflict.
struct Scratch<'a> {
    gitlab: &'a GitLab,
    branch: String,
    file: String,
    base: String,
}

pub(crate) async fn check(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let tip = gitlab.get(&gitlab.in_project(&format!("repository/commits/{MAIN}"))).await?;
    let base = tip.field("id");
    let started = tip.header("date").unwrap_or_default();
    let run: String = started.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut scratch = Scratch {
        gitlab,
        branch: format!("auto-promoter-v2/check-live-{run}"),
        file: format!("data/{run}.yml"),
        base,
    };
    scratch.add_file().await?;
    let commit = commits(&scratch, rows).await?;
    requests(&scratch, rows, &commit).await?;
    endings(&scratch, rows).await
}

impl Scratch<'_> {
    async fn send(&self, method: Method, path: &str, body: Value) -> Result<Answer, String> {
        self.gitlab.send(method, &self.gitlab.in_project(path), Some(body)).await
    }

    async fn commit(&self, fields: Value, action: &str, content: &str) -> Result<Answer, String> {
        let mut body = json!({
            "commit_message": "Promote shop\n\nSapm-Check: a%20b",
            "actions": [{"action": action, "file_path": self.file, "content": content, "encoding": "text"}],
        });
        if let (Some(body), Some(fields)) = (body.as_object_mut(), fields.as_object()) {
            body.extend(fields.clone());
        }
        self.send(Method::POST, "repository/commits", body).await
    }

    /// The file that the branches change. All edits come after its beginning.
    async fn add_file(&mut self) -> Result<(), String> {
        let added = self.commit(json!({ "branch": MAIN }), "create", "ref: a\r\n").await?;
        if added.status != 201 {
            return Err(format!("a commit on {MAIN}: {}", added.seen()));
        }
        self.base = added.field("id");
        Ok(())
    }

    fn onto_base(&self, force: bool) -> Value {
        json!({"branch": self.branch, "start_sha": self.base, "force": force})
    }
}

async fn commits(scratch: &Scratch<'_>, rows: &mut Rows) -> Result<Answer, String> {
    let made = scratch.commit(scratch.onto_base(false), "update", "ref: b\r\n").await?;
    let on_base = made.status == 201 && made.body["parent_ids"] == json!([scratch.base]);
    rows.add("W1", "a commit with start_sha makes its branch", verdict(on_base, made.seen()));
    let message = made.field("message");
    let kept = message.trim_end() == "Promote shop\n\nSapm-Check: a%20b";
    rows.add("W2", "a commit's message is kept", verdict(kept, format!("{message:?}")));
    let again = scratch.commit(scratch.onto_base(false), "update", "ref: c\n").await?;
    let text = format!("A branch called '{}' already exists", scratch.branch);
    let refused = again.status == 400 && again.field("message").starts_with(&text);
    rows.add("W3", "a branch that exists is refused without force", verdict(refused, again.seen()));
    let forced = scratch.commit(scratch.onto_base(true), "update", "ref: d\r\n").await?;
    let replaced = forced.status == 201 && forced.body["parent_ids"] == json!([scratch.base]);
    rows.add("W4", "force puts the branch on start_sha anew", verdict(replaced, forced.seen()));
    let path = format!("repository/files/{}/raw?ref={}", encode(&scratch.file), forced.field("id"));
    let file = scratch.gitlab.get(&scratch.gitlab.in_project(&path)).await?;
    rows.add(
        "W5",
        "a file's bytes are kept, including CRLF",
        verdict(file.text == "ref: d\r\n", file.seen()),
    );
    let missing = json!({
        "branch": scratch.branch, "commit_message": "x",
        "actions": [{"action": "update", "file_path": "data/none.yml", "content": "x"}],
    });
    let missing = scratch.send(Method::POST, "repository/commits", missing).await?;
    rows.add(
        "W6",
        "an update of a missing file is 400",
        verdict(missing.status == 400, missing.seen()),
    );
    let committer = forced.field("committer_name");
    let own = scratch.gitlab.user["name"].as_str() == Some(&committer);
    let seen = match own {
        true => committer,
        false => format!("{committer}: web commits are signed"),
    };
    // Both are valid: with web commit signing, GitLab itself is the committer.
    rows.add("W7", "the committer is the user, or GitLab where it signs", Verdict::Holds(seen));
    Ok(forced)
}

fn new_request(source: &str) -> Value {
    json!({
        "source_branch": source, "target_branch": MAIN, "title": "[AutoPromoterV2] check-live",
        "description": "a\r\nb  \n", "labels": "AutoPromoterV2,check-live", "remove_source_branch": true,
    })
}

async fn requests(scratch: &Scratch<'_>, rows: &mut Rows, commit: &Answer) -> Result<(), String> {
    let me = &scratch.gitlab.user["id"];
    let mut wanted = new_request(&scratch.branch);
    wanted["reviewer_ids"] = json!([me]);
    let opened = scratch.send(Method::POST, "merge_requests", wanted).await?;
    rows.add("W8", "a merge request is opened", verdict(opened.status == 201, opened.seen()));
    let reviewers = &opened.body["reviewers"];
    let is_asked = reviewers[0]["id"] == *me && reviewers[1].is_null();
    let seen = format!("{} reviewers", reviewers.as_array().map_or(0, Vec::len));
    rows.add("W24", "a merge request is opened with reviewers", verdict(is_asked, seen));
    let iid = opened.field("iid");
    let one = format!("merge_requests/{iid}");
    let labels = opened.body["labels"].as_array().map_or(0, Vec::len);
    rows.add("W9", "labels that are new are made", verdict(labels == 2, opened.field("labels")));
    let text = opened.field("description");
    rows.add(
        "W10",
        "a text loses carriage returns and blanks at its end",
        verdict(text == "a\nb", format!("{text:?}")),
    );
    let state = opened.field("force_remove_source_branch");
    rows.add("W11", "the wish to remove the branch is kept", verdict(state == "true", state));
    let again = scratch.send(Method::POST, "merge_requests", new_request(&scratch.branch)).await?;
    let named = again.status == 409 && again.text.contains(&format!("!{iid}"));
    rows.add("W12", "a second one is 409 and names the first", verdict(named, again.seen()));
    let none = scratch.send(Method::POST, "merge_requests", new_request("check-live/none")).await?;
    let seen = none.seen();
    if none.status == 201 {
        let path = format!("merge_requests/{}", none.field("iid"));
        scratch.send(Method::PUT, &path, json!({"state_event": "close"})).await?;
    }
    rows.add(
        "W13",
        "a missing source branch is accepted, or refused with 400",
        verdict(matches!(none.status, 201 | 400), seen),
    );
    let draft =
        json!({"title": "Draft: [AutoPromoterV2] check-live", "add_labels": "sapm/taken-over"});
    let draft = scratch.send(Method::PUT, &one, draft).await?;
    let is = draft.body["draft"] == true;
    rows.add("W14", "a title with `Draft:` makes a draft", verdict(is, draft.field("title")));
    let added = draft.body["labels"].as_array().map_or(0, Vec::len);
    rows.add(
        "W15",
        "add_labels keeps the other labels",
        verdict(added == 3, draft.field("labels")),
    );
    let note =
        scratch.send(Method::POST, &format!("{one}/notes"), json!({"body": "A note."})).await?;
    rows.add("W16", "a comment is 201", verdict(note.status == 201, note.seen()));
    let sha = settled(scratch, &one, |one| one["sha"] == commit.body["id"]).await?;
    rows.add("W17", "a merge request's sha is its branch's tip", sha);
    let closed = scratch.send(Method::PUT, &one, json!({"state_event": "close"})).await?;
    let by = closed.body["closed_by"]["id"] == scratch.gitlab.user["id"];
    let is = closed.body["state"] == "closed" && (by || closed.body["closed_by"].is_null());
    rows.add("W18", "a closed one says who closed it", verdict(is, closed.field("state")));
    let open = scratch.send(Method::PUT, &one, json!({"state_event": "reopen"})).await?;
    rows.add(
        "W19",
        "a closed one is opened again",
        verdict(open.body["state"] == "opened", open.field("state")),
    );
    let path = format!("repository/branches/{}", encode(&scratch.branch));
    let gone = scratch.gitlab.send(Method::DELETE, &scratch.gitlab.in_project(&path), None).await?;
    rows.add("W20", "a branch is deleted with 204", verdict(gone.status == 204, gone.seen()));
    let closed = settled(scratch, &one, |one| one["state"] == "closed").await?;
    rows.add("W21", "without its branch a merge request is closed", closed);
    let open = scratch.send(Method::PUT, &one, json!({"state_event": "reopen"})).await?;
    let refused = open.status >= 400 || open.body["state"] == "closed";
    let empty = open.body["state"] == "opened" && open.body["sha"].is_null();
    let seen = format!("{} {}, sha {}", open.status, open.field("state"), open.field("sha"));
    rows.add(
        "W22",
        "without its branch it is opened empty, or not at all",
        verdict(refused || empty, seen),
    );
    scratch.send(Method::PUT, &one, json!({"state_event": "close"})).await?;
    Ok(())
}

/// Waits up to half a minute for GitLab's background tasks.
async fn settled(
    scratch: &Scratch<'_>,
    path: &str,
    done: impl Fn(&Value) -> bool,
) -> Result<Verdict, String> {
    let mut seen = String::new();
    for second in 0..30 {
        let one = scratch.gitlab.get(&scratch.gitlab.in_project(path)).await?;
        if done(&one.body) {
            return Ok(Verdict::Holds(format!("after {second} s")));
        }
        seen = format!("still {} at {} after 30 s", one.field("state"), one.field("sha"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(Verdict::Differs(seen))
}

async fn endings(scratch: &Scratch<'_>, rows: &mut Rows) -> Result<(), String> {
    let path = format!("repository/branches/{}", encode(&scratch.branch));
    let gone = scratch.gitlab.send(Method::DELETE, &scratch.gitlab.in_project(&path), None).await?;
    let text = gone.field("message");
    let right = gone.status == 404 && text == "404 Branch Not Found";
    rows.add("W23", "a branch that is gone is 404 when it is deleted", verdict(right, gone.seen()));
    shallow_fetch(scratch, rows).await
}

/// With git itself. The credential is in the environment, not in the process list.
async fn shallow_fetch(scratch: &Scratch<'_>, rows: &mut Rows) -> Result<(), String> {
    let assumption = "git fetches a branch without the commits of the target branch";
    let side = json!({"branch": format!("{}-git", scratch.branch), "start_sha": scratch.base});
    let made = scratch.commit(side, "update", "ref: e\n").await?;
    let name = format!("{}-git", scratch.branch);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let git = async |arguments: &[&str]| {
        tokio::process::Command::new("git")
            .arg("-C")
            .arg(folder.path())
            .args(arguments)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "http.extraHeader")
            .env("GIT_CONFIG_VALUE_0", format!("Authorization: {}", scratch.gitlab.basic()))
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .await
            .map_err(|error| format!("git: {error}"))
    };
    git(&["init", "-q", "--bare"]).await?;
    let url = format!("{}.git", scratch.gitlab.repository());
    let exclude = format!("--shallow-exclude=refs/heads/{MAIN}");
    let fetched = git(&["fetch", "-q", &exclude, &url, &format!("refs/heads/{name}")]).await?;
    let counted = git(&["rev-list", "--count", "FETCH_HEAD"]).await?;
    let count = String::from_utf8_lossy(&counted.stdout).trim().to_owned();
    let outcome = match fetched.status.success() {
        true => verdict(count == "1", format!("{count} commit of {}", made.field("short_id"))),
        false => Verdict::Differs(
            String::from_utf8_lossy(&fetched.stderr).trim().chars().take(120).collect(),
        ),
    };
    rows.add("R4", assumption, outcome);
    let path = format!("repository/branches/{}", encode(&name));
    scratch.gitlab.send(Method::DELETE, &scratch.gitlab.in_project(&path), None).await?;
    Ok(())
}
