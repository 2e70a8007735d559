//! Phrases shared by text and Markdown.

use chrono::{DateTime, Utc};

use super::{AsOf, EarlierMergeRequest, Explanation, FollowedReport, Since};
use crate::decide::{DeploymentState, GateOutcome, Outcome, SloEvidence};
use crate::domain::{Problem, ProblemCode, RepoPath, count};
use crate::plan::{Action, Reason};
use crate::report::model::{BatchReport, MergeRequestReport};
use crate::report::text::{ago, utc};
use crate::snapshot::{MrState, PipelineFact};

/// A time, with its distance to the time of the decisions.
pub(super) fn describe_time(time: DateTime<Utc>, explanation: &Explanation) -> String {
    format!("{} ({})", utc(time), ago(time, explanation.observed_at))
}

/// The time of the decisions, and its kind.
pub(super) fn as_of(explanation: &Explanation) -> String {
    time_as_of(explanation.observed_at, explanation.as_of)
}

/// A time of decisions, and its kind.
pub(super) fn time_as_of(at: DateTime<Utc>, kind: AsOf) -> String {
    let what = match kind {
        AsOf::Now => "now",
        AsOf::Given => "a given time, not now; the facts may be from another time",
        AsOf::Recorded => "when the facts were recorded, not now",
    };
    format!("{} ({what})", utc(at))
}

/// Since when this has been so, and what happened then.
pub(super) fn since(since: &Since, explanation: &Explanation) -> String {
    format!("{}: {}", describe_time(since.at, explanation), since.what)
}

/// The result of a deployment.
pub(super) fn state(state: Option<DeploymentState>) -> &'static str {
    match state {
        Some(DeploymentState::Success) => "succeeded",
        Some(DeploymentState::Failed) => "failed",
        Some(DeploymentState::Missing) => "not deployed yet (no record)",
        Some(DeploymentState::Invalid) => "record not usable",
        None => "not known",
    }
}

/// Whether a publisher is about to be promoted itself; `None` if not.
pub(super) fn promotion(followed: &FollowedReport) -> Option<String> {
    let held = followed.held_by.map(|gate| format!(" by {}", gate.as_str())).unwrap_or_default();
    match followed.decision? {
        Outcome::UpToDate => None,
        Outcome::Promote => Some("due".to_owned()),
        Outcome::Hold => Some(format!("held{held}")),
        Outcome::Error => Some("in error".to_owned()),
    }
}

/// The meaning of gate results.
pub(super) const VERDICTS: &str = "all must pass; HOLD blocks the promotion, n/a does not apply";

/// A gate result in one word.
pub(super) fn verdict(outcome: GateOutcome) -> &'static str {
    match outcome {
        GateOutcome::Pass => "pass",
        GateOutcome::Blocked => "HOLD",
        GateOutcome::NotApplicable => "n/a",
    }
}

/// An SLO of a gate's evidence: required and actual value.
pub(super) fn slo(slo: &SloEvidence) -> String {
    let value = slo.value.map_or("not known".to_owned(), |value| value.to_string());
    // Only if several SLOs of the document have these names.
    let place = slo.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
    format!(
        "SLO {} of data{} (cluster {}, namespace {}{place}): required at least {}, actual {value}",
        slo.name, slo.file, slo.cluster, slo.namespace, slo.target
    )
}

/// Why no merge request is open, or that one will be opened.
pub(super) fn none_open(planned: &MergeRequestReport, explanation: &Explanation) -> String {
    match planned.action {
        Action::Create => opens(explanation, "one"),
        _ => planned.reason.clone(),
    }
}

/// Who opens an eligible merge request.
pub(super) fn opens(explanation: &Explanation, what: &str) -> String {
    let opens = if explanation.is_now() {
        format!("the next run of `sapm apply` opens {what}")
    } else {
        format!("a run at that time would open {what}")
    };
    match explanation.max_new_merge_requests {
        1 => format!("{opens}, unless another has been eligible longer"),
        limit => format!("{opens}, unless {limit} others have been eligible longer"),
    }
}

/// What else goes with a promotion.
pub(super) fn batch(batch: &BatchReport, pipeline: Option<&PipelineFact>) -> String {
    let others = match batch.size - 1 {
        0 => "alone by now".to_owned(),
        others => format!("with {}", count(others, "other promotion")),
    };
    let failed = pipeline.is_some_and(|pipeline| pipeline.status == "failed");
    let then = match (batch.size, failed) {
        (1, _) => "",
        (_, true) => {
            "; its pipeline failed, so it is halved, and the good promotions go on without the bad one"
        }
        (_, false) => "; the label sapm/split takes it apart",
    };
    format!("{others} ({}){then}", batch.scope)
}

/// The run that `next_run` is about.
pub(super) fn which_run(explanation: &Explanation) -> &'static str {
    if explanation.is_now() { "next run" } else { "a run then" }
}

