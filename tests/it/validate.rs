//! `sapm validate`: every rule, the places, and the texts.

mod repo;
mod rules;
mod texts;
