//! Quick actions and mentions in texts (GitLab docs, user/project/quick_actions): a command alone on a line runs and
//! is removed; code disables both. HTML comments are treated as plain text here, which is stricter.

use crate::gitlab::merging;
use crate::gitlab::model::{Mention, MrState, QuickAction, Reference};
use crate::gitlab::{references, requests};
use crate::state::State;

/// The commands of merge requests.
const COMMANDS: &[&str] = &[
    "add_contacts",
    "approve",
    "assign",
    "assign_reviewer",
    "award",
    "cc",
    "clear_time_spent",
    "close",
    "copy_metadata",
    "create_merge_request",
    "done",
    "draft",
    "due",
    "duplicate",
    "estimate",
    "label",
    "labels",
    "lock",
    "merge",
    "milestone",
    "react",
    "ready",
    "reassign",
    "reassign_reviewer",
    "rebase",
    "relabel",
    "remove_estimate",
    "remove_milestone",
    "reopen",
    "request_changes",
    "request_review",
    "reviewer",
    "severity",
    "ship",
    "shrug",
    "spend",
    "spent",
    "subscribe",
    "submit_review",
    "tableflip",
    "target_branch",
    "title",
    "todo",
    "unapprove",
    "unassign",
    "unassign_reviewer",
    "unlabel",
    "unlock",
    "unsubscribe",
    "wip",
];

/// One line of a text, and whether it is code.
fn lines(text: &str) -> Vec<(&str, bool)> {
    let mut fence: Option<(char, usize)> = None;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches(' ');
        let indent = line.len() - bare.len();
        let mark = bare.chars().next().filter(|first| *first == '`' || *first == '~');
        let length = mark.map_or(0, |mark| bare.chars().take_while(|each| *each == mark).count());
        match fence {
            Some((open, least)) => {
                found.push((line, true));
                let rest = bare.trim_start_matches(open).trim();
                if mark == Some(open) && length >= least && indent < 4 && rest.is_empty() {
                    fence = None;
                }
            }
            None if length >= 3
                && indent < 4
                && !(mark == Some('`') && bare[length..].contains('`')) =>
            {
                fence = mark.map(|mark| (mark, length));
                found.push((line, true));
            }
            None => found.push((line, false)),
        }
    }
    found
}

/// A line's command and argument.
fn command(line: &str) -> Option<(String, String)> {
    let rest = line.trim_end().strip_prefix('/')?;
    let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let name = name.to_ascii_lowercase();
    COMMANDS.contains(&name.as_str()).then(|| (name, argument.trim().to_owned()))
}

/// The text without its code spans.
fn without_code_spans(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let escaped = rest[..at].ends_with('\\');
        let ticks = rest[at..].chars().take_while(|each| *each == '`').count();
        out.push_str(&rest[..at]);
        let after = &rest[at + ticks..];
        let mut close = None;
        let mut from = 0;
        while let Some(next) = after[from..].find('`') {
            let run = after[from + next..].chars().take_while(|each| *each == '`').count();
            if run == ticks {
                close = Some(from + next);
                break;
            }
            from += next + run;
        }
        match close.filter(|_| !escaped) {
            Some(close) => rest = &after[close + ticks..],
            None => rest = after,
        }
    }
    out + rest
}

/// Names after an `@` that starts a word.
fn mentions(text: &str) -> Vec<String> {
    let text = without_code_spans(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|before| {
            before.is_alphanumeric() || matches!(before, '_' | '\\' | '@' | '/')
        }) {
            continue;
        }
        let name: String = text[at + 1..]
            .chars()
            .take_while(|each| each.is_alphanumeric() || "_-./".contains(*each))
            .collect();
        let name = name.trim_end_matches(['.', '-', '/']);
        if name.starts_with(|first: char| first.is_alphanumeric() || first == '_') {
            found.push(name.to_owned());
        }
    }
    found
}

fn record_mentions(
    state: &mut State,
    id: u64,
    iid: u64,
    user: u64,
    place: &'static str,
    text: &str,
) {
    let project = state.project(id).path.clone();
    let prose: String =
        lines(text).into_iter().filter(|(_, code)| !code).map(|(line, _)| line).collect();
    for name in mentions(&prose) {
        state.mentions.push(Mention {
            project: project.clone(),
            merge_request: iid,
            place,
            user,
            name,
        });
    }
    let of = |text: String, closes: bool| Reference {
        project: project.clone(),
        merge_request: iid,
        place,
        user,
        text,
        closes,
    };
    // A comment closes nothing.
    let closing = if place == "note" { Vec::new() } else { references::closing(text) };
    state.references.extend(closing.into_iter().map(|text| of(text, true)));
    let quiet = references::references(&without_code_spans(&prose));
    state.references.extend(quiet.into_iter().map(|text| of(text, false)));
}

