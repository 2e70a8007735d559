//! Tokens for hosts beyond GitLab and GitHub: git hosts and Prometheus servers.
//!
//! The file (`SAPM_CREDENTIALS_FILE`) is a YAML mapping from a host, or a host
//! and a path prefix, to the name of the variable that holds the token:
//!
//! ```yaml
//! git.example.com/team: TEAM_TOKEN
//! git.example.com: {variable: GIT_TOKEN, user: deploy}
//! prometheus.example.com:9090: PROMETHEUS_TOKEN
//! http://prometheus.internal:9090: INTERNAL_TOKEN
//! ```
//!
//! The longest prefix wins. Path segments match whole and decoded. A URL that some hosts read as a path to
//! elsewhere (`..%2f`) matches no prefix with a path. A key without a port is for the scheme's
//! default port. A token is sent only over https or to a loopback address. For plain http to another
//! host, the key itself has to begin with `http://`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use serde_yaml::Value;
use url::Url;

use super::http::{Request, is_loopback};
use crate::domain::quoted;

/// A token and its user.
#[derive(Clone)]
pub struct Credential {
    /// User name, if configured: selects basic authentication.
    pub user: Option<String>,
    /// The token or password.
    pub secret: SecretString,
}

impl Credential {
    /// Adds the token to a request: basic with a user, bearer without.
    pub fn apply(&self, request: Request) -> Request {
        match &self.user {
            Some(user) => request.basic(user, &self.secret),
            None => request.bearer(&self.secret),
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

/// Why the file cannot be used. Never contains a token.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("credentials file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a YAML mapping. The content is not shown, because it may be a token.
    #[error("credentials file {}: not a YAML mapping of hosts to variables{place}", path.display())]
    NotAMapping {
        /// The file.
        path: PathBuf,
        /// Line and column, if known.
        place: String,
    },
    /// An entry is unusable.
    #[error("credentials file {}: entry {}: {reason}", path.display(), quoted(.key))]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The entries of a credentials file.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    entries: Vec<(Prefix, Credential)>,
}

/// The URLs that a token may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    host: String,
    port: Option<u16>,
    segments: Vec<String>,
    plain_http: bool,
}

impl Credentials {
    /// Reads the file. `variable` returns the value of an environment variable, if it is set.
    ///
    /// # Errors
    /// See [`CredentialsError`]. A variable that is not set is an error too.
    pub fn load(
        path: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CredentialsError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text, variable)
    }

    fn parse(
        path: &Path,
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        let not_a_mapping =
            |place: String| CredentialsError::NotAMapping { path: path.to_owned(), place };
        let parsed: Value = serde_yaml::from_str(text).map_err(|error| {
            not_a_mapping(error.location().map_or_else(String::new, |at| {
                format!(" (line {}, column {})", at.line(), at.column())
            }))
        })?;
        let mapping = match parsed {
            Value::Null => return Ok(Self::default()),
            Value::Mapping(mapping) => mapping,
            _ => return Err(not_a_mapping(String::new())),
        };
        let mut entries = Vec::new();
        for (key, value) in mapping {
            let key = key.as_str().unwrap_or_default().to_owned();
            let entry = parse_entry(&key, &value, &variable).map_err(|reason| {
                CredentialsError::Entry { path: path.to_owned(), key: key.clone(), reason }
            })?;
            entries.push(entry);
        }
        // The most specific first: a longer path, then one with a port.
        entries.sort_by_key(|(prefix, _)| {
            std::cmp::Reverse((prefix.segments.len(), prefix.port.is_some()))
        });
        Ok(Self { entries })
    }

    /// The credential for a URL, if it may be sent there.
    pub fn lookup(&self, url: &Url) -> Option<&Credential> {
        self.position(url).map(|at| &self.entries[at].1)
    }

    /// The position in [`Credentials::all`] of the credential for a URL.
    pub fn position(&self, url: &Url) -> Option<usize> {
        self.entries.iter().position(|(prefix, _)| prefix.matches(url))
    }

    /// All entries with their prefix and credential.
    pub fn all(&self) -> impl Iterator<Item = (String, &Credential)> {
        self.entries.iter().map(|(prefix, credential)| (prefix.to_string(), credential))
    }

