//! One run: what `sapm` decides, what the old promoter did since the last one, and the facts of both.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger::{Interval, Ledger, OldFacts, OldMove, OldState};
use super::traits::{Traits, marks, traits};
use crate::decide::Outcome;
use crate::domain::{CommitSha, MrIid, TargetUid, UidDigest};
use crate::old_promoter::{FileMoves, Shapes, closing_reason, read_moves};
use crate::ports::{CutOverReader, ListedMergeRequest, MergeRequestQuery, StateStore};
use crate::preflight::{confirm_reverts, moved_targets};
use crate::report::{EXPORT_KEY, PlanReport, Relation, publisher_data};
use crate::run::ConfigRepo;
use crate::snapshot::{Failure, MrState};

/// How far before the last run merge requests are looked for.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// How far back the first run looks.
const FIRST: TimeDelta = TimeDelta::hours(1);
/// Pages of merge requests that are read, for each state.
const PAGES: usize = 10;
/// Files of a merge request that are read.
const MAX_FILES: usize = 100;

/// A target in a run.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Its label.
    pub label: String,
    /// What explains differences.
    pub traits: Traits,
    /// The decision, as an interval of one run.
    pub interval: Interval,
}

/// Publishers that were compared, and those that differ: theirs, ours.
pub type Facts = (usize, BTreeMap<String, (String, String)>);

/// What one run observed.
#[derive(Debug, Clone)]
pub struct Observed {
    /// When.
    pub at: DateTime<Utc>,
    /// All subscribers.
    pub targets: BTreeMap<TargetUid, Watched>,
    /// Merge requests of the old promoter that changed.
    pub merge_requests: BTreeMap<MrIid, OldFacts>,
    /// When its export was written.
    pub export_written_at: Option<DateTime<Utc>>,
    /// How both sides' facts compare; `None` without an export.
    pub facts: Option<Facts>,
    /// Messages of our problems of severity error.
    pub errors: BTreeSet<String>,
    /// By channel: commit by config hash, as records have them.
    pub hashes: BTreeMap<String, BTreeMap<String, String>>,
}

/// What is observed with.
pub struct Sources<'a> {
    /// The config repo's project.
    pub reader: &'a dyn CutOverReader,
    /// The state with the export.
    pub state: &'a dyn StateStore,
    /// The config repo.
    pub repo: &'a ConfigRepo,
    /// The plan.
    pub report: &'a PlanReport,
    /// How the old promoter's merge requests look.
    pub shapes: &'a Shapes,
    /// Which digest makes uids.
    pub digest: UidDigest,
}

/// Observes both sides; `ledger` tells since when.
///
/// # Errors
/// When merge requests cannot be listed, or the export cannot be read.
pub async fn observe(sources: &Sources<'_>, ledger: &Ledger) -> Result<Observed, Failure> {
    let at = sources.report.observed_at;
    let since = if ledger.segments.is_empty() { at - FIRST } else { ledger.last_run() - OVERLAP };
    let merge_requests = old_merge_requests(sources, ledger, since).await?;
    let failed = |error: crate::ports::StateError| Failure::new(error.to_string());
    let export_written_at = sources.state.modified_at(EXPORT_KEY).await.map_err(failed)?;
    let facts = match export_written_at {
        Some(_) => facts(sources).await?,
        None => None,
    };
    Ok(Observed {
        at,
        targets: watched(sources),
        merge_requests,
        export_written_at,
        facts,
        errors: sources
            .report
            .problems
            .iter()
            .filter(|problem| problem.is_error())
            .map(|problem| problem.message.clone())
            .collect(),
        hashes: hashes(sources.report),
    })
}

fn watched(sources: &Sources<'_>) -> BTreeMap<TargetUid, Watched> {
    let all = traits(&sources.repo.bundle, &sources.repo.inventory);
    let at = sources.report.observed_at;
    let watch = |subscriber: &crate::report::SubscriberReport| {
        let interval = Interval {
            from: at,
            to: at,
            decision: subscriber.decision,
            held_by: subscriber.held_by,
            git_ref: subscriber.desired_ref.clone(),
            candidate: subscriber.candidate.as_ref().map(ToString::to_string),
            hash_only: subscriber.decision == Outcome::Promote
                && subscriber.desired_ref == subscriber.current_ref,
            hashes: subscriber.desired_hashes.clone(),
            marks: marks(sources.report, subscriber),
            reason: match subscriber.decision {
                Outcome::Hold | Outcome::Error => subscriber.reason(),
                Outcome::Promote | Outcome::UpToDate => String::new(),
            },
        };
        let uid = subscriber.target.uid.clone();
        let traits = all.get(&uid).cloned().unwrap_or_default();
        (uid, Watched { label: subscriber.target.label(), traits, interval })
    };
    sources.report.subscribers.iter().map(watch).collect()
}

