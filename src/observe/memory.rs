//! Services that remember what they answered: a second observation asks only what the first one did not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::domain::RepoUrl;
use crate::ports::{Commits, SloSource, StateError, StateStore};
use crate::snapshot::{CommitFact, Failure};

/// Services with their answers so far, also failures and records that do not exist.
pub struct Memory<'a> {
    commits: &'a dyn Commits,
    state: &'a dyn StateStore,
    slos: &'a dyn SloSource,
    known_commits: Known<(String, String), Result<CommitFact, Failure>>,
    known_records: Known<String, Result<Option<Vec<u8>>, StateError>>,
    known_slos: Known<(String, String), Result<f64, Failure>>,
}

impl<'a> Memory<'a> {
    /// Remembers what these services answer from now on.
    pub fn new(
        commits: &'a dyn Commits,
        state: &'a dyn StateStore,
        slos: &'a dyn SloSource,
    ) -> Self {
        let (known_commits, known_records, known_slos) =
            (Known::default(), Known::default(), Known::default());
        Self { commits, state, slos, known_commits, known_records, known_slos }
    }
}

/// Answers by question.
struct Known<K, V>(Mutex<BTreeMap<K, V>>);

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<K: Ord, V: Clone> Known<K, V> {
    fn get(&self, question: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
    }

    fn put(&self, question: K, answer: &V) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(question, answer.clone());
    }
}

fn question(url: &RepoUrl, git_ref: &str) -> (String, String) {
    (url.to_string(), git_ref.to_owned())
}

#[async_trait]
impl Commits for Memory<'_> {
    async fn commit(&self, url: &RepoUrl, git_ref: &str) -> Result<CommitFact, Failure> {
        let question = question(url, git_ref);
        if let Some(known) = self.known_commits.get(&question) {
            return known;
        }
        let answer = self.commits.commit(url, git_ref).await;
        self.known_commits.put(question, &answer);
        answer
    }

    fn lane(&self, url: &RepoUrl) -> String {
        self.commits.lane(url)
    }

    fn knows_commits(&self, url: &RepoUrl) -> bool {
        self.commits.knows_commits(url)
    }

    fn most_at_once(&self, url: &RepoUrl) -> usize {
        self.commits.most_at_once(url)
    }

    async fn many(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        let known =
            |(url, git_ref): &(&RepoUrl, &str)| self.known_commits.get(&question(url, git_ref));
        // One that failed by itself is not asked again.
        let new: Vec<(&RepoUrl, &str)> =
            asked.iter().filter(|one| known(one).is_none()).copied().collect();
        if !new.is_empty() {
            for ((url, git_ref), fact) in new.iter().zip(self.commits.many(&new).await) {
                let Some(fact) = fact else { continue };
                self.known_commits.put(question(url, git_ref), &Ok(fact));
            }
        }
        asked.iter().map(|one| known(one).and_then(Result::ok)).collect()
    }
}

#[async_trait]
impl StateStore for Memory<'_> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(known) = self.known_records.get(&key.to_owned()) {
            return known;
        }
        let answer = self.state.get(key).await;
        self.known_records.put(key.to_owned(), &answer);
        answer
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StateError> {
        self.state.put(key, bytes).await
    }

    fn location(&self) -> String {
        self.state.location()
    }
}

#[async_trait]
impl SloSource for Memory<'_> {
    async fn value(&self, url: &str, expression: &str) -> Result<f64, Failure> {
        let question = (url.to_owned(), expression.to_owned());
        if let Some(known) = self.known_slos.get(&question) {
            return known;
        }
        let answer = self.slos.value(url, expression).await;
        self.known_slos.put(question, &answer);
        answer
    }

    fn lane(&self, url: &str) -> String {
        self.slos.lane(url)
    }
}
