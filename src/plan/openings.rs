//! What is due and has no open request: opened, the longest promotable first,
//! unless somebody or something stands in the way.

use std::collections::{BTreeMap, BTreeSet};

use super::conflicts::Change;
use super::desired::{self, Desired, Group, Wish};
use super::lifecycle::Planner;
use super::message;
use super::model::{Action, PlannedRequest, Reason, Seen, Step};
use super::ownership::{self, Ownership};
use super::trailers::{Trailers, text_digest};
use crate::domain::TargetUid;
use crate::observe::ports::NewRequest;
use crate::snapshot::{CommitDetail, ConfigRepoFacts, PastMergeRequest, RequestState};

/// On a closed or merged request: open it again.
const AGAIN_LABEL: &str = "sapm/again";

pub(super) fn plan(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    groups: &BTreeMap<String, Group>,
    used: &mut BTreeSet<String>,
) {
    let own = Own::of(planner, repo);
    let mut due: Vec<(&Group, &Desired)> = groups
        .values()
        .filter_map(|group| match &group.wish {
            Wish::Promote(desired) => Some((group, &**desired)),
            _ => None,
        })
        .filter(|(group, _)| !own.branches.contains(group.branch.as_str()))
        .collect();
    due.sort_by_key(|(group, desired)| {
        (desired.promotable_since.is_none(), desired.promotable_since, group.branch.clone())
    });
    let mut opened = 0;
    for (group, desired) in due {
        let planned = opening(planner, repo, &own, group, desired, &mut opened);
        if planned.action == Action::Create {
            used.insert(group.branch.clone());
        }
        planner.plan.requests.push(planned);
    }
}

/// The bot's open requests, looked at once.
#[derive(Default)]
struct Own<'a> {
    branches: BTreeSet<&'a str>,
    /// The first of those that go on to promote a target, by target.
    by_target: BTreeMap<TargetUid, u64>,
    /// Those that say nothing of themselves, as they were taken over: their branch tells.
    silent: BTreeMap<&'a str, u64>,
}

impl<'a> Own<'a> {
    fn of(planner: &Planner<'a>, repo: Option<&ConfigRepoFacts>) -> Self {
        let mut own = Self::default();
        let Some(repo) = repo else { return own };
        let requests = planner.plan.requests.iter();
        let given_up: BTreeSet<(Option<u64>, &TargetUid)> = requests
            .flat_map(|planned| planned.gives_up.iter().map(|target| (planned.iid, target)))
            .collect();
        let snapshot = planner.snapshot;
        for request in snapshot.merge_requests.values().filter(|r| r.author_id == repo.bot.id) {
            own.branches.insert(&request.source_branch);
            let tip = snapshot.branches.get(&request.source_branch);
            let Some(trailers) = tip.and_then(|tip| Trailers::parse(&tip.message)) else {
                own.silent.entry(&request.source_branch).or_insert(request.iid);
                continue;
            };
            if trailers.target_branch != repo.target_branch {
                continue;
            }
            for target in trailers.targets {
                if !given_up.contains(&(Some(request.iid), &target)) {
                    own.by_target.entry(target).or_insert(request.iid);
                }
            }
        }
        own
    }

    /// The open request that promotes one of the targets from another branch: how many targets share
    /// a branch depends on what is decided for them. `homes` are the branches that they may have had.
    fn elsewhere(&self, desired: &Desired, homes: &BTreeSet<String>) -> Option<u64> {
        let by_target = desired.targets.iter().filter_map(|target| self.by_target.get(target));
        let silent = homes.iter().filter_map(|branch| self.silent.get(branch.as_str()));
        by_target.chain(silent).min().copied()
    }
}

