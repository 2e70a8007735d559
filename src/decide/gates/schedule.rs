//! Gate 4: the current minute is within the schedule, a cron expression in UTC.

use super::{Context, Evidence, Gate, GateResult};
use crate::domain::{Problem, ProblemCode};
use croniter::Schedule;

pub(in crate::decide) fn evaluate(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> GateResult {
    let text = context.subscriber.promotion.schedule.as_str();
    let evidence = Evidence::Schedule { schedule: text.to_owned() };
    if text.is_empty() {
        return GateResult::pass(Gate::Schedule, "no schedule: at any time", evidence);
    }
    let now = context.now();
    match Schedule::parse(text) {
        Err(error) => {
            let target = context.subscriber;
            let message = format!("schedule `{text}` is not valid: {error}");
            let (line, column) = target.promotion.schedule_at;
            problems.push(
                Problem::new(
                    ProblemCode::InvalidSchedule,
                    format!("{}: {message}", target.label()),
                )
                .in_file(&target.declared_at.file)
                .at(target.declared_at.below("promotion.schedule"))
                .at_line(line, column),
            );
            GateResult::blocked(Gate::Schedule, message, evidence)
        }
        Ok(schedule) if schedule.matches(now) => {
            GateResult::pass(Gate::Schedule, format!("within the schedule `{text}`"), evidence)
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
            GateResult::blocked(Gate::Schedule, reason, evidence).next_at(next)
        }
    }
}
