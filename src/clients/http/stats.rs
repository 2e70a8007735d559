//! Counters by service.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A service that is used over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// GitLab's REST API.
    GitLab,
    /// GitHub's REST API.
    GitHub,
    /// Prometheus' query API.
    Prometheus,
    /// Git's smart HTTP protocol, any host.
    Git,
    /// The state bucket.
    S3,
    /// The Pushgateway for the metrics of a run.
    Pushgateway,
}

impl Service {
    /// All services, in the order of their declaration.
    pub const ALL: [Self; 6] =
        [Self::GitLab, Self::GitHub, Self::Prometheus, Self::Git, Self::S3, Self::Pushgateway];

    /// The label in metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::GitLab => "gitlab",
            Self::GitHub => "github",
            Self::Prometheus => "prometheus",
            Self::Git => "git",
            Self::S3 => "s3",
            Self::Pushgateway => "pushgateway",
        }
    }

    /// Does it use any host that the datafiles name? Then no host may take all slots, and none may be
    /// at an address that [`super::AllowedHosts`] refuses.
    pub fn has_many_hosts(self) -> bool {
        matches!(self, Self::Prometheus | Self::Git)
    }

    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitLab => "GitLab",
            Self::GitHub => "GitHub",
            Self::Prometheus => "Prometheus",
            Self::Git => "git",
            Self::S3 => "S3",
            Self::Pushgateway => "Pushgateway",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Counters of all services. They only increase.
#[derive(Debug, Default)]
pub struct Stats {
    services: [Counters; Service::ALL.len()],
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    errors: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    waited_micros: AtomicU64,
    busy_micros: AtomicU64,
}

/// The counters of one service at one point in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceStats {
    /// Requests sent, including repetitions and followed redirects.
    pub requests: u64,
    /// Attempts that repeated a failed one.
    pub retries: u64,
    /// Calls that failed in the end, including statuses such as 404.
    pub errors: u64,
    /// Bytes of bodies received, unpacked.
    pub bytes_in: u64,
    /// Bytes of bodies sent.
    pub bytes_out: u64,
    /// Time spent waiting: back-off, requested pauses, and slots of its limits.
    pub waited: Duration,
    /// Time spent in attempts, added up over concurrent ones.
    pub busy: Duration,
}

impl Stats {
    /// The current counters of a service.
    pub fn counters_of(&self, service: Service) -> ServiceStats {
        let counters = &self.services[service as usize];
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServiceStats {
            requests: get(&counters.requests),
            retries: get(&counters.retries),
            errors: get(&counters.errors),
            bytes_in: get(&counters.bytes_in),
            bytes_out: get(&counters.bytes_out),
            waited: Duration::from_micros(get(&counters.waited_micros)),
            busy: Duration::from_micros(get(&counters.busy_micros)),
        }
    }

    pub(in crate::clients) fn request(&self, service: Service, bytes_out: usize) {
        let counters = &self.services[service as usize];
        counters.requests.fetch_add(1, Ordering::Relaxed);
        add(&counters.bytes_out, bytes_out as u64);
    }

    pub(in crate::clients) fn received(&self, service: Service, bytes: usize) {
        add(&self.services[service as usize].bytes_in, bytes as u64);
    }

    pub(in crate::clients) fn retry(&self, service: Service) {
        add(&self.services[service as usize].retries, 1);
    }

    pub(super) fn error(&self, service: Service) {
        add(&self.services[service as usize].errors, 1);
    }

    pub(super) fn waited(&self, service: Service, time: Duration) {
        add(&self.services[service as usize].waited_micros, micros(time));
    }

    pub(super) fn busy(&self, service: Service, time: Duration) {
        add(&self.services[service as usize].busy_micros, micros(time));
    }
}

fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_counted_separately() {
        let stats = Stats::default();
        stats.request(Service::GitHub, 7);
        stats.retry(Service::GitHub);
        stats.waited(Service::S3, Duration::from_millis(3));
        assert_eq!(stats.counters_of(Service::GitHub).requests, 1);
        assert_eq!(stats.counters_of(Service::GitHub).bytes_out, 7);
        assert_eq!(stats.counters_of(Service::GitHub).retries, 1);
        assert_eq!(stats.counters_of(Service::GitLab), ServiceStats::default());
        assert_eq!(stats.counters_of(Service::S3).waited, Duration::from_millis(3));
    }

    #[test]
    fn the_order_of_all_is_the_order_of_the_counters() {
        for (index, service) in Service::ALL.into_iter().enumerate() {
            assert_eq!(service as usize, index);
        }
    }
}
