//! Which names a new config repo may have. They go into paths, record keys, URLs and YAML.

use crate::domain::{explain_invalid_ref, is_commit_sha, quoted};

/// Maximum length of a name, as of a namespace of Kubernetes.
const MAX_NAME: usize = 63;
/// Maximum length of URLs, paths and images.
const MAX_LONG: usize = 255;

/// Checks the name of an app, a cluster, a namespace or a channel.
///
/// # Errors
/// What a name may be.
pub fn parse_name(text: &str) -> Result<String, String> {
    let is_name = text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    accept(
        text,
        is_name,
        "a name has up to 63 letters, digits, `-`, `_` or `.`, and begins and ends with a letter or digit",
    )
}

/// Checks the URL of a code repository or of GitLab. A trailing slash is dropped.
///
/// # Errors
/// What a URL may be.
pub fn parse_url(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let rest = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    let is_url = trimmed.len() <= MAX_LONG
        && rest.is_some_and(|rest| {
            let host = rest.split('/').next().unwrap_or_default();
            host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && has_only(host, "-.:")
                && has_only(rest, "-._~/:+")
                && !rest.split('/').any(|part| matches!(part, "" | "." | ".."))
        })
        // Rules out ports that are none.
        && url::Url::parse(trimmed).is_ok();
    accept(
        trimmed,
        is_url,
        "write it like https://gitlab.example.com/group/project, without user, query and fragment",
    )
}

/// Checks the path of a project on GitLab.
///
/// # Errors
/// What a path may be.
pub fn parse_project_path(text: &str) -> Result<String, String> {
    let mut parts = text.split('/');
    let is_path = text.len() <= MAX_LONG
        && text.contains('/')
        && parts.all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && has_only(part, "-_.")
        });
    accept(text, is_path, "write it like group/project")
}

/// Checks an image.
///
/// # Errors
/// What an image may be.
pub fn parse_image(text: &str) -> Result<String, String> {
    let is_image = text.len() <= MAX_LONG
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && has_only(text, "-_./:@");
    accept(text, is_image, "write it like registry.example.com/group/project:0.1.0")
}

/// Checks where the deployment records are.
///
/// # Errors
/// What the location may be.
pub fn parse_bucket(text: &str) -> Result<String, String> {
    let is_bucket = text.len() <= MAX_LONG
        && text.strip_prefix("s3://").is_some_and(|rest| {
            let mut parts = rest.trim_end_matches('/').split('/');
            parts.all(|part| has_only(part, "-_.") && !matches!(part, "" | "." | ".."))
        });
    accept(
        text,
        is_bucket,
        "write it like s3://BUCKET or s3://BUCKET/PREFIX, because jobs need a bucket",
    )
}

/// Checks the name of a branch. What looks like a commit is none.
///
/// # Errors
/// What a branch may be.
pub fn parse_branch(text: &str) -> Result<String, String> {
    let is_commit = (7..=40).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
    let is_branch = text.len() <= MAX_LONG
        && !is_commit
        && has_only(text, "-_.+/")
        && explain_invalid_ref(text).is_none();
    accept(text, is_branch, "this is no branch that stage can follow")
}

/// Checks a commit.
///
/// # Errors
/// What a commit is.
pub fn parse_commit(text: &str) -> Result<String, String> {
    accept(
        text,
        is_commit_sha(text),
        "a commit has 40 lower-case hex digits: `git rev-parse HEAD` prints it",
    )
}

fn has_only(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn accept(text: &str, is_good: bool, wanted: &str) -> Result<String, String> {
    if is_good { Ok(text.to_owned()) } else { Err(format!("{}: {wanted}", quoted(text))) }
}
