//! A host that sends back the credentials of a request, in one part of the response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::{Req, Resp};

/// Headers that carry credentials.
const SECRET: [&str; 4] = ["authorization", "private-token", "job-token", "x-amz-security-token"];

/// The part of the response with the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// A JSON `message` of a refused request.
    Json,
    /// A plain text with this status.
    Text(u16),
    /// An S3 error.
    Xml,
    /// The content type of a success.
    ContentType,
    /// The URL of a redirect to a host that does not respond.
    Location,
    /// An `ERR` line of git's protocol.
    GitError,
    /// A success that Prometheus, GitHub and GitLab could send: an error, the message of a commit.
    Success,
}

impl Echo {
    /// All parts.
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Text(403),
        Self::Text(200),
        Self::Xml,
        Self::ContentType,
        Self::Location,
        Self::GitError,
        Self::Success,
    ];
}

/// The credentials as received, in base64 and percent-encoded.
fn credentials(req: &Req) -> String {
    let values = SECRET.iter().filter_map(|name| req.header(name));
    let spelled = values.map(|value| {
        let (packed, escaped) =
            (STANDARD.encode(value), utf8_percent_encode(value, NON_ALPHANUMERIC));
        format!("{value} {packed} {escaped}")
    });
    spelled.collect::<Vec<_>>().join(" ")
}

pub(crate) fn answer(echo: Echo, req: &Req) -> Resp {
    let said = credentials(req);
    match echo {
        Echo::Json => Resp::message(400, said),
        Echo::Text(status) => Resp::new(status, said).with("content-type", "text/plain"),
        Echo::Xml => {
            let text = format!("<Error><Code>{said}</Code><Message>{said}</Message></Error>");
            Resp::new(403, text).with("content-type", "application/xml")
        }
        Echo::ContentType => Resp::new(200, "{}").with("content-type", said),
        Echo::Location => {
            let path = said.replace(' ', "/");
            Resp::new(302, "").with("location", format!("http://127.0.0.1:9/{path}?token={path}"))
        }
        Echo::GitError => {
            let result = req.path.ends_with("/git-upload-pack");
            let kind = if result { "result" } else { "advertisement" };
            let text = format!("{:04x}ERR {said}\n0000", said.len() + 9);
            Resp::new(200, text)
                .with("content-type", format!("application/x-git-upload-pack-{kind}"))
        }
        Echo::Success => Resp::ok(&serde_json::json!({
            "status": said, "error": said, "data": {"resultType": said, "result": []},
            "sha": "0123456789abcdef0123456789abcdef01234567", "title": said, "message": said,
            "commit": {"message": said, "committer": {"date": "2026-01-01T00:00:00Z"}}
        })),
    }
}
