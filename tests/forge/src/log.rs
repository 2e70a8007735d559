//! The request log: requests in order, with their responses.

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
    /// Its position in the order of arrival, from 1 since the last [`crate::World::clear_log`].
    pub number: u64,
    /// When it arrived.
    pub arrived: Instant,
    /// Where it went.
    pub service: Service,
    /// GET, POST, ...
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The response's status; none while it is running or if the connection was dropped.
    pub status: Option<u16>,
    /// Length of the request's body.
    pub request_bytes: usize,
    /// Length of the answer's body.
    pub response_bytes: usize,
    /// The user whose token it carried.
    pub user: Option<String>,
    /// The body of a request other than GET and HEAD.
    pub body: Option<Bytes>,
    /// The fault that was applied.
    pub fault: Option<String>,
    /// No handler had its route.
    pub unknown_route: bool,
}

impl Entry {
    /// A write: a request to GitLab other than GET, HEAD, a fetch or a GraphQL
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
    /// Increases when the log is cleared, so that a late response does not change a new entry.
    pub epoch: u64,
}
