//! Is the state export of the old promoter of the form that ours has?

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::{Facts, Finding, some};
use crate::domain::count;
use crate::preflight::{Context, Observation};
use crate::report::publisher_data;

/// A publisher's facts in the export.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Entry {
    pub(super) commit_sha: String,
    pub(super) deployment_state: String,
}

pub(super) type Entries = BTreeMap<String, Entry>;

/// Our facts, as our export would have them.
pub(super) fn ours(context: &Context<'_>) -> Entries {
    serde_json::from_str(&publisher_data(context.report)).unwrap_or_default()
}

/// Their facts; `None` without an export, an error where it is of another form.
pub(super) fn theirs(seen: &Observation) -> Option<Result<Entries, String>> {
    let bytes = seen.export.as_ref().ok()?.bytes.as_ref()?;
    Some(serde_json::from_slice(bytes).map_err(|error| error.to_string()))
}

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if let Err(failure) = &facts.seen.export {
        return Finding::not_known("the state export", failure);
    }
    let theirs = match theirs(facts.seen) {
        None => return Finding::skipped("there is no state export of the old promoter"),
        Some(Ok(theirs)) => theirs,
        Some(Err(error)) => {
            let summary = format!("publisher-data.json is of another form: {error}");
            return Finding::fail(summary)
                .advice("find out who writes it: the first run of apply replaces it");
        }
    };
    let ours = ours(facts.context);
    let keys = |entries: &Entries| entries.keys().cloned().collect::<BTreeSet<_>>();
    let (our_keys, their_keys) = (keys(&ours), keys(&theirs));
    let added: Vec<_> = our_keys.difference(&their_keys).cloned().collect();
    let missing: Vec<_> = their_keys.difference(&our_keys).cloned().collect();
    let written_at = facts.seen.export.as_ref().ok().and_then(|export| export.modified_at);
    let evidence = json!({
        "added": added, "missing": missing, "ours": ours.len(), "theirs": theirs.len(), "written_at": written_at,
    });
    if added.is_empty() && missing.is_empty() {
        let summary = format!(
            "both exports have the same {}; that ours can be written is known only by writing it",
            count(ours.len(), "publisher")
        );
        return Finding::pass(summary).evidence(evidence);
    }
    let mut parts = Vec::new();
    if !added.is_empty() {
        parts.push(format!("{} more: {}", count(added.len(), "publisher"), some(added.clone())));
    }
    if !missing.is_empty() {
        parts.push(format!("{} fewer: {}", missing.len(), some(missing.clone())));
    }
    Finding::warn(format!("our export has {}", parts.join("; ")))
        .advice("tell whoever reads publisher-data.json; a publisher whose commit cannot be looked up is left out by ours")
        .evidence(evidence)
}
