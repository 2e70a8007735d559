//! The state bucket: s3s over a folder, credentials checked, behind the same log and faults as the rest.

use std::path::Path;
use std::sync::Arc;

use http_body_util::BodyExt;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

use crate::http::{Req, Resp};
use crate::shared::Shared;

pub(crate) fn service(dir: &Path, key: &str, secret: &str) -> S3Service {
    let files = s3s_fs::FileSystem::new(dir).expect("a folder for buckets");
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(key, secret));
    builder.build()
}

/// Serves a request. s3s-fs responds to a missing bucket as to a missing key, and to an unknown access key with a code
/// that AWS does not use there; both are corrected here (AWS docs, API error responses).
pub(crate) async fn handle(shared: &Arc<Shared>, req: Req) -> Resp {
    let path = crate::http::decode(req.path.trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let dir = shared.s3_dir.join(bucket);
    let no_bucket = !bucket.is_empty() && !dir.is_dir();
    let folder = !no_bucket && !key.is_empty() && dir.join(key).is_dir();
    let creates = req.method == http::Method::PUT && key.is_empty();
    let mut resp = call(shared, &req).await;
    if resp.status == 403 && has(&resp, "NotSignedUp") {
        let text = "The AWS Access Key Id you provided does not exist in our records.";
        return error(403, "InvalidAccessKeyId", text);
    }
    if resp.status == 403 {
        return resp;
    }
    if no_bucket && !creates {
        std::fs::remove_dir_all(&dir).ok();
        resp = error(404, "NoSuchBucket", "The specified bucket does not exist");
    } else if folder && resp.status >= 400 || resp.status == 404 && has(&resp, "NoSuchKey") {
        resp = error(404, "NoSuchKey", "The specified key does not exist.");
    }
    if req.method == http::Method::HEAD && resp.status >= 400 {
        resp.body = bytes::Bytes::new();
    }
    resp
}

fn has(resp: &Resp, code: &str) -> bool {
    String::from_utf8_lossy(&resp.body).contains(code)
}

fn error(status: u16, code: &str, text: &str) -> Resp {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let body = format!(
        "{head}\n<Error><Code>{code}</Code><Message>{text}</Message><RequestId>forge</RequestId></Error>"
    );
    Resp::new(status, body).with("content-type", "application/xml")
}

async fn call(shared: &Arc<Shared>, req: &Req) -> Resp {
    // s3s-fs checks the condition of a write before it writes, and reads an object's bytes before its ETag. S3 does
    // either at one moment.
    let reads = req.method == http::Method::GET || req.method == http::Method::HEAD;
    let _reading = if reads { Some(shared.s3_access.read().await) } else { None };
    let _writing = if reads { None } else { Some(shared.s3_access.write().await) };
    let mut request = http::Request::builder().method(req.method.clone()).uri(req.target());
    if let Some(headers) = request.headers_mut() {
        headers.clone_from(&req.headers);
    }
    let request = request.body(s3s::Body::from(req.body.clone())).expect("a request");
    let Ok(answer) = shared.s3.call(request).await else { return Resp::new(500, "s3 failed\n") };
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { return Resp::new(500, "s3 failed\n") };
    let mut resp = Resp::new(parts.status.as_u16(), body.to_bytes());
    resp.headers = parts.headers;
    resp.headers.remove("transfer-encoding");
    resp
}