fn hashes(report: &PlanReport) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for publisher in &report.publishers {
        let Some(commit) = &publisher.commit_sha else { continue };
        for (channel, deployment) in &publisher.deployments {
            if let Some(hash) = &deployment.target_config_hash {
                let known = found.entry(channel.clone()).or_default();
                known.insert(hash.clone(), commit.to_string());
            }
        }
    }
    found
}

/// Publishers by key: `commit state`.
fn entries(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let export: BTreeMap<String, serde_json::Value> = serde_json::from_slice(bytes).ok()?;
    let words = |value: serde_json::Value| {
        let text =
            |key: &str| value.get(key).and_then(|text| text.as_str()).unwrap_or("?").to_owned();
        format!("{} {}", text("commit_sha"), text("deployment_state"))
    };
    Some(export.into_iter().map(|(key, value)| (key, words(value))).collect())
}

async fn facts(sources: &Sources<'_>) -> Result<Option<Facts>, Failure> {
    let bytes = sources.state.get(EXPORT_KEY).await;
    let bytes = bytes.map_err(|error| Failure::new(error.to_string()))?;
    let Some(theirs) = bytes.as_deref().and_then(entries) else { return Ok(None) };
    let ours = entries(publisher_data(sources.report).as_bytes()).unwrap_or_default();
    let compared = theirs.keys().filter(|key| ours.contains_key(*key)).count();
    let mut differing = BTreeMap::new();
    for (key, their) in theirs {
        if let Some(our) = ours.get(&key).filter(|our| **our != their) {
            differing.insert(key, (their, our.clone()));
        }
    }
    Ok(Some((compared, differing)))
}

/// Those that changed since, and that the ledger does not have as they are.
async fn old_merge_requests(
    sources: &Sources<'_>,
    ledger: &Ledger,
    since: DateTime<Utc>,
) -> Result<BTreeMap<MrIid, OldFacts>, Failure> {
    let mut found = BTreeMap::new();
    for state in [MrState::Opened, MrState::Merged, MrState::Closed] {
        // What is open is listed however old it is.
        let updated_after = (state != MrState::Opened).then_some(since);
        let query = MergeRequestQuery { state, updated_after, pages: PAGES };
        for listed in sources.reader.merge_requests(&query).await?.entries {
            let fact = &listed.fact;
            let kind = sources.shapes.kind_of(&fact.source_branch, &fact.title, &fact.labels);
            let known = ledger.merge_requests.get(&fact.iid);
            let is_known = known.is_some_and(|known| known.updated_at == listed.updated_at);
            if let (Some(kind), false) = (kind, is_known) {
                let facts = read(sources, &listed, kind, known).await;
                found.insert(fact.iid, facts);
            }
        }
    }
    Ok(found)
}

async fn read(
    sources: &Sources<'_>,
    listed: &ListedMergeRequest,
    kind: crate::old_promoter::OldKind,
    known: Option<&OldFacts>,
) -> OldFacts {
    let fact = &listed.fact;
    let state = match fact.state {
        MrState::Merged => OldState::Merged,
        MrState::Closed => OldState::Closed,
        MrState::Opened | MrState::Locked => OldState::Opened,
    };
    let closing = match state {
        OldState::Closed => sources.reader.comments(fact.iid).await.ok().and_then(|comments| {
            comments.iter().find_map(|note| closing_reason(&note.body)).map(str::to_owned)
        }),
        OldState::Opened | OldState::Merged => None,
    };
    let mut facts = OldFacts {
        kind,
        author: fact.author.clone(),
        url: fact.web_url.clone(),
        opened_at: fact.created_at,
        updated_at: listed.updated_at,
        state,
        ended_at: listed.merged_at.or(listed.closed_at),
        closed_by: listed.closed_by.clone(),
        closing,
        moves: Vec::new(),
        others: Vec::new(),
        reformats: false,
        error: None,
    };
    // Its branch may be gone by now, and the plan has moved on: what it moved is what was read first.
    if let Some(known) = known.filter(|known| known.error.is_none()) {
        facts.moves.clone_from(&known.moves);
        facts.others.clone_from(&known.others);
        facts.reformats = known.reformats;
        return facts;
    }
    match read_files(sources, fact.iid).await {
        Ok(files) => {
            if let Err(failure) = add_files(sources, &mut facts, &files).await {
                facts.error = Some(failure.error);
            }
        }
        Err(failure) => facts.error = Some(failure.error),
    }
    facts
}

