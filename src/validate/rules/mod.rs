//! The rules: what each finds is one file, named like its code.

use super::Repo;
use crate::domain::Problem;

mod abbreviated_commit;
mod channel_without_publisher;
mod empty_slo_document;
mod invalid_ref;
mod invalid_schedule;
mod other_repository;
mod promotion_cycle;
mod self_subscription;
mod slo_without_prometheus;
mod stuck_edit_site;
mod unsafe_edit;
mod unsubscribed_promotion_data;
mod unusable_version;

/// A rule adds what it finds.
type Rule = fn(&Repo<'_>, &mut Vec<Problem>);

/// All of them.
pub(super) const ALL: [Rule; 13] = [
    abbreviated_commit::find,
    channel_without_publisher::find,
    empty_slo_document::find,
    invalid_ref::find,
    invalid_schedule::find,
    other_repository::find,
    promotion_cycle::find,
    self_subscription::find,
    slo_without_prometheus::find,
    stuck_edit_site::find,
    unsafe_edit::find,
    unsubscribed_promotion_data::find,
    unusable_version::find,
];
