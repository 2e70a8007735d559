//! What a run found and did, for people and for programs.
//!
//! `model` is the public JSON form of a plan; everything else renders it.

mod code_quality;
mod export;
mod junit;
mod markdown;
mod metrics;
mod model;
mod page;
mod picture;
mod terminal;
mod text;

pub use code_quality::code_quality;
pub use export::{EXPORT_KEY, publisher_data};
pub use junit::junit;
pub use markdown::markdown;
pub use metrics::{Measured, StageTimes, TrafficCount, metrics};
pub use model::{
    PlanReport, PublisherReport, RepoReport, RequestReport, SubscriberReport, problems_of,
};
pub use page::page;
pub use picture::members;
pub use terminal::{Paint, terminal};