fn opening(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    own: &Own<'_>,
    group: &Group,
    desired: &Desired,
    opened: &mut usize,
) -> PlannedRequest {
    let title = message::title(planner.inventory, desired);
    let mut planned = PlannedRequest {
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
        files: vec![desired.file()],
        promotable_since: desired.promotable_since,
        opened_at: None,
        persons_draft: false,
        seen: None,
        steps: Vec::new(),
    };
    let mut defer = |code: Reason, reason: String| {
        (planned.action, planned.reason_code, planned.reason) = (Action::Defer, code, reason);
    };
    let tip = match usable_tip(planner, repo, group) {
        Ok(tip) => tip,
        Err((code, reason)) => {
            defer(code, reason);
            return planned;
        }
    };
    let mut homes = desired::homes(planner.inventory, &group.members, &planner.target_branch);
    homes.insert(group.branch.clone());
    if let Some(iid) = own.elsewhere(desired, &homes) {
        let reason = format!("!{iid} is about the same target: waits for it");
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
                "due, but a run opens {} at most; the longest promotable come first",
                planner.settings.max_new_merge_requests
            ),
        );
        return planned;
    }
    if repo.is_some()
        && let Some((code, reason)) = persons_word(planner, group, desired, &homes)
    {
        defer(code, reason);
        return planned;
    }
    if let Some((code, reason)) = planner.beside_unread(&desired.path) {
        defer(code, format!("due, but {reason}"));
        return planned;
    }
    let change = Change {
        path: desired.path.clone(),
        base: desired.old_text.clone(),
        text: desired.new_text.clone(),
        name: group.branch.clone(),
    };
    if let Err(other) = planner.standing.admit(&desired.old_text, change) {
        defer(Reason::WaitsForRequest, format!("cannot be merged beside {other}: waits for it"));
        return planned;
    }
    *opened += 1;
    if let Some(repo) = repo {
        planned.steps = steps(planner, repo, group, desired, tip, title);
        let newest = newest_past(planner, &group.branch);
        let tip = tip.map(|(tip, _)| tip.sha.clone());
        planned.seen = Some(Seen::Branch { newest, tip, bot_id: repo.bot.id });
    }
    planned
}

fn newest_past(planner: &Planner<'_>, branch: &str) -> Option<u64> {
    let past = planner.snapshot.past_merge_requests.get(branch)?.as_result().ok()?;
    past.iter().map(|past| past.request.iid).max()
}

