//! The secrets of this process, which must not appear in output, logs or files.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::LazyLock;

use secrecy::SecretString;
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

use crate::clients::http::Redactor;

/// Variables that hold a secret.
const SECRETS: [&str; 8] = [
    "SAPM_NOTE_TOKEN",
    "SAPM_GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "SAPM_GITHUB_TOKEN",
    "APP_INTERFACE_STATE_BUCKET_SECRET_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// The only redactor of this process.
pub fn redactor() -> &'static Redactor {
    static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);
    &REDACTOR
}

/// Learns the secrets of the environment: tokens, keys, and the passwords in URLs.
/// Those in the credentials file are learned when it is read.
pub fn learn(environment: &BTreeMap<String, String>, redactor: &Redactor) {
    let learn = |text: &str| redactor.learn(&SecretString::from(text));
    for name in SECRETS {
        environment.get(name).iter().for_each(|value| learn(value));
    }
    for password in environment.values().filter_map(|value| find_password(value)) {
        learn(&password);
    }
}

/// The decoded password in a URL.
fn find_password(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let decoded = percent_encoding::percent_decode_str(url.password()?);
    Some(decoded.decode_utf8_lossy().into_owned())
}

/// Standard error without secrets.
pub struct Redacted;

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Redacted {
    /// Redacts one whole line of the log at a time.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = redactor().redact(&String::from_utf8_lossy(bytes));
        io::stderr().write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_passwords_of_addresses_are_learned() {
        let environment = [
            ("SAPM_GITLAB_TOKEN", "glpat-secret"),
            ("HTTPS_PROXY", "http://me:proxy%2Dpass@proxy.example:3128"),
            ("SAPM_PUSHGATEWAY_URL", "https://me:push-pass@push.example/"),
            ("CI_SERVER_URL", "https://gitlab.example"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let redactor = Redactor::default();
        learn(&environment.into(), &redactor);
        for secret in ["glpat-secret", "proxy-pass", "proxy%2Dpass", "push-pass"] {
            assert_eq!(redactor.redact(secret), "[secret]", "{secret}");
        }
        assert_eq!(redactor.redact("https://gitlab.example"), "https://gitlab.example");
    }
}
