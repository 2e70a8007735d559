//! Failures with a cause that many lookups share, always with the same text.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::snapshot::Failure;

/// Remembers the first text of each shared cause, so that all lookups that
/// fail because of it have exactly the same text and it is reported once.
#[derive(Debug, Default)]
pub struct SharedFailures(Mutex<BTreeMap<String, Failure>>);

impl SharedFailures {
    /// The failure stored under `key`. If there is none yet, `words` creates its text.
    pub fn note(&self, key: &str, words: impl FnOnce() -> String) -> Failure {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key.to_owned()).or_insert_with(|| Failure::shared(words())).clone()
    }

    /// The failure stored under `key`.
    pub fn known(&self, key: &str) -> Option<Failure> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wording_stays() {
        let failures = SharedFailures::default();
        assert!(failures.known("a").is_none());
        let first = failures.note("a", || "until 10:00".into());
        assert_eq!(failures.note("a", || "until 10:01".into()), first);
        assert_eq!(failures.known("a"), Some(first));
    }
}
