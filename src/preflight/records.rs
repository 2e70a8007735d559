//! Where deployment records may lie, when none is found where they are looked for.

use super::context::Context;
use crate::decide::DeploymentState;
use crate::ports::StateStore;

/// Channels that are looked into.
const MAX_CHANNELS: usize = 5;
/// Keys of a channel that are listed.
const MAX_KEYS: usize = 100;
/// Folder of the records.
const RECORDS: &str = "state/openshift-saas-deploy/promotions_v2/";
/// Folder of the records of before 2023-10.
const V1_RECORDS: &str = "state/openshift-saas-deploy/promotions/";

/// What lies there instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordsHint {
    /// Keys of the form of before 2023-10.
    pub v1_keys: usize,
    /// Keys below these channels whose uid is none of the publishers'.
    pub other_uids: usize,
    /// Other prefixes of the bucket that have records.
    pub other_prefixes: Vec<String>,
    /// Why it could not be looked.
    pub error: Option<String>,
}

/// Usable records, and all that are asked for.
pub(super) fn usable_records(context: &Context<'_>) -> (usize, usize) {
    let deployments = context.report.publishers.iter().flat_map(|one| one.deployments.values());
    let usable = |state: DeploymentState| {
        matches!(state, DeploymentState::Success | DeploymentState::Failed)
    };
    deployments.fold((0, 0), |(found, all), one| (found + usize::from(usable(one.state)), all + 1))
}

/// Lists a few keys, if no record is usable.
pub(super) async fn records_hint(
    context: &Context<'_>,
    state: &dyn StateStore,
) -> Option<RecordsHint> {
    let (usable, all) = usable_records(context);
    if usable > 0 || all == 0 {
        return None;
    }
    let mut hint = RecordsHint::default();
    let channels = context.report.publishers.iter().flat_map(|one| one.deployments.keys());
    let channels: std::collections::BTreeSet<_> = channels.collect();
    for channel in channels.into_iter().take(MAX_CHANNELS) {
        match state.keys(&format!("{V1_RECORDS}{channel}/"), MAX_KEYS).await {
            Ok(keys) => hint.v1_keys += keys.len(),
            Err(error) => hint.error = Some(error.to_string()),
        }
        if let Ok(keys) = state.keys(&format!("{RECORDS}{channel}/"), MAX_KEYS).await {
            let known = |key: &String| {
                let mut uids = context.report.publishers.iter().map(|one| &one.target.uid);
                uids.any(|uid| key.contains(uid.as_str()))
            };
            hint.other_uids += keys.iter().filter(|key| !known(key)).count();
        }
    }
    if let Ok(prefixes) = state.other_prefixes(RECORDS).await {
        hint.other_prefixes = prefixes;
    }
    Some(hint)
}
