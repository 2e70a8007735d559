//! Two targets of one identity, not both subscribers: they share their deployment records, so
//! nobody can tell whose a record is. (Two subscribers are refused: `duplicate_target`.)

use std::collections::BTreeMap;

use super::super::Repo;
use crate::domain::{Problem, TargetUid};
use crate::inventory::Target;

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let mut first: BTreeMap<&TargetUid, &Target> = BTreeMap::new();
    for target in &repo.inventory.targets {
        let earlier = *first.entry(&target.uid).or_insert(target);
        let itself = std::ptr::eq(earlier, target);
        if itself || (earlier.is_subscriber() && target.is_subscriber()) {
            continue;
        }
        let message =
            format!("{}: two targets of this identity share their records", target.label());
        problems.push(
            Problem::warning("duplicate_publisher", message)
                .in_file(&target.used_at.file)
                .at(&target.used_at.path)
                .related("first declared here", &earlier.used_at.file, &earlier.used_at.path),
        );
    }
}
