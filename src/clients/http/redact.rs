//! Redacts secrets in texts. There is one redactor per run.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

use super::request::base64;
use crate::snapshot::CommitFact;

/// Shorter secrets are not redacted, because they would match everywhere.
const MIN_SECRET: usize = 4;

/// Secrets of at least this length are also found inside base64. The part of a shorter one that does not
/// depend on the surrounding bytes would match everywhere.
const MIN_IN_BASE64: usize = 8;

/// Replaces a secret.
const MARK: &str = "[secret]";

/// The secrets of a run. Clones share them.
///
/// A secret is found in plain text; percent-encoded, as a JSON or HTML escape, wholly or in part; and
/// inside base64 of either alphabet, whatever comes before and after it.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<Pattern>>>);

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// One spelling of a secret.
struct Pattern {
    text: SecretString,
    /// Is it a part of base64, so that the surrounding digits belong to it?
    in_base64: bool,
}

impl Redactor {
    /// Adds a secret.
    pub fn learn(&self, secret: &SecretString) {
        let text = secret.expose_secret().trim();
        if text.len() < MIN_SECRET || self.knows(text) {
            return;
        }
        let mut patterns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        patterns.push(Pattern { text: SecretString::from(text), in_base64: false });
        if text.len() >= MIN_IN_BASE64 {
            let inner = (0..3).map(|before| encode_inside_base64(text.as_bytes(), before));
            patterns.extend(
                inner.map(|text| Pattern { text: SecretString::from(text), in_base64: true }),
            );
        }
        // The longest first, because one may be part of another.
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.bytes().len()));
    }

    fn knows(&self, text: &str) -> bool {
        let patterns = self.0.read().unwrap_or_else(PoisonError::into_inner);
        patterns.iter().any(|known| !known.in_base64 && known.bytes() == text.as_bytes())
    }

    /// Replaces every known secret.
    pub fn redact(&self, text: &str) -> String {
        let patterns = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut begins = [false; 256];
        for pattern in patterns.iter() {
            begins[usize::from(pattern.bytes()[0])] = true;
        }
        let (bytes, mut shown, mut at) = (text.as_bytes(), String::with_capacity(text.len()), 0);
        while let Some(next) = text[at..].chars().next() {
            let may_begin =
                begins[usize::from(bytes[at])] || matches!(next, '%' | '\\' | '&' | '-' | '_');
            let found = patterns.iter().filter(|_| may_begin);
            match found.filter_map(|pattern| Some((pattern, pattern.length_at(bytes, at)?))).next()
            {
                None => {
                    shown.push(next);
                    at += next.len_utf8();
                }
                Some((pattern, length)) => {
                    at += length;
                    if pattern.in_base64 {
                        shown.truncate(shown.trim_end_matches(is_base64).len());
                        at += text[at..].len() - text[at..].trim_start_matches(is_base64).len();
                    }
                    shown.push_str(MARK);
                }
            }
        }
        shown
    }
}

/// A commit's subject is displayed, and its host decides what it contains.
impl Redactor {
    /// Replaces every known secret in the displayed parts of a commit.
    pub fn redact_commit(&self, mut commit: CommitFact) -> CommitFact {
        commit.subject = commit.subject.map(|subject| self.redact(&subject));
        commit
    }
}

impl Pattern {
    fn bytes(&self) -> &[u8] {
        self.text.expose_secret().as_bytes()
    }

    /// Number of bytes of the text that match from here on, if the secret begins here.
    fn length_at(&self, text: &[u8], begin: usize) -> Option<usize> {
        let mut at = begin;
        for &wanted in self.bytes() {
            let plain = *text.get(at)?;
            let same = plain == wanted || self.in_base64 && to_standard_alphabet(plain) == wanted;
            at += if same {
                1
            } else {
                decode_escape(text, at).filter(|(byte, _)| *byte == wanted)?.1
            };
        }
        Some(at - begin)
    }
}

