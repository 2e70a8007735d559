//! A place in a file that several subscribers share, one of which is never promoted: the others
//! wait for it for ever.

use super::super::{Repo, at};
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
            // One that is an alias gets a value of its own.
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
            problems.push(at(problem, target, "ref"));
        }
    }
}
