//! What is due and has no open merge request: opened, the longest promotable first,
//! unless somebody or something stands in the way.

use std::collections::BTreeSet;

use super::authorship::{Authorship, OwnChange};
use super::desired::{Desired, EditSiteState, Group};
use super::keeping::is_behind;
use super::message;
use super::model::{Action, FileEdit, PlannedMergeRequest, Reason, Seen, Step};
use super::planner::{Groups, Planner};
use crate::domain::MrIid;
use crate::ports::NewMergeRequest;
use crate::snapshot::{CommitDetail, ConfigRepoFacts};

pub(super) fn plan(planner: &mut Planner<'_>, repo: Option<&ConfigRepoFacts>, groups: &Groups) {
    let merge_requests = planner.snapshot.merge_requests.values();
    let own = merge_requests.filter(|mr| repo.is_some_and(|repo| repo.is_bot(mr.author_id)));
    let open: BTreeSet<&str> = own.map(|mr| mr.source_branch.as_str()).collect();
    let mut due: Vec<(&Group, &Desired)> = groups
        .values()
        .filter_map(|group| match &group.state {
            EditSiteState::Promote(desired) => Some((group, &**desired)),
            _ => None,
        })
        .filter(|(group, _)| !open.contains(group.branch.as_str()))
        .collect();
    due.sort_by_key(|(group, desired)| {
        (desired.promotable_since.is_none(), desired.promotable_since, group.branch.clone())
    });
    let mut opened = 0;
    for (group, desired) in due {
        let mut planned = opening(planner, repo, groups, (group, desired), &mut opened);
        if planned.action != Action::Create {
            planner.report_suppressed(group, planned.reason_code, &planned.reason);
            planned.files = planner.unwritten_file(desired);
        }
        planner.plan.merge_requests.push(planned);
    }
}

fn opening(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    groups: &Groups,
    (group, desired): (&Group, &Desired),
    opened: &mut usize,
) -> PlannedMergeRequest {
    let title = message::title(planner.inventory, desired);
    let mut planned = PlannedMergeRequest {
        action: Action::Create,
        reason_code: Reason::Due,
        reason: "due, and every gate passes".to_owned(),
        branch: group.branch.clone(),
        iid: None,
        web_url: None,
        title: title.clone(),
        labels: planner.settings.labels.clone(),
        targets: desired.targets.clone(),
        gives_up: Vec::new(),
        files: Vec::new(),
        promotable_since: desired.promotable_since,
        opened_at: None,
        persons_draft: false,
        seen: None,
        steps: Vec::new(),
    };
    let mut defer = |code: Reason, reason: String| {
        (planned.action, planned.reason_code, planned.reason) = (Action::Defer, code, reason);
    };
    let tip = match usable_tip(planner, repo, groups, group) {
        Ok(tip) => tip,
        Err((code, reason)) => {
            defer(code, reason);
            return planned;
        }
    };
    if let Some(iid) = planner.claimed(&group.members, None) {
        let reason = format!("{iid} is about the same target: waits for it");
        defer(Reason::WaitsForRequest, reason);
        return planned;
    }
    if !planner.settings.allow_opening {
        defer(Reason::OpeningDisabled, "due, but opening is switched off".to_owned());
        return planned;
    }
    if *opened >= planner.settings.max_new_merge_requests {
        defer(
            Reason::RunLimit,
            format!(
                "due, but a run opens {} at most; targets that have been eligible longest go first",
                planner.settings.max_new_merge_requests
            ),
        );
        return planned;
    }
    if repo.is_some() {
        let mut homes = planner.homes(&group.members);
        homes.insert(group.branch.clone());
        if let Some((code, reason)) = planner.find_rejection(group, desired, &homes) {
            defer(code, reason);
            return planned;
        }
    }
    if let Some((code, reason)) = planner.beside_unread(&desired.path) {
        defer(code, format!("due, but {reason}"));
        return planned;
    }
    let change = desired.change(group.branch.clone());
    if let Err(other) = planner.standing.admit(&desired.old_text, change) {
        defer(Reason::WaitsForRequest, format!("cannot be merged beside {other}: waits for it"));
        return planned;
    }
    *opened += 1;
    let file = desired.file();
    if let Some(repo) = repo {
        planned.steps = steps(planner, repo, group, (desired, &file), tip, title);
        let newest = newest_past(planner, &group.branch);
        let tip = tip.map(|(tip, _)| tip.sha.clone());
        planned.seen = Some(Seen::Branch { newest, tip, bots: repo.bot_ids() });
    }
    planned.files = vec![file];
    planned
}

fn newest_past(planner: &Planner<'_>, branch: &str) -> Option<MrIid> {
    let past = planner.snapshot.past_merge_requests.get(branch)?.as_result().ok()?;
    past.iter().map(|past| past.mr.iid).max()
}

fn steps(
    planner: &Planner<'_>,
    repo: &ConfigRepoFacts,
    group: &Group,
    (desired, file): (&Desired, &FileEdit),
    tip: Option<(&CommitDetail, bool)>,
    title: String,
) -> Vec<Step> {
    let mut steps = Vec::new();
    match tip {
        Some((_, true)) => {}
        other => {
            let tip = other.map(|(tip, _)| tip);
            steps.push(planner.commit_step(repo, desired, file, &group.branch, tip));
        }
    }
    steps.push(Step::Open(NewMergeRequest {
        source_branch: group.branch.clone(),
        target_branch: planner.target_branch.clone(),
        title,
        description: planner.description(desired),
        labels: planner.settings.labels.clone(),
    }));
    steps
}

/// The branch as it is, and whether it has the wanted text already.
///
/// # Errors
/// When the branch or an open merge request from it is somebody else's.
fn usable_tip<'a>(
    planner: &mut Planner<'a>,
    repo: Option<&ConfigRepoFacts>,
    groups: &Groups,
    group: &Group,
) -> Result<Option<(&'a CommitDetail, bool)>, (Reason, String)> {
    let Some(repo) = repo else { return Ok(None) };
    let persons = planner.snapshot.merge_requests.values().find(|mr| {
        mr.source_branch == group.branch
            && mr.target_branch == repo.target_branch
            && !repo.is_bot(mr.author_id)
    });
    if let Some(mr) = persons {
        // The problem was noted where open merge requests are looked at.
        return Err((Reason::NotOurs, format!("{} from its branch is somebody else's", mr.iid)));
    }
    let Some(tip) = planner.snapshot.branches.get(&group.branch) else { return Ok(None) };
    match planner.authorship(groups, &group.branch, tip) {
        Authorship::Ours(own) => Ok(Some((tip, is_wanted(group, &own) && !is_behind(repo, tip)))),
        Authorship::Unknown(error) => Err((
            Reason::FactsMissing,
            format!("whose the branch is could not be found out: {error}"),
        )),
        Authorship::Foreign | Authorship::OtherTargetBranch => {
            let message = format!(
                "the branch {} exists, and holds something other than a promotion that it declares",
                group.branch
            );
            let advice = format!("{message}; rename or delete it");
            planner.not_ours(Some(group), &group.branch, &advice);
            Err((Reason::NotOurs, message))
        }
    }
}

/// Was the branch made on the text that is on the target branch now, with the wanted text?
fn is_wanted(group: &Group, own: &OwnChange<'_>) -> bool {
    let EditSiteState::Promote(desired) = &group.state else { return false };
    own.trailers.path == desired.path
        && own.trailers.values == desired.values
        && own.before == &*desired.old_text
        && own.after() == desired.new_text()
}
