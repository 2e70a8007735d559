//! Did the old promoter close or revert merge requests of ours?

use std::collections::BTreeSet;

use serde_json::json;

use super::{Facts, Finding, counted, old_users};
use crate::domain::{MrIid, mr_numbers};
use crate::old_promoter::closing_reason;
use crate::plan::{Action, CLOSED_BY_BOT_MARKER, Reason};
use crate::ports::ListedMergeRequest;
use crate::preflight::old_merge_requests::is_ours;
use crate::snapshot::{Failure, MrState};

/// On a merge request of ours: open it again.
const AGAIN: &str = "sapm/again";

/// A merge request of ours that somebody else closed.
struct Closed<'a> {
    listed: &'a ListedMergeRequest,
    why: String,
}

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if facts.context.options.shapes.is_empty() {
        return Finding::skipped("no old promoter is looked for (--old none)");
    }
    if let Err(failure) = &facts.seen.closed {
        return Finding::not_known("closed merge requests", failure);
    }
    let (closed, unread) = closed_by_old(facts);
    let reverted = reverted(facts);
    if closed.is_empty() && reverted.is_empty() {
        return match unread {
            Some(failure) => Finding::not_known("comments on closed merge requests", failure),
            None => Finding::pass("the old promoter closed and reverted no merge request of sapm"),
        };
    }
    let iids: Vec<MrIid> =
        closed.iter().map(|one| one.listed.fact.iid).chain(reverted.iter().copied()).collect();
    let suppressed = suppressed_branches(facts);
    let still = closed
        .iter()
        .filter(|one| suppressed.contains(one.listed.fact.source_branch.as_str()))
        .count();
    let summary = format!(
        "{} of sapm closed or reverted by the old promoter: {} ({} now suppressed)",
        counted(iids.len(), "merge request"),
        mr_numbers(&iids),
        counted(still + reverted.len(), "target"),
    );
    let advice = format!(
        "put the label {AGAIN} on {} once the old promoter is off; or name its user in --other-bot (SAPM_OTHER_BOTS). \
         Of more than 25 the next run opens 25",
        mr_numbers(&iids)
    );
    Finding::fail(summary).advice(advice).evidence(json!({
        "closed": closed.iter().map(|one| json!({
            "iid": one.listed.fact.iid, "url": one.listed.fact.web_url, "title": one.listed.fact.title,
            "closed_by": one.listed.closed_by, "closed_at": one.listed.closed_at, "why": one.why,
        })).collect::<Vec<_>>(),
        "reverted": reverted,
    }))
}

/// Branches whose promotion is due and not opened, as its merge request was closed.
fn suppressed_branches<'a>(facts: &Facts<'a>) -> BTreeSet<&'a str> {
    let deferred = facts.context.report.merge_requests.iter();
    let closed = |reason: Reason| matches!(reason, Reason::ClosedByPerson | Reason::ClosedByTwin);
    deferred
        .filter(|one| one.action == Action::Defer && closed(one.reason_code))
        .map(|one| one.branch.as_str())
        .collect()
}

/// Is one by a newer merge request of its branch, or by somebody who asked for it again, a thing of the past?
fn is_over(facts: &Facts<'_>, listed: &ListedMergeRequest) -> bool {
    let fact = &listed.fact;
    let newer = |other: &crate::snapshot::MergeRequestFact| {
        other.source_branch == fact.source_branch && other.iid > fact.iid
    };
    let merged = facts.around.merged.iter().flat_map(|list| &list.entries);
    let open = facts.context.snapshot.merge_requests.values();
    fact.labels.contains(AGAIN)
        || open.filter(|other| other.state == MrState::Opened).any(newer)
        || merged.map(|listed| &listed.fact).any(newer)
}

fn closed_by_old<'a>(facts: &Facts<'a>) -> (Vec<Closed<'a>>, Option<&'a Failure>) {
    let context = facts.context;
    let (users, others) = (old_users(facts), context.other_bots());
    let (mut found, mut unread) = (Vec::new(), None);
    let closed = facts.seen.closed.iter().flat_map(|list| &list.entries);
    for listed in closed.filter(|listed| is_ours(context, &listed.fact)) {
        let by = listed.closed_by.as_deref().unwrap_or_default();
        if others.contains(by) || is_over(facts, listed) {
            continue;
        }
        let comments = match facts.seen.comments.get(&listed.fact.iid) {
            Some(Ok(comments)) => comments.as_slice(),
            Some(Err(failure)) => {
                unread = Some(failure);
                &[]
            }
            None => &[],
        };
        let comment = comments.iter().find_map(|note| closing_reason(&note.body));
        let by_us = by.eq_ignore_ascii_case(context.bot());
        let marked = comments.iter().any(|note| note.body.contains(CLOSED_BY_BOT_MARKER));
        let were_read = matches!(facts.seen.comments.get(&listed.fact.iid), Some(Ok(_)));
        let why = if let Some(comment) = comment {
            Some(format!("closed with the comment: {comment}"))
        } else if by_us {
            (were_read && !marked).then(|| {
                "closed by the bot's own user, without the comment that sapm makes".to_owned()
            })
        } else {
            users.contains(by).then(|| format!("closed by @{by}"))
        };
        found.extend(why.map(|why| Closed { listed, why }));
    }
    (found, unread)
}

/// Merges of ours that are not there any more, while the old promoter merged in between.
fn reverted(facts: &Facts<'_>) -> Vec<MrIid> {
    let context = facts.context;
    let deferred = context.report.merge_requests.iter();
    let rolled_back: BTreeSet<&str> = deferred
        .filter(|one| one.reason_code == Reason::RolledBack)
        .map(|one| one.branch.as_str())
        .collect();
    let merged: Vec<_> = facts.around.merged.iter().flat_map(|list| &list.entries).collect();
    let old_after = |at| {
        merged.iter().any(|listed| {
            listed.merged_at > at
                && crate::preflight::old_merge_requests::kind_of(context, &listed.fact).is_some()
        })
    };
    let ours = merged.iter().filter(|listed| {
        rolled_back.contains(listed.fact.source_branch.as_str()) && old_after(listed.merged_at)
    });
    ours.map(|listed| listed.fact.iid).collect()
}
