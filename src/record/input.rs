//! Reads what a pipeline reports. What a run would not use is refused here, with what to do.

use chrono::{DateTime, Utc};
use url::Url;

use crate::domain::{
    CommitSha, MAX_NAME_BYTES, MAX_URL_BYTES, check_length, excerpt, is_printable, no_commit,
    quoted,
};

/// The commit that was deployed.
///
/// # Errors
/// If it is not 40 lower-case hex digits, or is the null id that git uses for "no commit".
pub fn parse_commit(text: &str) -> Result<CommitSha, String> {
    match CommitSha::parse(text) {
        Some(commit) if commit.as_str().bytes().all(|digit| digit == b'0') => {
            Err("forty zeros stand for no commit".to_owned())
        }
        Some(commit) => Ok(commit),
        None if CommitSha::parse(&text.to_ascii_lowercase()).is_some() => {
            Err(format!("{} must be in lower case", quoted(text)))
        }
        None => Err(no_commit(&excerpt(text))),
    }
}

/// The digest of the configuration, if the pipeline has its own.
///
/// # Errors
/// If it is empty, too long, or has characters that cannot be seen.
pub fn parse_config_hash(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    check_length(text, MAX_NAME_BYTES).map_err(|message| format!("it {message}"))?;
    match text.chars().all(is_printable) {
        true => Ok(text.to_owned()),
        false => Err(format!("{} has characters that cannot be seen", quoted(&excerpt(text)))),
    }
}

/// The page of the job that deployed.
///
/// # Errors
/// If it is not an `http` or `https` URL, is too long, or contains a user or a password.
pub fn parse_job_url(text: &str) -> Result<String, String> {
    check_length(text, MAX_URL_BYTES).map_err(|message| format!("it {message}"))?;
    // Nothing of the text is repeated: it may contain a password.
    let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !text.chars().all(is_printable) {
        return Err("it must be an http or https URL".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it contains a user or password, which everybody who reads records would see"
            .to_owned());
    }
    Ok(text.to_owned())
}

/// When it was deployed.
///
/// # Errors
/// If it is not a time in RFC 3339, or is after `now`.
pub fn parse_time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|error| format!("{} is not a time: {error}", quoted(&excerpt(text))))?
        .with_timezone(&Utc);
    match time <= now {
        true => Ok(time),
        false => Err(format!("{} is in the future: it is {} now", quoted(text), now.to_rfc3339())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_commit_id_is_a_commit() {
        let full = "9705190ced53cafa7066f65786fc6d00876035ae";
        assert_eq!(parse_commit(full).map(|commit| commit.to_string()), Ok(full.to_owned()));
        for (text, word) in [
            ("9705190c", "40 digits"),
            ("main", "40 digits"),
            ("", "40 digits"),
            (&full.to_uppercase() as &str, "lower case"),
            (&"0".repeat(40), "no commit"),
            (&"ab".repeat(32), "SHA-256"),
        ] {
            let error = parse_commit(text).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_job_url_has_no_password() {
        for text in ["https://ci.example.com/jobs/1", "http://ci.example.com/a?b=c#L1"] {
            assert_eq!(parse_job_url(text).as_deref(), Ok(text));
        }
        for text in [
            "https://me:s3cr3t@ci.example.com/1",
            "https://s3cr3t@ci.example.com/1",
            "javascript:s3cr3t",
            "s3cr3t",
            "https://ci.example.com/s3cr3t\n",
            &format!("https://ci.example.com/{}", "s3cr3t".repeat(400)),
        ] {
            let error = parse_job_url(text).expect_err(text);
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn a_config_hash_can_be_seen() {
        assert_eq!(parse_config_hash("v1.2-é").as_deref(), Ok("v1.2-é"));
        for text in ["", "  ", "a\u{202e}b", &"a".repeat(1_025)] {
            assert!(parse_config_hash(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_deployment_is_not_in_the_future() {
        let now = DateTime::parse_from_rfc3339("2026-08-20T10:15:30Z").expect("a time").to_utc();
        assert_eq!(parse_time("2026-08-20T12:15:30+02:00", now), Ok(now));
        for (text, word) in [("2026-08-20T10:15:31Z", "future"), ("2026-08-20", "not a time")] {
            assert!(parse_time(text, now).expect_err(text).contains(word));
        }
    }
}
