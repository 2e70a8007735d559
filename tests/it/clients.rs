//! The clients against small servers on loopback that deliberately misbehave.

mod github;
mod gitlab_reading;
mod gitlab_writing;
mod http;
mod prometheus;
pub mod server;
