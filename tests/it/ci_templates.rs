//! The templates in `ci-templates/`: their text, the jobs in each pipeline, and real runs of
//! those jobs with gitlab-ci-local against the fakes.

mod from_nothing;
mod jobs;
mod keywords;
pub mod pipeline;
mod project;
mod record;
mod redirects;
mod release;
mod role;
mod runs;
pub mod shell;
