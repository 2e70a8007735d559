//! Faults as data: which requests, and what happens to them.

use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;

use crate::echo::Echo;
use crate::log::Service;

/// The request that a hook runs for.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// The request's number in the log.
    pub number: u64,
    /// Where it goes.
    pub service: Service,
    /// GET, POST, ...
    pub method: String,
    /// Path and query.
    pub path: String,
}

/// Code of a test that runs for a request. It runs on its own thread, while the forge holds no lock.
pub type Hook = Arc<dyn Fn(&RequestInfo) + Send + Sync>;

/// The effect of a fault.
#[derive(Clone)]
pub enum FaultKind {
    /// Responds with this status, body and headers, without taking effect.
    Status(u16, String, Vec<(String, String)>),
    /// Served after a delay.
    Delay(Duration),
    /// Never gets a response, and does not take effect.
    Hang,
    /// Takes effect, but never gets a response.
    HangAfter,
    /// Closes the connection before the request takes effect.
    DropBefore,
    /// Loses the connection after the request took effect.
    DropAfter,
    /// Takes effect, but cuts the response off in the middle: `Content-Length` promises more.
    Truncate,
    /// Takes effect, but responds with this status (and an HTML body, as proxies do).
    StatusAfter(u16),
    /// Responds with the request's own credentials, without taking effect.
    Echo(Echo),
    /// Serves the request as usual; only the code of [`Fault::calling`] runs before it takes effect.
    Pass,
}

impl std::fmt::Debug for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(code, ..) => write!(f, "Status({code})"),
            Self::Delay(time) => write!(f, "Delay({time:?})"),
            Self::Hang => write!(f, "Hang"),
            Self::HangAfter => write!(f, "HangAfter"),
            Self::DropBefore => write!(f, "DropBefore"),
            Self::DropAfter => write!(f, "DropAfter"),
            Self::Truncate => write!(f, "Truncate"),
            Self::StatusAfter(code) => write!(f, "StatusAfter({code})"),
            Self::Echo(place) => write!(f, "Echo({place:?})"),
            Self::Pass => write!(f, "Pass"),
        }
    }
}

/// A rule: the requests that it matches, which of them (counted since it was set), and the effect.
#[derive(Clone)]
pub struct Fault {
    service: Option<Service>,
    method: Option<String>,
    contains: Option<String>,
    regex: Option<Regex>,
    writes_only: bool,
    from: u64,
    to: u64,
    kind: FaultKind,
    call: Option<Hook>,
    seen: u64,
}

impl Fault {
    /// A rule for every request of every service. Restrict it with the methods below.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            service: None,
            method: None,
            contains: None,
            regex: None,
            writes_only: false,
            from: 1,
            to: u64::MAX,
            kind,
            call: None,
            seen: 0,
        }
    }

    /// Responds with a status and a body, without taking effect.
    pub fn status(code: u16, body: impl Into<String>) -> Self {
        Self::new(FaultKind::Status(code, body.into(), Vec::new()))
    }

    /// GitLab's throttling response: 429, `Retry later`, `Retry-After`.
    pub fn throttled(retry_after_seconds: u64) -> Self {
        let headers = vec![
            ("retry-after".to_owned(), retry_after_seconds.to_string()),
            ("ratelimit-remaining".to_owned(), "0".to_owned()),
            ("content-type".to_owned(), "text/plain".to_owned()),
        ];
        Self::new(FaultKind::Status(429, "Retry later\n".to_owned(), headers))
    }

    /// The response of one of GitLab's application limits: 429 without a duration.
    pub fn requested_too_often() -> Self {
        let text = "This endpoint has been requested too many times. Try again later.";
        let body = serde_json::json!({ "message": { "error": text } }).to_string();
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::new(FaultKind::Status(429, body, headers))
    }

    /// Only requests of one service.
    pub fn on(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only requests of one method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Only requests whose path and query, as sent, contain this text.
    pub fn path(mut self, text: impl Into<String>) -> Self {
        self.contains = Some(text.into());
        self
    }

    /// Only requests whose path and query match this regular expression.
    pub fn path_regex(mut self, pattern: &str) -> Self {
        self.regex = Some(Regex::new(pattern).expect("a valid pattern"));
        self
    }

    /// Only requests other than GET and HEAD.
    pub fn writes(mut self) -> Self {
        self.writes_only = true;
        self
    }

    /// Only the nth matching request, from 1.
    pub fn nth(self, nth: u64) -> Self {
        self.between(nth, nth)
    }

    /// Only these matching requests, both ends included, from 1.
    pub fn between(mut self, from: u64, to: u64) -> Self {
        self.from = from;
        self.to = to;
        self
    }

    /// Runs code when the rule applies: before anything else for kinds without effect, after the effect for
    /// the others. Tests use it to kill a process at a request.
    pub fn calling(mut self, hook: impl Fn(&RequestInfo) + Send + Sync + 'static) -> Self {
        self.call = Some(Arc::new(hook));
        self
    }

    fn matches(&self, info: &RequestInfo) -> bool {
        self.service.is_none_or(|service| service == info.service)
            && self.method.as_ref().is_none_or(|method| *method == info.method)
            && self.contains.as_ref().is_none_or(|text| info.path.contains(text))
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(&info.path))
            && !(self.writes_only && (info.method == "GET" || info.method == "HEAD"))
    }
}

/// A fault that applies now.
pub(crate) struct Strike {
    pub kind: FaultKind,
    pub call: Option<Hook>,
}

/// Code that runs once.
pub(crate) type OnceHook = Box<dyn FnOnce(&RequestInfo) + Send>;

/// The rules, and the hooks of single requests.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<Fault>,
    before: Vec<(u64, OnceHook)>,
    after: Vec<(u64, OnceHook)>,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.rules.push(fault);
    }

    pub fn add_hook(&mut self, number: u64, after: bool, hook: OnceHook) {
        if after { self.after.push((number, hook)) } else { self.before.push((number, hook)) }
    }

    /// Every rule counts the request; the first one that applies wins.
    pub fn strike(&mut self, info: &RequestInfo) -> Option<Strike> {
        let mut strike = None;
        for rule in &mut self.rules {
            if !rule.matches(info) {
                continue;
            }
            rule.seen += 1;
            if strike.is_none() && (rule.from..=rule.to).contains(&rule.seen) {
                strike = Some(Strike { kind: rule.kind.clone(), call: rule.call.clone() });
            }
        }
        strike
    }

    /// Takes the hooks of a request.
    pub fn hooks(&mut self, number: u64, after: bool) -> Vec<OnceHook> {
        let list = if after { &mut self.after } else { &mut self.before };
        let mut taken = Vec::new();
        let mut at = 0;
        while at < list.len() {
            if list[at].0 == number { taken.push(list.remove(at).1) } else { at += 1 }
        }
        taken
    }

    /// How many requests the rules have affected.
    pub fn strikes(&self) -> u64 {
        self.rules.iter().map(|rule| rule.seen.min(rule.to).saturating_sub(rule.from - 1)).sum()
    }
}
