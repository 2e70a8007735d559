//! The answer of `shadow`: its public form (version 1), and the same for people, for GitLab's test report, and as metrics.

mod junit;
mod markdown;
mod metrics;
mod model;
mod text;

pub use junit::shadow_junit;
pub use markdown::shadow_markdown;
pub use metrics::shadow_metrics;
pub use model::{
    DayReport, DayVerdict, FactDifference, MoveClass, MoveReport, OursReport, ReasonCode,
    ReasonReport, ShadowReport, TheirsReport,
};
pub use text::shadow_text;
