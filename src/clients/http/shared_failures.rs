//! Failures that many lookups share, always in the same words.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::snapshot::Failure;

/// Remembers the first wording of each shared cause, so that all lookups that
/// fail by it say exactly the same and it can be reported once.
#[derive(Debug, Default)]
pub struct SharedFailures(Mutex<BTreeMap<String, Failure>>);

impl SharedFailures {
    /// The failure known under `key`; if there is none yet, `words` make it.
    pub fn note(&self, key: &str, words: impl FnOnce() -> String) -> Failure {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key.to_owned()).or_insert_with(|| Failure::shared(words())).clone()
    }

    /// The failure known under `key`.
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
