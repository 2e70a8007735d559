//! What a run found and did, for people and for programs.
//!
//! `model` is the public JSON form of a plan; everything else renders it.

mod code_quality;
mod explanation;
mod export;
mod junit;
mod markdown;
mod metrics;
mod model;
mod paint;
mod terminal;
mod text;

pub use code_quality::code_quality;
pub use explanation::{
    Explanation, Found as FoundTarget, WhatIf, markdown as explanation_markdown,
    text as explanation_text,
};
pub use export::{EXPORT_KEY, publisher_data};
pub use junit::junit;
pub use markdown::markdown;
pub use metrics::{Measured, StageTimes, TrafficCount, metrics};
pub use model::{PlanReport, PublisherReport, RequestReport, SubscriberReport, problems_of};
pub use paint::Paint;
pub use terminal::{Screen, summary, terminal};
