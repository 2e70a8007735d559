//! Why both sides differ. A reason is a rule with its evidence, never a guess: where several fit, all are told.

use chrono::{DateTime, TimeDelta, Utc};

use super::classify::{Classified, Sides, of_target};
use super::compare::CompareOptions;
use super::ledger::{Interval, OldState, TargetHistory};
use super::moves::TheirMove;
use super::traits::Mark;
use crate::decide::{Gate, Outcome};
use crate::domain::short_ref;
use crate::old_promoter::OldKind;
use crate::report::{MoveClass, ReasonCode, ReasonReport};

/// Gates that config hashes of the old promoter do not pass through.
const BESIDE_DEPLOYMENT: [Gate; 4] = [Gate::Soak, Gate::Schedule, Gate::Slo, Gate::BlockedVersion];
/// What SAPM says when a batch fails.
const FAILED_CHECK: &str = "failed MR check";

/// What the rules read of one move.
pub(super) struct Case<'a, 'l> {
    pub(super) sides: &'a Sides<'l>,
    pub(super) options: &'a CompareOptions,
    pub(super) one: &'a Classified<'l>,
    pub(super) history: Option<&'l TargetHistory>,
    /// What `sapm` decided when the old promoter opened its merge request.
    pub(super) decided: Option<&'l Interval>,
}

type Rule = fn(&Case<'_, '_>) -> Option<String>;

/// The classes that a rule explains, and the rule.
const RULES: &[(ReasonCode, &[MoveClass], Rule)] = {
    use MoveClass::{ContentDiffers, OnlyOurs, OnlyTheirs, OursEarlier, TheirsEarlier};
    &[
        (ReasonCode::Reverts, &[ContentDiffers], reverts),
        (ReasonCode::TheirRunFailed, &[OnlyOurs, OursEarlier], their_run_failed),
        (ReasonCode::TwinRewritten, &[OnlyTheirs], twin_rewritten),
        (ReasonCode::HashSkipsGates, &[OnlyTheirs, TheirsEarlier], hash_skips_gates),
        (ReasonCode::HashOfOtherCommit, &[ContentDiffers], hash_of_other_commit),
        (ReasonCode::FutureCheckIn, &[OnlyOurs, OursEarlier], future_check_in),
        (ReasonCode::DuplicateChannel, &[TheirsEarlier, OnlyTheirs], duplicate_channel),
        (ReasonCode::BlockedSpelling, &[OnlyTheirs], blocked_spelling),
        (ReasonCode::SuccessNotBoolean, &[OnlyTheirs, TheirsEarlier], success_not_boolean),
        (ReasonCode::EditSiteWaits, &[OnlyTheirs, TheirsEarlier], edit_site_waits),
        (ReasonCode::Narrowed, &[OnlyOurs, OnlyTheirs], narrowed),
        (ReasonCode::EqualHashHidden, &[OnlyOurs], equal_hash_hidden),
        (ReasonCode::BatchBroken, &[OursEarlier], batch_broken),
        (ReasonCode::PersonClosed, &[OnlyTheirs, OnlyOurs], person_closed),
        (ReasonCode::Reformatted, &[ContentDiffers], reformatted),
        (ReasonCode::V1NoEvent, &[OnlyOurs], v1_no_event),
        (ReasonCode::V1NoGate, &[OnlyTheirs, TheirsEarlier], v1_no_gate),
        (ReasonCode::V1HashAlways, &[ContentDiffers], v1_hash_always),
        (ReasonCode::StaleEvent, &[OnlyTheirs], stale_event),
    ]
};

/// All reasons that fit.
pub(super) fn reasons(case: &Case<'_, '_>) -> Vec<ReasonReport> {
    let fits = RULES.iter().filter(|(_, classes, _)| classes.contains(&case.one.class));
    fits.filter_map(|(code, _, rule)| Some(ReasonReport { code: *code, evidence: rule(case)? }))
        .collect()
}

impl<'l> Case<'_, 'l> {
    fn theirs(&self) -> Option<&TheirMove<'l>> {
        self.one.theirs.as_ref()
    }

    fn is_v1(&self) -> bool {
        self.theirs().is_some_and(|theirs| theirs.first().1.kind == OldKind::V1)
    }

    /// The gate that held it when the old promoter opened its merge request.
    fn held_by(&self) -> Option<(Gate, &'l Interval)> {
        let decided = self.decided.filter(|decided| decided.decision == Outcome::Hold)?;
        Some((decided.held_by?, decided))
    }

    fn has_mark(&self, mark: Mark, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        let intervals = self.history.into_iter().flat_map(|history| &history.intervals);
        let mut near = intervals.filter(|interval| interval.from <= to && interval.to >= from);
        near.any(|interval| interval.marks.contains(&mark))
    }

    fn began_at(&self) -> DateTime<Utc> {
        let ours = self.one.ours.as_ref().map(|ours| ours.first);
        let theirs = self.theirs().map(|theirs| theirs.opened_at);
        ours.into_iter().chain(theirs).min().unwrap_or_default()
    }
}

