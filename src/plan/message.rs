//! The texts of a merge request: title, description, comments.

mod code_changes;
mod direction;
mod followers;
mod held;
mod links;
mod promotion;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::comparisons::Comparisons;
use super::desired::Desired;
use super::markup::{code, link_target, plain, prose, shorten};
use super::settings::Settings;
use super::trailers::text_digest;
use crate::decide::{Decisions, GateOutcome};
use crate::domain::{TargetUid, and_more, short_ref};
use crate::inventory::Inventory;

pub(super) use code_changes::{changes_url, direction_word};
pub(super) use direction::{directed_labels, directed_title, follow};
pub(super) use held::{with_hold, without_hold};
pub use links::{compare_url, forge_pages};
pub(super) use promotion::what_and_why;

/// What every title of the bot begins with.
pub(super) const TITLE: &str = "[AutoPromoterV2]";
/// Hidden in the bot's own closing comments.
pub const CLOSED_BY_BOT_MARKER: &str = "<!-- sapm:closed-by-bot -->";
/// Hidden in the comment on a merge request that somebody else took over.
pub(super) const TAKEN_OVER_MARKER: &str = "<!-- sapm:taken-over -->";
/// GitLab's limit for titles, less room for `Draft: `.
pub(super) const TITLE_LIMIT: usize = 240;
/// Targets, publishers and gates that are listed one by one.
const LISTED: usize = 40;
/// Longest single text in a description.
pub(super) const LINE: usize = 400;

/// What makes a draft of a merge request.
const DRAFT: &str = "Draft: ";
const HELD: &str = "held by ";
const TARGETS: &str = "<!-- sapm:targets=";
const VALUES: &str = "<!-- sapm:values=";

/// The title of a merge request that may be merged.
pub(super) fn title(inventory: &Inventory, desired: &Desired) -> String {
    let target = &inventory.targets[desired.members[0]];
    let more = and_more(desired.members.len() - 1);
    let what = if desired.moves_ref() {
        format!("to {}", short_ref(&desired.values.git_ref))
    } else {
        "for a changed config".to_owned()
    };
    shorten(&format!("{TITLE} {}{more} {what}", plain(&target.label())), TITLE_LIMIT)
}

/// The title of a draft that a gate blocks.
pub(super) fn held_title(gate: &str, ready: &str) -> String {
    let rest = ready.strip_prefix(TITLE).unwrap_or(ready).trim_start();
    format!("{DRAFT}{}", shorten(&format!("{TITLE} {HELD}{gate}: {rest}"), TITLE_LIMIT))
}

/// Is a merge request with this title of the bot a draft?
pub(super) fn is_draft_title(title: &str) -> bool {
    title.starts_with(DRAFT)
}

/// A title without its draft mark and what a gate added to it.
pub(super) fn ready_part(title: &str) -> String {
    let title = title.strip_prefix(DRAFT).unwrap_or(title);
    match title.strip_prefix(TITLE).map(str::trim_start) {
        Some(rest) if rest.starts_with(HELD) => match rest.split_once(": ") {
            Some((_, rest)) => format!("{TITLE} {rest}"),
            None => title.to_owned(),
        },
        _ => title.to_owned(),
    }
}

/// Does the title carry the bot's mark of a held merge request? A name that begins like it lacks the colon.
pub(super) fn is_held_title(title: &str) -> bool {
    let title = title.strip_prefix(DRAFT).unwrap_or(title);
    title
        .strip_prefix(TITLE)
        .is_some_and(|rest| rest.trim_start().starts_with(HELD) && rest.contains(": "))
}

/// Does a title of the bot name another commit than this one? (A person's title, and one that is
/// cut off, names none.)
pub(super) fn names_other_commit(title: &str, git_ref: &str) -> bool {
    let title = ready_part(title);
    let named = title.strip_prefix(TITLE).and_then(|rest| rest.rsplit_once(" to "));
    named.is_some_and(|(_, named)| {
        let commit = named.len() == 8 && named.bytes().all(|byte| byte.is_ascii_hexdigit());
        commit && named != short_ref(git_ref)
    })
}

/// The marker in a description that tells which values it is about.
pub(super) fn values_marker(digest: &str) -> String {
    format!("{VALUES}{digest} -->")
}

/// The values that a description is about, if its marker is still there: the
/// last one, as a name may hold something that looks like it.
pub(super) fn described_values(description: &str) -> Option<&str> {
    let (_, rest) = description.rsplit_once(VALUES)?;
    rest.split_once(" -->").map(|(digest, _)| digest)
}

/// Hidden in a description: the labels that were set on an open merge request, as a digest.
const LABELS: &str = "<!-- sapm:labels=";

/// A short digest of labels: equal for the same ones.
pub(super) fn labels_digest(labels: &BTreeSet<String>) -> String {
    text_digest(&labels.iter().map(|label| format!("{label}\n")).collect::<String>())
}

/// The digest of the labels that were set last, if a description tells it.
pub(super) fn described_labels(description: &str) -> Option<&str> {
    let (_, rest) = description.rsplit_once(LABELS)?;
    rest.split_once(" -->").map(|(digest, _)| digest)
}

/// A description of the bot with the digest of the labels that are set now; `None` where it is a person's.
pub(super) fn with_labels_marker(description: &str, digest: &str) -> Option<String> {
    let marker = format!("{LABELS}{digest} -->\n");
    if let Some(before) = described_labels(description) {
        return Some(description.replace(&format!("{LABELS}{before} -->\n"), &marker));
    }
    let at = description.rfind(VALUES)?;
    Some(format!("{}{marker}{}", &description[..at], &description[at..]))
}

