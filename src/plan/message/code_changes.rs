//! What a promotion changes in the code, as its forge tells it: which way it goes, and the commits.

use std::fmt::Write as _;

use super::super::comparisons::commit_pair;
use super::super::desired::Desired;
use super::super::markup::{code, prose, shorten};
use super::direction::Direction;
use super::{Texts, compare_url};
use crate::domain::count;
use crate::snapshot::{CodeCommit, CommitList, Relation};

/// Longest subject of a commit, in characters.
const SUBJECT: usize = 120;
/// Longest name of an author, in characters.
const AUTHOR: usize = 60;

/// Whether it goes back comes first, as nobody expects that of a promotion.
pub(super) fn write_direction(text: &mut String, texts: &Texts<'_>, desired: &Desired) {
    let Some(pair) = commit_pair(texts.inventory, desired) else { return };
    let known = texts.comparisons.find(texts.inventory, desired);
    let direction = match known.map(|known| known.relation) {
        Some(relation) => Direction::of(relation),
        // What a description said of the same commits stays true while nobody can be asked.
        None => Direction::described(texts.described, &pair.from, &pair.to),
    };
    let Some(direction) = direction else { return };
    let (from, to) = (code(pair.from.short()), code(pair.to.short()));
    let _ = match direction {
        Direction::Back => writeln!(
            text,
            "**This goes back**: {to} is an ancestor of the current commit {from}, so merging it takes back what came \
             after it."
        ),
        Direction::Diverged => writeln!(
            text,
            "**The history has diverged**: {to} is no descendant of the current commit {from}, so merging it also \
             takes back what is not in it."
        ),
    };
    let _ = writeln!(text, "\n{}\n", direction.marker(&pair.from, &pair.to));
}

/// The commits between the current and the new one.
pub(super) fn write_commits(text: &mut String, texts: &Texts<'_>, desired: &Desired) {
    let Some(known) = texts.comparisons.find(texts.inventory, desired) else { return };
    let Some(list) = &known.commits else { return };
    if list.newest.is_empty() {
        return;
    }
    let what = match known.relation {
        Relation::Behind => "that it takes back",
        Relation::Ahead | Relation::Diverged => "that it brings",
    };
    let total = match list.is_cut {
        true => format!("At least {}", count(list.total, "commit")),
        false => count(list.total, "commit"),
    };
    let _ = writeln!(text, "\n**{total} {what}**\n");
    for commit in &list.newest {
        write_commit(text, commit);
    }
    write_rest(text, texts, desired, list);
}

fn write_commit(text: &mut String, commit: &CodeCommit) {
    let indent = if commit.is_merged { "  " } else { "" };
    let _ = write!(text, "{indent}* {}", code(commit.sha.short()));
    let subject = prose(&shorten(&commit.subject, SUBJECT));
    if !subject.is_empty() {
        let _ = write!(text, " {subject}");
    }
    let request = commit.merge_request.as_ref();
    if let Some(request) = request.filter(|request| !commit.subject.contains(request.as_str())) {
        let _ = write!(text, " ({})", code(&shorten(request, AUTHOR)));
    }
    let author = prose(&shorten(commit.author.as_deref().unwrap_or_default(), AUTHOR));
    if !author.is_empty() {
        let _ = write!(text, ", by {author}");
    }
    text.push('\n');
}

fn write_rest(text: &mut String, texts: &Texts<'_>, desired: &Desired, list: &CommitList) {
    let more = list.total.saturating_sub(list.newest.len());
    if more == 0 && !list.is_cut {
        return;
    }
    let all = match changes_url(texts, desired) {
        Some(url) => format!(": [all of them]({url})"),
        None => String::new(),
    };
    let at_least = if list.is_cut { "at least " } else { "" };
    let _ = writeln!(text, "* and {at_least}{more} more{all}");
}

/// The forge's page of what changes. Of a promotion that goes back, it would show nothing the usual way round.
pub(in super::super) fn changes_url(texts: &Texts<'_>, desired: &Desired) -> Option<String> {
    let pair = commit_pair(texts.inventory, desired)?;
    let known = texts.comparisons.find(texts.inventory, desired);
    let (from, to) = match known.map(|known| known.relation) {
        Some(Relation::Behind) => (&pair.to, &pair.from),
        _ => (&pair.from, &pair.to),
    };
    let host = texts.settings.gitlab_host.as_deref();
    compare_url(&pair.url, from.as_str(), to.as_str(), host)
}

/// The word of a table for where a promotion goes, if not ahead.
pub(in super::super) fn direction_word(
    texts: &Texts<'_>,
    desired: &Desired,
) -> Option<&'static str> {
    match texts.comparisons.find(texts.inventory, desired)?.relation {
        Relation::Ahead => None,
        Relation::Behind => Some("goes back"),
        Relation::Diverged => Some("diverged"),
    }
}
