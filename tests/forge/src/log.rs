//! The request log: what arrived, in which order, and how it was answered.

use std::time::Instant;

use bytes::Bytes;

/// Which fake a request went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// GitLab: REST and git over HTTP.
    GitLab,
    /// GitHub's REST API.
    GitHub,
    /// The state bucket.
    S3,
    /// Prometheus.
    Prometheus,
    /// The git host that has no API.
    Git,
}

/// One request as it was served.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the order of arrival, from 1 since the last [`crate::World::clear_log`].
    pub number: u64,
    /// When it arrived.
    pub arrived: Instant,
    /// Where it went.
    pub service: Service,
    /// GET, POST, ...
    pub method: String,
    /// Path and query as they were sent.
    pub path: String,
    /// What was answered; none while it is under way or when the connection was dropped.
    pub status: Option<u16>,
    /// Length of the request's body.
    pub request_bytes: usize,
    /// Length of the answer's body.
    pub response_bytes: usize,
    /// The user whose token it carried.
    pub user: Option<String>,
    /// The body of a request other than GET and HEAD.
    pub body: Option<Bytes>,
    /// The fault that was played on it.
    pub fault: Option<String>,
    /// No handler knew its route.
    pub unknown_route: bool,
}

impl Entry {
    /// A write in the sense of the invariants: a request to GitLab other than GET, HEAD, a fetch or a GraphQL
    /// query, or a git push.
    pub fn is_write(&self) -> bool {
        if self.method == "GET" || self.method == "HEAD" {
            return false;
        }
        let path = self.path.split('?').next().unwrap_or_default();
        if path.ends_with("/git-upload-pack") {
            return false;
        }
        match self.service {
            Service::GitLab if path == "/api/graphql" => {
                let body = self.body.as_deref().unwrap_or_default();
                let text = String::from_utf8_lossy(body);
                text.contains("mutation")
            }
            Service::GitLab => true,
            Service::Git => path.ends_with("/git-receive-pack"),
            Service::GitHub | Service::S3 | Service::Prometheus => false,
        }
    }
}

/// The log itself.
#[derive(Default)]
pub(crate) struct Log {
    pub entries: Vec<Entry>,
    /// Goes up when the log is cleared, so that a late answer does not land on a new entry.
    pub epoch: u64,
}
