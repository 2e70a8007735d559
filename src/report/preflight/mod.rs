//! The answer of `preflight`: its public form (version 1), and the same for people and for GitLab's test report.

mod junit;
mod markdown;
mod model;
mod shown;
mod text;

pub use junit::preflight_junit;
pub use markdown::preflight_markdown;
pub use model::{
    Advice, Check, CheckGroup, CheckOutcome, Difference, FirstRun, MovedTarget, OldMergeRequest,
    OldPipeline, OldPromoter, Phase, PreflightReport, Relation, Verdict,
};
pub use text::preflight_text;
