//! What is due and has no open merge request: opened, the longest promotable first,
//! unless somebody or something stands in the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::authorship::{Authorship, OwnChange};
use super::batch::Composition;
use super::desired::{Desired, EditSiteState, Group};
use super::keeping::is_behind;
use super::message;
use super::model::{Action, FileEdit, PlannedMergeRequest, Reason, Seen, Step};
use super::planner::{Groups, Planner};
use super::settings::Settings;
use crate::domain::MrIid;
use crate::inventory::TargetIx;
use crate::ports::NewMergeRequest;
use crate::snapshot::{CommitDetail, ConfigRepoFacts};

/// Opens what is due and has no merge request, each promotion by its own.
pub(super) fn plan(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    groups: &Groups,
    composition: &Composition,
) {
    let mut opened = composition.opened;
    for (group, desired) in due(planner, repo, groups, &composition.placed) {
        if planner.is_in_batch(group) {
            continue;
        }
        let mut planned = opening(planner, repo, groups, (group, desired), &mut opened);
        if planned.action != Action::Create {
            planner.report_suppressed(group, planned.reason_code, &planned.reason);
            planned.files = planner.unwritten_file(desired);
        }
        planner.plan.merge_requests.push(planned);
    }
}

/// What is due and has no open merge request from its own branch, what has been eligible longest first. Not those among
/// `placed`.
pub(super) fn due<'g>(
    planner: &Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    groups: &'g Groups,
    placed: &BTreeSet<TargetIx>,
) -> Vec<(&'g Group, &'g Arc<Desired>)> {
    let merge_requests = planner.snapshot.merge_requests.values();
    let own = merge_requests.filter(|mr| repo.is_some_and(|repo| repo.is_bot(mr.author_id)));
    let open: BTreeSet<&str> = own.map(|mr| mr.source_branch.as_str()).collect();
    let mut due: Vec<(&Group, &Arc<Desired>)> = groups
        .values()
        .filter_map(|group| match &group.state {
            EditSiteState::Promote(desired) => Some((group, desired)),
            _ => None,
        })
        .filter(|(group, _)| !open.contains(group.branch.as_str()))
        .filter(|(group, _)| !group.members.iter().any(|member| placed.contains(member)))
        .collect();
    due.sort_by_key(|(group, desired)| {
        (desired.promotable_since.is_none(), desired.promotable_since, group.branch.clone())
    });
    due
}

/// A merge request that is to be opened, without anything that it writes.
pub(super) fn empty_row(
    planner: &Planner<'_>,
    branch: String,
    title: String,
) -> PlannedMergeRequest {
    PlannedMergeRequest {
        action: Action::Create,
        reason_code: Reason::Due,
        reason: "due, and every gate passes".to_owned(),
        branch,
        iid: None,
        web_url: None,
        title,
        labels: planner.settings.labels.clone(),
        reviewers: Vec::new(),
        targets: Vec::new(),
        gives_up: Vec::new(),
        files: Vec::new(),
        promotable_since: None,
        opened_at: None,
        persons_draft: false,
        batch: None,
        seen: None,
        known_open: None,
        steps: Vec::new(),
    }
}

/// The same for one promotion.
pub(super) fn new_row(
    planner: &Planner<'_>,
    group: &Group,
    desired: &Desired,
) -> PlannedMergeRequest {
    let title = planner.title(&planner.words_of(desired));
    let mut planned = empty_row(planner, group.branch.clone(), title);
    planned.targets.clone_from(&desired.targets);
    planned.promotable_since = desired.promotable_since;
    planned
}

/// Finds out what keeps a promotion from being opened, whichever merge request it would be in.
///
/// # Errors
/// What does.
pub(super) fn find_obstacle(planner: &Planner<'_>, group: &Group) -> Result<(), (Reason, String)> {
    if let Some(iid) = planner.claimed(&group.members, None) {
        let reason = format!("{iid} is about the same target: waits for it");
        return Err((Reason::WaitsForRequest, reason));
    }
    match planner.settings.allow_opening {
        true => Ok(()),
        false => Err((Reason::OpeningDisabled, "due, but opening is switched off".to_owned())),
    }
}

