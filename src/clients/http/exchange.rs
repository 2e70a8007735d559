//! One attempt: sends, follows redirects, reads the whole body.

use std::error::Error;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION,
};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::Shared;
use super::allowed::NotAllowed;
use super::body::{BodyReader, Whole};
use super::error::{HttpErrorKind, deepest};
use super::request::{Redirects, Request};
use super::stats::Service;
use super::url_text::{origin_of, safe_url};

/// Maximum redirects.
const MAX_REDIRECTS: usize = 5;

/// A response with any status.
pub(super) struct Raw {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An attempt without a response.
pub(super) struct Broken {
    pub kind: HttpErrorKind,
    pub detail: String,
}

impl Broken {
    fn new(kind: HttpErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// The input of an attempt.
pub(super) struct Exchange<'a> {
    pub shared: &'a Shared,
    pub service: Service,
    pub max_body: usize,
}

impl Exchange<'_> {
    /// Sends the request. The body of a successful response goes to `reader`, if there is one.
    pub async fn run(
        &self,
        request: &Request,
        reader: &mut Option<&mut dyn BodyReader>,
    ) -> Result<Raw, Broken> {
        let mut url = request.url.clone();
        let mut headers = request.headers.clone();
        for _ in 0..=MAX_REDIRECTS {
            let raw = self.once(request, url.clone(), headers.clone(), reader).await?;
            let next = match find_redirect(&raw) {
                Some(next) if request.redirects != Redirects::Return => next?,
                _ => return Ok(raw),
            };
            let moved = |why: &str| {
                let (status, to) = (raw.status.as_u16(), &next);
                let next = safe_url(to);
                let for_good = matches!(status, 301 | 308)
                    || raw.url.host_str() == to.host_str() && to.scheme() == "https";
                let advice = if for_good { "use that URL" } else { "is it a login or a proxy?" };
                Err(Broken::new(
                    HttpErrorKind::Other,
                    format!("redirects ({status}) to {next}{why}; {advice}"),
                ))
            };
            let elsewhere = origin_of(&next) != origin_of(&url);
            match request.redirects {
                Redirects::Refuse => return moved(""),
                Redirects::WithinOrigin if elsewhere => {
                    return moved(", where the token is not sent");
                }
                _ if url.scheme() == "https" && next.scheme() == "http" => {
                    return moved(", which is not encrypted");
                }
                _ if elsewhere => drop_credentials(&mut headers),
                _ => {}
            }
            url = next;
        }
        Err(Broken::new(
            HttpErrorKind::Other,
            format!("more than {MAX_REDIRECTS} redirects, the last to {}", safe_url(&url)),
        ))
    }

    async fn once(
        &self,
        request: &Request,
        url: Url,
        headers: HeaderMap,
        reader: &mut Option<&mut dyn BodyReader>,
    ) -> Result<Raw, Broken> {
        let client = self.shared.connections(&url, self.service)?;
        self.shared.stats.request(self.service, request.body.len());
        let mut response = client
            .request(request.method.clone(), url.clone())
            .headers(headers)
            .body(request.body.clone())
            .send()
            .await
            .map_err(report_no_response)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut whole = Whole::default();
        match reader {
            Some(reader) if status.is_success() => self.read(response, &headers, *reader).await?,
            _ => self.read(response, &headers, &mut whole).await?,
        }
        let raw = Raw { url, status, headers, body: whole.into_bytes() };
        if is_half_json(&raw) {
            return Err(Broken::new(HttpErrorKind::Truncated, "the response is cut off"));
        }
        Ok(raw)
    }

    /// Reads a body, unpacked, up to the limit. If the announced size is larger, nothing is read.
    async fn read(
        &self,
        mut response: reqwest::Response,
        headers: &HeaderMap,
        reader: &mut dyn BodyReader,
    ) -> Result<(), Broken> {
        let refused = |why| Broken::new(HttpErrorKind::Other, why);
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse().ok());
        if let Some(size) = announced.filter(|size: &usize| *size > self.max_body) {
            return Err(self.too_large(&format!("has {size} bytes")));
        }
        reader.begin(headers).map_err(refused)?;
        let mut size = 0;
        while let Some(part) = response.chunk().await.map_err(report_broken_body)? {
            self.shared.stats.received(self.service, part.len());
            size += part.len();
            if size > self.max_body {
                return Err(self.too_large(&format!("has more than {} bytes", self.max_body)));
            }
            reader.read(&part).map_err(refused)?;
        }
        Ok(())
    }

    fn too_large(&self, what: &str) -> Broken {
        let detail = format!("the response {what}; the limit is {}", self.max_body);
        Broken::new(HttpErrorKind::TooLarge, detail)
    }
}

/// The target of a redirect; `None` if the response is not a redirect.
fn find_redirect(raw: &Raw) -> Option<Result<Url, Broken>> {
    if !matches!(raw.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = raw.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| raw.url.join(location).ok());
    Some(match next {
        Some(mut next) if matches!(next.scheme(), "http" | "https") => {
            // Ignore credentials in a redirect.
            let _ = next.set_username("");
            let _ = next.set_password(None);
            Ok(next)
        }
        _ => {
            let detail = format!("redirects ({}) without a usable URL", raw.status.as_u16());
            Err(Broken::new(HttpErrorKind::Other, detail))
        }
    })
}

fn drop_credentials(headers: &mut HeaderMap) {
    for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE] {
        headers.remove(name);
    }
    for name in ["private-token", "job-token", "deploy-token"] {
        headers.remove(name);
    }
}

impl From<NotAllowed> for Broken {
    fn from(refused: NotAllowed) -> Self {
        Self::new(HttpErrorKind::NotAllowed, refused.to_string())
    }
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self::new(HttpErrorKind::Other, why)
    }
}

fn report_no_response(error: reqwest::Error) -> Broken {
    let error = error.without_url();
    if let Some(refused) = find::<NotAllowed>(&error) {
        return refused.clone().into();
    }
    let cause = deepest(&error);
    if error.is_connect() && error.is_timeout() {
        Broken::new(HttpErrorKind::Connect, "no connection in time")
    } else if error.is_connect() {
        let cause = unknown_authority(&cause).unwrap_or(cause);
        Broken::new(HttpErrorKind::Connect, format!("no connection: {cause}"))
    } else if error.is_timeout() {
        Broken::new(HttpErrorKind::Timeout, "no response in time")
    } else if error.is_builder() {
        Broken::new(HttpErrorKind::Other, format!("not a usable URL: {cause}"))
    } else {
        Broken::new(HttpErrorKind::Truncated, format!("the connection was lost: {cause}"))
    }
}

/// Advice if the host's certificate is signed by an unknown authority.
pub(in crate::clients) fn unknown_authority(cause: &str) -> Option<String> {
    cause.contains("UnknownIssuer").then(|| {
        format!(
            "an unknown authority signed its certificate ({cause}); set SSL_CERT_FILE to a file \
             with the certificate of that authority"
        )
    })
}

/// The first cause of an error that has this type.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn report_broken_body(error: reqwest::Error) -> Broken {
    let error = error.without_url();
    if error.is_timeout() {
        Broken::new(HttpErrorKind::Timeout, "the response took too long")
    } else {
        let cause = deepest(&error);
        Broken::new(HttpErrorKind::Truncated, format!("the response is cut off: {cause}"))
    }
}

/// A successful JSON response that ends in the middle, although its length is as announced.
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
