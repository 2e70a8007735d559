//! What a read-only token can show.

use serde_json::Value;

use crate::gitlab::{Answer, GitLab, encode};
use crate::{Rows, Verdict, verdict};

pub(crate) async fn check(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    about_the_instance(gitlab, rows).await?;
    about_rights(gitlab, rows).await?;
    people(gitlab, rows).await?;
    lists(gitlab, rows).await?;
    if let Some(branch) = gitlab.project["default_branch"].as_str() {
        single_things(gitlab, rows, branch).await?;
    }
    git(gitlab, rows).await
}

async fn about_the_instance(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let version = gitlab.get("metadata").await?;
    let text = version.field("version");
    let numbers: Vec<u32> = text.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    let known = matches!(numbers[..], [17 | 18, ..] | [19, 0..=2, ..]);
    rows.add("G1", "the version is between 17.0 and 19.2", verdict(known, text));
    let limits = match version.header("ratelimit-limit") {
        Some(limit) => Verdict::Holds(format!("{limit} requests in a window")),
        None => Verdict::NotSeen("no RateLimit headers: no limit is on".to_owned()),
    };
    rows.add("G2", "answers name the rate limit", limits);
    Ok(())
}

async fn about_rights(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let token = gitlab.get("personal_access_tokens/self").await?;
    let has = token.status == 200 && token.body["scopes"].is_array();
    let seen = match has {
        true => format!("{}, ends {}", token.field("scopes"), token.field("expires_at")),
        false => token.seen(),
    };
    rows.add("G3", "a token shows its scopes and its end", verdict(has, seen));
    let permissions = &gitlab.project["permissions"];
    let seen = permissions.to_string();
    rows.add("G4", "the project shows the user's access", verdict(permissions.is_object(), seen));
    let method = gitlab.project["merge_method"].as_str();
    let known = matches!(method, Some("merge" | "rebase_merge" | "ff"));
    let seen = method.unwrap_or("none").to_owned();
    rows.add("G14", "the project shows its merge method", verdict(known, seen));
    let rules = gitlab.get(&gitlab.in_project("protected_branches")).await?;
    let as_assumed = match rules.status {
        200 => verdict(
            rules.list().iter().all(|rule| {
                rule["push_access_levels"].is_array() && rule["allow_force_push"].is_boolean()
            }),
            format!("{} rules", rules.list().len()),
        ),
        403 | 404 => Verdict::NotSeen(rules.seen()),
        _ => Verdict::Differs(rules.seen()),
    };
    rows.add("G5", "who may read code sees the protected branches", as_assumed);
    Ok(())
}

async fn lists(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let user = &gitlab.user["id"];
    let path = format!(
        "merge_requests?state=all&author_id={user}&scope=all&order_by=created_at&sort=asc&per_page=1"
    );
    let requests = gitlab.get(&gitlab.in_project(&path)).await?;
    let own = requests.list().iter().all(|one| one["author"]["id"] == *user);
    let seen = format!("{}, {} on the page", requests.status, requests.list().len());
    rows.add(
        "G6",
        "merge requests are listed by state and author",
        verdict(requests.status == 200 && own, seen),
    );
    let told = |one: &Value| one["merge_when_pipeline_succeeds"].is_boolean();
    let auto_merge = match requests.list().len() {
        0 => Verdict::NotSeen("no merge request".to_owned()),
        _ => verdict(requests.list().iter().all(told), requests.status.to_string()),
    };
    rows.add("G15", "a merge request tells whether auto-merge is set", auto_merge);
    let total: usize =
        requests.header("x-total").and_then(|text| text.parse().ok()).unwrap_or_default();
    let next = match (total, requests.header("link")) {
        (0 | 1, _) => Verdict::NotSeen("fewer than two merge requests".to_owned()),
        (_, Some(link)) => verdict(link.contains("rel=\"next\""), "a Link to the next page"),
        (_, None) => Verdict::Differs("no Link header".to_owned()),
    };
    rows.add("G7", "a page names the next one in Link", next);
    branches(gitlab, rows).await
}

async fn branches(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let all = gitlab.get(&gitlab.in_project("repository/branches?per_page=100")).await?;
    let names: Vec<&str> = all.list().iter().filter_map(|one| one["name"].as_str()).collect();
    let Some(name) = names.first() else {
        let none = || Verdict::NotSeen("the project has no branches".to_owned());
        rows.add("G8", "a search of branches for `^x` finds names that begin with x", none());
        return Ok(());
    };
    let start: String = name.chars().take(2).collect();
    let wanted = |name: &&&str| name.to_lowercase().starts_with(&start.to_lowercase());
    let expected = names.iter().filter(wanted).count();
    let path = format!("repository/branches?search={}&per_page=1", encode(&format!("^{start}")));
    let found = gitlab.get(&gitlab.in_project(&path)).await?;
    let begins = |one: &Value| one["name"].as_str().is_some_and(|name| wanted(&&name));
    let seen = format!("{} found of {} branches", found.list().len(), names.len());
    let right = found.status == 200 && !found.list().is_empty() && found.list().iter().all(begins);
    rows.add(
        "G8",
        "a search of branches for `^x` finds names that begin with x",
        verdict(right, seen),
    );
    let every = match (names.len(), expected) {
        (100.., _) => Verdict::NotSeen("100 branches or more".to_owned()),
        (_, 1) => Verdict::NotSeen("only one branch matches".to_owned()),
        (_, expected) => {
            let seen = format!("{} of {expected} matches on a page of 1", found.list().len());
            verdict(found.list().len() == expected, seen)
        }
    };
    rows.add("G9", "the first page of a search has every match", every);
    Ok(())
}

