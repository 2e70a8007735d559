//! One accept loop per service, and the steps of a request: log, hooks, faults, latency, handler, log.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Response, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::fault::{FaultKind, RequestInfo, Strike};
use crate::http::{Req, Resp};
use crate::log::{Entry, Service};
use crate::shared::Shared;

/// The connection ends without the complete response.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection dropped by a fault rule")
    }
}

impl std::error::Error for Dropped {}

type Body = BoxBody<Bytes, Dropped>;

/// Accepts connections of one service until the runtime stops.
pub(crate) async fn serve(shared: Arc<Shared>, service: Service, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let shared = shared.clone();
        tokio::spawn(async move {
            let handler = service_fn(move |request| {
                let shared = shared.clone();
                async move {
                    // Its own task: a client that disconnects does not stop a request in the middle.
                    let task = tokio::spawn(handle(shared, service, request));
                    task.await.unwrap_or(Err(Dropped))
                }
            });
            let mut connection = hyper::server::conn::http1::Builder::new();
            connection.timer(TokioTimer::new()).max_buf_size(1 << 20);
            connection.serve_connection(TokioIo::new(stream), handler).await.ok();
        });
    }
}

async fn handle(
    shared: Arc<Shared>,
    service: Service,
    request: http::Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let (parts, body) = request.into_parts();
    let latency = Duration::from_micros(shared.latency_micros.load(Ordering::Relaxed));
    let answer_at = tokio::time::Instant::now() + latency;
    let head_only = parts.method == http::Method::HEAD;
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let req = Req {
        service,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    let (info, epoch) = arrive(&shared, &req);
    run_hooks(&shared, &info, false).await;
    let strike = shared.faults.lock().unwrap().strike(&info);
    if let Some(strike) = &strike {
        shared.entry(info.number, epoch, |entry| entry.fault = Some(format!("{:?}", strike.kind)));
    }
    let outcome = play(&shared, req, &info, strike, head_only).await;
    if let Ok((resp, _)) = &outcome {
        shared.entry(info.number, epoch, |entry| {
            entry.status = Some(resp.status);
            entry.response_bytes = resp.body.len();
            entry.user.clone_from(&resp.user);
            entry.unknown_route = resp.unknown_route;
        });
    }
    run_hooks(&shared, &info, true).await;
    // What the fake itself takes is part of it.
    if !latency.is_zero() {
        tokio::time::sleep_until(answer_at).await;
    }
    let (resp, truncated) = outcome?;
    Ok(render(resp, truncated, head_only))
}

/// Logs the request's arrival.
fn arrive(shared: &Shared, req: &Req) -> (RequestInfo, u64) {
    let method = req.method.as_str().to_owned();
    let path = req.target();
    let keep = method != "GET" && method != "HEAD" && !req.path.ends_with("/git-upload-pack");
    let mut log = shared.log.lock().unwrap();
    let number = log.entries.len() as u64 + 1;
    log.entries.push(Entry {
        number,
        arrived: Instant::now(),
        service: req.service,
        method: method.clone(),
        path: path.clone(),
        status: None,
        request_bytes: req.body.len(),
        response_bytes: 0,
        user: None,
        body: keep.then(|| req.body.clone()),
        fault: None,
        unknown_route: false,
    });
    (RequestInfo { number, service: req.service, method, path }, log.epoch)
}

async fn run_hooks(shared: &Shared, info: &RequestInfo, after: bool) {
    let hooks = shared.faults.lock().unwrap().hooks(info.number, after);
    for hook in hooks {
        let info = info.clone();
        tokio::task::spawn_blocking(move || hook(&info)).await.ok();
    }
}

async fn call(strike: Option<&Strike>, info: &RequestInfo) {
    if let Some(hook) = strike.and_then(|strike| strike.call.clone()) {
        let info = info.clone();
        tokio::task::spawn_blocking(move || hook(&info)).await.ok();
    }
}

/// Applies the fault, if there is one, and serves the request. The flag says that the response is to be cut off.
async fn play(
    shared: &Arc<Shared>,
    req: Req,
    info: &RequestInfo,
    strike: Option<Strike>,
    head_only: bool,
) -> Result<(Resp, bool), Dropped> {
    let after = matches!(
        strike.as_ref().map(|strike| &strike.kind),
        Some(
            FaultKind::DropAfter
                | FaultKind::HangAfter
                | FaultKind::Truncate
                | FaultKind::StatusAfter(_)
        )
    );
    if !after {
        call(strike.as_ref(), info).await;
    }
    match strike.as_ref().map(|strike| &strike.kind) {
        None | Some(FaultKind::Pass) => return Ok((dispatch(shared, req).await, false)),
        Some(FaultKind::Status(code, body, headers)) => {
            let mut resp = Resp::new(*code, body.clone());
            for (name, value) in headers {
                resp.set(name, value);
            }
            return Ok((resp, false));
        }
        Some(FaultKind::Echo(place)) => return Ok((crate::echo::answer(*place, &req), false)),
        Some(FaultKind::Delay(time)) => {
            tokio::time::sleep(*time).await;
            return Ok((dispatch(shared, req).await, false));
        }
        Some(FaultKind::Hang) => match std::future::pending::<Infallible>().await {},
        Some(FaultKind::DropBefore) => return Err(Dropped),
        Some(_) => {}
    }
    let resp = dispatch(shared, req).await;
    call(strike.as_ref(), info).await;
    match strike.map(|strike| strike.kind) {
        Some(FaultKind::HangAfter) => match std::future::pending::<Infallible>().await {},
        Some(FaultKind::StatusAfter(code)) => {
            let body = format!("<html><body><h1>{code}</h1></body></html>");
            Ok((Resp::new(code, body).with("content-type", "text/html"), false))
        }
        Some(FaultKind::Truncate) if !head_only && !resp.body.is_empty() => Ok((resp, true)),
        _ => Err(Dropped),
    }
}

async fn dispatch(shared: &Arc<Shared>, req: Req) -> Resp {
    let described = format!("{} {}", req.method, req.target());
    let mut resp = match req.service {
        Service::GitLab => crate::gitlab::handle(shared, req).await,
        Service::GitHub => crate::github::handle(shared, &req),
        Service::S3 => crate::s3::handle(shared, req).await,
        Service::Prometheus => crate::prometheus::handle(shared, &req),
        Service::Git => crate::git::host::handle(shared, req).await,
    };
    if resp.unknown_route {
        resp.body = format!("forge: unknown route {described}\n").into();
        resp.set("content-type", "text/plain");
    }
    resp
}

fn render(resp: Resp, truncated: bool, head_only: bool) -> Response<Body> {
    let mut answer = Response::builder().status(resp.status_code());
    if let Some(headers) = answer.headers_mut() {
        *headers = resp.headers;
        if truncated || head_only {
            headers.entry(header::CONTENT_LENGTH).or_insert_with(|| resp.body.len().into());
        }
    }
    let body = if truncated {
        CutOff { bytes: Some(resp.body.slice(..resp.body.len() / 2)), flushed: false }.boxed()
    } else if head_only {
        Full::new(Bytes::new()).map_err(|never| match never {}).boxed()
    } else {
        Full::new(resp.body).map_err(|never| match never {}).boxed()
    };
    answer.body(body).unwrap()
}

/// Some bytes, then the loss of the connection.
struct CutOff {
    bytes: Option<Bytes>,
    flushed: bool,
}

impl HttpBody for CutOff {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.flushed {
            // Pending once, so that hyper sends what it has before it sees the end.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Dropped)))
    }
}
