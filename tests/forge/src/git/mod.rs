//! Git: repositories, the smart HTTP protocol, and a host with only git.

pub(crate) mod host;
pub(crate) mod repo;
pub(crate) mod smart_http;
mod virtual_refs;
