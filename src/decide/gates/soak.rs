//! Gate 3: the commit has been deployed upstream long enough.
//!
//! The time since the deployment is added up over (channel, publisher) pairs. A
//! record without a time, or with one in the future, adds nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Context, Evidence, Gate, GateResult};
use crate::domain::count;

const DAY: i64 = 24 * 60 * 60;

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> GateResult {
    let required_days = context.subscriber.promotion.soak_days;
    let required = i64::try_from(required_days)
        .ok()
        .and_then(|days| days.checked_mul(DAY))
        .and_then(TimeDelta::try_seconds)
        .unwrap_or(TimeDelta::MAX);
    let now = context.now();
    let check_ins = check_ins(context);
    let soaked = add_up_soak_time(&check_ins, now);
    let evidence = Evidence::Soak {
        check_ins: check_ins.len(),
        required_days,
        soaked_days: soaked.num_seconds() as f64 / DAY as f64,
    };
    let soaked_of = || {
        // Rounded down: "7.0 of 7 days" must not be blocked.
        let tenths = soaked.num_seconds() * 10 / DAY;
        let days = match tenths {
            0 => "less than 0.1".to_owned(),
            tenths => format!("{}.{}", tenths / 10, tenths % 10),
        };
        let asked = usize::try_from(required_days).unwrap_or(usize::MAX);
        format!("soaked for {days} of {}", count(asked, "day"))
    };
    if soaked >= required {
        let reason = match required_days {
            0 => "no soak time is required".to_owned(),
            _ => soaked_of(),
        };
        return GateResult::pass(Gate::Soak, reason, evidence);
    }
    let next = reached_at(&check_ins, now, required);
    let reason = match next {
        Some(at) => {
            format!("{}; reached at {}", soaked_of(), at.format("%Y-%m-%d %H:%M:%S UTC"))
        }
        None => format!("{}; no record says when it was deployed", soaked_of()),
    };
    GateResult::blocked(Gate::Soak, reason, evidence).next_at(next)
}

/// The deployment times, one per (channel, publisher) pair that has one.
pub(in crate::decide) fn check_ins(context: &Context<'_>) -> Vec<DateTime<Utc>> {
    let mut times: Vec<_> =
        context.followed.iter().filter_map(|followed| followed.deployment()?.check_in).collect();
    times.sort();
    times
}

fn add_up_soak_time(check_ins: &[DateTime<Utc>], now: DateTime<Utc>) -> TimeDelta {
    check_ins
        .iter()
        .map(|check_in| (now - *check_in).max(TimeDelta::zero()))
        .fold(TimeDelta::zero(), |sum, part| sum.checked_add(&part).unwrap_or(TimeDelta::MAX))
}

/// When the sum reaches `required`: all deployed pairs add time in parallel, and those in
/// the future start when their time comes. Rounded up to a whole second.
pub(in crate::decide) fn reached_at(
    check_ins: &[DateTime<Utc>],
    from: DateTime<Utc>,
    required: TimeDelta,
) -> Option<DateTime<Utc>> {
    let mut at = from;
    loop {
        let missing = required.checked_sub(&add_up_soak_time(check_ins, at))?;
        if missing <= TimeDelta::zero() {
            return Some(at);
        }
        let running = check_ins.iter().filter(|check_in| **check_in <= at).count();
        let joins = check_ins.iter().find(|check_in| **check_in > at).copied();
        let reached =
            i32::try_from(running).ok().filter(|running| *running > 0).and_then(|pairs| {
                let share = missing.num_seconds() / i64::from(pairs);
                at.checked_add_signed(TimeDelta::try_seconds(share + 1)?)
            });
        match (reached, joins) {
            (Some(reached), Some(join)) if join < reached => at = join,
            (Some(reached), _) => return Some(find_earliest(check_ins, reached, required)),
            (None, Some(join)) => at = join,
            (None, None) => return None,
        }
    }
}

/// Steps back from an estimate that is at most two seconds too late.
fn find_earliest(
    check_ins: &[DateTime<Utc>],
    at: DateTime<Utc>,
    required: TimeDelta,
) -> DateTime<Utc> {
    let mut earliest = at;
    for _ in 0..2 {
        let before = earliest - TimeDelta::seconds(1);
        if add_up_soak_time(check_ins, before) < required {
            break;
        }
        earliest = before;
    }
    earliest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn two_pairs_soak_in_parallel() {
        let check_ins = [at("2026-08-20T00:00:00Z"), at("2026-08-20T00:00:00Z")];
        let now = at("2026-08-20T06:00:00Z");
        assert_eq!(add_up_soak_time(&check_ins, now), TimeDelta::hours(12));
        let reached = reached_at(&check_ins, now, TimeDelta::days(1));
        assert_eq!(reached, Some(at("2026-08-20T12:00:00Z")));
    }

    #[test]
    fn a_deployment_in_the_future_counts_from_its_time() {
        let check_ins = [at("2026-08-20T00:00:00Z"), at("2026-08-20T20:00:00Z")];
        let reached = reached_at(&check_ins, at("2026-08-20T06:00:00Z"), TimeDelta::days(1));
        assert_eq!(reached, Some(at("2026-08-20T22:00:00Z")));
        assert_eq!(reached_at(&[], at("2026-08-20T06:00:00Z"), TimeDelta::days(1)), None);
    }
}
