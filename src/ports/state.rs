//! The state: deployment records and the state export.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Why the state bucket could not be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The bucket as a whole: missing, no access, no answer. Ends the run with exit code 4.
    #[error("{0}")]
    Whole(String),
    /// This key alone.
    #[error("{0}")]
    Key(String),
    /// This key and others, for the same reason.
    #[error("{0}")]
    Shared(String),
}

/// The bytes at a key, and what tells whether they are still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The store's own version of them (an ETag); `None` if it has none.
    pub version: Option<String>,
}

/// The bucket with deployment records and the state export.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The bytes at `key` (from `state/` on), `None` if there is no such key.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// Replaces the bytes at `key`.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StateError>;

    /// What is at `key`, to replace it with [`StateStore::replace`]; `None` also where only the missing right to
    /// list hides whether there is anything, because `replace` does not overwrite what it does not know.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn get_to_replace(&self, key: &str) -> Result<Option<StoredObject>, StateError> {
        Ok(self.get(key).await?.map(|bytes| StoredObject { bytes, version: None }))
    }

    /// Replaces what is at `key`, if that is still `old` (`None`: nothing). Returns whether it was: another writer may
    /// have been there first. A store that does not support such writes replaces it in any case.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        _old: Option<&StoredObject>,
    ) -> Result<bool, StateError> {
        self.put(key, bytes).await.map(|()| true)
    }

    /// Where it is, for messages: `s3://bucket/prefix` or `file:///dir`.
    fn location(&self) -> String;

    /// When the bytes at `key` were written last, `None` if there is no such key.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn modified_at(&self, key: &str) -> Result<Option<DateTime<Utc>>, StateError> {
        Err(StateError::Key(format!("{} does not tell when {key} was written", self.location())))
    }

    /// Keys that begin with `start`, in order, `at_most` of them.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn keys(&self, start: &str, _at_most: usize) -> Result<Vec<String>, StateError> {
        Err(StateError::Key(format!("{} does not list keys below {start}", self.location())))
    }

    /// Other prefixes of the same bucket below which keys begin with `start`: those at its top level.
    ///
    /// # Errors
    /// See [`StateError`].
    async fn other_prefixes(&self, _start: &str) -> Result<Vec<String>, StateError> {
        Ok(Vec::new())
    }
}

/// How an [`update`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// These bytes were written.
    Written(Vec<u8>),
    /// What is there needs no change.
    Unchanged,
    /// Other writers changed it each time before it could be written.
    Contended,
}

/// Replaces what is at `key` by what follows from it (`None`: it stays). If another writer was first, starts again from
/// what that one wrote, at most `attempts` times in all. `old` is what was read from there.
///
/// # Errors
/// See [`StateError`].
pub async fn update(
    state: &dyn StateStore,
    key: &str,
    mut old: Option<StoredObject>,
    attempts: usize,
    mut follow: impl FnMut(Option<&StoredObject>) -> Option<Vec<u8>>,
) -> Result<Updated, StateError> {
    for _ in 0..attempts {
        let Some(bytes) = follow(old.as_ref()) else { return Ok(Updated::Unchanged) };
        if state.replace(key, bytes.clone(), old.as_ref()).await? {
            return Ok(Updated::Written(bytes));
        }
        old = state.get_to_replace(key).await?;
    }
    Ok(Updated::Contended)
}