/// The marker in a description that tells which targets it is about: for when somebody else's commit
/// stands where the bot's told it.
pub(super) fn targets_marker<'t>(targets: impl Iterator<Item = &'t TargetUid>) -> String {
    let targets: Vec<&str> = targets.map(TargetUid::as_str).collect();
    format!("{TARGETS}{} -->\n", targets.join(","))
}

/// The targets that a description is about, if its marker is still there.
pub(super) fn described_targets(description: &str) -> Vec<TargetUid> {
    let found = description.rsplit_once(TARGETS).and_then(|(_, rest)| rest.split_once(" -->"));
    let (targets, _) = found.unwrap_or_default();
    targets.split(',').filter_map(TargetUid::parse).collect()
}

/// What descriptions are made from, beside the promotions that they are about.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) decisions: &'a Decisions,
    pub(super) settings: &'a Settings,
    pub(super) comparisons: &'a Comparisons<'a>,
    /// The description that the merge request has by now; empty if it is yet to be opened.
    pub(super) described: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// Text inside of HTML: what `plain` leaves is harmless but for these.
pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The description: the part that matters first, then the reasons.
pub(super) fn description(texts: &Texts<'_>, desired: &Desired) -> String {
    let Texts { decisions, settings, .. } = *texts;
    let mut text = what_and_why(texts, desired);
    text.push_str("\n---\n\n");
    write_origin(&mut text, settings);
    text.push_str(
        "Opened, updated and closed by saas-auto-promotions-manager. \
         The label `sapm/hold` makes it leave this merge request alone. Closing it means \"not this version\"; \
         the label `sapm/again` on the closed merge request asks for it again.\n\n",
    );
    // Some are enough, as targets of one place move together.
    text.push_str(&targets_marker(desired.targets.iter().take(LISTED)));
    text.push_str(&values_marker(&desired.values.digest()));
    // Approvers would take a draft for approved.
    match settings.description_footer.as_deref().filter(|_| !holds(decisions, desired)) {
        Some(footer) => text.push_str(&self::footer(footer)),
        None => text.push('\n'),
    }
    text
}

/// Which job wrote a description, and where its newest report is.
pub(super) fn write_origin(text: &mut String, settings: &Settings) {
    if let Some(url) = settings.pipeline_url.as_deref().and_then(link_target) {
        let _ = writeln!(text, "Planned by [this job]({url}).");
    }
    if let Some(url) = settings.report_url.as_deref().and_then(link_target) {
        let _ = writeln!(text, "How it stands now: the [latest report]({url}).");
    }
}

/// The operator's text at the end of a description: on lines of its own, outside of the comments before it.
pub(super) fn footer(text: &str) -> String {
    format!("\n\n{}\n", text.trim())
}

/// Does a gate block one of its targets now?
pub(super) fn holds(decisions: &Decisions, desired: &Desired) -> bool {
    let of_members = desired.members.iter().filter_map(|at| decisions.subscribers.get(at));
    of_members
        .flat_map(|decision| decision.gates.iter())
        .any(|gate| gate.outcome == GateOutcome::Blocked)
}

pub(super) fn minute(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M UTC")
}

/// Has the bot made this comment, by its own ones (newest first)? A closing that failed may have had
/// another reason: of those the newest has to say the same.
pub fn has_said(notes: &[String], marker: &str, body: &str) -> bool {
    let newest = notes.iter().find(|note| note.trim_end().ends_with(marker));
    newest.is_some_and(|note| marker != CLOSED_BY_BOT_MARKER || note.trim() == body.trim())
}

/// The comment on a merge request that is about to be closed: true also if that fails.
pub(super) fn closing_comment(reason: &str) -> String {
    format!(
        "saas-auto-promotions-manager closes this merge request: {}.\n\n\
         If the promotion is due again, a new merge request is opened from the same branch.\n\n{CLOSED_BY_BOT_MARKER}\n",
        prose(shorten(reason, 2_000).trim_end_matches('.'))
    )
}

/// The comment on a merge request whose branch holds anything else than it declares.
pub(super) fn taken_over_comment(branch: &str) -> String {
    format!(
        "The content of this branch is no longer exactly the promotion that saas-auto-promotions-manager made, so it \
         no longer vouches for this merge request: it has taken its labels off, and neither refreshes nor closes it.\n\n\
         To hand it back, reset the branch {0} to the last commit of saas-auto-promotions-manager; it then sets the \
         labels again. Or close this merge request with the label `sapm/again` and delete the branch {0}: the next run \
         opens a new one if the promotion is due.\n\n{TAKEN_OVER_MARKER}\n",
        code(branch)
    )
}

/// The comment on a merge request that somebody gave another target branch.
pub(super) fn sent_elsewhere_comment(there: &str, here: &str) -> String {
    format!(
        "This merge request now goes to the branch {}, so saas-auto-promotions-manager no longer vouches for it: it has taken \
         its labels off, and neither refreshes nor closes it.\n\n\
         To hand it back, change the target branch to {} again; saas-auto-promotions-manager then sets the labels \
         again.\n\n{TAKEN_OVER_MARKER}\n",
        code(there),
        code(here)
    )
}