/// Records the content of a title or a commit message; nothing runs there.
pub(crate) fn look_at(
    state: &mut State,
    id: u64,
    iid: u64,
    user: u64,
    place: &'static str,
    text: &str,
) {
    record_mentions(state, id, iid, user, place, text);
    let project = state.project(id).path.clone();
    for (command, argument) in text.lines().filter_map(command) {
        let action = QuickAction {
            project: project.clone(),
            merge_request: iid,
            place,
            user,
            command,
            argument,
            executed: false,
        };
        state.quick_actions.push(action);
    }
}

/// Runs and removes the quick actions of a description or a note; returns the remaining text.
pub(crate) fn run(
    state: &mut State,
    id: u64,
    iid: u64,
    user: u64,
    place: &'static str,
    text: &str,
) -> String {
    record_mentions(state, id, iid, user, place, text);
    let mut kept = String::new();
    let mut found = Vec::new();
    for (line, code) in lines(text) {
        match command(line).filter(|_| !code) {
            Some(action) => found.push(action),
            None => kept.push_str(line),
        }
    }
    let project = state.project(id).path.clone();
    for (command, argument) in &found {
        execute(state, id, iid, user, command, argument);
        state.quick_actions.push(QuickAction {
            project: project.clone(),
            merge_request: iid,
            place,
            user,
            command: command.clone(),
            argument: argument.clone(),
            executed: true,
        });
    }
    if found.is_empty() { kept } else { kept.trim().to_owned() }
}

fn execute(state: &mut State, id: u64, iid: u64, user: u64, command: &str, argument: &str) {
    let names = || {
        argument.split_whitespace().map(|name| name.trim_matches(['~', '@', '"', ',']).to_owned())
    };
    match command {
        "close" => requests::set_state(state, id, iid, user, MrState::Closed),
        "reopen" => drop(requests::reopen(state, id, iid, user)),
        "merge" | "ship" => {
            drop(merging::merge(state, id, iid, user, &merging::Options::default()))
        }
        "rebase" => drop(merging::start_rebase(state, id, iid, user)),
        "label" | "labels" => {
            requests::set_labels(state, id, iid, user, &names().collect::<Vec<_>>(), &[])
        }
        "unlabel" => {
            let mut labels: Vec<String> = names().collect();
            if labels.is_empty() {
                labels = state.project(id).request(iid).unwrap().labels.iter().cloned().collect();
            }
            requests::set_labels(state, id, iid, user, &[], &labels);
        }
        "title" => requests::set_title(state, id, iid, user, argument),
        "draft" => {
            let title = state.project(id).request(iid).unwrap().title.clone();
            requests::set_title(state, id, iid, user, &format!("Draft: {title}"));
        }
        "ready" => {
            let title = state.project(id).request(iid).unwrap().title.replacen("Draft: ", "", 1);
            requests::set_title(state, id, iid, user, &title);
        }
        "target_branch" => drop(requests::retarget(state, id, iid, user, argument)),
        "approve" => {
            state.project_mut(id).request_mut(iid).unwrap().approvals.insert(user);
        }
        "unapprove" => {
            state.project_mut(id).request_mut(iid).unwrap().approvals.remove(&user);
        }
        "assign" | "reassign" => {
            let users: Vec<u64> =
                names().filter_map(|name| state.user_named(&name).map(|user| user.id)).collect();
            state.project_mut(id).request_mut(iid).unwrap().assignees.extend(users);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_keeps_commands_and_mentions_quiet() {
        let text =
            "hi @dev\n```\n/close\n@all\n```\n`@quiet` \\@escaped a@mail ``x ` @y`` <@loud>\n";
        let prose: String =
            lines(text).into_iter().filter(|line| !line.1).map(|line| line.0).collect();
        assert_eq!(mentions(&prose), ["dev", "loud"]);
        assert!(lines(text).into_iter().all(|(line, code)| code || command(line).is_none()));
        assert_eq!(command("/label ~a ~b  \n"), Some(("label".to_owned(), "~a ~b".to_owned())));
        assert_eq!(command("/data/services/x"), None);
    }
}
