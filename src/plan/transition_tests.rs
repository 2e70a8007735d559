//! The table of transitions, row by row, and what holds for all of it.

use std::sync::Arc;

use yaml11::{AliasMode, Patch};

use super::desired::Desired;
use super::trailers::Values;
use super::transition::{DesiredState, Fit, Mark, OpenState, Transition, transition};
use crate::decide::Gate;
use crate::domain::RepoPath;

fn promote(fit: Fit) -> DesiredState {
    let desired = Desired {
        members: Vec::new(),
        targets: Vec::new(),
        current_ref: "a".to_owned(),
        values: Values { git_ref: "b".to_owned(), hashes: Vec::new() },
        mode: AliasMode::InPlace,
        path: RepoPath::new("data/saas.yml".to_owned()),
        old_text: "ref: a\n".into(),
        patch: Patch::between("ref: a\n", "ref: b\n"),
        promotable_since: None,
        depends_on: Vec::new(),
    };
    DesiredState::Promote(Arc::new(desired), fit)
}

fn retargeted(has_place: bool) -> OpenState {
    OpenState::Retargeted { from: "main".to_owned(), to: "other".to_owned(), has_place }
}

/// Every state of an open merge request, with its name in the table.
fn open_states() -> Vec<(&'static str, OpenState)> {
    vec![
        ("of another target branch", retargeted(false)),
        ("sent to another branch", retargeted(true)),
        ("opened by another user", OpenState::OpenedByOther),
        ("of another shard", OpenState::OtherShard),
        ("that never had a branch", OpenState::WithoutBranch { had_commit: false }),
        ("whose branch is not listed", OpenState::WithoutBranch { had_commit: true }),
        ("with foreign content", OpenState::Foreign),
        ("that was not verified", OpenState::Unverified("no answer".to_owned())),
        ("of the bot", OpenState::Own),
    ]
}

/// Everything that the decisions can ask for, with its name in the table.
fn desired_states() -> Vec<(&'static str, DesiredState)> {
    vec![
        ("out of scope", DesiredState::OutOfScope),
        ("target gone", DesiredState::TargetGone),
        ("target hidden", DesiredState::TargetHidden("/broken.yml".to_owned())),
        ("facts missing", DesiredState::FactsMissing("no answer".to_owned())),
        ("nothing due", DesiredState::NothingDue),
        ("superseded", DesiredState::Superseded("saas/api/c/ns".to_owned())),
        ("blocked", DesiredState::Blocked("b".repeat(40))),
        ("held", DesiredState::Held(Gate::Soak, "too young".to_owned())),
        ("due, other content", promote(Fit::Other)),
        ("due, right", promote(Fit::Right)),
        ("due, right and behind", promote(Fit::RightAndBehind)),
        ("due, auto-merge", promote(Fit::AutoMerge { is_behind: false })),
        ("due, auto-merge and behind", promote(Fit::AutoMerge { is_behind: true })),
    ]
}

fn name(transition: &Transition) -> String {
    match transition {
        Transition::Ignore => "ignore".to_owned(),
        Transition::StandBeside => "stand beside".to_owned(),
        Transition::Refuse => "refuse".to_owned(),
        Transition::Leave(code, _) => format!("leave ({code:?})"),
        Transition::Disown(code, _) => format!("disown ({code:?})"),
        Transition::Close(code, _) => format!("close ({code:?})"),
        Transition::Draft(gate, _) => format!("draft ({gate:?})"),
        Transition::Keep(_, code, _) => format!("keep ({code:?})"),
        Transition::Rebuild(_) => "rebuild".to_owned(),
        Transition::Update(_) => "update".to_owned(),
        Transition::Batch(_) | Transition::DraftBatch(_) => unreachable!("of batches alone"),
    }
}

/// What happens to an open merge request in each state that is desired: a line for each transition.
fn rows(open: &OpenState, mark: Option<Mark>) -> Vec<String> {
    let mut by_transition: Vec<(String, Vec<&str>)> = Vec::new();
    for (what, desired) in desired_states() {
        let transition = name(&transition(open.clone(), mark, desired));
        match by_transition.iter_mut().find(|(other, _)| *other == transition) {
            Some((_, states)) => states.push(what),
            None => by_transition.push((transition, vec![what])),
        }
    }
    let all = by_transition.len() == 1;
    let row = |(transition, states): (String, Vec<&str>)| match states.len() {
        _ if all => transition,
        0..=4 => format!("{transition}: {}", states.join("; ")),
        _ => format!("{transition}: everything else"),
    };
    by_transition.into_iter().map(row).collect()
}

fn table(mark: Option<Mark>) -> String {
    let rows = open_states().into_iter().map(|(what, open)| (what, rows(&open, mark)));
    rows.map(|(what, rows)| format!("{what}\n  {}\n", rows.join("\n  "))).collect()
}

#[test]
fn each_row_of_the_table() {
    let expected = "\
of another target branch
  ignore
sent to another branch
  disown (TakenOver)
opened by another user
  refuse
of another shard
  stand beside
that never had a branch
  leave (FactsMissing): out of scope
  close (BranchGone): everything else
whose branch is not listed
  leave (FactsMissing)
with foreign content
  disown (TakenOver)
that was not verified
  leave (FactsMissing)
of the bot
  stand beside: out of scope
  close (TargetGone): target gone
  leave (FactsMissing): target hidden; facts missing
  close (NothingDue): nothing due
  close (Superseded): superseded
  close (CommitBlocked): blocked
  draft (Soak): held
  update: due, other content
  keep (AsWanted): due, right
  rebuild: due, right and behind
  keep (AutoMerge): due, auto-merge; due, auto-merge and behind
";
    assert_eq!(table(None), expected);
}

#[test]
fn each_row_of_the_table_with_the_hold_label() {
    let expected = "\
of another target branch
  ignore
sent to another branch
  disown (TakenOver)
opened by another user
  refuse
of another shard
  stand beside
that never had a branch
  leave (HoldLabel)
whose branch is not listed
  leave (HoldLabel)
with foreign content
  disown (HoldLabel)
that was not verified
  leave (HoldLabel)
of the bot
  leave (HoldLabel)
";
    assert_eq!(table(Some(Mark::HoldLabel)), expected);
}

#[test]
fn a_mark_protects_from_everything_but_the_end_of_vouching() {
    for mark in [Mark::HoldLabel, Mark::BeingMerged] {
        for (open_name, open) in open_states() {
            for (desired_name, desired) in desired_states() {
                let found = transition(open.clone(), Some(mark), desired);
                let is_kept = matches!(
                    found,
                    Transition::Ignore
                        | Transition::StandBeside
                        | Transition::Refuse
                        | Transition::Leave(..)
                        | Transition::Disown(..)
                );
                assert!(is_kept, "{open_name}, {desired_name}: {}", name(&found));
            }
        }
    }
}

#[test]
fn only_the_bots_own_content_is_drafted_kept_rebuilt_or_updated() {
    for (open_name, open) in open_states().into_iter().filter(|(_, open)| *open != OpenState::Own) {
        for (desired_name, desired) in desired_states() {
            let found = transition(open.clone(), None, desired);
            let has_content = matches!(
                found,
                Transition::Draft(..)
                    | Transition::Keep(..)
                    | Transition::Rebuild(_)
                    | Transition::Update(_)
            );
            assert!(!has_content, "{open_name}, {desired_name}: {}", name(&found));
        }
    }
}
