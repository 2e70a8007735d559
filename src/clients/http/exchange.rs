//! One attempt: send, follow redirects, read the whole body.

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::error::{HttpErrorKind, deepest};
use super::request::Request;
use super::stats::{Service, Stats};
use super::url_text::{origin_of, safe_url};

/// Redirects followed at most.
const MOST_REDIRECTS: usize = 5;

/// An answer of whatever status.
pub(super) struct Raw {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An attempt that had no answer.
pub(super) struct Broken {
    pub kind: HttpErrorKind,
    pub detail: String,
}

impl Broken {
    fn new(kind: HttpErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What an attempt needs.
pub(super) struct Exchange<'a> {
    pub client: &'a reqwest::Client,
    pub stats: &'a Stats,
    pub service: Service,
    pub max_body: usize,
}

impl Exchange<'_> {
    pub async fn run(&self, request: &Request) -> Result<Raw, Broken> {
        let mut url = request.url.clone();
        let mut headers = request.headers.clone();
        for _ in 0..=MOST_REDIRECTS {
            let raw = self.once(request, url.clone(), headers.clone()).await?;
            let Some(next) = redirect(&raw) else { return Ok(raw) };
            let next = next?;
            if !request.reads || request.tried_once {
                return Err(Broken::new(HttpErrorKind::Other, moved(&raw, &next)));
            }
            if origin_of(&next) != origin_of(&url) {
                drop_credentials(&mut headers);
            }
            url = next;
        }
        Err(Broken::new(
            HttpErrorKind::Other,
            format!("more than {MOST_REDIRECTS} redirects, the last to {}", safe_url(&url)),
        ))
    }

    async fn once(&self, request: &Request, url: Url, headers: HeaderMap) -> Result<Raw, Broken> {
        self.stats.request(self.service, request.body.len());
        let mut response = self
            .client
            .request(request.method.clone(), url.clone())
            .headers(headers)
            .body(request.body.clone())
            .send()
            .await
            .map_err(no_answer)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
            self.stats.received(self.service, chunk.len());
            if body.len() + chunk.len() > self.max_body {
                let detail = format!("the answer is larger than {} bytes", self.max_body);
                return Err(Broken::new(HttpErrorKind::TooLarge, detail));
            }
            body.extend_from_slice(&chunk);
        }
        let raw = Raw {
            url,
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        };
        if is_half_json(&raw) {
            return Err(Broken::new(HttpErrorKind::Truncated, "the answer breaks off"));
        }
        Ok(raw)
    }
}

/// Where an answer points to; `None` if it is no redirect.
fn redirect(raw: &Raw) -> Option<Result<Url, Broken>> {
    if !matches!(raw.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = raw.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| raw.url.join(location).ok());
    Some(match next {
        Some(mut next) if matches!(next.scheme(), "http" | "https") => {
            // A redirect names no credentials for us.
            let _ = next.set_username("");
            let _ = next.set_password(None);
            Ok(next)
        }
        _ => {
            let detail = format!("{} without a usable address", raw.status.as_u16());
            Err(Broken::new(HttpErrorKind::Other, detail))
        }
    })
}

fn moved(raw: &Raw, next: &Url) -> String {
    format!("moved ({}) to {}; use that address", raw.status.as_u16(), safe_url(next))
}

fn drop_credentials(headers: &mut HeaderMap) {
    for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE] {
        headers.remove(name);
    }
    for name in ["private-token", "job-token", "deploy-token"] {
        headers.remove(name);
    }
}

fn no_answer(error: reqwest::Error) -> Broken {
    let error = error.without_url();
    let cause = deepest(&error);
    if error.is_connect() && error.is_timeout() {
        Broken::new(HttpErrorKind::Connect, "no connection in time")
    } else if error.is_connect() {
        Broken::new(HttpErrorKind::Connect, format!("no connection: {cause}"))
    } else if error.is_timeout() {
        Broken::new(HttpErrorKind::Timeout, "no answer in time")
    } else if error.is_builder() {
        Broken::new(HttpErrorKind::Other, format!("not a usable address: {cause}"))
    } else {
        Broken::new(HttpErrorKind::Truncated, format!("the connection was lost: {cause}"))
    }
}

fn broken_off(error: reqwest::Error) -> Broken {
    let error = error.without_url();
    if error.is_timeout() {
        Broken::new(HttpErrorKind::Timeout, "the answer took too long")
    } else {
        let cause = deepest(&error);
        Broken::new(HttpErrorKind::Truncated, format!("the answer breaks off: {cause}"))
    }
}

/// A successful JSON answer that ends in the middle, though its length was as announced.
fn is_half_json(raw: &Raw) -> bool {
    let is_json = raw
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    is_json
        && raw.status.is_success()
        && !raw.body.is_empty()
        && serde_json::from_slice::<serde::de::IgnoredAny>(&raw.body)
            .is_err_and(|error| error.is_eof())
}
