//! What a refusal of GitLab, or of what stands before it, is about.

use crate::clients::http::{HttpError, HttpErrorKind};

/// Beginnings of what GitLab's push rules say; each is about the bot, its texts or its way to commit.
const PUSH_RULES: [&str; 8] = [
    "does not follow the pattern",
    "contains the forbidden pattern",
    "must be signed",
    "must contain a dco",
    "is not a member of team",
    "you can only push commits",
    "push rule",
    "is inconsistent with gitlab account",
];

/// Does GitLab take no writes at all, as it is under maintenance, or a read-only copy?
pub(super) fn is_read_only(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    error.kind() == HttpErrorKind::Forbidden
        && ["read-only", "maintenance"].iter().any(|word| body.contains(word))
}

/// Why a 403 says nothing of the token's rights.
pub(super) fn refused_by_others(error: &HttpError) -> Option<&'static str> {
    if is_read_only(error) {
        Some("GitLab takes no writes now: it is under maintenance, or a read-only copy")
    } else if error.is_page() {
        Some(
            "a proxy or firewall in front of GitLab refuses the request (it answers with a page of HTML)",
        )
    } else {
        None
    }
}

/// Does a push rule refuse the commit? It meets every other commit of the bot as well.
pub(super) fn is_push_rule(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    matches!(error.kind(), HttpErrorKind::Invalid | HttpErrorKind::Forbidden)
        && PUSH_RULES.iter().any(|words| body.contains(words))
}

/// 400 as GitLab does not see the branch that a merge request is to come from.
pub(super) fn is_unseen_branch(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    error.kind() == HttpErrorKind::Invalid
        && (body.contains("source_branch") || body.contains("source branch"))
        && body.contains("not exist")
}
