//! libgit2's transport: the smart HTTP protocol over reqwest.
//!
//! libgit2 registers transports by scheme for the whole process, but credentials belong to one
//! clone. So the [`Session`] of the clone that runs on this thread is in a thread
//! local (libgit2 calls back on the thread that fetches). Without a session,
//! nothing is sent. The session also decides the URL, because the user's git configuration
//! may have rewritten the one that libgit2 passes.
//!
//! libgit2 keeps only the text of an error, so the session remembers
//! the exact failure.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::SecretString;
use url::Url;

use super::clone::CloneOptions;
use super::http::{self, HttpFailure, MAX_REDIRECTS, TimeOuts};
use super::{Credentials, GitError};
use crate::clients::http::{Redactor, Service as Counted, Stats, base64, build, is_neighbour};

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";
/// Pause before the second attempt, if there is one.
const PAUSE: Duration = Duration::from_millis(500);

thread_local! {
    static CURRENT: RefCell<Option<Arc<Session>>> = const { RefCell::new(None) };
}

/// One clone's view of its host.
pub(super) struct Session {
    label: String,
    client: Client,
    credentials: Option<Credentials>,
    times: TimeOuts,
    longest_pause: Duration,
    stats: Arc<Stats>,
    deadline: Instant,
    state: Mutex<State>,
}

struct State {
    /// Changes if the host redirects within its origin.
    base: Url,
    failure: Option<HttpFailure>,
    /// Bytes of packs (and of the preceding messages) so far.
    received: usize,
}

impl Session {
    /// Creates a session for the repository at `url`, which has no userinfo.
    pub(super) fn new(
        url: Url,
        credentials: Option<Credentials>,
        options: &CloneOptions,
    ) -> Result<Arc<Self>, GitError> {
        register()?;
        let (times, stats) = (options.times, Arc::clone(options.http.stats()));
        if let Some(credentials) = &credentials {
            learn_secrets(options.http.redactor(), credentials);
        }
        let (label, with_credentials) = (url.to_string(), credentials.is_some());
        let config = options.http.config();
        let client = build(config, |builder| {
            // A proxy from the environment is never used for this machine.
            let builder = if is_neighbour(&url) { builder.no_proxy() } else { builder };
            reqwest::blocking::ClientBuilder::from(builder.user_agent(USER_AGENT))
                .redirect(build_redirect_policy(Arc::clone(&stats), with_credentials))
                .timeout(times.idle)
                .build()
        })
        .map_err(|reason| GitError::Unreachable { url: label.clone(), reason })?;
        let longest_pause = config.longest_pause;
        let state = Mutex::new(State { base: url, failure: None, received: 0 });
        let deadline = Instant::now() + times.total;
        Ok(Arc::new(Self {
            label,
            client,
            credentials,
            times,
            longest_pause,
            stats,
            deadline,
            state,
        }))
    }

    /// Runs `work`, in which libgit2 may use this session. If the host or the network is the cause of an error,
    /// returns the exact failure.
    pub(super) fn run<T>(
        self: &Arc<Self>,
        doing: &'static str,
        work: impl FnOnce() -> Result<T, git2::Error>,
    ) -> Result<T, GitError> {
        struct Restore(Option<Arc<Session>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(Arc::clone(self))));
        work().map_err(|error| match self.state().failure.take() {
            Some(failure) => failure.into_error(&self.label, self.credentials.is_some()),
            None => GitError::git(doing, &self.label)(error),
        })
    }

    /// Bytes of packs that were received so far.
    pub(super) fn received(&self) -> usize {
        self.state().received
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, failure: HttpFailure) -> HttpFailure {
        self.state().failure = Some(failure.clone());
        failure
    }

    fn check_deadline(&self) -> Result<(), HttpFailure> {
        if Instant::now() < self.deadline {
            Ok(())
        } else {
            Err(HttpFailure::TimedOut(self.times.total))
        }
    }

    fn refs(&self) -> Result<Response, HttpFailure> {
        let mut url = http::below(&self.state().base, "info/refs");
        url.set_query(Some("service=git-upload-pack"));
        let answer = self.send(ADVERTISEMENT, 0, || self.client.get(url.clone()))?;
        if let Some(base) = http::base_of_refs(answer.url()) {
            self.state().base = base;
        }
        Ok(answer)
    }

    fn upload_pack(&self, body: &[u8]) -> Result<Response, HttpFailure> {
        let url = http::below(&self.state().base, "git-upload-pack");
        self.send(RESULT, body.len(), || {
            self.client.post(url.clone()).header(CONTENT_TYPE, REQUEST).body(body.to_vec())
        })
    }

    /// Sends a request, twice if that may help: both kinds of request change nothing.
    fn send(
        &self,
        wanted: &str,
        bytes: usize,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, HttpFailure> {
        let failure = match self.send_once(wanted, bytes, request()) {
            Err(failure) => failure,
            answer => return answer,
        };
        let Some(pause) = failure.pause(PAUSE, self.longest_pause) else { return Err(failure) };
        tracing::debug!(url = %self.label, ?failure, ?pause, "trying git host again");
        std::thread::sleep(pause);
        self.stats.retry(Counted::Git);
        self.send_once(wanted, bytes, request())
    }

    fn send_once(
        &self,
        wanted: &str,
        bytes: usize,
        request: RequestBuilder,
    ) -> Result<Response, HttpFailure> {
        self.check_deadline()?;
        self.stats.request(Counted::Git, bytes);
        let request = match &self.credentials {
            Some(credentials) => request.basic_auth(&credentials.user, Some(credentials.secret())),
            None => request,
        };
        let answer = request
            .header(ACCEPT, wanted)
            .send()
            .map_err(|error| HttpFailure::from_reqwest(error, self.times))?;
        http::check_answer(answer.status(), answer.headers(), wanted)?;
        Ok(answer)
    }
}

