//! Judges a result: returns complaints, none if it is correct.

use super::case::Case;
use super::edit::judge_edit;
use super::format::{
    Expected, Export, Plan, Problem, Publisher, Subscriber, WantedPublisher, WantedSubscriber,
};
use std::collections::{BTreeMap, BTreeSet};

/// Runs a case twice, and judges the results.
pub fn case(case: &Case) -> Vec<String> {
    let alternatives = match case.expected() {
        Ok(alternatives) => alternatives,
        Err(e) => return vec![format!("the case cannot be read: {e}")],
    };
    let (first, second) = match case.run().and_then(|first| Ok((first, case.run()?))) {
        Ok(outputs) => outputs,
        Err(e) => return vec![format!("cannot be run: {e}")],
    };
    if first.stdout != second.stdout || first.status != second.status {
        return vec!["two runs on the same facts differ".to_owned()];
    }
    let Some(code) = first.status.code() else {
        return vec![format!("no answer in time, or killed: {}", first.status)];
    };
    if let Err(e) = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&first.stdout) {
        let stderr = String::from_utf8_lossy(&first.stderr);
        let last: String =
            stderr.trim().lines().last().unwrap_or_default().chars().take(200).collect();
        return vec![format!("exit code {code}, stdout is no plan ({e}); stderr ends: {last}")];
    }
    match serde_json::from_slice(&first.stdout) {
        Ok(plan) => answer(case, code, &plan, &alternatives),
        Err(e) => vec![format!("the plan does not have the format of version 1: {e}")],
    }
}

/// The complaints of the alternative that matches best.
pub fn answer(case: &Case, code: i32, plan: &Plan, alternatives: &[Expected]) -> Vec<String> {
    let judged = alternatives.iter().map(|want| judge_plan(case, code, plan, want));
    judged.min_by_key(Vec::len).unwrap_or_else(|| vec!["the case has no answer".to_owned()])
}

fn judge_plan(case: &Case, code: i32, plan: &Plan, want: &Expected) -> Vec<String> {
    let mut bad = Vec::new();
    if let Some(codes) = &want.exit_codes
        && !codes.contains(&code)
    {
        bad.push(format!("exit code {code}, expected one of {codes:?}"));
    }
    let errors = plan.problems.iter().filter(|p| p.severity == "error").count();
    if matches!(code, 0 | 5) && (code == 5) != (errors > 0) {
        bad.push(format!("exit code {code} with {errors} problem(s) of severity error"));
    }
    if plan.version != 1 {
        bad.push(format!("version is {}, expected 1", plan.version));
    }
    judge_subscribers(plan, want, &mut bad);
    judge_publishers(plan, want, &mut bad);
    judge_export(plan, want, &mut bad);
    judge_files(case, plan, want, &mut bad);
    judge_requests(plan, want, &mut bad);
    judge_problems(plan, want, &mut bad);
    bad
}

fn short(uid: &str) -> &str {
    uid.get(..8).unwrap_or(uid)
}

fn judge_subscribers(plan: &Plan, want: &Expected, bad: &mut Vec<String>) {
    let mut got: BTreeMap<&str, &Subscriber> = BTreeMap::new();
    for subscriber in &plan.subscribers {
        if got.insert(&subscriber.uid, subscriber).is_some() {
            bad.push(format!("subscriber {} is there twice", short(&subscriber.uid)));
        }
    }
    for (uid, wanted) in &want.subscribers {
        bad.extend(judge_subscriber(uid, got.get(uid.as_str()).copied(), wanted));
    }
    for (uid, subscriber) in got {
        let open = want.open_subscribers && subscriber.decision == "error";
        if !want.subscribers.contains_key(uid) && !open {
            bad.push(format!("{} is not expected: {}", who(subscriber), subscriber.decision));
        }
    }
    if let Some(order) = &want.subscriber_order {
        let uids = plan.subscribers.iter().map(|s| &s.uid).filter(|uid| order.contains(uid));
        if !uids.eq(order) {
            bad.push("subscribers are not in path order".to_owned());
        }
    }
}

fn who(s: &Subscriber) -> String {
    let target = s.target.as_deref().unwrap_or("-");
    let path = [&s.saas_file, &s.resource_template, target, &s.namespace].join("/");
    format!("subscriber {} ({path})", short(&s.uid))
}