/// A file that it changes: moves, and whether the layout changes.
type ReadFile = (String, FileMoves, bool);

async fn add_files(
    sources: &Sources<'_>,
    facts: &mut OldFacts,
    files: &[ReadFile],
) -> Result<(), Failure> {
    let subscribers = sources.report.subscribers.iter();
    let subscribers: BTreeMap<_, _> = subscribers.map(|one| (&one.target.uid, one)).collect();
    for (file, moves, reformats) in files {
        facts.reformats |= reformats;
        facts.others.extend(moves.others.iter().map(|at| format!("{file} {at}")));
    }
    // All files together: what is a revert in one may be a promotion in another.
    let mut all = moved_targets(&subscribers, files.iter().map(|(_, moves, _)| moves));
    let by_path =
        files.iter().map(|(file, moves, _)| (format!("data{file}"), moves.clone())).collect();
    let reading = (sources.reader, sources.repo, sources.digest);
    confirm_reverts(reading, &by_path, &mut all, sources.report.observed_at).await?;
    let file_of = |label: &str, uid: Option<&TargetUid>| {
        let of = |one: &crate::old_promoter::Move| {
            uid.is_some_and(|uid| one.uids.contains(uid)) || one.location == label
        };
        let found = files.iter().find(|(_, moves, _)| moves.moves.iter().any(of));
        found.map(|(file, ..)| file.clone()).unwrap_or_default()
    };
    facts.moves = all
        .into_iter()
        .map(|target| OldMove {
            file: file_of(&target.label, target.uid.as_ref()),
            uid: target.uid,
            label: target.label,
            from: target.from,
            to: target.to,
            hashes: target.hashes,
            reverts: target.relation == Relation::Reverts,
        })
        .collect();
    Ok(())
}

async fn read_files(sources: &Sources<'_>, iid: MrIid) -> Result<Vec<ReadFile>, Failure> {
    let detail = sources.reader.merge_request(iid).await?;
    let (before, after) =
        detail.diff.ok_or_else(|| Failure::new("GitLab has not prepared its diff yet"))?;
    let paths = sources.reader.changed_paths(iid).await?;
    if paths.len() > MAX_FILES {
        return Err(Failure::new(format!("it changes {} files", paths.len())));
    }
    let mut files = Vec::new();
    for path in paths {
        files.push(read_file(sources, &path, (&before, &after)).await?);
    }
    Ok(files)
}

async fn read_file(
    sources: &Sources<'_>,
    path: &str,
    (before, after): (&CommitSha, &CommitSha),
) -> Result<ReadFile, Failure> {
    let Some(file) = path.strip_prefix("data").filter(|file| file.starts_with('/')) else {
        let others = vec!["is no datafile".to_owned()];
        return Ok((path.to_owned(), FileMoves { moves: Vec::new(), others }, false));
    };
    let reader = sources.reader;
    let (before, after) =
        futures_util::try_join!(reader.text(before, path), reader.text(after, path))?;
    let texts = before.zip(after).ok_or_else(|| Failure::new(format!("{path} is new or gone")))?;
    let repo = (&sources.repo.bundle, &sources.repo.inventory);
    let moves =
        read_moves((&texts.0, &texts.1), file, repo, sources.digest).map_err(Failure::new)?;
    let reformats = reformats(&texts.0, &texts.1, &moves);
    Ok((file.to_owned(), moves, reformats))
}

/// Do lines change that have nothing to do with the values that change?
fn reformats(before: &str, after: &str, moves: &FileMoves) -> bool {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    before.lines().for_each(|line| *counts.entry(line).or_default() += 1);
    after.lines().for_each(|line| *counts.entry(line).or_default() -= 1);
    let mut gone = counts.into_iter().filter(|(_, count)| *count > 0).map(|(line, _)| line);
    gone.any(|line| {
        let is_value = moves.moves.iter().any(|one| line.contains(&one.from));
        !is_value && !line.contains("target_config_hash") && !line.contains("promotion")
    })
}
