//! Takes secrets out of texts that are shown.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// Shorter texts are not taken out: they would tear holes into everything.
const SHORTEST: usize = 4;

/// What stands in place of a secret.
const MARK: &str = "[secret]";

/// The secrets that requests carried so far.
#[derive(Default)]
pub struct Redactor {
    secrets: RwLock<Vec<SecretString>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Remembers a secret, also in its percent-encoded spelling.
    pub fn learn(&self, secret: &SecretString) {
        let text = secret.expose_secret();
        self.learn_text(text);
        let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        if encoded != text {
            self.learn_text(&encoded);
        }
    }

    fn learn_text(&self, text: &str) {
        if text.len() < SHORTEST || self.knows(text) {
            return;
        }
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.push(SecretString::from(text));
        // The longest first: one may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    }

    fn knows(&self, text: &str) -> bool {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().any(|secret| secret.expose_secret() == text)
    }

    /// The text with every known secret taken out.
    pub fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.expose_secret()) {
                text.replace(secret.expose_secret(), MARK)
            } else {
                text
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_however_they_are_spelled() {
        let redactor = Redactor::default();
        redactor.learn(&SecretString::from("glpat-a/b"));
        redactor.learn(&SecretString::from("glpat-a/b-longer"));
        assert_eq!(
            redactor.redact("x glpat-a/b-longer y glpat-a/b z glpat%2Da%2Fb"),
            "x [secret] y [secret] z [secret]"
        );
    }

    #[test]
    fn tiny_texts_stay() {
        let redactor = Redactor::default();
        redactor.learn(&SecretString::from("a"));
        assert_eq!(redactor.redact("banana"), "banana");
    }
}