/// Converts a byte of the URL-safe alphabet to the standard one.
fn to_standard_alphabet(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

/// The byte that an escape stands for, and the length of the escape.
fn decode_escape(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = &text[at..];
    let code = |skip: usize, length: usize, radix: u32| {
        let digits = std::str::from_utf8(rest.get(skip..skip + length)?).ok()?;
        u8::try_from(u32::from_str_radix(digits, radix).ok()?).ok()
    };
    match rest {
        [b'%', b'2', b'5', ..] if code(3, 2, 16).is_some() => Some((code(3, 2, 16)?, 5)),
        [b'%', ..] => Some((code(1, 2, 16)?, 3)),
        [b'\\', b'u', ..] => Some((code(2, 4, 16)?, 6)),
        [b'\\', b'x', ..] => Some((code(2, 2, 16)?, 4)),
        [b'\\', plain @ (b'/' | b'"' | b'\\'), ..] => Some((*plain, 2)),
        [b'&', b'#', ..] => {
            let end = rest.iter().take(8).position(|byte| *byte == b';')?;
            let hex = matches!(rest.get(2), Some(b'x' | b'X'));
            let (skip, radix) = if hex { (3, 16) } else { (2, 10) };
            Some((code(skip, end.checked_sub(skip)?, radix)?, end + 1))
        }
        [b'&', ..] => [("&amp;", b'&'), ("&lt;", b'<'), ("&gt;", b'>'), ("&quot;", b'"')]
            .iter()
            .find(|(name, _)| rest.starts_with(name.as_bytes()))
            .map(|(name, byte)| (*byte, name.len())),
        _ => None,
    }
}

/// The base64 digits that depend only on this secret if `before` bytes (modulo 3) precede it.
fn encode_inside_base64(secret: &[u8], before: usize) -> String {
    let padded = [&[0; 2][..before], secret].concat();
    let whole = &padded[..padded.len() / 3 * 3];
    let skipped = if before == 0 { 0 } else { before + 1 };
    base64(whole).split_off(skipped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn knowing(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.learn(&SecretString::from(*secret)));
        redactor
    }

    #[test]
    fn secrets_are_redacted_in_every_spelling() {
        let redactor = knowing(&["glpat-a/b", "glpat-a/b-longer"]);
        assert_eq!(
            redactor.redact("x glpat-a/b-longer y glpat-a/b z glpat%2Da%2Fb"),
            "x [secret] y [secret] z [secret]"
        );
        for spelled in [
            "glpat-a%2fb",
            "%67lpat-a/b",
            "glpat-a%252Fb",
            r"glpat-a\/b",
            r"glpat-a\u002fb",
            "glpat-a&#x2F;b",
            "glpat-a&#47;b",
        ] {
            assert_eq!(redactor.redact(spelled), "[secret]", "{spelled}");
        }
    }

    #[test]
    fn short_secrets_are_not_redacted() {
        assert_eq!(knowing(&["a", ""]).redact("banana"), "banana");
        assert_eq!(knowing(&["abcd"]).redact("YWJjZA== abce%2F & \\ é"), "YWJjZA== abce%2F & \\ é");
    }

    fn url_safe(text: &str) -> String {
        text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
    }

    proptest! {
        #[test]
        fn no_secret_is_left_in_any_base64_or_text(
            secret in "[!-~]{8,40}",
            (before, after) in ("[ -~]{0,9}", "[ -~]{0,9}"),
            around in "[ -~é]{0,12}",
        ) {
            let redactor = knowing(&[&secret]);
            let encoded = base64(format!("{before}{secret}{after}").as_bytes());
            for spelled in [secret.clone(), encoded.clone(), url_safe(&encoded)] {
                let shown = redactor.redact(&format!("{around} {spelled} {around}"));
                prop_assert!(!shown.contains(&spelled) && shown.contains(MARK), "{}", shown);
            }
        }

        #[test]
        fn any_text_can_be_redacted(text in "\\PC{0,60}") {
            prop_assert_eq!(knowing(&["no-such-secret-in-it"]).redact(&text), text);
        }
    }
}