fn reverts(case: &Case<'_, '_>) -> Option<String> {
    let (iid, facts, one) = case.theirs()?.first();
    if one.reverts {
        return Some(format!("{iid} sets it back from {}", short_ref(&one.from)));
    }
    (!facts.others.is_empty()).then(|| format!("{iid} also changes {}", facts.others.join(", ")))
}

fn their_run_failed(case: &Case<'_, '_>) -> Option<String> {
    let ledger = case.sides.ledger;
    let cycle = ledger.old_loop()?;
    let at = case.began_at();
    let before = ledger.exports.range(..=at).next_back()?;
    let after = ledger.exports.range(at..).find(|written| *written > before);
    let gap = after.copied().unwrap_or(case.sides.now) - *before;
    let near =
        |trouble: &&super::ledger::Trouble| trouble.from <= at + gap && trouble.to >= *before;
    let trouble = ledger.troubles.iter().find(near)?;
    let message = trouble.messages.first()?;
    (gap > cycle * 2).then(|| {
        format!("its export was not written for {} min; our problem: {message}", gap.num_minutes())
    })
}

fn twin_rewritten(case: &Case<'_, '_>) -> Option<String> {
    let (iid, facts, own) = case.theirs()?.first();
    let ledger = case.sides.ledger;
    let mine = case.history.map(|history| &history.traits);
    for other in facts.moves.iter().filter(|other| other.uid != own.uid && other.to == own.to) {
        let Some(uid) = &other.uid else { continue };
        let traits = ledger.targets.get(uid).map(|history| &history.traits);
        let is_twin = match (mine, traits) {
            (Some(mine), Some(twin)) => {
                mine.file == twin.file
                    && mine.namespace == twin.namespace
                    && mine.channels == twin.channels
            }
            // One that nobody promotes is in no plan: its file alone is known.
            (None, Some(twin)) => twin.file == own.file,
            _ => false,
        };
        let wanted = of_target(&case.sides.ours, uid).any(|(key, _)| key.git_ref == own.to);
        if is_twin && wanted {
            let how = match (mine, traits) {
                (None, _) => "it is disabled or not promoted",
                (Some(mine), Some(twin)) if mine.template != twin.template => "another template",
                _ if case.held_by().is_some() => "another soak time or schedule",
                _ => "another name",
            };
            return Some(format!("{iid} moves it with {} ({how})", other.label));
        }
    }
    None
}

fn hash_skips_gates(case: &Case<'_, '_>) -> Option<String> {
    let (gate, decided) = case.held_by()?;
    let fits = case.one.key.hash_only && BESIDE_DEPLOYMENT.contains(&gate);
    fits.then(|| decided.words())
}

fn hash_of_other_commit(case: &Case<'_, '_>) -> Option<String> {
    let (iid, _, one) = case.theirs()?.first();
    one.hashes.iter().find_map(|hash| {
        let known = case.sides.ledger.hashes.get(&hash.channel)?;
        let commit = known.get(&hash.target_config_hash)?;
        (*commit != one.to).then(|| {
            let (hash, commit) = (&hash.target_config_hash, short_ref(commit));
            format!("the hash {hash} in {iid} is that of {commit}, not of {}", short_ref(&one.to))
        })
    })
}

fn future_check_in(case: &Case<'_, '_>) -> Option<String> {
    let at = case.began_at();
    let fits = case.has_mark(Mark::FutureCheckIn, at - TimeDelta::hours(1), case.sides.now);
    fits.then(|| "a deployment record has a check_in in the future".to_owned())
}

fn duplicate_channel(case: &Case<'_, '_>) -> Option<String> {
    let doubled = case.history.is_some_and(|history| history.traits.duplicate_channel);
    let (gate, decided) = case.held_by()?;
    (doubled && gate == Gate::Soak)
        .then(|| format!("a channel stands twice in a list; ours: {}", decided.words()))
}

fn blocked_spelling(case: &Case<'_, '_>) -> Option<String> {
    let spelled = case.history.is_some_and(|history| history.traits.spelled_otherwise);
    let (gate, decided) = case.held_by()?;
    (spelled && gate == Gate::BlockedVersion).then(|| {
        format!(
            "the app's code component spells the repository otherwise; ours: {}",
            decided.words()
        )
    })
}

fn success_not_boolean(case: &Case<'_, '_>) -> Option<String> {
    let at = case.began_at();
    let fits =
        case.has_mark(Mark::SuccessNotBoolean, at - TimeDelta::hours(1), at + TimeDelta::hours(1));
    let (gate, decided) = case.held_by()?;
    (fits && gate == Gate::Deployment).then(|| decided.words())
}

