//! `sapm validate`: every rule, the places, and the texts.

mod manual;
mod properties;
pub mod repo;
mod rules;
mod selectors;
mod texts;
