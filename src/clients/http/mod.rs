//! HTTP for all services: timeouts, retries, rate limits,
//! redirects that never leak tokens, and errors without secrets.
//!
//! Create one [`HttpClient`] per run. [`HttpClient::service`] creates a [`ServiceClient`]
//! for each service, with its own limit on concurrent requests.

mod allowed;
mod body;
mod error;
mod exchange;
mod judge;
mod limits;
mod origin;
mod redact;
mod request;
mod retry;
mod service;
mod shared_failures;
mod special_addresses;
mod stats;
mod turn;
mod url_text;
mod window;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use url::Url;

pub use allowed::{AllowedHosts, NotAllowed};
pub use body::BodyReader;
pub(in crate::clients) use error::one_line;
pub use error::{HttpError, HttpErrorKind};
pub(in crate::clients) use exchange::unknown_authority;
pub(in crate::clients) use judge::{asked_pause, pause_in_words};
pub use redact::Redactor;
pub(in crate::clients) use request::base64;
pub use request::{Answer, Request};
pub use service::ServiceClient;

pub use shared_failures::SharedFailures;
pub use stats::{Service, ServiceStats, Stats};
pub(in crate::clients) use url_text::is_neighbour;
pub use url_text::{is_loopback, origin_of, safe_url, service_address};
pub use window::Window;

/// Timeouts, retries and limits. [`Default`] is for production;
/// tests use shorter times.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Timeout of a connection (TCP and TLS).
    pub connect_timeout: Duration,
    /// Timeout of one attempt of a request that only reads, from sending to the last byte.
    pub attempt_timeout: Duration,
    /// Timeout of one attempt of a request that may change something (all but GET and HEAD).
    pub write_timeout: Duration,
    /// Timeout of a [`Request::query`], which is shorter because there is a fallback. GitHub
    /// itself aborts a query after this time.
    pub query_timeout: Duration,
    /// Maximum time of one call for attempts and back-off together,
    /// without pauses that a server requests.
    pub call_deadline: Duration,
    /// Maximum attempts.
    pub max_attempts: u32,
    /// Maximum attempts while a host has not responded to anything in this run.
    pub first_contact_attempts: u32,
    /// Maximum back-off after the first failed attempt; doubles with each further one.
    pub backoff_base: Duration,
    /// Maximum back-off overall.
    pub backoff_cap: Duration,
    /// Maximum time that one call waits for pauses that a server requests; a longer pause is an error. A
    /// lookup of a run waits up to the deadline instead.
    pub longest_pause: Duration,
    /// Pause after a refusal that requests none; doubles with each further one in a row.
    pub untold_pause: Duration,
    /// After this many calls in a row without a response, a host is skipped for a while.
    pub give_up_after: u32,
    /// How long it is skipped. Also applies to a host that refuses again after the requested pause.
    pub give_up_for: Duration,
    /// Maximum size of a response, in bytes, unpacked.
    pub max_body: usize,
    /// Hosts at special addresses that datafiles may use anyway.
    pub allowed_hosts: AllowedHosts,
    /// CA certificates, in PEM, that are trusted in addition to the system's.
    pub certificates: Vec<u8>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            user_agent: concat!("saas-auto-promotions-manager/", env!("CARGO_PKG_VERSION")).into(),
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            query_timeout: Duration::from_secs(10),
            call_deadline: Duration::from_secs(40),
            max_attempts: 4,
            first_contact_attempts: 2,
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(8),
            longest_pause: Duration::from_secs(60),
            untold_pause: Duration::from_secs(4),
            give_up_after: 3,
            give_up_for: Duration::from_secs(60),
            max_body: 32 * 1024 * 1024,
            allowed_hosts: AllowedHosts::default(),
            certificates: Vec::new(),
        }
    }
}

/// The connections, statistics and known secrets that all services share. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
}

pub(in crate::clients::http) struct Shared {
    pub config: HttpConfig,
    pub stats: Arc<Stats>,
    pub redactor: Redactor,
    pools: [Pool; 3],
}

type Pool = OnceLock<Result<reqwest::Client, String>>;

/// The way to connect to a host.
#[derive(Clone, Copy)]
enum Way {
    /// Through the proxy from the environment, if there is one.
    Usual,
    /// Never through a proxy, because it is this machine or its neighbour.
    Direct,
    /// As usual, but its name may only resolve to addresses that datafiles may use.
    Checked,
}

impl HttpClient {
    /// Creates a client. Connections are opened when the first request is sent.
    pub fn new(config: HttpConfig) -> Self {
        Self::with_redactor(config, Redactor::default())
    }

    /// Creates a client with a shared redactor.
    pub fn with_redactor(config: HttpConfig, redactor: Redactor) -> Self {
        let shared = Shared { config, stats: Arc::default(), redactor, pools: Default::default() };
        Self { shared: Arc::new(shared) }
    }

    /// A client for one service with at most `concurrency` concurrent requests (at least one).
    pub fn service(&self, service: Service, concurrency: usize) -> ServiceClient {
        ServiceClient::new(self.shared.clone(), service, concurrency)
    }

    /// Counters of sent and received data, by service.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.shared.stats
    }

    /// The redactor for the secrets of this run.
    pub fn redactor(&self) -> &Redactor {
        &self.shared.redactor
    }

    /// The settings.
    pub fn config(&self) -> &HttpConfig {
        &self.shared.config
    }
}

impl Shared {
    /// The connections for a URL.
    pub fn connections(
        &self,
        url: &Url,
        service: Service,
    ) -> Result<&reqwest::Client, exchange::Broken> {
        let allowed = &self.config.allowed_hosts;
        let way = if service.has_many_hosts() && !allowed.lists(url) {
            allowed.check(url)?;
            Way::Checked
        } else if is_neighbour(url) {
            Way::Direct
        } else {
            Way::Usual
        };
        let pool = self.pools[way as usize].get_or_init(|| connect(&self.config, way));
        pool.as_ref().map_err(|error| error.clone().into())
    }
}

fn connect(config: &HttpConfig, way: Way) -> Result<reqwest::Client, String> {
    build(config, |builder| {
        let builder = match way {
            Way::Usual => builder,
            Way::Direct => builder.no_proxy(),
            Way::Checked => {
                builder.dns_resolver(allowed::CheckedNames(config.allowed_hosts.clone()))
            }
        };
        builder.redirect(reqwest::redirect::Policy::none()).build()
    })
}

/// Builds a client with the common settings: certificates, proxy, connection timeout. If the
/// system has no CA certificates, plain HTTP still works and HTTPS fails at the certificate.
pub(in crate::clients) fn build<T>(
    config: &HttpConfig,
    finish: impl Fn(reqwest::ClientBuilder) -> reqwest::Result<T>,
) -> Result<T, String> {
    let builder = || {
        reqwest::Client::builder()
            .user_agent(config.user_agent.as_str())
            .connect_timeout(config.connect_timeout)
            .referer(false)
    };
    let own = reqwest::Certificate::from_pem_bundle(&config.certificates)
        .map_err(|error| format!("the certificates cannot be read: {}", error::deepest(&error)))?;
    finish(builder().tls_certs_merge(own.clone()))
        .or_else(|error| {
            tracing::warn!(%error, "no usable CA certificates, https does not work");
            finish(builder().tls_certs_only(own))
        })
        .map_err(|error| error::deepest(&error))
}
