//! Properties of the YAML reader and editor, and their agreement with `PyYAML`.
//!
//! `PROPTEST_CASES` sets the number of generated documents for each property.

mod damage;
mod desired_edits;
mod dice;
mod edits;
mod page;
mod reading;
mod scalars;