fn judge_subscriber(uid: &str, got: Option<&Subscriber>, want: &WantedSubscriber) -> Vec<String> {
    if let Some(any_of) = &want.any_of {
        let tries = any_of.iter().map(|want| judge_subscriber(uid, got, want));
        let mut nearest = tries.min_by_key(Vec::len).unwrap_or_default();
        if !nearest.is_empty() {
            nearest.truncate(1);
            nearest.push(format!("(nor another of {} answers)", any_of.len()));
        }
        return nearest;
    }
    let decision = want.decision.as_deref();
    let Some(got) = got else {
        let wanted = decision.unwrap_or("to be there");
        let missing = format!("subscriber {} is missing, expected {wanted}", short(uid));
        return if decision == Some("absent") { Vec::new() } else { vec![missing] };
    };
    if decision == Some("absent") {
        return vec![format!("{} is there", who(got))];
    }
    let mut bad = differing_fields(got, want);
    if let Some(wanted) = &want.desired_hashes {
        let hashes = got.desired_hashes.iter().flatten();
        let hashes: BTreeSet<_> = hashes
            .map(|h| (h.channel.clone(), h.parent_saas.clone(), h.target_config_hash.clone()))
            .collect();
        if hashes != *wanted {
            bad.push(format!("{}: desired_hashes are {hashes:?}, expected {wanted:?}", who(got)));
        }
    }
    bad
}

/// The fields that are texts or null.
fn differing_fields(got: &Subscriber, want: &WantedSubscriber) -> Vec<String> {
    let decision = want.decision.clone().map(Some);
    let fields = [
        ("decision", Some(&got.decision), &decision),
        ("held_by", got.held_by.as_ref(), &want.held_by),
        ("desired_ref", got.desired_ref.as_ref(), &want.desired_ref),
        ("namespace_file", got.namespace_file.as_ref(), &want.namespace_file),
    ];
    let mut bad = Vec::new();
    for (name, value, wanted) in fields {
        if let Some(wanted) = wanted
            && wanted.as_ref() != value
        {
            let [value, wanted] =
                [value, wanted.as_ref()].map(|v| v.map_or("null", String::as_str));
            bad.push(format!("{}: {name} is {value}, expected {wanted}", who(got)));
        }
    }
    bad
}

fn judge_publishers(plan: &Plan, want: &Expected, bad: &mut Vec<String>) {
    let Some(wanted) = &want.publishers else {
        return;
    };
    let got: BTreeMap<_, _> = plan.publishers.iter().map(|p| (&p.uid, p)).collect();
    for (uid, want) in wanted {
        match got.get(uid) {
            Some(publisher) => judge_publisher(publisher, want, bad),
            // one without a known commit may be left out
            None if want.commit_sha.is_none() => {}
            None => bad.push(format!("publisher {} is missing", short(uid))),
        }
    }
    let extra: Vec<&str> =
        got.keys().filter(|uid| !wanted.contains_key(**uid)).map(|uid| short(uid)).collect();
    if !extra.is_empty() && !want.open_subscribers {
        bad.push(format!("publishers {extra:?} are not expected"));
    }
}

fn judge_publisher(got: &Publisher, want: &WantedPublisher, bad: &mut Vec<String>) {
    let who = format!("publisher {}", short(&got.uid));
    if got.commit_sha != want.commit_sha {
        let shas = [&got.commit_sha, &want.commit_sha].map(|sha| sha.as_deref().unwrap_or("null"));
        bad.push(format!("{who}: commit_sha is {}, expected {}", shas[0], shas[1]));
    }
    if let Some(wanted) = &want.deployments {
        let states = got.deployments.iter().map(|(channel, d)| (channel.clone(), d.state.clone()));
        let states: BTreeMap<String, String> = states.collect();
        if states != *wanted {
            bad.push(format!("{who}: deployments are {states:?}, expected {wanted:?}"));
        }
    }
}

/// The state export that follows from the publishers. The last part of its keys is not in a plan.
fn judge_export(plan: &Plan, want: &Expected, bad: &mut Vec<String>) {
    let mut export = BTreeMap::new();
    for p in &plan.publishers {
        let target = p.target.as_deref().filter(|t| !t.is_empty()).unwrap_or("None");
        let key = [&p.app, &p.saas_file, &p.resource_template, target, &p.cluster, &p.namespace];
        let has = |state: &str| p.deployments.values().any(|d| d.state == state);
        let state = match () {
            () if has("failed") => "failed",
            () if has("missing") || has("invalid") => "missing",
            () => "success",
        };
        let value = Export { commit_sha: p.commit_sha.clone(), deployment_state: state.to_owned() };
        export.insert(key.join("/"), value);
    }
    for (key, wanted) in want.publisher_data.iter().flatten() {
        let got = key.rsplit_once('/').and_then(|(key, _)| export.get(key));
        if got != Some(wanted) {
            bad.push(format!("export of {key}: {got:?}, expected {wanted:?}"));
        }
    }
}

