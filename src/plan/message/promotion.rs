//! One promotion in a description: what it moves, who deployed it, what follows, and what the gates say.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::super::desired::Desired;
use super::super::markup::{code, link_target, prose, repository_link, shorten};
use super::{LINE, LISTED, Texts, code_changes, followers, holds, minute};
use crate::decide::{Decisions, Gate, GateOutcome, SubscriberDecision};
use crate::domain::{and_more, is_commit_sha};
use crate::inventory::{Inventory, Target};

/// What a promotion moves, who deployed it, and what the gates say.
pub(in super::super) fn what_and_why(texts: &Texts<'_>, desired: &Desired) -> String {
    let Texts { inventory, decisions, now, .. } = *texts;
    let first = &inventory.targets[desired.members[0]];
    let mut text = String::new();
    code_changes::write_direction(&mut text, texts, desired);
    what_moves(&mut text, texts, desired, first);
    code_changes::write_commits(&mut text, texts, desired);
    if let Some(decision) = decisions.subscribers.get(&desired.members[0]) {
        let held = holds(decisions, desired);
        publishers(&mut text, inventory, decisions, first, held);
        followers::write(&mut text, inventory, desired);
        gates(&mut text, decision, held, now);
    }
    text
}

fn what_moves(text: &mut String, texts: &Texts<'_>, desired: &Desired, first: &Target) {
    let inventory = texts.inventory;
    let (from, to) = (desired.current_ref.as_str(), desired.values.git_ref.as_str());
    let others = and_more(desired.members.len() - 1);
    let label = code(&first.label());
    let _ = if desired.moves_ref() {
        writeln!(text, "Promotes {label}{others} from {} to {}.\n", code(from), code(to))
    } else {
        writeln!(
            text,
            "Redeploys {label}{others} at {}: the config of its publishers changed.\n",
            code(to)
        )
    };
    if let Some(url) = code_changes::changes_url(texts, desired) {
        let _ = writeln!(text, "* [What changes in the code]({url})");
    }
    let _ = match repository_link(first.repo_url.as_str()) {
        Some(url) => writeln!(text, "* Repository: <{url}>"),
        None => writeln!(text, "* Repository: {}", code(first.repo_url.as_str())),
    };
    let _ = writeln!(text, "* App: {}", code(&shorten(&first.app.name, LINE)));
    let _ = writeln!(text, "* Environment: {}", code(&shorten(&first.namespace.environment, LINE)));
    let _ = writeln!(text, "* File: {}", code(desired.path.as_str()));
    for hash in &desired.values.hashes {
        let _ = writeln!(
            text,
            "* Config of {} on channel {}: {}",
            code(&hash.parent_saas),
            code(&hash.channel),
            code(&hash.target_config_hash)
        );
    }
    // Our own words: the blanks have to stay blanks, as people copy it.
    let _ = writeln!(text, "* Every detail: `sapm explain {}`", first.uid);
    if desired.members.len() > 1 {
        let _ = writeln!(text, "* One place in the file for {} targets:", desired.members.len());
        for &member in desired.members.iter().take(LISTED) {
            let _ = writeln!(text, "  * {}", code(&inventory.targets[member].label()));
        }
        more(text, "  ", desired.members.len());
    }
}

fn more(text: &mut String, indent: &str, total: usize) {
    if total > LISTED {
        let _ = writeln!(text, "{indent}* and {} more", total - LISTED);
    }
}

fn publishers(
    text: &mut String,
    inventory: &Inventory,
    decisions: &Decisions,
    target: &Target,
    held: bool,
) {
    let mut lines = Vec::new();
    for channel in &target.promotion.subscribe {
        for (index, publisher) in inventory.publishers_of(channel) {
            let deployment =
                decisions.publishers.get(index.position()).and_then(|p| p.deployments.get(channel));
            let when = deployment
                .and_then(|deployment| deployment.check_in)
                .map(|at| format!(", {}", minute(at)))
                .unwrap_or_default();
            let job = deployment
                .and_then(|deployment| job_link(deployment.url.as_deref()?))
                .map(|url| format!(", [job]({url})"))
                .unwrap_or_default();
            let channel = code(&shorten(channel, LINE));
            lines.push(format!("* {} (channel {channel}{when}{job})", code(&publisher.label())));
        }
    }
    if lines.is_empty() {
        return;
    }
    let head = if held { "Publishers" } else { "Deployed successfully by" };
    let _ = writeln!(text, "\n**{head}**\n");
    for line in lines.iter().take(LISTED) {
        let _ = writeln!(text, "{line}");
    }
    more(text, "", lines.len());
}

/// The page of a deployment job. GitLab notes on the page of an issue, a merge request or a commit that a description
/// links it, so these are left out.
fn job_link(url: &str) -> Option<String> {
    const REFERENCES: [&str; 8] = [
        "commit",
        "commits",
        "epics",
        "issues",
        "merge_requests",
        "milestones",
        "snippets",
        "work_items",
    ];
    let mut parts = url.split(['/', '?', '#', '%']);
    let is_reference = parts.any(|part| REFERENCES.contains(&part) || is_commit_sha(part));
    link_target(url).filter(|_| !is_reference)
}

/// As of the run that wrote it: a merge request that is held later keeps its description, below the reason.
fn gates(text: &mut String, decision: &SubscriberDecision, held: bool, now: DateTime<Utc>) {
    let what = if held { "What the gates said" } else { "Why it was allowed" };
    let _ = writeln!(text, "\n**{what}** (as of {})\n", minute(now));
    // That nobody else shares the place is the usual case, and says nothing.
    let alone = |gate: Gate, outcome: GateOutcome| {
        gate == Gate::EditSite && outcome == GateOutcome::NotApplicable
    };
    for gate in decision.gates.iter().filter(|verdict| !alone(verdict.gate, verdict.outcome)) {
        let mark = match gate.outcome {
            GateOutcome::Pass => "passes",
            GateOutcome::Blocked => "blocks",
            GateOutcome::NotApplicable => "does not apply",
        };
        let reason = prose(&shorten(&gate.reason, LINE));
        let _ = writeln!(text, "* `{}` {mark}: {reason}", gate.gate.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::job_link;

    #[test]
    fn only_the_page_of_a_job_is_linked() {
        let job = "https://gitlab.example.com/shop/deploy/-/jobs/4711";
        assert_eq!(job_link(job).as_deref(), Some(job));
        let tekton = "https://console.example.com/k8s/ns/ci/tekton.dev~v1~PipelineRun/orders-abc";
        assert!(job_link(tekton).is_some());
        for url in [
            "javascript:alert(1)",
            "https://gitlab.example.com/g/p/-/issues/7",
            "https://gitlab.example.com/g/p/-/work_items/7",
            "https://gitlab.example.com/g/p/-/merge_requests/7#note_1",
            "https://gitlab.example.com/g/p/-/commit/9d562e12ee5220a41f29bc0fb79f0700d13b4473",
            "https://user:word@ci.example.com/job/1",
            "https://ci.example.com/job/1)\n/merge",
            "https://ci.example.com/job/1 @all",
        ] {
            assert_eq!(job_link(url), None, "{url}");
        }
    }
}
