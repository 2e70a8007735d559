//! Finds shared edit sites with a target that is never promoted: the other subscribers
//! wait for it forever.

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode};
use crate::inventory::TargetIx;

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for site in repo.inventory.sites.values() {
        let idle =
            |member: &&TargetIx| repo.inventory.targets[**member].promotion.subscribe.is_empty();
        let Some(&idle) = site.members.iter().find(idle) else { continue };
        let other = &repo.inventory.targets[idle];
        for &member in &site.members {
            let target = &repo.inventory.targets[member];
            // An alias can get a value of its own.
            if target.promotion.subscribe.is_empty() || site.can_leave(member) {
                continue;
            }
            let message = format!(
                "{}: waits for {}, which shares its ref and subscribes to nothing",
                target.label(),
                other.label()
            );
            let problem = Problem::new(ProblemCode::StuckEditSite, message).related(
                "never promoted",
                &other.used_at.file,
                &other.used_at.path,
            );
            problems.push(place_below(problem, target, "ref"));
        }
    }
}
