//! The caller, and the rights of its token (GitLab docs, api/rest/authentication and
//! user/profile/personal_access_tokens: scopes).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::gitlab::Call;
use crate::http::{Req, Resp, refuse};
use crate::state::{State, Token};

/// The caller; none for a request without a token.
#[derive(Clone, Default)]
pub(crate) struct Caller {
    pub user: Option<u64>,
    pub token: Option<Token>,
}

impl Caller {
    /// The user with id 1 is the administrator.
    pub fn is_admin(&self) -> bool {
        self.user == Some(1)
    }

    pub fn id(&self) -> u64 {
        self.user.unwrap_or_default()
    }
}

/// Finds the caller by `PRIVATE-TOKEN`, `Authorization: Bearer`, `JOB-TOKEN` or the parameter `private_token`.
pub(crate) fn identify(state: &State, req: &Req) -> Result<Caller, Box<Resp>> {
    let bearer = req.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let secret = req.header("private-token").or(bearer);
    let job = req.header("job-token");
    let Some(secret) = secret.or(job) else { return Ok(Caller::default()) };
    let Some(token) = state.tokens.get(secret) else { return refuse(401, "401 Unauthorized") };
    let denied = |text: &str| {
        Resp::json(401, &json!({ "error": "invalid_token", "error_description": text }))
    };
    if token.revoked {
        return Err(Box::new(denied("Token was revoked. You have to re-authorize from the user.")));
    }
    if token.expires_at.is_some_and(|end| end <= state.now()) {
        return Err(Box::new(denied(
            "Token is expired. You can either do re-authorization or token refresh.",
        )));
    }
    Ok(Caller { user: Some(token.user), token: Some(token.clone()) })
}

/// Refuses what the token's scopes do not include. A job token counts as none where GitLab does not accept one
/// (GitLab docs, ci/jobs/ci_job_token).
pub(crate) fn check_scope(call: &mut Call<'_>, parts: &[&str]) -> Result<(), Box<Resp>> {
    let Some(token) = call.caller.token.clone() else { return Ok(()) };
    let reads = matches!(call.req.method.as_str(), "GET" | "HEAD");
    if token.job {
        let allowed = reads
            && matches!(
                parts,
                ["projects", _, "merge_requests"]
                    | ["projects", _, "merge_requests", _]
                    | ["projects", _, "merge_requests", _, "notes"]
                    | ["projects", _, "merge_requests", _, "notes", _]
                    | ["projects", _, "repository", "branches" | "tags" | "changelog"]
                    | ["projects", _, "repository", "commits", _]
                    | ["projects", _, "repository", "commits", _, "merge_requests"]
                    | ["projects", _, "repository", "files", _, "raw"]
                    | ["job"]
            );
        if !allowed {
            call.caller = Caller::default();
        }
        return Ok(());
    }
    let has = |scope: &str| token.scopes.contains(scope);
    let covered = token.granular
        || has("api")
        || reads && has("read_api")
        || reads && has("read_user") && matches!(parts, ["user"] | ["users", ..])
        || reads
            && has("read_repository")
            && matches!(parts, ["projects", _, "repository", "files", ..])
        || matches!(parts, ["personal_access_tokens", "self"]);
    if covered {
        return Ok(());
    }
    let body = json!({
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": if reads { "api read_api" } else { "api" },
    });
    Err(Box::new(Resp::json(403, &body)))
}

/// The user of git over HTTP: the token is the password, with any user name; a job token only with
/// `gitlab-ci-token` (GitLab docs, ci/jobs/ci_job_token: clone).
pub(crate) fn basic(state: &State, req: &Req) -> Option<(u64, Token)> {
    let encoded = req.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let token = state.tokens.get(password)?;
    let named = !token.job || user == "gitlab-ci-token";
    let valid = named && !token.revoked && token.expires_at.is_none_or(|end| end > state.now());
    valid.then(|| (token.user, token.clone()))
}
