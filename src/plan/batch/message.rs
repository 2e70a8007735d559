//! The texts of a batch: title, description, the comment on a split.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::branch;
use super::super::content::Content;
use super::super::desired::Desired;
use super::super::markup::{code, plain, shorten};
use super::super::message::{self as texts, TITLE, TITLE_LIMIT, Texts};
use super::super::planner::Planner;
use super::super::trailers::text_digest;
use super::split::SPLIT_LABEL;
use crate::domain::{CommitSha, and_more, count, short_ref};
use crate::inventory::{EditSiteKey, Inventory};
use yaml11::AliasMode;

/// Hidden in the description: for each edit site what tells it from others, and its values.
const MEMBERS: &str = "<!-- sapm:places=";
/// What all descriptions of batches have, and no other one: looked for by GitLab's search.
pub const MENTION: &str = "sapm:places=";
/// Apps that a title names.
const NAMED_APPS: usize = 3;

/// The title: what goes where, if all is one commit; else which apps it is about.
pub(in super::super) fn title(inventory: &Inventory, content: &Content) -> String {
    let parts = &content.parts;
    let [first, others @ ..] = parts.as_slice() else { return TITLE.to_owned() };
    if others.is_empty() {
        return texts::title(inventory, first);
    }
    let target = &inventory.targets[first.members[0]];
    let is_same = |part: &&Arc<Desired>| {
        let repo = &inventory.targets[part.members[0]].repo_url;
        part.moves_ref()
            && part.values.git_ref == first.values.git_ref
            && repo.is_same(&target.repo_url)
    };
    let what = if parts.iter().all(|part| is_same(&part)) {
        let to = short_ref(&first.values.git_ref);
        format!("{} and {} more to {to}", plain(&target.label()), others.len())
    } else {
        format!("{}: {}", count(parts.len(), "promotion"), name_apps(inventory, content))
    };
    shorten(&format!("{TITLE} {what}"), TITLE_LIMIT)
}

fn name_apps(inventory: &Inventory, content: &Content) -> String {
    let app = |part: &Arc<Desired>| inventory.targets[part.members[0]].app.name.as_str();
    let apps: BTreeSet<&str> = content.parts.iter().map(app).collect();
    let named: Vec<String> = apps.iter().take(NAMED_APPS).map(|app| plain(app)).collect();
    match apps.len().saturating_sub(NAMED_APPS) {
        0 => named.join(", "),
        more => format!("{} and {}", named.join(", "), count(more, "more app")),
    }
}

/// A digest of all members' values: equal for the same ones.
pub(super) fn values_digest(content: &Content) -> String {
    if let [part] = content.parts.as_slice() {
        return part.values.digest();
    }
    let line = |part: &Arc<Desired>| format!("{} {}\n", part.targets[0], part.values.digest());
    text_digest(&content.parts.iter().map(line).collect::<String>())
}

/// The description: a table of what is promoted, then the reasons of each promotion, folded.
/// `described`: the one that the merge request has by now.
pub(super) fn description(planner: &Planner<'_>, content: &Content, described: &str) -> String {
    let facts = &planner.texts(described);
    let mut text = format!(
        "{} in one merge request.\n\n| | target | from | to | eligible since |\n| --- | --- | --- | --- | --- |\n",
        count(content.parts.len(), "promotion")
    );
    if let [part] = content.parts.as_slice() {
        text = texts::what_and_why(facts, part);
    } else {
        for (at, part) in content.parts.iter().enumerate() {
            write_row(&mut text, facts, at + 1, part);
        }
        for (at, part) in content.parts.iter().enumerate() {
            let label = planner.inventory.targets[part.members[0]].label();
            let _ = write!(
                text,
                "\n<details><summary>Promotion {}: {}</summary>\n\n{}\n</details>\n",
                at + 1,
                texts::escape_html(&shorten(&plain(&label), texts::LINE)),
                texts::what_and_why(facts, part)
            );
        }
    }
    text.push_str("\n---\n\n");
    texts::write_origin(&mut text, planner.settings);
    let _ = write!(
        text,
        "Opened, updated and closed by saas-auto-promotions-manager. It adds promotions that become due, and halves this \
         merge request if its pipeline fails. The label `sapm/hold` makes it leave this merge request alone. The label \
         `{SPLIT_LABEL}` takes it apart, so that you can close the merge request of one promotion alone. Closing this \
         one means \"none of these versions\"; the label `sapm/again` on the closed merge request asks for all of them \
         again.\n\n"
    );
    text.push_str(&texts::targets_marker(content.parts.iter().map(|part| &part.targets[0])));
    let places = content.parts.iter().map(|part| member_marker(planner, part));
    let _ = writeln!(text, "{MEMBERS}{} -->", places.collect::<Vec<_>>().join(","));
    text.push_str(&texts::values_marker(&values_digest(content)));
    let is_held = content.parts.iter().any(|part| texts::holds(planner.decisions, part));
    match planner.settings.description_footer.as_deref().filter(|_| !is_held) {
        Some(footer) => text.push_str(&texts::footer(footer)),
        None => text.push('\n'),
    }
    text
}

