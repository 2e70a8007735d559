//! The rules. Each is one file, named like its problem code.

use super::Repo;
use crate::domain::Problem;

mod abbreviated_commit;
mod auto_with_moving_ref;
mod channel_without_publisher;
mod duplicate_saas_file;
mod empty_slo_document;
mod invalid_ref;
mod invalid_schedule;
mod leftover_promotion_data;
mod no_saas_file;
mod other_repository;
mod promotion_cycle;
mod self_subscription;
mod short_schedule;
mod slo_without_prometheus;
mod stuck_edit_site;
mod unsafe_edit;
mod unsubscribed_promotion_data;
mod unusable_version;

/// A rule adds the problems it finds.
type Rule = fn(&Repo<'_>, &mut Vec<Problem>);

/// All rules.
pub(super) const ALL: [Rule; 18] = [
    abbreviated_commit::find,
    auto_with_moving_ref::find,
    channel_without_publisher::find,
    duplicate_saas_file::find,
    empty_slo_document::find,
    invalid_ref::find,
    invalid_schedule::find,
    leftover_promotion_data::find,
    no_saas_file::find,
    other_repository::find,
    promotion_cycle::find,
    self_subscription::find,
    short_schedule::find,
    slo_without_prometheus::find,
    stuck_edit_site::find,
    unsafe_edit::find,
    unsubscribed_promotion_data::find,
    unusable_version::find,
];