/// The redirect policy.
fn build_redirect_policy(stats: Arc<Stats>, with_credentials: bool) -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(move |attempt| {
        let from = attempt.previous().last().unwrap_or(attempt.url());
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error("too many redirects");
        }
        match http::may_follow(from, attempt.url(), with_credentials) {
            Ok(()) => {
                stats.request(Counted::Git, 0);
                attempt.follow()
            }
            Err(reason) => attempt.error(reason),
        }
    })
}

/// Learns the token, alone and as sent, so that it can be redacted in the host's texts.
fn learn_secrets(redactor: &Redactor, credentials: &Credentials) {
    let sent = base64(format!("{}:{}", credentials.user, credentials.secret()).as_bytes());
    redactor.learn(&credentials.secret);
    redactor.learn(&SecretString::from(sent));
}

/// Our user agent. Some hosts treat unknown git clients as browsers.
pub(super) const USER_AGENT: &str =
    concat!("git/2 (", env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), ")");

/// One libgit2 connection.
struct Connection(Arc<Session>);

impl SmartSubtransport for Connection {
    fn action(
        &self,
        _url: &str,
        action: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let session = &self.0;
        match action {
            Service::UploadPackLs => {
                let answer =
                    session.refs().map_err(|failure| convert_failure(&session.note(failure)))?;
                Ok(Box::new(Exchange {
                    session: Arc::clone(session),
                    body: Vec::new(),
                    answer: Some(answer),
                }))
            }
            Service::UploadPack => Ok(Box::new(Exchange {
                session: Arc::clone(session),
                body: Vec::new(),
                answer: None,
            })),
            Service::ReceivePackLs | Service::ReceivePack => {
                Err(git2::Error::from_str("this transport only reads"))
            }
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

fn convert_failure(failure: &HttpFailure) -> git2::Error {
    git2::Error::from_str(&failure.to_string())
}

/// A request that libgit2 writes, and its response, which libgit2 reads as it arrives.
struct Exchange {
    session: Arc<Session>,
    body: Vec<u8>,
    answer: Option<Response>,
}

impl Exchange {
    fn try_read(&mut self, buffer: &mut [u8]) -> Result<usize, HttpFailure> {
        self.session.check_deadline()?;
        if self.answer.is_none() {
            self.answer = Some(self.session.upload_pack(&self.body)?);
        }
        let Some(answer) = &mut self.answer else { return Ok(0) };
        let count =
            answer.read(buffer).map_err(|error| HttpFailure::from_io(error, self.session.times))?;
        self.session.stats.received(Counted::Git, count);
        if !self.body.is_empty() {
            self.session.state().received += count;
        }
        Ok(count)
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_read(buffer).map_err(|failure| {
            let failure = self.session.note(failure);
            io::Error::other(failure.to_string())
        })
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Registers the transport, once per process.
fn register() -> Result<(), GitError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        ["http", "https"]
            .into_iter()
            .try_for_each(register_scheme)
            .map_err(|error| error.message().to_owned())
    });
    done.as_ref()
        .map(|&()| ())
        .map_err(|reason| GitError::git("set up git for", "http")(git2::Error::from_str(reason)))
}

#[allow(unsafe_code)]
fn register_scheme(scheme: &str) -> Result<(), git2::Error> {
    // SAFETY: registering must not run at the same time as another change of
    // libgit2's list of transports or a lookup in it. Only `register` calls this,
    // inside its `OnceLock`, and every http remote of this
    // process is created after that lock has been passed.
    unsafe {
        git2::transport::register(scheme, |remote| {
            let session = CURRENT.with_borrow(Clone::clone);
            let session =
                session.ok_or_else(|| git2::Error::from_str("no session for this clone"))?;
            Transport::smart(remote, true, Connection(session))
        })
    }
}
