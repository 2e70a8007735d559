//! What `explain` says where a name stands for no target, or for several.

use std::collections::BTreeSet;

use super::{ConfigRepo, RunError};
use crate::domain::{GitRef, RepoPath, UidDigest, quoted};
use crate::inventory::{Found, Inventory, Target, TargetIx, all_declared, find};
use yaml11::NodeRef;

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
    if let Some(hint) = others_called(repo, digest, wanted, &subscribers, why_not_promoted) {
        return error.hint(hint);
    }
    error.hint(suggest(repo, alike))
}

/// No publisher is called so: who is there and publishes nothing, who hides, who is called alike.
pub(super) fn no_publisher(
    repo: &ConfigRepo,
    digest: UidDigest,
    (wanted, publishers): (&str, &BTreeSet<TargetIx>),
    alike: &[TargetIx],
) -> RunError {
    let error = RunError::usage(format!(
        "no target that publishes to a channel is called {}",
        quoted(wanted)
    ));
    match others_called(repo, digest, wanted, publishers, why_no_publisher) {
        Some(hint) => error.hint(hint),
        None => error.hint(suggest(repo, alike)),
    }
}

fn suggest(repo: &ConfigRepo, alike: &[TargetIx]) -> String {
    let mut hint = "name it by its uid, or by any unambiguous part of \
                    saas-file/resource-template/cluster/namespace; `sapm plan` lists those that wait"
        .to_owned();
    if !alike.is_empty() {
        hint = format!("did you mean\n    {}", labels(&repo.inventory, alike));
    }
    if !repo.bundle.broken_files.is_empty() {
        let files: Vec<&str> =
            repo.bundle.broken_files.iter().take(3).map(String::as_str).collect();
        hint.push_str(&format!(
            "\n  it may also be in a file that cannot be read in full (`sapm validate` says why): {}",
            files.join(", ")
        ));
    }
    hint
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

/// Those that are called so and are none of `these`, with the reason; `None` if nobody is.
fn others_called(
    repo: &ConfigRepo,
    digest: UidDigest,
    wanted: &str,
    these: &BTreeSet<TargetIx>,
    why_not: fn(&ConfigRepo, &Target) -> String,
) -> Option<String> {
    let declared = all_declared(&repo.bundle, digest);
    let known: BTreeSet<_> =
        these.iter().map(|&index| &repo.inventory.targets[index].uid).collect();
    let others: BTreeSet<TargetIx> = declared
        .targets
        .indexes()
        .filter(|&index| !known.contains(&declared.targets[index].uid))
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

/// `data/….yml:12` of a field of a target that is not null.
fn place_of(repo: &ConfigRepo, target: &Target, path: &[&str]) -> Option<String> {
    let field = field_of(repo, target, path)?;
    Some(place(target, field.position().line))
}

fn place(target: &Target, line: u32) -> String {
    format!("{}:{line}", RepoPath::of_datafile(&target.declared_at.file))
}

fn field_of<'a>(repo: &'a ConfigRepo, target: &Target, path: &[&str]) -> Option<NodeRef<'a>> {
    let node = repo.bundle.tree(&target.declared_at.file)?.node(target.node);
    let field = path.iter().try_fold(node, |node, key| node.get(key))?;
    (!field.is_null()).then_some(field)
}

/// `disable: true` or `delete: true`, and where it is.
fn switched_off(repo: &ConfigRepo, target: &Target) -> Option<(&'static str, String)> {
    ["disable", "delete"].into_iter().find_map(|key| {
        let flag = field_of(repo, target, &[key]).filter(|flag| flag.as_bool() == Some(true))?;
        Some((key, place(target, flag.position().line)))
    })
}

/// Why a target that is declared is not promoted, and what to do to have it promoted.
fn why_not_promoted(repo: &ConfigRepo, target: &Target) -> String {
    if let Some((key, place)) = switched_off(repo, target) {
        return format!(
            "is there, but switched off by `{key}: true` at {place}, so it neither publishes nor is \
             promoted; take that line away to have it promoted"
        );
    }
    let moving = target.git_ref.as_ref().ok().and_then(GitRef::moving);
    // Nobody has to move the ref of a target that follows a branch.
    let now = match moving {
        Some(name) => format!("every commit of {} is deployed", quoted(name)),
        None => "people move its ref".to_owned(),
    };
    let (joined, pin) = match moving {
        Some(_) => ("and", "set its ref to a commit, and "),
        None => ("as", ""),
    };
    let Some(promotion) = place_of(repo, target, &["promotion"]) else {
        return format!(
            "is there, at {}, but has no `promotion` block: {now}; to have it promoted, {pin}give it one with \
             `auto: true` and the channels that it follows as `subscribe`",
            place(target, target.declared_at.line)
        );
    };
    let place = place_of(repo, target, &["promotion", "auto"]).unwrap_or(promotion);
    let (what, advice) = if target.promotion.subscribe.is_empty() {
        ("publishes only", "set that, and name the channels that it follows as `subscribe`")
    } else {
        ("is not promoted automatically, although it subscribes", "set that")
    };
    format!(
        "{what}: {now}, {joined} it has no `promotion.auto: true` ({place}); to have it promoted, {pin}{advice}"
    )
}

/// Why a target that is declared publishes nothing, and what to do to have its deployments count.
fn why_no_publisher(repo: &ConfigRepo, target: &Target) -> String {
    if let Some((key, place)) = switched_off(repo, target) {
        return format!(
            "is there, but switched off by `{key}: true` at {place}, so nobody waits for it; remove \
             that line, or do not report its deployments"
        );
    }
    let at = place_of(repo, target, &["promotion"])
        .unwrap_or_else(|| place(target, target.declared_at.line));
    format!(
        "is there, at {at}, but publishes to no channel, so nobody waits for it; name its channels as \
         `promotion.publish`, or do not report its deployments"
    )
}
