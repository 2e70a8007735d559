//! `sapm validate`: every rule, the source locations, and the texts.

mod lines;
mod manual;
mod properties;
pub mod repo;
mod rules;
mod selectors;
mod texts;
