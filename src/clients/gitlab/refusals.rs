//! Finds out why GitLab, or a proxy in front of it, refused a request.

use crate::clients::http::{HttpError, HttpErrorKind};

/// Parts of the messages of GitLab's push rules. Each concerns the bot, its texts or how it commits.
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

/// Does GitLab accept no writes at all, because it is under maintenance or a read-only copy?
pub(super) fn is_read_only(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    error.kind() == HttpErrorKind::Forbidden
        && ["read-only", "maintenance"].iter().any(|word| body.contains(word))
}

/// Why a 403 is not caused by the token's rights.
pub(super) fn refused_by_others(error: &HttpError) -> Option<&'static str> {
    if is_read_only(error) {
        Some("GitLab accepts no writes now: it is under maintenance, or a read-only copy")
    } else if error.is_page() {
        Some("a proxy or firewall in front of GitLab refuses the request (it returns an HTML page)")
    } else {
        None
    }
}

/// Does a push rule reject the commit? Then it rejects every other commit of the bot as well.
pub(super) fn is_push_rule(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    matches!(error.kind(), HttpErrorKind::Invalid | HttpErrorKind::Forbidden)
        && PUSH_RULES.iter().any(|words| body.contains(words))
}

/// What meets the push rule that rejected a commit (docs/push-rules.md). GitLab's words name the rule.
pub(super) fn option_for(error: &HttpError) -> &'static str {
    let body = error.body().to_ascii_lowercase();
    let is_about = |words: &str| body.contains(words);
    if is_about("branch name") {
        "set --branch-prefix (SAPM_BRANCH_PREFIX)"
    } else if is_about("dco") {
        "set --sign-off (SAPM_SIGN_OFF) and --commit-author (SAPM_COMMIT_AUTHOR)"
    } else if is_about("commit message") {
        "set --commit-message-template (SAPM_COMMIT_MESSAGE_TEMPLATE)"
    } else if is_about("author") || is_about("committer") || is_about("gitlab account") {
        "set --commit-author (SAPM_COMMIT_AUTHOR), or give the bot's user a suitable name and email address"
    } else {
        "set the option that meets it (docs/push-rules.md)"
    }
}

/// 400 because GitLab does not see the source branch of a merge request.
pub(super) fn is_unseen_branch(error: &HttpError) -> bool {
    let body = error.body().to_ascii_lowercase();
    error.kind() == HttpErrorKind::Invalid
        && (body.contains("source_branch") || body.contains("source branch"))
        && body.contains("not exist")
}