fn judge_files(case: &Case, plan: &Plan, want: &Expected, bad: &mut Vec<String>) {
    let Some(wanted) = &want.files else {
        return;
    };
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let requests = plan.merge_requests.iter().filter(|r| r.is_wanted());
    for file in requests.flat_map(|r| r.files.iter().flatten()) {
        let path = file.path.as_str();
        let Some(leaves) = wanted.get(path) else {
            bad.push(format!("{path}: changed, expected untouched"));
            continue;
        };
        match case.read(path) {
            Ok(Some(old)) if old == file.content => {
                bad.push(format!("{path}: in a merge request, but the text is the same"));
            }
            Ok(Some(old)) => {
                let edit = judge_edit(path, &old, &file.content, leaves);
                bad.extend(edit.complaints);
                seen.extend(edit.changed.into_iter().map(|leaf| (path, leaf)));
                *lines.entry(path).or_default() += edit.lines;
            }
            Ok(None) => bad.push(format!("{path}: changed, but the case has no such file")),
            Err(e) => bad.push(format!("{path}: {e}")),
        }
    }
    for (path, leaves) in wanted {
        for (leaf, value) in leaves {
            if !seen.contains(&(path.as_str(), leaf.clone())) {
                bad.push(format!("{path}: {leaf} is not changed to {value:?}"));
            }
        }
    }
    for (path, most) in &want.changed_lines_max {
        let changed = lines.get(path.as_str()).copied().unwrap_or_default();
        if changed > *most {
            bad.push(format!("{path}: {changed} lines changed, {most} would do"));
        }
    }
}

fn judge_requests(plan: &Plan, want: &Expected, bad: &mut Vec<String>) {
    let promoted = plan.subscribers.iter().filter(|s| s.decision == "promote");
    let promoted: BTreeSet<&str> = promoted.map(|s| s.uid.as_str()).collect();
    let requests = plan.merge_requests.iter().filter(|r| r.is_wanted());
    let groups = sorted(requests.map(|r| r.targets.iter().flatten().map(String::as_str).collect()));
    let all: Vec<&str> = groups.iter().flatten().copied().collect();
    for uid in &promoted {
        let n = all.iter().filter(|u| u == &uid).count();
        if n != 1 {
            let uid = short(uid);
            bad.push(format!("subscriber {uid} is promoted, and a target of {n} merge requests"));
        }
    }
    for uid in all.iter().collect::<BTreeSet<_>>() {
        if !promoted.contains(uid) {
            let uid = short(uid);
            bad.push(format!("a merge request has the target {uid}, which is not promoted"));
        }
    }
    if let Some(wanted) = &want.requests {
        let wanted = sorted(wanted.iter().map(|g| g.iter().map(String::as_str).collect()));
        if groups != wanted {
            let what = "one for each edit site is expected";
            bad.push(format!("merge requests are by {groups:?}, {what}: {wanted:?}"));
        }
    }
}

fn sorted<'a>(groups: impl Iterator<Item = Vec<&'a str>>) -> Vec<Vec<&'a str>> {
    let mut groups: Vec<Vec<&str>> = groups.collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    groups
}

fn judge_problems(plan: &Plan, want: &Expected, bad: &mut Vec<String>) {
    for wanted in &want.problems {
        let like = match fancy_regex::Regex::new(&format!("(?i){}", wanted.code_like)) {
            Ok(like) => like,
            Err(e) => {
                bad.push(format!("the case cannot be read: code_like: {e}"));
                continue;
            }
        };
        let fits = |p: &Problem| {
            let text = [&p.code, &p.message, &p.path, &p.file];
            let text = text.map(|t| t.as_deref().unwrap_or_default()).join(" ");
            (wanted.file.is_none() || wanted.file == p.file)
                && like.is_match(&text).unwrap_or(false)
        };
        if !plan.problems.iter().any(fits) {
            let of = wanted.file.iter().map(|file| format!(" of {file}")).collect::<String>();
            bad.push(format!("no problem like {:?}{of}", wanted.code_like));
        }
    }
}
