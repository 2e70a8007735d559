//! Reports the results of a run to people and programs.
//!
//! `model` is the public JSON format of a plan; the other modules render it.

mod blocks;
mod build;
mod code_quality;
mod difference;
mod dotenv;
mod explanation;
mod export;
mod findings;
mod fingerprint;
mod footer;
mod junit;
mod markdown;
mod metrics;
mod model;
mod page;
mod picture;
mod preflight;
mod record;
mod schemas;
mod shadow;
mod style;
mod terminal;
mod text;

pub use build::problems_of;
pub use code_quality::code_quality;
pub use difference::DifferenceReport;
pub use dotenv::dotenv;
pub use explanation::{
    AsOf, Explanation, Found as FoundTarget, Overview, WhatIf, briefs,
    markdown as explanation_markdown, text as explanation_text,
};
pub use export::{EXPORT_KEY, add_publisher_data, publisher_data};
pub use findings::{FindingsReport, findings_junit, findings_markdown, findings_text};
pub use fingerprint::fingerprints;
pub use junit::junit;
pub use markdown::markdown;
pub use metrics::{Measured, StageTimes, StageUse, TrafficCount, metrics, pushed_metrics};
pub use model::{MergeRequestReport, PlanReport, PublisherReport, RepoReport, SubscriberReport};
pub use page::{page, write_page};
pub use picture::members;
pub use preflight::{
    Advice, Check, CheckGroup, CheckOutcome, Difference, FirstRun, MovedTarget, OldMergeRequest,
    OldPipeline, OldPromoter, Phase, PreflightReport, Relation, Verdict, preflight_junit,
    preflight_markdown, preflight_text,
};
pub use record::{RecordAction, RecordReport, RecordedDeployment, record_markdown, record_text};
pub use schemas::schemas;
pub use shadow::{
    DayReport, DayVerdict, FactDifference, MoveClass, MoveReport, OursReport, ReasonCode,
    ReasonReport, ShadowReport, TheirsReport, shadow_junit, shadow_markdown, shadow_metrics,
    shadow_text,
};
pub use style::Paint;
pub use terminal::{Screen, summary, terminal};
