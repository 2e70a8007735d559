//! Git: repositories, the smart HTTP protocol, and the host that has nothing else.

pub(crate) mod host;
pub(crate) mod repo;
pub(crate) mod smart_http;
mod virtual_refs;
