//! Finds schedules that open for only a few minutes at a time: runs may miss all of them.

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode};
use croniter::Schedule;

/// Pipelines that wait for a runner delay runs, so a window needs some slack.
const LEAST_MINUTES: u32 = 15;

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        let text = target.promotion.schedule.as_str();
        let Some(schedule) = Some(text).filter(|text| !text.is_empty()).map(Schedule::parse) else {
            continue;
        };
        let Ok(schedule) = schedule else { continue };
        let minutes = schedule.longest_opening();
        // A schedule that never opens is an error of its own.
        if minutes >= LEAST_MINUTES || schedule.next_match(repo.now).is_none() {
            continue;
        }
        let open = match minutes {
            0 => "less than a minute".to_owned(),
            1 => "1 minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        let message = format!(
            "{}: schedule `{text}` is open for {open} at a time, which runs may miss",
            target.label()
        );
        problems.push(place_below(
            Problem::new(ProblemCode::ShortSchedule, message),
            target,
            "promotion.schedule",
        ));
    }
}
