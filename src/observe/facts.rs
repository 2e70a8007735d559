//! Commits, deployment records and SLO values.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;

use futures_util::stream::{self, Stream, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;

use super::questions::{CommitQuestion, Questions};
use crate::decide::{SloQuery, record_key, state_key};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::ports::{Commits, Deadline, Progress, SloSource, Stage, StateError, StateStore};
use crate::snapshot::{CommitFact, Failure, Lookup, SloValue, Snapshot};

/// With fewer refs per service than this, one lookup each takes no longer than one for all.
const FEWEST_AT_ONCE: usize = 10;

/// How many lookups run at once, and until when.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Concurrent lookups per service.
    pub concurrency: usize,
    /// The time limit for all lookups together. Facts that are missing afterwards affect only their targets.
    pub deadline: Deadline,
}

impl Limits {
    /// Runs a lookup until the deadline. After that, all lookups at this host fail for the same cause.
    pub(super) async fn bound<T>(
        &self,
        host: impl FnOnce() -> String,
        answer: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        self.deadline.bound(answer).await.ok_or_else(|| {
            Failure::shared(format!(
                "{} did not answer within the {} that a run has for lookups (--deadline): some \
                 facts are missing",
                host(),
                self.deadline
            ))
        })
    }
}

/// Fetches facts from the services.
pub struct Observer<'a> {
    /// Commits of moving refs.
    pub commits: &'a dyn Commits,
    /// Deployment records.
    pub state: &'a dyn StateStore,
    /// SLO values.
    pub slos: &'a dyn SloSource,
    /// Publishers to fetch facts for, as indexes into the inventory's targets; `None`: all.
    pub publishers: Option<&'a BTreeSet<TargetIx>>,
    /// Concurrency and deadline.
    pub limits: Limits,
    /// Receives the progress.
    pub progress: &'a dyn Progress,
}