    /// Every secret, for redaction.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.entries.iter().map(|(_, credential)| &credential.secret)
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.segments.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl Prefix {
    fn parse(key: &str) -> Result<Self, String> {
        let (plain_http, with_scheme) = match key.split_once("://") {
            Some(("http", _)) => (true, key.to_owned()),
            Some(("https", _)) => (false, key.to_owned()),
            Some((scheme, _)) => return Err(format!("unusable scheme {}", quoted(scheme))),
            None => (false, format!("https://{key}")),
        };
        let url = Url::parse(&with_scheme).map_err(|error| format!("not a host: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("write a host or host/path without user and password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("write a host or host/path".to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("not a host")?;
        Ok(Self {
            host: host.to_ascii_lowercase(),
            // `url` drops the scheme's default port; in a key without a scheme, either port may be meant.
            port: find_explicit_port(&with_scheme),
            segments: split_path(&url).ok_or("write a path without `..` and encoded slashes")?,
            plain_http,
        })
    }

    fn matches(&self, url: &Url) -> bool {
        let encrypted = url.scheme() == "https";
        let may_go = encrypted || is_loopback(url) || self.plain_http;
        let default = if encrypted { 443 } else { 80 };
        let same_host = url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&self.host));
        let same_port = url.port_or_known_default() == Some(self.port.unwrap_or(default));
        may_go
            && matches!(url.scheme(), "https" | "http")
            && same_host
            && same_port
            && (self.segments.is_empty()
                || split_path(url).is_some_and(|path| self.is_above(&path)))
    }

    fn is_above(&self, path: &[String]) -> bool {
        path.len() >= self.segments.len()
            && path.iter().zip(&self.segments).all(|(have, want)| {
                have == want || have.strip_suffix(".git") == Some(want.as_str())
            })
    }
}

fn find_explicit_port(address: &str) -> Option<u16> {
    let authority = address.split_once("://")?.1.split('/').next()?;
    let (_, port) = authority.rsplit_once(':')?;
    port.parse().ok()
}

/// The decoded segments of a path. `None` if a host or a proxy could read another path, because
/// it contains an encoded slash or dot segment, however often it is encoded.
fn split_path(url: &Url) -> Option<Vec<String>> {
    let parts = url.path().split('/').filter(|segment| !segment.is_empty());
    parts
        .map(|segment| {
            let mut plain = decode(segment);
            while decode(&plain) != plain {
                plain = decode(&plain);
            }
            // `..;` is `..` to servers that support path parameters.
            let name = plain.split(';').next().unwrap_or_default();
            let leads_away = matches!(name, "." | "..") || plain.contains(['/', '\\', '\0']);
            (!leads_away).then_some(plain)
        })
        .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Reads one entry of the file.
fn parse_entry(
    key: &str,
    value: &Value,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(Prefix, Credential), String> {
    let prefix = Prefix::parse(key)?;
    let (name, user) = match value {
        Value::String(name) => (name.clone(), None),
        Value::Mapping(fields) => named(fields)?,
        _ => return Err("write the name of a variable".to_owned()),
    };
    if !is_variable_name(&name) {
        // Not shown: it may be the token itself.
        return Err("write the name of a variable, not a value".to_owned());
    }
    let secret = variable(&name).map(|secret| secret.trim().to_owned());
    match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => Ok((prefix, Credential { user, secret: SecretString::from(secret) })),
        None => Err(format!("the variable {name} is not set")),
    }
}

fn named(fields: &serde_yaml::Mapping) -> Result<(String, Option<String>), String> {
    let mut texts = BTreeMap::new();
    for (name, value) in fields {
        match (name.as_str(), value.as_str()) {
            (Some(name @ ("variable" | "user")), Some(value)) => {
                texts.insert(name, value.to_owned());
            }
            (Some(name @ ("variable" | "user")), None) => {
                return Err(format!("{name} is not a string"));
            }
            _ => return Err("unknown field; the known fields are variable and user".to_owned()),
        }
    }
    let variable = texts.remove("variable").ok_or("variable is missing")?;
    Ok((variable, texts.remove("user").filter(|user| !user.is_empty())))
}

fn is_variable_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests;
