//! Looks up the people who may be asked to review merge requests.

use futures_util::stream::{self, StreamExt};

use super::facts::Limits;
use crate::plan::MissingFacts;
use crate::ports::ForgeReader;
use crate::snapshot::{Failure, Lookup, Snapshot};

/// Fetches the users that planning missed. Without them, merge requests are opened all the same.
pub async fn observe_people(
    forge: &dyn ForgeReader,
    missing: &MissingFacts,
    limits: &Limits,
    snapshot: &mut Snapshot,
) {
    let answers: Vec<_> = stream::iter(&missing.people)
        .map(|person| async move {
            let answer = limits.deadline.bound(forge.user(person)).await;
            let late = || Failure::shared(format!("no answer within {}", limits.deadline));
            (person.to_string(), answer.unwrap_or_else(|| Err(late())))
        })
        .buffer_unordered(limits.concurrency.max(1))
        .collect()
        .await;
    for (person, answer) in answers {
        snapshot.users.insert(person, Lookup::from(answer));
    }
}
