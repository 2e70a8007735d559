//! Writes records: all are read before the first is written, and each is read again after it was written.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::deployment::{DeploymentRecord, DeploymentReport};
use crate::decide::{DeploymentState, record_outcome};
use crate::inventory::TargetIx;
use crate::ports::{StateError, StateStore, StoredObject, Updated, update};

/// How often a record is computed again because another writer was first.
pub const MAX_CONFLICTS: usize = 5;

/// Records that are read at once.
const READS_AT_ONCE: usize = 8;

/// A record to write.
#[derive(Debug, Clone)]
pub struct PlannedRecord {
    /// The target.
    pub target: TargetIx,
    /// Name of its saas file.
    pub saas_file: String,
    /// The channel.
    pub channel: String,
    /// Key in the state.
    pub key: String,
    /// Digest of the target's effective configuration.
    pub config_hash: String,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It was written, and is there.
    Written,
    /// It said the same already.
    Unchanged,
    /// A dry run would write it.
    Planned,
    /// It was not written, or is not there as it was written.
    Failed(String),
}

/// A record before and after.
#[derive(Debug, Clone)]
pub struct RecordOutcome {
    /// The record to write.
    pub planned: PlannedRecord,
    /// What was there before.
    pub before: DeploymentState,
    /// Why that was not usable.
    pub before_reason: Option<String>,
    /// The record that follows from the report.
    pub record: DeploymentRecord,
    /// What became of it.
    pub written: Written,
}

/// What is at the keys now.
///
/// # Errors
/// When one of them cannot be read.
pub async fn read_records(
    state: &dyn StateStore,
    planned: Vec<PlannedRecord>,
) -> Result<Vec<(PlannedRecord, Option<StoredObject>)>, StateError> {
    let reads = planned.into_iter().map(|planned| async move {
        let old = state.get_to_replace(&planned.key).await?;
        Ok((planned, old))
    });
    stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
}

/// Writes the records that follow from a report, one after the other. A store that fails as a whole, or `stopped`, ends
/// it before the next one.
pub async fn write_records(
    state: &dyn StateStore,
    report: &DeploymentReport,
    read: Vec<(PlannedRecord, Option<StoredObject>)>,
    dry_run: bool,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Vec<RecordOutcome> {
    let mut outcomes = Vec::new();
    let mut given_up: Option<Arc<str>> = None;
    for (planned, old) in read {
        if stopped() {
            given_up = Some("a signal ended the run before".into());
        }
        let before = Before::new(old.as_ref());
        let mut record = before.follow(report, &planned);
        let written = match &given_up {
            Some(reason) => Written::Failed(reason.to_string()),
            None if record.is_stored(&before.value) => Written::Unchanged,
            None if dry_run => Written::Planned,
            None => match replace(state, report, &planned, old, &mut record).await {
                Ok(written) => written,
                Err(error) => {
                    if let StateError::Whole(_) | StateError::Shared(_) = &error {
                        given_up = Some(error.to_string().into());
                    }
                    Written::Failed(error.to_string())
                }
            },
        };
        let Before { state, reason, .. } = before;
        outcomes.push(RecordOutcome {
            planned,
            before: state,
            before_reason: reason,
            record,
            written,
        });
    }
    outcomes
}

/// Writes a record over the one that it was computed from. If another writer was first, computes it again from that
/// one's record, so that no success is lost.
async fn replace(
    state: &dyn StateStore,
    report: &DeploymentReport,
    planned: &PlannedRecord,
    old: Option<StoredObject>,
    record: &mut DeploymentRecord,
) -> Result<Written, StateError> {
    let follow = |old: Option<&StoredObject>| {
        let now = Before::new(old);
        *record = now.follow(report, planned);
        // An attempt whose response was lost may have taken effect.
        (!record.is_stored(&now.value)).then(|| record.to_bytes())
    };
    Ok(match update(state, &planned.key, old, MAX_CONFLICTS, follow).await? {
        Updated::Written(bytes) => check(state, planned, &bytes).await?,
        Updated::Unchanged => Written::Written,
        Updated::Contended => Written::Failed(
            "other writers changed it each time before it could be written: run again".to_owned(),
        ),
    })
}

/// Reads the record again.
async fn check(
    state: &dyn StateStore,
    planned: &PlannedRecord,
    bytes: &[u8],
) -> Result<Written, StateError> {
    let stored = state.get_to_replace(&planned.key).await.map_err(|error| {
        let message = format!("it was written, but cannot be checked: {error}");
        match error {
            StateError::Whole(_) => StateError::Whole(message),
            StateError::Shared(_) => StateError::Shared(message),
            StateError::Key(_) => StateError::Key(message),
        }
    })?;
    Ok(match stored {
        Some(object) if object.bytes == bytes => Written::Written,
        Some(_) => Written::Failed(
            "it was written, but what is there differs: another writer replaced it, or the store \
             changes what it stores"
                .to_owned(),
        ),
        None => Written::Failed(
            "the store accepted it, but it is not there: check that the state is not a copy"
                .to_owned(),
        ),
    })
}

/// A record before it is replaced.
struct Before {
    value: Value,
    state: DeploymentState,
    reason: Option<String>,
}

impl Before {
    fn new(object: Option<&StoredObject>) -> Self {
        let Some(object) = object else {
            return Self { value: Value::Null, state: DeploymentState::Missing, reason: None };
        };
        let value = match serde_json::from_slice::<Value>(&object.bytes) {
            Ok(value) => value,
            Err(_) => {
                let reason = Some("it is not JSON".to_owned());
                return Self { value: Value::Null, state: DeploymentState::Invalid, reason };
            }
        };
        let (state, reason) = match record_outcome(&value) {
            Ok(true) => (DeploymentState::Success, None),
            Ok(false) => (DeploymentState::Failed, None),
            Err(reason) => (DeploymentState::Invalid, Some(reason)),
        };
        Self { value, state, reason }
    }

    fn follow(&self, report: &DeploymentReport, planned: &PlannedRecord) -> DeploymentRecord {
        report.record(&planned.saas_file, &planned.config_hash, &self.value)
    }
}
