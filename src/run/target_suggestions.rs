//! What `explain` says where a name stands for no target, or for several.

use std::collections::BTreeSet;

use super::{ConfigRepo, RunError};
use crate::domain::{RepoPath, UidDigest, quoted};
use crate::inventory::{Found, Inventory, Target, TargetIx, all_declared, find};

/// How many targets a message names.
const NAMED: usize = 10;

/// Several are called so.
pub(super) fn ambiguous(inventory: &Inventory, wanted: &str, several: &[TargetIx]) -> RunError {
    let message = format!("{} may be any of {} targets", quoted(wanted), several.len());
    RunError::usage(message).hint(format!("say more; it fits\n    {}", labels(inventory, several)))
}

/// Nobody that is promoted is called so: who is there and not promoted, who hides, who is called
/// alike.
pub(super) fn unknown(
    repo: &ConfigRepo,
    digest: UidDigest,
    wanted: &str,
    alike: &[TargetIx],
) -> RunError {
    let inventory = &repo.inventory;
    let message = format!("no target that is promoted automatically is called {}", quoted(wanted));
    let error = RunError::usage(message);
    let subscribers: BTreeSet<TargetIx> = inventory.subscribers.iter().copied().collect();
    if !matches!(find(inventory, &subscribers, wanted), Found::Unknown(_)) {
        return error.hint("there is one beyond --env-name, --app-name or --saas-file-name");
    }
    if let Some(hint) = not_promoted(repo, digest, wanted) {
        return error.hint(hint);
    }
    let mut hint = "name it by its uid, or by any unambiguous part of \
                    saas-file/resource-template/cluster/namespace; `sapm plan` lists those that wait"
        .to_owned();
    if !alike.is_empty() {
        hint = format!("did you mean\n    {}", labels(inventory, alike));
    }
    if !repo.bundle.broken_files.is_empty() {
        let files: Vec<&str> =
            repo.bundle.broken_files.iter().take(3).map(String::as_str).collect();
        hint.push_str(&format!(
            "\n  it may also be in a file that cannot be read in full (`sapm validate` says why): {}",
            files.join(", ")
        ));
    }
    error.hint(hint)
}

fn labels(inventory: &Inventory, indexes: &[TargetIx]) -> String {
    lines(indexes, |index| inventory.targets[index].label())
}

fn lines(indexes: &[TargetIx], line: impl Fn(TargetIx) -> String) -> String {
    let lines: Vec<String> = indexes.iter().take(NAMED).map(|&index| line(index)).collect();
    let more = match indexes.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("\n    and {more} more"),
    };
    format!("{}{more}", lines.join("\n    "))
}

/// Why those that are called so are not promoted; `None` if nobody is.
fn not_promoted(repo: &ConfigRepo, digest: UidDigest, wanted: &str) -> Option<String> {
    let declared = all_declared(&repo.bundle, digest);
    let promoted: BTreeSet<_> = repo.inventory.subscribers().map(|(_, t)| &t.uid).collect();
    let others: BTreeSet<TargetIx> = declared
        .targets
        .indexes()
        .filter(|&index| !promoted.contains(&declared.targets[index].uid))
        .collect();
    let why = |index: TargetIx| {
        let target = &declared.targets[index];
        format!("{} {}", target.label(), why_not(repo, target))
    };
    match find(&declared, &others, wanted) {
        Found::One(index) => Some(why(index)),
        Found::Several(several) => {
            let lines = lines(&several, why);
            Some(format!("of those that are not, it fits {}\n    {lines}", several.len()))
        }
        Found::Unknown(_) => None,
    }
}

/// Why a target that is declared is not promoted, and what to do to have it promoted.
fn why_not(repo: &ConfigRepo, target: &Target) -> String {
    let file = &target.declared_at.file;
    let node = repo.bundle.sources.get(file).map(|tree| tree.node(target.node));
    let at = |path: &[&str]| {
        let field = node.and_then(|node| path.iter().try_fold(node, |node, key| node.get(key)));
        field.filter(|field| !field.is_null())
    };
    let place = |line: u32| format!("{}:{line}", RepoPath::of_datafile(file));
    for key in ["disable", "delete"] {
        if let Some(flag) = at(&[key]).filter(|flag| flag.as_bool() == Some(true)) {
            return format!(
                "is there, but switched off by `{key}: true` at {}, so it neither publishes nor is \
                 promoted; take that line away to have it promoted",
                place(flag.position().line)
            );
        }
    }
    let Some(promotion) = at(&["promotion"]) else {
        return format!(
            "is there, at {}, but has no `promotion` block: people move its ref; to have it \
             promoted, give it one with `auto: true` and the channels that it follows as `subscribe`",
            place(target.declared_at.line)
        );
    };
    let line = at(&["promotion", "auto"]).unwrap_or(promotion).position().line;
    let (what, advice) = if target.promotion.subscribe.is_empty() {
        ("publishes only", "set that, and name the channels that it follows as `subscribe`")
    } else {
        ("is not promoted automatically, although it subscribes", "set that")
    };
    format!(
        "{what}: people move its ref, as it has no `promotion.auto: true` ({}); to have it promoted, {advice}",
        place(line)
    )
}
