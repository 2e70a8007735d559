//! Batches: several promotions in one merge request, so that a merge queue takes them in one turn.
//!
//! - `members` says what becomes of an open batch: the table of [`super::transition`], for each of its members.
//! - `open` admits open batches beside the other merge requests, and writes down what each of them writes.
//! - `split` takes apart what does not pass its pipeline, or what a person wants taken apart.
//! - `compose` puts what is due into open batches, and into new ones.
//! - `message` has the texts for people.

mod compose;
mod members;
mod message;
mod open;
mod pipeline;
mod split;

use schemars::JsonSchema;
use serde::Serialize;

use super::trailers::encode;
use crate::domain::Shard;

pub(super) use compose::{Composition, compose};
pub(super) use members::{BatchContent, HeldBatch};
pub use message::{MENTION, mentioned_places};
pub(super) use message::{describes_member, title};
pub(super) use open::OpenBatch;

/// Promotions in a merge request at most, whatever the settings are: each is a line of its commit's message.
pub const MAX_BATCH_SIZE: usize = 50;

/// What may go into one merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchBy {
    /// The promotion of one edit site.
    #[default]
    None,
    /// Promotions of one app: one owner approves.
    App,
    /// All promotions.
    All,
}

/// What goes together in batches, as trailers and branches name it: `all`, or `app:<name>`; with the share of one of
/// several jobs `all:2/3`.
///
/// Candidates are a job's own, so two jobs never want one branch.
pub(super) fn scope(by: BatchBy, app: &str, share: Option<Shard>) -> String {
    let own = match by {
        BatchBy::App => format!("app:{}", encode(app)),
        BatchBy::All | BatchBy::None => "all".to_owned(),
    };
    share.map_or_else(|| own.clone(), |share| format!("{own}:{share}"))
}