async fn single_things(gitlab: &GitLab, rows: &mut Rows, branch: &str) -> Result<(), String> {
    let at = |path: String| gitlab.in_project(&path);
    let commit =
        gitlab.get(&at(format!("repository/commits/{}?stats=false", encode(branch)))).await?;
    let sha = commit.field("id");
    let right = commit.status == 200 && sha.len() == 40 && commit.body["parent_ids"].is_array();
    rows.add("G10", "a commit is found by branch", verdict(right, sha.clone()));
    let compared = gitlab.get(&at(format!("repository/compare?from={sha}&to={sha}"))).await?;
    let same = compared.status == 200 && compared.body["commits"] == serde_json::json!([]);
    rows.add(
        "G11",
        "compare lists the commits between two",
        verdict(same, compared.status.to_string()),
    );
    let mut texts = Vec::new();
    let missing = "0123456789".repeat(4);
    for (path, text) in [
        (format!("repository/branches/{missing}"), "404 Branch Not Found"),
        (format!("repository/commits/{missing}"), "404 Commit Not Found"),
        (format!("repository/files/{missing}/raw?ref={sha}"), "404 File Not Found"),
        (format!("repository/compare?from={missing}&to={sha}"), "404 Ref Not Found"),
    ] {
        let answer = gitlab.get(&at(path)).await?;
        if answer.status != 404 || answer.field("message") != text {
            texts.push(format!("{text}: {}", answer.seen()));
        }
    }
    let seen = if texts.is_empty() { "4 texts".to_owned() } else { texts.join("; ") };
    rows.add("G12", "what is missing is 404 with its kind", verdict(texts.is_empty(), seen));
    ranges(gitlab, rows, (&sha, &missing)).await?;
    graphql(gitlab, rows, branch, &sha).await
}

async fn people(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let name = gitlab.user["username"].as_str().unwrap_or_default();
    let mine = |answer: &Answer| answer.list().iter().any(|user| user["id"] == gitlab.user["id"]);
    let named = gitlab.get(&format!("users?username={}", name.to_uppercase())).await?;
    let is_one = named.list().len() == 1 && mine(&named) && named.list()[0]["state"] == "active";
    rows.add("G18", "a user is found by name in any case", verdict(is_one, named.seen()));
    let found = gitlab.get(&format!("users?search={name}")).await?;
    let nobody = gitlab.get("users?search=nobody%40check-live.invalid").await?;
    let is_exact = mine(&found) && nobody.status == 200 && nobody.list().is_empty();
    let what = "users are searched by name or by a whole address";
    rows.add("G19", what, verdict(is_exact, nobody.seen()));
    Ok(())
}

async fn ranges(
    gitlab: &GitLab,
    rows: &mut Rows,
    (sha, missing): (&str, &str),
) -> Result<(), String> {
    let repository = |path: String| gitlab.in_project(&format!("repository/{path}"));
    let base = |other| repository(format!("merge_base?refs[]={sha}&refs[]={other}"));
    let (same, unknown) = (gitlab.get(&base(sha)).await?, gitlab.get(&base(missing)).await?);
    let is_told = same.status == 200 && same.field("id") == sha && unknown.status == 400;
    let seen = format!("{}, {}", same.status, unknown.seen());
    rows.add("G16", "the merge base of two commits is found", verdict(is_told, seen));
    let range = repository(format!("commits?ref_name={sha}..{sha}&per_page=1"));
    let listed = gitlab.get(&range).await?;
    let is_empty = listed.status == 200 && listed.body == serde_json::json!([]);
    let what = "commits are listed by a range";
    rows.add("G17", what, verdict(is_empty, listed.status.to_string()));
    Ok(())
}

async fn graphql(gitlab: &GitLab, rows: &mut Rows, branch: &str, sha: &str) -> Result<(), String> {
    let quoted = |text: &str| Value::from(text).to_string();
    let path = gitlab.project["path_with_namespace"].as_str().unwrap_or_default();
    let query = format!(
        "{{ projects(fullPaths: [{}]) {{ nodes {{ repository {{ commit(ref: {}) {{ sha }} }} }} }} }}",
        quoted(path),
        quoted(branch),
    );
    let answer: Answer = gitlab.graphql(&query).await?;
    let found = &answer.body["data"]["projects"]["nodes"][0]["repository"]["commit"]["sha"];
    let outcome = match answer.body["errors"][0]["message"].as_str() {
        // Before about 17.10. sapm falls back to REST.
        Some(error) => Verdict::NotSeen(error.to_owned()),
        None => verdict(found == sha, answer.seen()),
    };
    rows.add("G13", "GraphQL finds commits by ref", outcome);
    Ok(())
}

async fn git(gitlab: &GitLab, rows: &mut Rows) -> Result<(), String> {
    let advertised = gitlab.git_capabilities().await?;
    for (id, assumption, capability) in [
        ("R1", "git speaks protocol version 2", "version 2"),
        ("R2", "git lists refs by prefix", "ls-refs"),
        ("R3", "git fetches without the history of a branch (deepen-not)", "shallow"),
    ] {
        let has = advertised.status == 200 && advertised.text.contains(capability);
        let seen = match has {
            true => format!("`{capability}` is advertised"),
            false => advertised.seen(),
        };
        rows.add(id, assumption, verdict(has, seen));
    }
    Ok(())
}