/// What that run does with an open merge request.
pub(super) fn next_run(planned: &MergeRequestReport, explanation: &Explanation) -> String {
    let does = match (planned.action, planned.reason_code) {
        (Action::Keep, Reason::AsWanted) => {
            return "keeps it: nothing changes".to_owned();
        }
        (Action::Keep, Reason::FactsMissing)
            if explanation.subscriber.decision == Outcome::Error =>
        {
            return "keeps it unchanged until the facts are known".to_owned();
        }
        (Action::Keep, _) if planned.reason.starts_with("left ") => return planned.reason.clone(),
        (Action::Keep, _) => "keeps it",
        (Action::Update, _) => "updates it",
        (Action::Hold, _) if planned.writes == 0 => "keeps it as a draft",
        (Action::Hold, _) => "makes it a draft",
        (Action::Close, _) => "closes it",
        (Action::Create | Action::Defer, _) => "opens none",
    };
    format!("{does}: {}", planned.reason)
}

/// Explains GitLab's merge status, followed by GitLab's name for it.
pub(super) fn merge_status(status: &str) -> String {
    let words = match status {
        "mergeable" => "it can be merged",
        "unchecked" | "checking" | "preparing" | "approvals_syncing" => {
            "GitLab has not checked yet whether it can be merged"
        }
        "ci_still_running" => "its pipeline must finish first",
        "ci_must_pass" => "its pipeline must succeed first",
        "conflict" => "it conflicts with the target branch",
        "need_rebase" => "it must be rebased first",
        "draft_status" => "it is a draft",
        "discussions_not_resolved" => "its discussions must be resolved first",
        "not_approved" => "an approval is missing",
        "requested_changes" => "somebody requested changes",
        other => return other.to_owned(),
    };
    format!("{words} ({status})")
}

/// The state of an open merge request.
pub(super) fn mr_state(draft: bool, auto_merge: Option<bool>) -> String {
    let state = if draft { "open, a draft" } else { "open, ready" };
    let auto_merge = if auto_merge == Some(true) { ", auto-merge is set" } else { "" };
    format!("{state}{auto_merge}")
}

/// The newest closed or merged merge request; `None` if they were not fetched.
pub(super) fn earlier(explanation: &Explanation) -> Option<String> {
    let all = explanation.earlier_merge_requests.as_ref()?;
    let Some(newest) = all.first() else {
        return Some("the bot never opened one for this target".to_owned());
    };
    let more = match all.len() {
        1 => String::new(),
        n => format!(" (and {} before it)", n - 1),
    };
    Some(format!("{}{more}", describe_earlier(newest, explanation)))
}

fn describe_earlier(mr: &EarlierMergeRequest, explanation: &Explanation) -> String {
    let how = match (mr.state, mr.closed_by_bot) {
        (MrState::Merged, _) => "merged",
        (_, true) => "closed by the bot",
        (_, false) => "closed by a person",
    };
    let when = mr.ended_at.map(|time| format!(" {}", describe_time(time, explanation)));
    format!("{} was {how}{}: {}", mr.iid, when.unwrap_or_default(), mr.title)
}

/// A text without the cause at its end.
pub(super) fn strip_causes<'a>(text: &'a str, causes: &[String]) -> &'a str {
    let mut ends = causes.iter().filter_map(|cause| text.strip_suffix(cause.as_str()));
    ends.next().map_or(text, |rest| rest.trim_end_matches([':', ' ']))
}

/// The problems with their messages, without the cause that the answer begins with. A problem that consists only of
/// that cause is left out.
pub(super) fn problems(explanation: &Explanation) -> Vec<(&Problem, String)> {
    let causes = &explanation.answer.causes;
    let said = |problem: &Problem| {
        let rest = strip_causes(&problem.message, causes);
        let is_cause = problem.code == ProblemCode::ServiceRefused
            && causes.iter().any(|cause| problem.message.starts_with(cause.as_str()));
        match rest {
            _ if is_cause || rest.is_empty() => None,
            _ if rest.len() < problem.message.len() => {
                Some(format!("{rest} (see its cause above)"))
            }
            _ => Some(rest.to_owned()),
        }
    };
    let problems = explanation.problems.iter();
    problems.filter_map(|problem| Some((problem, said(problem)?))).collect()
}

/// The message of a publisher's record or lookup, without the cause that the answer begins with.
pub(super) fn news<'a>(
    followed: &'a FollowedReport,
    explanation: &Explanation,
) -> Option<&'a String> {
    followed.reason.as_ref().filter(|reason| !explanation.answer.causes.contains(reason))
}

/// `data/…:LINE` of a problem, if it has a source location.
pub(super) fn place(problem: &Problem) -> Option<String> {
    let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
    problem.file.as_ref().map(|file| format!("{}{line}", RepoPath::of_datafile(file)))
}