fn edit_site_waits(case: &Case<'_, '_>) -> Option<String> {
    let (gate, decided) = case.held_by()?;
    if gate == Gate::EditSite {
        return Some(decided.words());
    }
    // It is held itself, and another target of its edit site waits for it: the old promoter moves both.
    let (_, facts, own) = case.theirs()?.first();
    facts.moves.iter().find_map(|other| {
        let shares = other.uid != own.uid && other.file == own.file && other.to == own.to;
        let waits = case.sides.decided(other.uid.as_ref().filter(|_| shares)?, facts.opened_at)?;
        (waits.held_by == Some(Gate::EditSite))
            .then(|| format!("{}: {}", other.label, waits.words()))
    })
}

fn narrowed(case: &Case<'_, '_>) -> Option<String> {
    let Some(history) = case.history else {
        let ours = case.options.narrowed_to.as_ref()?;
        return Some(format!("sapm is narrowed to {ours}"));
    };
    let theirs = !case.options.old_narrowing.includes(&history.traits);
    (case.one.class == MoveClass::OnlyOurs && theirs)
        .then(|| "the old promoter is narrowed to others (--old-narrowing)".to_owned())
}

fn equal_hash_hidden(case: &Case<'_, '_>) -> Option<String> {
    let mine = &case.history?.traits;
    let ours = case.one.ours.as_ref()?;
    let same = |uid: &crate::domain::TargetUid| {
        let traits = &case.sides.ledger.targets.get(uid)?.traits;
        (traits.file == mine.file && traits.namespace == mine.namespace).then_some(())
    };
    let (key, _) = case.sides.ours.iter().find(|(key, other)| {
        key.uid != case.one.key.uid
            && key.git_ref == case.one.key.git_ref
            && other.hashes == ours.hashes
            && case.sides.theirs.contains_key(*key)
            && same(&key.uid).is_some()
    })?;
    let label = &case.sides.ledger.targets.get(&key.uid)?.label;
    Some(format!("{label} has the same content, and the old promoter moved it alone"))
}

fn batch_broken(case: &Case<'_, '_>) -> Option<String> {
    let theirs = case.theirs()?;
    let uid = &case.one.key.uid;
    let merge_requests = &case.sides.ledger.merge_requests;
    let broken = merge_requests.iter().find(|(_, facts)| {
        facts.closing.as_ref().is_some_and(|why| why.contains(FAILED_CHECK))
            && facts.opened_at <= theirs.opened_at
            && facts.moves.iter().any(|one| one.uid.as_ref() == Some(uid))
    })?;
    Some(format!("{} failed its merge check", broken.0))
}

fn person_closed(case: &Case<'_, '_>) -> Option<String> {
    let users = &case.options.old_users;
    let theirs = case.theirs()?;
    theirs.merge_requests.iter().find_map(|(iid, facts, _)| {
        let by = facts.closed_by.as_ref().filter(|_| facts.state == OldState::Closed)?;
        let is_person = *by != facts.author && !users.contains(by) && facts.closing.is_none();
        is_person.then(|| format!("@{by} closed {iid}"))
    })
}

fn reformatted(case: &Case<'_, '_>) -> Option<String> {
    let (iid, facts, one) = case.theirs()?.first();
    let ours = case.one.ours.as_ref()?;
    let is_equal = one.hashes.iter().all(|hash| ours.hashes.contains(hash));
    (facts.reformats && facts.others.is_empty() && !one.reverts && is_equal)
        .then(|| format!("{iid} changes the layout of other lines, and no value"))
}

fn v1_no_event(case: &Case<'_, '_>) -> Option<String> {
    let kinds = &case.options.kinds;
    (kinds.len() == 1 && kinds.contains(&OldKind::V1))
        .then(|| "V1 promotes by events, and none came for it".to_owned())
}

fn v1_no_gate(case: &Case<'_, '_>) -> Option<String> {
    let (gate, decided) = case.held_by()?;
    let has_none =
        BESIDE_DEPLOYMENT.contains(&gate) || matches!(gate, Gate::SameRef | Gate::Deployment);
    (case.is_v1() && has_none).then(|| decided.words())
}

fn v1_hash_always(case: &Case<'_, '_>) -> Option<String> {
    let follows = case.history.is_some_and(|history| history.traits.follows_hashes);
    let (iid, _, one) = case.theirs()?.first();
    (case.is_v1() && !follows && !one.hashes.is_empty() && !one.reverts)
        .then(|| format!("{iid} writes config hashes, which the target does not ask for"))
}

fn stale_event(case: &Case<'_, '_>) -> Option<String> {
    let decided = case.decided?;
    let candidate = decided.candidate.as_ref()?;
    (case.is_v1() && *candidate != case.one.key.git_ref)
        .then(|| format!("its publisher was at {} by then", short_ref(candidate)))
}
