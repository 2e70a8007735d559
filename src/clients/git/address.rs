//! URLs of git repositories, and the credentials in them.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::GitError;

/// User and password (or token) for one host. Deliberately without `Debug`.
#[derive(Clone)]
pub struct Credentials {
    /// User name. GitLab accepts any with a token; `oauth2` is the convention.
    pub user: String,
    /// Password or token.
    pub secret: SecretString,
}

impl Credentials {
    /// Takes a user and a token.
    pub fn new(user: impl Into<String>, secret: SecretString) -> Self {
        Self { user: user.into(), secret }
    }

    /// The token, only for sending it.
    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// The location of a repository.
pub(super) enum Address {
    /// On a host: the URL without userinfo, query and fragment, and the
    /// credentials that it contained.
    Http {
        /// The URL to fetch from.
        url: Url,
        /// From the userinfo part.
        credentials: Option<Credentials>,
    },
    /// On this machine.
    File(PathBuf),
}

impl Address {
    /// Reads `http(s)://`, `file://` and plain paths.
    pub(super) fn parse(text: &str) -> Result<Self, GitError> {
        let refused = |reason: &str| GitError::Address {
            url: without_userinfo(text),
            reason: reason.to_owned(),
        };
        if !text.contains("://") {
            return if is_scp_like(text) {
                Err(refused(SSH))
            } else if text.is_empty() {
                Err(refused("it is empty"))
            } else {
                Ok(Self::File(PathBuf::from(text)))
            };
        }
        let url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
        match url.scheme() {
            "http" | "https" => {
                let credentials = find_userinfo(&url);
                Ok(Self::Http { url: strip_url(url), credentials })
            }
            "file" => match url.to_file_path() {
                Ok(path) => Ok(Self::File(path)),
                Err(()) => Err(refused("a file URL must have an absolute path and no other host")),
            },
            "ssh" | "git+ssh" => Err(refused(SSH)),
            _ => Err(refused("only http, https and file URLs are supported")),
        }
    }
}

const SSH: &str = "ssh is not supported: use the https URL and a token";

/// `git@host:path`: a colon before the first slash, and not a drive letter.
fn is_scp_like(text: &str) -> bool {
    let head = text.split('/').next().unwrap_or_default();
    head.find(':').is_some_and(|at| at > 1)
}

fn find_userinfo(url: &Url) -> Option<Credentials> {
    let plain =
        |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let secret = SecretString::from(plain(url.password().unwrap_or_default()));
    Some(Credentials { user: plain(url.username()), secret })
}

fn strip_url(mut url: Url) -> Url {
    // Neither can fail: http urls have a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url
}

/// A URL without `user:password@`, query and fragment: safe
/// to show, also if it is not valid.
pub fn without_userinfo(text: &str) -> String {
    let text = crate::domain::without_userinfo(text);
    match text.find("://") {
        Some(_) => text.split(['?', '#']).next().unwrap_or_default().trim_end().to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_is_removed() {
        for (text, safe) in [
            ("https://oauth2:s3cret@host/a/b.git", "https://host/a/b.git"),
            ("https://s3cret@host:8443/a", "https://host:8443/a"),
            ("https://a:p@ss@host/a?private_token=s3cret#x", "https://host/a"),
            ("not a url://u:p@x y/z", "not a url://x y/z"),
            ("https://host/a \u{c}#x", "https://host/a"),
            ("git@host:a/b.git", "git@host:a/b.git"),
        ] {
            assert_eq!(without_userinfo(text), safe);
        }
    }

    #[test]
    fn credentials_come_from_the_url_decoded() {
        let Ok(Address::Http { url, credentials: Some(found) }) =
            Address::parse("https://oauth2:p%40ss@host/a/b.git/?x=1")
        else {
            panic!("not read")
        };
        assert_eq!(url.as_str(), "https://host/a/b.git");
        assert_eq!((found.user.as_str(), found.secret()), ("oauth2", "p@ss"));
    }

    #[test]
    fn ssh_and_unknown_schemes_are_refused_without_showing_the_token() {
        for text in [
            "git@github.com:org/app.git",
            "ssh://git:s3cret@host/a",
            "git://host/a",
            "ftp://u:s3cret@h/x",
            "",
        ] {
            let error =
                Address::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("s3cret"), "{text}: {error}");
        }
        let file = Address::parse("file:///srv/a%20b.git");
        assert!(matches!(file, Ok(Address::File(path)) if path.ends_with("a b.git")));
    }
}
