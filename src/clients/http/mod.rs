//! HTTP for every service that is asked: time-outs, retries, rate limits,
//! redirects that keep tokens at home, and errors that never hold a token.
//!
//! One [`HttpClient`] a run; [`HttpClient::service`] makes a [`ServiceClient`]
//! for each service, with its own bound on requests under way.

mod error;
mod exchange;
mod limits;
mod origin;
mod redact;
mod request;
mod retry;
mod service;
mod shared_failures;
mod stats;
mod url_text;
mod window;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use url::Url;

pub use error::{HttpError, HttpErrorKind};
pub use redact::Redactor;
pub(in crate::clients) use request::base64;
pub use request::{Answer, Request};
pub use service::ServiceClient;
pub use shared_failures::SharedFailures;
pub use stats::{Service, ServiceStats, Stats};
pub use url_text::{is_loopback, origin_of, safe_url, service_address};
pub use window::Window;

/// Time-outs, retries and limits. [`Default`] gives the values for production;
/// tests shorten them.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// What the requests say they come from.
    pub user_agent: String,
    /// Longest wait for a connection (TCP and TLS).
    pub connect_timeout: Duration,
    /// Longest time for one attempt of a request that only reads, from sending to the last byte.
    pub attempt_timeout: Duration,
    /// The same for requests that may change something (all but GET and HEAD).
    pub write_timeout: Duration,
    /// The same for a [`Request::query`], which is shorter as something else stands in for it. GitHub
    /// ends a query by itself after this time.
    pub query_timeout: Duration,
    /// Longest time that one call spends in attempts and back-off together;
    /// pauses that a server asked for come on top.
    pub call_deadline: Duration,
    /// Attempts in all.
    pub max_attempts: u32,
    /// Attempts while a host has never answered anything and does not answer now.
    pub first_contact_attempts: u32,
    /// Longest back-off after the first failed attempt; doubles with each further one.
    pub backoff_base: Duration,
    /// Longest back-off at all.
    pub backoff_cap: Duration,
    /// Longest pause that is waited for when a server asks for one; a longer one is an error.
    pub longest_pause: Duration,
    /// A host that left this many calls in a row without an answer is not asked any more for a while.
    pub give_up_after: u32,
    /// For how long it is not asked then.
    pub give_up_for: Duration,
    /// Largest answer, in bytes.
    pub max_body: usize,
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
            give_up_after: 3,
            give_up_for: Duration::from_secs(60),
            max_body: 32 * 1024 * 1024,
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
    connections: OnceLock<Result<reqwest::Client, String>>,
    loopback: OnceLock<Result<reqwest::Client, String>>,
}

impl HttpClient {
    /// A client; connections are made when the first request is sent.
    pub fn new(config: HttpConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                stats: Arc::default(),
                redactor: Redactor::default(),
                connections: OnceLock::new(),
                loopback: OnceLock::new(),
            }),
        }
    }

    /// A client for one service with at most `concurrency` requests under way (at least one).
    pub fn service(&self, service: Service, concurrency: usize) -> ServiceClient {
        ServiceClient::new(self.shared.clone(), service, concurrency)
    }

    /// What was sent and received so far, by service.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.shared.stats
    }

    /// Removes every secret that a request of this client carried from a text.
    pub fn redactor(&self) -> &Redactor {
        &self.shared.redactor
    }

    /// The settings.
    pub fn config(&self) -> &HttpConfig {
        &self.shared.config
    }
}

impl Shared {
    /// The connections for an address: a proxy of the environment is never asked for this machine.
    pub fn connections(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let pool = if is_loopback(url) {
            self.loopback.get_or_init(|| connect(&self.config, false))
        } else {
            self.connections.get_or_init(|| connect(&self.config, true))
        };
        pool.as_ref().map_err(Clone::clone)
    }
}

/// Builds the connection pool. Where the system has no CA certificates at all,
/// plain HTTP still works and HTTPS fails at the certificate.
fn connect(config: &HttpConfig, proxy: bool) -> Result<reqwest::Client, String> {
    let builder = || {
        let builder = reqwest::Client::builder();
        let builder = if proxy { builder } else { builder.no_proxy() };
        builder
            .user_agent(config.user_agent.as_str())
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
    };
    builder()
        .build()
        .or_else(|error| {
            tracing::warn!(%error, "no usable CA certificates, https will not work");
            builder().tls_certs_only([]).build()
        })
        .map_err(|error| error::deepest(&error))
}