impl Observer<'_> {
    fn publishers<'i>(&self, inventory: &'i Inventory) -> impl Iterator<Item = &'i Target> {
        let wanted = |index: &TargetIx| self.publishers.is_none_or(|wanted| wanted.contains(index));
        let all = inventory.targets.indexed();
        all.filter(move |(index, _)| wanted(index)).map(|(_, target)| target)
    }

    /// Fetches the commits of all publishers' moving refs, each distinct (repository, ref) once, and the
    /// deployment records of all publishers' commits on subscribed channels, one GET each. A record
    /// is fetched as soon as its commit is known, and no service waits for another.
    ///
    /// # Errors
    /// When the whole bucket is unavailable. The snapshot then has what was found so far.
    pub async fn commits_and_records(
        &self,
        inventory: &Inventory,
        snapshot: &mut Snapshot,
    ) -> Result<(), StateError> {
        self.limits.deadline.begin();
        let mut questions = Questions::collect(inventory, self.publishers(inventory));
        let stage = self.progress.begin("commits and deployment records", Some(questions.count()));
        let stage = &*stage;
        let (now_known, commits_found) = mpsc::unbounded_channel();
        for key in std::mem::take(&mut questions.records) {
            // The receiver lives until the end of this function.
            let _ = now_known.send(key);
        }
        let Snapshot { commits, deployment_records, deployment_record_errors, .. } = snapshot;
        let asking = async {
            let mut answers = pin!(self.answers(&questions.commits, stage));
            while let Some((place, answer)) = answers.next().await {
                let question = &questions.commits[place];
                for (channel, uid) in &question.records {
                    match &answer {
                        Ok(fact) => drop(now_known.send(record_key(channel, uid, &fact.sha))),
                        Err(_) => stage.step(),
                    }
                }
                for url in &question.spelled {
                    let key = Snapshot::commit_key(url, &question.git_ref);
                    commits.insert(key, Lookup::from(answer.clone()));
                }
            }
            drop(now_known);
            Ok(())
        };
        let reading =
            self.read(commits_found, (deployment_records, deployment_record_errors), stage);
        tokio::try_join!(asking, reading)?;
        Ok(())
    }

    /// Answers to all questions with their indexes, in order of arrival: many per request if the
    /// service supports it, and one by one for the rest.
    fn answers<'a>(
        &'a self,
        questions: &'a [CommitQuestion],
        stage: &'a dyn Stage,
    ) -> impl Stream<Item = (usize, Result<CommitFact, Failure>)> + 'a {
        let mut lanes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, question) in questions.iter().enumerate() {
            lanes.entry(self.commits.lane(&question.url)).or_default().push(place);
        }
        let concurrency = self.limits.concurrency.max(1);
        stream::select_all(lanes.into_values().map(move |places| {
            self.found_at_once(questions, places)
                .map(move |(place, found)| async move {
                    let question = &questions[place];
                    let answer = match found {
                        Some(fact) => Ok(fact),
                        None => self.commit(question).await,
                    };
                    stage.step();
                    (place, answer)
                })
                .buffer_unordered(concurrency)
                .boxed()
        }))
    }

    async fn commit(&self, question: &CommitQuestion) -> Result<CommitFact, Failure> {
        let answer = self.commits.commit(&question.url, &question.git_ref);
        self.limits.bound(|| self.commits.lane(&question.url), answer).await?
    }

    /// Results of requests for many refs of one service. `None` for refs that need a lookup of their own.
    fn found_at_once<'a>(
        &'a self,
        questions: &'a [CommitQuestion],
        places: Vec<usize>,
    ) -> impl Stream<Item = (usize, Option<CommitFact>)> + 'a {
        let most = match places.as_slice() {
            [first, ..] if places.len() >= FEWEST_AT_ONCE => {
                self.commits.most_at_once(&questions[*first].url).max(1)
            }
            _ => 1,
        };
        let parts: Vec<Vec<usize>> = places.chunks(most).map(<[usize]>::to_vec).collect();
        stream::iter(parts)
            .map(move |places| async move {
                let found = if most == 1 {
                    vec![None; places.len()]
                } else {
                    let asked = places.iter().map(|&place| &questions[place]);
                    let asked: Vec<_> = asked.map(|q| (&q.url, q.git_ref.as_str())).collect();
                    let found = self.limits.deadline.bound(self.commits.many(&asked)).await;
                    found.unwrap_or_else(|| vec![None; places.len()])
                };
                stream::iter(places.into_iter().zip(found))
            })
            .buffer_unordered(self.limits.concurrency.max(1))
            .flatten()
    }

    /// Reads the records whose keys arrive, each once, until the channel closes.
    async fn read(
        &self,
        mut keys: mpsc::UnboundedReceiver<String>,
        (records, errors): (&mut BTreeMap<String, Value>, &mut BTreeMap<String, Failure>),
        stage: &dyn Stage,
    ) -> Result<(), StateError> {
        let mut seen = BTreeSet::new();
        let mut answers = stream::poll_fn(move |context| keys.poll_recv(context))
            .filter(|key| std::future::ready(seen.insert(key.clone())))
            .map(|key| async {
                let place = || format!("the state at {}", self.state.location());
                let state_key = state_key(&key);
                let answer = self.limits.bound(place, self.state.get(&state_key)).await;
                stage.step();
                (key, answer)
            })
            .buffer_unordered(self.limits.concurrency.max(1));
        while let Some((key, answer)) = answers.next().await {
            match answer {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(bytes))) => {
                    records.insert(key, parse_stored(&bytes));
                }
                Ok(Err(StateError::Key(error))) => {
                    errors.insert(key, Failure::new(error));
                }
                Ok(Err(StateError::Shared(cause))) => {
                    errors.insert(key, Failure::shared(cause));
                }
                Ok(Err(whole @ StateError::Whole(_))) => return Err(whole),
                Err(late) => {
                    errors.insert(key, late);
                }
            }
        }
        Ok(())
    }

    /// Fetches SLO values, each distinct query once.
    pub async fn slo_values(&self, queries: &[SloQuery], snapshot: &mut Snapshot) {
        self.limits.deadline.begin();
        let distinct: BTreeSet<(&str, &str)> =
            queries.iter().map(|query| (query.url.as_str(), query.expression.as_str())).collect();
        let stage = self.progress.begin("SLO values", Some(distinct.len()));
        let stage = &*stage;
        let mut lanes: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
        for query in distinct {
            lanes.entry(self.slos.lane(query.0)).or_default().push(query);
        }
        let concurrency = self.limits.concurrency.max(1);
        let values: BTreeMap<_, _> = stream::select_all(lanes.iter().map(|(host, queries)| {
            stream::iter(queries)
                .map(move |&query| async move { (query, self.slo_value(host, query, stage).await) })
                .buffer_unordered(concurrency)
                .boxed()
        }))
        .collect()
        .await;
        for query in queries {
            if let Some(value) = values.get(&(query.url.as_str(), query.expression.as_str())) {
                snapshot.slo_values.insert(query.key.clone(), value.clone());
            }
        }
    }

    async fn slo_value(
        &self,
        host: &str,
        (url, expression): (&str, &str),
        stage: &dyn Stage,
    ) -> SloValue {
        let answer = self.slos.value(url, expression);
        let answer = self.limits.bound(|| host.to_owned(), answer).await.and_then(|value| value);
        stage.step();
        match answer {
            Ok(value) => SloValue::Value(value),
            Err(failure) => SloValue::Failed(failure),
        }
    }
}

/// A record as stored in the snapshot: its JSON, or its bytes as a text.
fn parse_stored(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
