//! Numbers and dates of YAML 1.1, in the notations that `PyYAML` supports.

use crate::float::decimal;
use std::borrow::Cow;

/// Python refuses to parse or print longer integers.
const MAX_INT_DIGITS: usize = 4300;

/// Does a text look like an integer that is too long to be meant as one?
pub(crate) fn is_overlong_int(text: &str) -> bool {
    text.len() > MAX_INT_DIGITS
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b"+-_:xb".contains(&b))
        && int_kind(text).is_some()
}

enum IntKind {
    Digits(u32),
    Sixty,
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn int_kind(text: &str) -> Option<IntKind> {
    let (_, digits) = unsigned(text);
    let all = |s: &str, ok: fn(u8) -> bool| !s.is_empty() && s.bytes().all(ok);
    if let Some(rest) = digits.strip_prefix("0b") {
        return all(rest, |b| matches!(b, b'0' | b'1' | b'_')).then_some(IntKind::Digits(2));
    }
    if let Some(rest) = digits.strip_prefix("0x") {
        return all(rest, |b| b.is_ascii_hexdigit() || b == b'_').then_some(IntKind::Digits(16));
    }
    if digits == "0" {
        return Some(IntKind::Digits(10));
    }
    if let Some(rest) = digits.strip_prefix('0') {
        return all(rest, |b| matches!(b, b'0'..=b'7' | b'_')).then_some(IntKind::Digits(8));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if all(digits, |b| b.is_ascii_digit() || b == b'_') {
        return Some(IntKind::Digits(10));
    }
    is_sixty(digits).then_some(IntKind::Sixty)
}

/// `[0-9][0-9_]*(:[0-5]?[0-9])+`
fn is_sixty(digits: &str) -> bool {
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit())
        || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return false;
    }
    let mut any = false;
    for part in parts {
        any = true;
        if !matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']) {
            return false;
        }
    }
    any
}

/// The decimal text of an integer.
pub(crate) fn int_value(text: &str) -> Option<Cow<'_, str>> {
    let kind = int_kind(text)?;
    let (negative, digits) = unsigned(text);
    if matches!(kind, IntKind::Digits(10))
        && !text.starts_with('+')
        && !digits.contains('_')
        && text != "-0"
    {
        return Some(Cow::Borrowed(text));
    }
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    let value = match kind {
        IntKind::Digits(10) => digits,
        IntKind::Digits(base) => {
            let digits = match base {
                8 => &digits[1..],
                _ => &digits[2..],
            };
            if digits.is_empty() && base != 8 {
                return None;
            }
            decimal(digits.chars().filter_map(|c| Some((base, c.to_digit(base)?))))
        }
        IntKind::Sixty => sixty(&digits),
    };
    Some(Cow::Owned(signed(negative, value)))
}

fn signed(negative: bool, value: String) -> String {
    if negative && value != "0" { format!("-{value}") } else { value }
}

fn sixty(digits: &str) -> String {
    decimal(digits.split(':').enumerate().flat_map(|(i, part)| {
        // the first part has any number of decimal digits, the others are one digit of base 60 each
        let single = i > 0;
        let whole = part.parse().unwrap_or(0);
        let digits: Vec<(u32, u32)> = if single {
            vec![(60, whole)]
        } else {
            part.chars().filter_map(|c| Some((10, c.to_digit(10)?))).collect()
        };
        digits
    }))
}

/// `!!int` accepts more than the resolver: what Python's `int` parses.
pub(crate) fn tagged_int(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| *c != '_').collect();
    let (negative, digits) = unsigned(&text);
    let short = digits.len() <= MAX_INT_DIGITS;
    let plain = short
        && !digits.is_empty()
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| signed(negative, digits.to_owned()))
}

/// Is it a number with a decimal point?
pub(crate) fn is_float(text: &str) -> bool {
    let (_, rest) = unsigned(text);
    if matches!(rest, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = rest.split_once('.') else {
        return false;
    };
    let (fraction, exponent) = match fraction.find(['e', 'E']) {
        Some(i) => (&fraction[..i], Some(&fraction[i + 1..])),
        None => (fraction, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !digits(fraction) {
        return false;
    }
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or_default();
        if power.is_empty() || !power.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
    }
    if whole.is_empty() {
        // no sign before a leading point
        return rest.len() == text.len() && fraction.starts_with(|c: char| c.is_ascii_digit());
    }
    let starts_with_digit = whole.starts_with(|c: char| c.is_ascii_digit());
    starts_with_digit && (digits(whole) || (exponent.is_none() && is_sixty(whole)))
}

/// The value of a number with a decimal point, or of another text that `!!float` accepts.
pub(crate) fn float_value(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let (negative, rest) = unsigned(&text);
    let sign = if negative { -1.0 } else { 1.0 };
    let known = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
    Some(match rest {
        ".inf" => sign * f64::INFINITY,
        ".nan" => f64::NAN,
        _ if rest.contains(':') => {
            let mut value = 0.0;
            for part in rest.split(':') {
                value = value * 60.0 + part.parse::<f64>().ok()?;
            }
            sign * value
        }
        _ if rest.starts_with(['+', '-']) || !rest.chars().all(known) => return None,
        _ => sign * rest.parse::<f64>().ok()?,
    })
}

/// `YYYY-MM-DD`, or a date in a looser form with a time and an optional zone. Does not check that the day exists.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |b: &u8| b.is_ascii_digit();
    if bytes.len() < 8 || bytes.len() > 256 || !bytes[..4].iter().all(digit) || bytes[4] != b'-' {
        return false;
    }
    if bytes.len() == 10
        && bytes[5..7].iter().all(digit)
        && bytes[7] == b'-'
        && bytes[8..].iter().all(digit)
    {
        return true;
    }
    long_timestamp(&bytes[5..]).is_some()
}

/// Parses the whole part after the year.
fn long_timestamp(bytes: &[u8]) -> Option<()> {
    let rest = after_digits(bytes, 1, 2)?;
    let rest = after_digits(rest.strip_prefix(b"-")?, 1, 2)?;
    let rest = match rest {
        [b'T' | b't', rest @ ..] => rest,
        [b' ' | b'\t', ..] => after_blanks(rest),
        _ => return None,
    };
    let rest = after_digits(rest, 1, 2)?;
    let rest = after_digits(rest.strip_prefix(b":")?, 2, 2)?;
    let mut rest = after_digits(rest.strip_prefix(b":")?, 2, 2)?;
    if let [b'.', fraction @ ..] = rest {
        rest = after_digits(fraction, 0, usize::MAX)?;
    }
    if rest.is_empty() {
        return Some(());
    }
    match after_blanks(rest) {
        [b'Z'] => Some(()),
        [b'+' | b'-', zone @ ..] => {
            let rest = after_digits(zone, 1, 2)?;
            let rest = match rest {
                [b':', minutes @ ..] => after_digits(minutes, 2, 2)?,
                _ => rest,
            };
            rest.is_empty().then_some(())
        }
        _ => None,
    }
}

fn after_blanks(bytes: &[u8]) -> &[u8] {
    let n = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &bytes[n..]
}

fn after_digits(bytes: &[u8], least: usize, most: usize) -> Option<&[u8]> {
    let n = bytes.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    (n >= least).then(|| &bytes[n..])
}