fn steps(
    planner: &Planner<'_>,
    repo: &ConfigRepoFacts,
    group: &Group,
    desired: &Desired,
    tip: Option<(&CommitDetail, bool)>,
    title: String,
) -> Vec<Step> {
    let mut steps = Vec::new();
    match tip {
        Some((_, true)) => {}
        other => {
            steps.push(planner.commit_step(repo, desired, &group.branch, other.map(|(tip, _)| tip)))
        }
    }
    steps.push(Step::Open(NewRequest {
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
/// When the branch or an open request from it is somebody else's.
fn usable_tip<'a>(
    planner: &mut Planner<'a>,
    repo: Option<&ConfigRepoFacts>,
    group: &Group,
) -> Result<Option<(&'a CommitDetail, bool)>, (Reason, String)> {
    let Some(repo) = repo else { return Ok(None) };
    let persons = planner.snapshot.merge_requests.values().find(|request| {
        request.source_branch == group.branch
            && request.target_branch == repo.target_branch
            && request.author_id != repo.bot.id
    });
    if let Some(request) = persons {
        // The problem was noted where open requests are looked at.
        return Err((
            Reason::NotOurs,
            format!("!{} from its branch is somebody else's", request.iid),
        ));
    }
    let Some(tip) = planner.snapshot.branches.get(&group.branch) else { return Ok(None) };
    let target_branch = planner.target_branch.clone();
    match ownership::of_tip(tip, &repo.bot, &target_branch, planner.snapshot, planner.needs()) {
        Ownership::Ours { trailers, base } => Ok(Some((tip, is_wanted(group, &trailers, &base)))),
        Ownership::Unknown(error) => Err((
            Reason::FactsMissing,
            format!("whose the branch is could not be found out: {error}"),
        )),
        Ownership::Foreign | Ownership::OtherTargetBranch => {
            let message = format!("the branch {} is there, and is not the bot's", group.branch);
            planner.not_ours(Some(group), &group.branch, &message);
            Err((Reason::NotOurs, message))
        }
    }
}

/// Was the branch made on the text that is on the target branch now, with the wanted text?
fn is_wanted(group: &Group, trailers: &Trailers, base: &crate::domain::CommitSha) -> bool {
    let Wish::Promote(desired) = &group.wish else { return false };
    trailers.path == desired.path
        && *base == trailers.base
        && trailers.values == desired.values
        && trailers.base_digest == text_digest(&desired.old_text)
        && trailers.text_digest == text_digest(&desired.new_text)
}

/// Did a person say no to these values: by closing the request, or by reverting its merge?
///
/// Asked of every branch that the targets may have had; GitLab's word that it is merging one counts too.
fn persons_word(
    planner: &mut Planner<'_>,
    group: &Group,
    desired: &Desired,
    homes: &BTreeSet<String>,
) -> Option<(Reason, String)> {
    let past = match history(planner, homes)? {
        Ok(past) => past,
        Err(reason) => return Some((Reason::FactsMissing, reason)),
    };
    // Its branch is gone, or the list of open requests would have it.
    if let Some(past) = past.iter().find(|past| past.request.state == RequestState::Locked) {
        let reason = format!("GitLab is merging !{}: waits for it", past.request.iid);
        return Some((Reason::BeingMerged, reason));
    }
    let mut merged_seen = false;
    for past in past {
        let state = past.request.state;
        let trailers = past.tip.as_ref().and_then(|tip| Trailers::parse(&tip.message));
        let other_targets = trailers.as_ref().is_some_and(|trailers| {
            past.request.source_branch != group.branch
                && !desired.targets.iter().any(|target| trailers.targets.contains(target))
        });
        if other_targets {
            continue;
        }
        let counts = match state {
            RequestState::Closed => !past.closed_by_bot,
            RequestState::Merged => !std::mem::replace(&mut merged_seen, true),
            RequestState::Opened | RequestState::Locked => false,
        };
        let same_values = match trailers {
            Some(trailers) => trailers.values == desired.values,
            None => {
                let described = message::described_values(&past.request.description);
                described == Some(&desired.values.digest())
            }
        };
        if !counts || !same_values {
            continue;
        }
        if past.request.labels.contains(AGAIN_LABEL) {
            return None;
        }
        let iid = past.request.iid;
        let how = format!("to ask for it again, put the label {AGAIN_LABEL} on !{iid}");
        return Some(if state == RequestState::Closed {
            (
                Reason::ClosedByPerson,
                format!("!{iid} for the same values was closed by a person; {how}"),
            )
        } else {
            (
                Reason::RolledBack,
                format!("!{iid} for the same values was merged, and then reverted; {how}"),
            )
        });
    }
    None
}

/// The earlier requests from these branches, newest first, or why they are not known; `None`
/// while they still have to be asked for.
fn history<'a>(
    planner: &mut Planner<'a>,
    branches: &BTreeSet<String>,
) -> Option<Result<Vec<&'a PastMergeRequest>, String>> {
    let snapshot = planner.snapshot;
    let (mut all, mut failed, mut missing) = (Vec::new(), None, false);
    for branch in branches {
        match snapshot.past_merge_requests.get(branch).map(|past| past.as_result()) {
            Some(Ok(past)) => all.extend(past),
            Some(Err(failure)) => failed = Some(failure),
            None => {
                planner.needs().histories.insert(branch.clone());
                missing = true;
            }
        }
    }
    if missing {
        return None;
    }
    all.sort_by_key(|past| std::cmp::Reverse((past.request.created_at, past.request.iid)));
    Some(match failed {
        None => Ok(all),
        Some(failure) => Err(format!("its earlier requests could not be read: {}", failure.error)),
    })
}
