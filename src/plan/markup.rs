//! Text from datafiles made harmless: no quick action, mention or markup can
//! come from a name.

use crate::domain::{is_printable, printable};

/// A blank that is none for GitLab's patterns.
const NO_BREAK_SPACE: &str = "\u{a0}";

/// A code span: GitLab finds no mention, reference, link or markup in it, and
/// as line ends become blanks, no quick action either.
///
/// But GitLab looks for "closes #7" in the raw text, also in code: there has to be a blank in the
/// middle, and in the span there is none.
pub fn code(text: &str) -> String {
    let text = one_line(text).replace(' ', NO_BREAK_SPACE);
    let mut longest = 0;
    let mut run = 0;
    for char in text.chars() {
        run = if char == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad =
        if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A sentence of ours that may hold names: words that mean nothing to GitLab as they are, all others (names, paths,
/// commits, references) as code spans, and so is what stands in backticks.
pub fn prose(text: &str) -> String {
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    let quotes =
        parts.len() % 2 == 1 && parts.iter().skip(1).step_by(2).all(|part| !part.is_empty());
    if !quotes {
        return words(&text);
    }
    let part = |(at, part): (usize, &&str)| if at % 2 == 1 { code(part) } else { words(part) };
    let told: String = parts.iter().enumerate().map(part).collect();
    told.trim().to_owned()
}

/// The words of a text without quotes. A blank at its begin or end stays.
fn words(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 && !told.ends_with(' ') {
            told.push(' ');
        }
        told.push_str(&guard_word(word));
    }
    told
}

/// A word as it is, or in a code span without the parentheses and stops around it.
fn guard_word(word: &str) -> String {
    const STOPS: [char; 5] = [',', '.', ';', ':', '?'];
    let before = if word.starts_with('(') { "(" } else { "" };
    let rest = &word[before.len()..];
    let core = rest.trim_end_matches(|c| STOPS.contains(&c) || c == ')' && !rest.contains('('));
    let after = &rest[core.len()..];
    if core.is_empty() || is_plain_word(core) {
        return word.to_owned();
    }
    format!("{before}{}{after}", code(core))
}

/// Letters, a number with decimals, a date or a time, or an arrow.
fn is_plain_word(core: &str) -> bool {
    // GitLab takes these for commits.
    let like_commit = core.len() >= 7 && core.bytes().all(|b| b.is_ascii_hexdigit());
    let number = core.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let letters = core.bytes().all(|b| b.is_ascii_alphabetic());
    !like_commit && (number || letters) || is_date_or_time(core) || core == "->"
}

/// `2026-12-01`, `07:30` or `07:30:59`.
fn is_date_or_time(core: &str) -> bool {
    let shape: String = core.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["0000-00-00", "00:00", "00:00:00"].contains(&shape.as_str())
}

/// For titles and the subjects of commits, where there are no code spans: only
/// letters, digits and the few signs that mean nothing to GitLab or git.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            // Some fillers count as letters.
            char if char.is_alphanumeric() && is_printable(char) => plain.push(char),
            '.' | '-' | '_' | '/' | ' ' | ',' | '(' | ')' | '+' | '=' => plain.push(char),
            _ => plain.push('_'),
        }
    }
    break_references(&plain, "_")
}

/// The text with something else for each dash that makes a reference of what stands around it:
/// `GL-7` is an issue of GitLab's, `OPS-12` one of another tracker.
pub fn break_references(text: &str, instead: &str) -> String {
    let mut broken = String::with_capacity(text.len());
    let mut ends_in_key = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let number = chars.peek().is_some_and(char::is_ascii_digit);
        if char == '-' && number && ends_in_key {
            broken.push_str(instead);
            ends_in_key = instead.chars().fold(ends_in_key, goes_on_as_key);
        } else {
            broken.push(char);
            ends_in_key = goes_on_as_key(ends_in_key, char);
        }
    }
    broken
}

/// Does a text end in what a tracker calls a project (a capital, and capitals, digits or `_` after it) with one more
/// character? `is_key`: it did before. So a text is gone through once, however long it is.
fn goes_on_as_key(is_key: bool, char: char) -> bool {
    char.is_ascii_uppercase() || is_key && (char.is_ascii_digit() || char == '_')
}

/// Cuts to at most `limit` characters, with an ellipsis.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn one_line(text: &str) -> String {
    printable(&text.replace(['\n', '\r', '\t', '\u{2028}', '\u{2029}'], " "))
}

/// A link target that is safe in markdown, or `None`: only plain http(s) addresses.
pub fn link_target(url: &str) -> Option<String> {
    let known = url.starts_with("https://") || url.starts_with("http://");
    let safe = url.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#&=%+,".contains(&b));
    (known && safe).then(|| url.to_owned())
}

