//! Time spans in messages for people.

use chrono::TimeDelta;

/// A span as text: `12 min`, `26 h 0 min`, and from 48 hours on `2.5 days`.
pub fn span(time: TimeDelta) -> String {
    let hours = time.num_hours();
    if hours >= 48 {
        format!("{:.1} days", time.num_seconds() as f64 / (24.0 * 60.0 * 60.0))
    } else if hours >= 1 {
        format!("{hours} h {} min", time.num_minutes() % 60)
    } else {
        format!("{} min", time.num_minutes())
    }
}
