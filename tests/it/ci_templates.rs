//! The templates of `ci-templates/`: what they declare, which jobs they give in which pipeline, and real runs of
//! those jobs by gitlab-ci-local against the fakes.

mod jobs;
mod keywords;
mod pipeline;
mod project;
mod redirects;
mod release;
mod role;
mod runs;
mod shell;