fn write_row(text: &mut String, facts: &Texts<'_>, number: usize, part: &Desired) {
    let target = &facts.inventory.targets[part.members[0]];
    let more = and_more(part.members.len() - 1);
    let (from, to) = (part.current_ref.as_str(), part.values.git_ref.as_str());
    let to_cell = match texts::changes_url(facts, part) {
        Some(url) => format!("[`{}`]({url})", short_ref(to)),
        None => cell(short_ref(to)),
    };
    let to_cell = match texts::direction_word(facts, part) {
        Some(word) => format!("{to_cell} **{word}**"),
        None => to_cell,
    };
    let to_cell = if part.moves_ref() { to_cell } else { "changed config".to_owned() };
    let since = part.promotable_since.map(|at| texts::minute(at).to_string()).unwrap_or_default();
    let _ = writeln!(
        text,
        "| {number} | {}{more} | {} | {to_cell} | {since} |",
        cell(&shorten(&target.label(), texts::LINE)),
        cell(short_ref(from)),
    );
}

/// A code span in a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// What a description names an edit site and its values by.
fn member_marker(planner: &Planner<'_>, part: &Desired) -> String {
    format!("{}:{}", planner.place_digest(part), part.values.digest())
}

/// What a description names its edit sites by.
pub fn mentioned_places(description: &str) -> impl Iterator<Item = &str> {
    let found = description.rsplit_once(MEMBERS).and_then(|(_, rest)| rest.split_once(" -->"));
    let (members, _) = found.unwrap_or_default();
    members.split(',').filter_map(|member| Some(member.split_once(':')?.0))
}

/// Does a description tell that its batch wrote these values at this edit site?
pub(in super::super) fn describes_member(
    description: &str,
    place: &str,
    desired: &Desired,
) -> bool {
    let found = description.rsplit_once(MEMBERS).and_then(|(_, rest)| rest.split_once(" -->"));
    let (members, _) = found.unwrap_or_default();
    let wanted = format!("{place}:{}", desired.values.digest());
    members.split(',').any(|member| member == wanted)
}

/// Hidden in the comment on a split: one for each tip.
pub(super) fn split_marker(tip: &CommitSha) -> String {
    format!("<!-- sapm:split={} -->", tip.short())
}

/// The comment on a batch that is halved.
pub(super) fn split_comment((stay, all): (usize, usize), tip: &CommitSha) -> String {
    format!(
        "Its pipeline failed, so saas-auto-promotions-manager halves this merge request: {stay} of its {} stay here, the \
         others go on in a merge request of their own. What fails again is halved again, until the bad promotion is \
         alone.\n\n{}\n",
        count(all, "promotion"),
        split_marker(tip)
    )
}

impl<'a> Planner<'a> {
    /// What tells an edit site from others: that part of its own branch's name.
    pub(in super::super) fn place_digest(&self, desired: &Desired) -> String {
        branch::digest(&self.target_branch, &self.place_key(desired).key)
    }

    /// What the edit site of a promotion goes by.
    pub(super) fn place_key(&self, desired: &Desired) -> &'a EditSiteKey {
        let member = desired.members[0];
        match desired.mode {
            AliasMode::OwnValue => &self.inventory.targets[member].key,
            AliasMode::InPlace => self.inventory.place_key(member),
        }
    }
}
