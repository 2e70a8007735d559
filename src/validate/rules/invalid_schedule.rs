//! Finds schedules that are not valid cron expressions, or that never open again.

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode};
use croniter::Schedule;

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        let text = target.promotion.schedule.as_str();
        if text.is_empty() {
            continue;
        }
        let why = match Schedule::parse(text) {
            Err(error) => format!("is not valid: {error}"),
            Ok(schedule) if schedule.next_match(repo.now).is_none() => "never opens".to_owned(),
            Ok(_) => continue,
        };
        let message = format!("{}: schedule `{text}` {why}", target.label());
        let problem = Problem::new(ProblemCode::InvalidSchedule, message);
        problems.push(place_below(problem, target, "promotion.schedule"));
    }
}
