//! Does the project's push rule (GitLab Premium) refuse what a run pushes? Tried on real names, messages and paths.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Facts, Finding, some};
use crate::plan::Step;
use crate::ports::PushRule;
use crate::preflight::surroundings::all_branches;
use crate::report::CheckOutcome;

/// Switches that can refuse the bot's commits, with why.
const SWITCHES: [(&str, &str); 4] = [
    ("reject_unsigned_commits", "commits must be signed"),
    ("reject_non_dco_commits", "commits must be signed off"),
    ("commit_committer_check", "the committer must be the user who pushes"),
    ("member_check", "the author must be a user of GitLab"),
];

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let rule = match &facts.around.push_rule {
        Ok(Some(rule)) => rule,
        Ok(None) => return Finding::skipped("the project has no push rule"),
        Err(failure) => {
            let summary = format!("the push rule is not known: {}", failure.error);
            return Finding::new(CheckOutcome::NotKnown, summary).advice(
                "ask a Maintainer, or run preflight once with a Maintainer's token (read_api)",
            );
        }
    };
    let (refused, untried) = try_patterns(rule, &samples(facts));
    let texts = &facts.context.settings.texts;
    let is_met = |name: &str| name == "reject_non_dco_commits" && texts.sign_off;
    let refuses = |(name, _): &&(&str, &str)| rule.switches.contains(*name) && !is_met(name);
    let switches: Vec<_> = SWITCHES.iter().filter(refuses).collect();
    let evidence =
        json!({ "patterns": rule.patterns, "switches": rule.switches, "refused": refused });
    if !refused.is_empty() {
        let named = refused.iter().map(|(field, what)| format!("{field}: {what}"));
        return Finding::fail(format!("the push rule refuses the bot: {}", some(named)))
            .advice(
                "set the option that meets the rule (docs/push-rules.md): --branch-prefix, --commit-message-template, --commit-author; \
                 or change the rule",
            )
            .evidence(evidence);
    }
    if !switches.is_empty() {
        let named = switches.iter().map(|(name, why)| format!("{name} ({why})"));
        return Finding::warn(format!(
            "the push rule may refuse the bot's commits: {}",
            some(named)
        ))
        .advice(
            "for a sign-off, set --sign-off and --commit-author (docs/push-rules.md); otherwise try it with one merge \
             request of one app (--app-name)",
        )
        .evidence(evidence);
    }
    if !untried.is_empty() {
        let summary = format!("these patterns of the push rule were not tried: {}", some(untried));
        return Finding::warn(summary)
            .advice("run preflight again when a promotion is due, or compare by hand")
            .evidence(evidence);
    }
    Finding::pass("the push rule lets the bot's branches and commits through").evidence(evidence)
}

/// By field: what is tried, and whether the pattern must match it.
type Samples = BTreeMap<&'static str, (BTreeSet<String>, bool)>;

/// Patterns that refuse something, with what they refuse; and those that could not be tried.
fn try_patterns<'r>(
    rule: &'r PushRule,
    samples: &Samples,
) -> (BTreeMap<&'r str, String>, BTreeSet<&'r str>) {
    let (mut refused, mut untried) = (BTreeMap::new(), BTreeSet::new());
    for (field, pattern) in &rule.patterns {
        let Some((texts, is_wanted)) = samples.get(field.as_str()) else { continue };
        let Ok(regex) = regex::Regex::new(pattern) else {
            untried.insert(field.as_str());
            continue;
        };
        let first = texts.iter().find(|text| regex.is_match(text) != *is_wanted);
        if let Some(text) = first {
            refused.insert(field.as_str(), format!("{pattern} refuses {text}"));
        } else if texts.is_empty() {
            untried.insert(field.as_str());
        }
    }
    (refused, untried)
}

/// Names of all branches, and the commits that are planned.
fn samples(facts: &Facts<'_>) -> Samples {
    let context = facts.context;
    let mut messages = BTreeSet::new();
    for step in context.planned.plan.merge_requests.iter().flat_map(|planned| &planned.steps) {
        if let Step::Commit(commit) = step {
            messages.insert(commit.message.clone());
        }
    }
    let repo = context.snapshot.config_repo.iter();
    let emails = match &context.settings.texts.author {
        Some((_, address)) => BTreeSet::from([address.clone()]),
        None => repo.flat_map(|repo| repo.bot.emails.clone()).collect(),
    };
    let paths = context.report.subscribers.iter();
    let paths = paths.map(|one| format!("data{}", one.edit_file)).collect();
    BTreeMap::from([
        ("branch_name_regex", (all_branches(context), true)),
        ("commit_message_regex", (messages.clone(), true)),
        ("commit_message_negative_regex", (messages, false)),
        ("author_email_regex", (emails, true)),
        ("file_name_regex", (paths, false)),
    ])
}