/// Why more than a run may open is not opened.
pub(super) fn run_limit(settings: &Settings) -> (Reason, String) {
    let reason = format!(
        "due, but a run opens {} at most; targets that have been eligible longest go first",
        settings.max_new_merge_requests
    );
    (Reason::RunLimit, reason)
}

/// Finds out whether somebody rejected a promotion, or changes its file in a way that could not be read.
///
/// # Errors
/// The rejection, or who does.
pub(super) fn find_rejection(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    group: &Group,
    desired: &Desired,
) -> Result<(), (Reason, String)> {
    if repo.is_some() {
        let mut homes = planner.homes(&group.members);
        homes.insert(group.branch.clone());
        planner.find_rejection(group, desired, &homes).map_or(Ok(()), Err)?;
    }
    let unread = planner.beside_unread(&desired.path);
    unread.map_or(Ok(()), |(code, reason)| Err((code, format!("due, but {reason}"))))
}

fn opening(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    groups: &Groups,
    (group, desired): (&Group, &Desired),
    opened: &mut usize,
) -> PlannedMergeRequest {
    let mut planned = new_row(planner, group, desired);
    let tip = match admit_opening(planner, repo, groups, (group, desired), *opened) {
        Ok(tip) => tip,
        Err((code, reason)) => {
            (planned.action, planned.reason_code, planned.reason) = (Action::Defer, code, reason);
            return planned;
        }
    };
    *opened += 1;
    let file = desired.file();
    if let Some(repo) = repo {
        planned.steps = steps(planner, repo, group, (desired, &file), tip);
        planned.open_as_described();
        let newest = newest_past(planner, &group.branch);
        let tip = tip.map(|(tip, _)| tip.sha.clone());
        planned.seen = Some(Seen::Branch { newest, tip, bots: repo.bot_ids() });
    }
    planner.ask_reviewers(&mut planned, &[desired]);
    planned.files = vec![file];
    planned
}

/// Admits a promotion by a merge request of its own; the branch as it is, and whether it has the wanted text already.
///
/// # Errors
/// Why it is not opened.
fn admit_opening<'a>(
    planner: &mut Planner<'a>,
    repo: Option<&ConfigRepoFacts>,
    groups: &Groups,
    (group, desired): (&Group, &Desired),
    opened: usize,
) -> Result<Option<(&'a CommitDetail, bool)>, (Reason, String)> {
    let tip = usable_tip(planner, repo, groups, group)?;
    find_obstacle(planner, group)?;
    if opened >= planner.settings.max_new_merge_requests {
        return Err(run_limit(planner.settings));
    }
    find_rejection(planner, repo, group, desired)?;
    let change = desired.change(group.branch.clone());
    planner.admission.standing.admit(&desired.old_text, change).map_err(|other| {
        (Reason::WaitsForRequest, format!("cannot be merged beside {other}: waits for it"))
    })?;
    Ok(tip)
}

/// The newest merge request that is over and came from a branch; asks for them where they are not known.
pub(super) fn fetch_newest(planner: &mut Planner<'_>, branch: &str) -> Option<MrIid> {
    let _ = planner.fetched_history(&[branch.to_owned()].into());
    newest_past(planner, branch)
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
) -> Vec<Step> {
    let description = planner.description(desired, "");
    let words = planner.words_of(desired);
    let mut steps = Vec::new();
    match tip {
        Some((_, true)) => {}
        other => {
            let tip = other.map(|(tip, _)| tip);
            let message = planner.commit_message(&words, &planner.trailers_of(desired));
            let files = std::slice::from_ref(file);
            steps.push(planner.commit_step(repo, message, files, &group.branch, tip));
        }
    }
    steps.push(Step::Open(NewMergeRequest {
        source_branch: group.branch.clone(),
        target_branch: planner.target_branch.clone(),
        title: planner.title(&words.directed(&description, 1)),
        labels: message::directed_labels(&planner.settings.labels, &description),
        reviewers: Vec::new(),
        description,
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
    let (declared, file) = (own.trailers.first(), own.first());
    own.trailers.batch.is_none()
        && declared.path == desired.path
        && declared.values == desired.values
        && file.before == &*desired.old_text
        && file.after() == desired.new_text()
}
