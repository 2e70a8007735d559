//! Gate 4: now's minute is within the schedule, a cron expression in UTC.

use serde_json::json;

use super::{Context, Gate, GateName};
use crate::domain::Problem;
use croniter::Schedule;

pub(in crate::decide) fn evaluate(context: &Context<'_>, problems: &mut Vec<Problem>) -> Gate {
    let text = context.subscriber.promotion.schedule.as_str();
    let evidence = json!({"schedule": text});
    if text.is_empty() {
        return Gate::pass(GateName::Schedule, "no schedule: at any time", evidence);
    }
    let now = context.now();
    match Schedule::parse(text) {
        Err(error) => {
            let target = context.subscriber;
            let message = format!("schedule `{text}` is not valid: {error}");
            let (line, column) = target.promotion.schedule_at;
            problems.push(
                Problem::error("invalid_schedule", format!("{}: {message}", target.label()))
                    .in_file(&target.place.file)
                    .at(target.place.below("promotion.schedule"))
                    .at_line(line, column),
            );
            Gate::hold(GateName::Schedule, message, evidence)
        }
        Ok(schedule) if schedule.matches(now) => {
            Gate::pass(GateName::Schedule, format!("within the schedule `{text}`"), evidence)
        }
        Ok(schedule) => {
            let next = schedule.next_match(now);
            let reason = match next {
                Some(at) => format!(
                    "outside the schedule `{text}`; opens at {}",
                    at.format("%Y-%m-%d %H:%M UTC")
                ),
                None => format!("outside the schedule `{text}`, which never opens"),
            };
            Gate::hold(GateName::Schedule, reason, evidence).next_at(next)
        }
    }
}
