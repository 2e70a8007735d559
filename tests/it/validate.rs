//! `sapm validate`: every rule, the places, and the texts.

mod manual;
mod properties;
mod repo;
mod rules;
mod texts;