/// The same for the address of a repository, which must not be that of one of GitLab's issues, say:
/// these have a number or a dash for a part of their path.
pub fn repository_link(url: &str) -> Option<String> {
    let part_of_gitlab =
        |part: &str| part == "-" || !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    link_target(url).filter(|url| !url.split(['/', '?', '#']).any(part_of_gitlab))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_code_span() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(code("x\n/close\r@all"), "`x\u{a0}/close\u{a0}@all`");
        assert_eq!(code("x closes #7"), "`x\u{a0}closes\u{a0}#7`");
        assert_eq!(code(""), "`  `");
    }

    #[test]
    fn only_what_could_mean_something_is_a_code_span_in_prose() {
        assert_eq!(prose("soaked for 3.0 days of 1 day"), "soaked for 3.0 days of 1 day");
        assert_eq!(prose("9d562e12 is not blocked"), "`9d562e12` is not blocked");
        assert_eq!(prose("no (SLO) schedule: at any time."), "no (SLO) schedule: at any time.");
        assert_eq!(prose("by @all, !1\n/close www.x.y"), "by `@all`, `!1` `/close` `www.x.y`");
        assert_eq!(prose("OPS-12 :tada: a_b_ <i> 1. x"), "`OPS-12` `:tada`: `a_b_` `<i>` 1. x");
        assert_eq!(prose("closes [work_item:g/p/7]"), "closes `[work_item:g/p/7]`");
        assert_eq!(
            prose("Update (#11), (a) to fa5cf13d: x"),
            "Update (`#11`), (a) to `fa5cf13d`: x"
        );
        assert_eq!(prose("at 2026-12-06 07:30:14 UTC; 9:30"), "at 2026-12-06 07:30:14 UTC; `9:30`");
        assert_eq!(prose("a1 -> b2?"), "`a1` -> `b2`?");
        assert_eq!(prose("a  b"), "a b");
        assert_eq!(prose(""), "");
    }

    #[test]
    fn what_prose_quotes_is_one_code_span() {
        let opens = prose("outside the schedule `* 4 1 1 *`; opens at 04:00");
        assert_eq!(opens, "outside the schedule `*\u{a0}4\u{a0}1\u{a0}1\u{a0}*`; opens at 04:00");
        assert_eq!(prose("https://x.y [a](b) `c d`"), "`https://x.y` `[a](b)` `c\u{a0}d`");
        assert_eq!(prose("did you mean `api-canary`?"), "did you mean `api-canary`?");
        assert_eq!(prose("`a`@all`b`"), "`a``@all``b`", "one span, as runs of two close none");
        // Quotes that do not match.
        assert_eq!(prose("a `b @all"), "a `` `b `` `@all`");
        assert_eq!(prose("a `` @all"), "a ``` `` ``` `@all`");
    }

    #[test]
    fn titles_hold_no_references() {
        assert_eq!(plain("@all !1 #2 ~x [skip ci]\n/close"), "_all _1 _2 _x _skip ci__/close");
        assert_eq!(plain("closes GL-7-8, R2_D-2 é-1"), "closes GL_7_8, R2_D_2 é-1");
        assert_eq!(plain("closes [work_item:g/p/7]"), "closes _work_item_g/p/7_");
        let ordinary = "saas-rbac/crcp01ue1-2/UTF-x/rbac-prod";
        assert_eq!(plain(ordinary), ordinary);
    }

    /// The same, looking back from each dash: takes the square of the length.
    fn broken_by_looking_back(text: &str, instead: &str) -> String {
        let mut broken = String::new();
        for (at, char) in text.char_indices() {
            let key = |c: &char| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_';
            let is_key = broken.chars().rev().take_while(key).any(|c| c.is_ascii_uppercase());
            let number = text[at + char.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
            if char == '-' && is_key && number {
                broken.push_str(instead);
            } else {
                broken.push(char);
            }
        }
        broken
    }

    proptest::proptest! {
        #[test]
        fn references_are_broken_as_by_looking_back(text in "[-_A7aé%]{0,40}", instead in "_|%2D|") {
            let expected = broken_by_looking_back(&text, &instead);
            proptest::prop_assert_eq!(break_references(&text, &instead), expected);
        }
    }

    #[test]
    fn a_long_name_of_dashes_is_gone_through_once() {
        // Looking back from each dash took 50 seconds.
        let name = format!("A{}", "-1".repeat(200_000));
        assert_eq!(plain(&name), name.replace('-', "_"));
    }

    #[test]
    fn only_a_repository_is_linked() {
        let links = |url: &str| repository_link(url).is_some();
        assert!(links("https://gitlab.example.com:8443/group/1st-project.git"));
        assert!(!links("https://gitlab.example.com/g/p/-/issues/7"));
        assert!(!links("https://gitlab.example.com/g/p/issues/7#note_1"));
    }
}
