//! Does the old promoter show a sign of life?

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Facts, Finding, old_users};
use crate::domain::span;
use crate::old_promoter::{OldKind, closing_reason};
use crate::preflight::old_merge_requests::is_ours;
use crate::report::Phase;

/// Signs that are told.
const TOLD: usize = 3;

/// Something that only a promoter that runs does.
struct Sign {
    at: DateTime<Utc>,
    what: String,
    link: Option<String>,
}

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let options = &facts.context.options;
    if options.shapes.is_empty() {
        return Finding::skipped("no old promoter is looked for (--old none)");
    }
    let export = match &facts.seen.export {
        Ok(export) => export.modified_at.filter(|_| options.shapes.has(OldKind::Sapm)),
        Err(failure) => return Finding::not_known("when the state export was written", failure),
    };
    let lists = [&facts.seen.open, &facts.seen.closed];
    if let Some(failure) = lists.into_iter().find_map(|list| list.as_ref().err()) {
        return Finding::not_known("merge requests of the old promoter", failure);
    }
    let mut signs = signs(facts, export);
    signs.sort_by_key(|sign| std::cmp::Reverse(sign.at));
    signs.truncate(TOLD);
    let evidence = json!({
        "signs": signs.iter().map(|sign| json!({
            "at": sign.at, "what": sign.what, "url": sign.link,
        })).collect::<Vec<_>>(),
        "export_written_at": facts.seen.export_times,
        "quiet_seconds": options.quiet.num_seconds(),
    });
    let now = facts.seen.at;
    let by = if export.is_none() {
        " (by merge requests and branches alone: there is no state export)"
    } else {
        ""
    };
    let Some(newest) = signs.first() else {
        return Finding::pass(format!("the old promoter shows no sign of life{by}"))
            .evidence(evidence);
    };
    let age = now - newest.at;
    if age >= options.quiet {
        let summary = format!("quiet for {}: {}{by}", span(age), newest.what);
        return Finding::pass(summary).evidence(evidence);
    }
    let summary =
        format!("the old promoter runs: {} {} ago{}", newest.what, span(age), rhythm(facts));
    let finding = match facts.phase() {
        Phase::Prepare => Finding::warn(summary),
        Phase::Go | Phase::After => Finding::fail(summary),
    };
    finding.advice(advice(facts)).evidence(evidence)
}

/// How often the export was seen to be written.
fn rhythm(facts: &Facts<'_>) -> String {
    let times: Vec<_> = facts.seen.export_times.iter().collect();
    match times.as_slice() {
        [.., before, last] => format!(", and {} before that", span(**last - **before)),
        _ => String::new(),
    }
}

fn advice(facts: &Facts<'_>) -> String {
    let shapes = &facts.context.options.shapes;
    let sapm = "SAPM: switch off the toggle saas-auto-promotions-manager and scale its deployment to 0; \
                saas-auto-promotions-manager-allow-opening-mrs alone leaves it closing merge requests";
    let v1 = "V1: switch on saas-auto-promotions-manager-disable-sqs-events, and drain the queue";
    let found = |kind| {
        shapes.has(kind)
            && (facts.seen.old_merge_requests.iter().any(|old| old.kind == kind)
                || facts.seen.closed_old(facts.context).any(|(_, closed)| closed == kind))
    };
    match (found(OldKind::V1), found(OldKind::Sapm)) {
        (true, false) => v1.to_owned(),
        (true, true) => format!("{sapm}. {v1}"),
        (false, _) => sapm.to_owned(),
    }
}

fn signs(facts: &Facts<'_>, export: Option<DateTime<Utc>>) -> Vec<Sign> {
    let (context, seen) = (facts.context, facts.seen);
    let users = old_users(facts);
    let mut signs: Vec<Sign> = Vec::new();
    signs.extend(export.map(|at| {
        let what = "its state export was written".to_owned();
        Sign { at, what, link: None }
    }));
    // Not of what other people opened under its label.
    for old in seen.old_merge_requests.iter().filter(|old| old.kind != OldKind::Other) {
        let what = format!("it opened {}", old.iid);
        signs.push(Sign { at: old.created_at, what, link: Some(old.url.clone()) });
    }
    let closed = seen.closed.iter().flat_map(|list| &list.entries);
    let old = |listed: &&crate::ports::ListedMergeRequest| {
        crate::preflight::old_merge_requests::kind_of(context, &listed.fact).is_some()
            || is_ours(context, &listed.fact)
    };
    for listed in closed.filter(old) {
        let by_old = listed.closed_by.as_ref().is_some_and(|user| users.contains(user));
        let comments = seen.comments.get(&listed.fact.iid).and_then(|found| found.as_ref().ok());
        let reason = comments.into_iter().flatten().find_map(|note| closing_reason(&note.body));
        let link = Some(listed.fact.web_url.clone());
        if let Some(at) = listed.closed_at.filter(|_| by_old || reason.is_some()) {
            let why = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            let what = format!("it closed {}{why}", listed.fact.iid);
            signs.push(Sign { at, what, link: link.clone() });
        }
        let is_old = !is_ours(context, &listed.fact) && users.contains(&listed.fact.author);
        if is_old {
            let what = format!("it opened {}", listed.fact.iid);
            signs.push(Sign { at: listed.fact.created_at, what, link });
        }
    }
    for (name, tip) in seen.branches.iter().flatten() {
        let what = format!("it committed to the branch {name}");
        signs.extend(tip.committed_at.map(|at| Sign { at, what, link: None }));
    }
    signs
}
