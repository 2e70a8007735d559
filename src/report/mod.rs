//! What a run found and did, for people and for programs.
//!
//! `model` is the public JSON form of a plan; everything else renders it.

mod code_quality;
mod dotenv;
mod explanation;
mod export;
mod findings;
mod fingerprint;
mod foot;
mod junit;
mod making;
mod markdown;
mod metrics;
mod model;
mod page;
mod paint;
mod picture;
mod schemas;
mod terminal;
mod text;

pub use code_quality::code_quality;
pub use dotenv::dotenv;
pub use explanation::{
    AsOf, Explanation, Found as FoundTarget, WhatIf, markdown as explanation_markdown,
    text as explanation_text,
};
pub use export::{EXPORT_KEY, publisher_data};
pub use findings::{FindingsReport, findings_junit, findings_markdown, findings_text};
pub use fingerprint::fingerprints;
pub use junit::junit;
pub use making::problems_of;
pub use markdown::markdown;
pub use metrics::{Measured, StageTimes, StageUse, TrafficCount, metrics, pushed_metrics};
pub use model::{PlanReport, PublisherReport, RepoReport, RequestReport, SubscriberReport};
pub use page::{page, write_page};
pub use paint::Paint;
pub use picture::members;
pub use schemas::schemas;
pub use terminal::{Screen, summary, terminal};
