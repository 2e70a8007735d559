//! Text from datafiles made harmless: no quick action, mention or markup can
//! come from a name.

/// A code span: GitLab finds no mention, reference, link or markup in it, and
/// as line ends become blanks, no quick action either.
pub fn code(text: &str) -> String {
    let text = one_line(text);
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

/// A sentence of ours that may hold names: words that mean nothing to GitLab as
/// they are, all others (names, paths, commits, references) as code spans.
pub fn prose(text: &str) -> String {
    let text = one_line(text);
    let words = text.split(' ').filter(|word| !word.is_empty());
    let words: Vec<String> =
        words.map(|word| if is_plain_word(word) { word.to_owned() } else { code(word) }).collect();
    words.join(" ")
}

/// Letters, or a number with decimals, in parentheses or before a stop at most.
fn is_plain_word(word: &str) -> bool {
    let word = word.strip_prefix('(').unwrap_or(word);
    let core = word.trim_end_matches([',', '.', ';', ':', ')']);
    // GitLab takes these for commits.
    let like_commit = core.len() >= 7 && core.bytes().all(|b| b.is_ascii_hexdigit());
    let number = core.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let letters = core.bytes().all(|b| b.is_ascii_alphabetic());
    !core.is_empty() && !like_commit && (number || letters)
}

/// For titles and the subjects of commits, where there are no code spans: only
/// letters, digits and the few signs that mean nothing to GitLab or git.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            char if char.is_alphanumeric() => plain.push(char),
            '.' | '-' | '_' | '/' | ' ' | ',' | '(' | ')' | '+' | '=' => plain.push(char),
            _ => plain.push('_'),
        }
    }
    plain
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
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}

/// A link target that is safe in markdown, or `None`: only plain http(s) addresses.
pub fn link_target(url: &str) -> Option<String> {
    let known = url.starts_with("https://") || url.starts_with("http://");
    let safe = url.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#&=%+,".contains(&b));
    (known && safe).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_code_span() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(code("x\n/close\r@all"), "`x /close @all`");
        assert_eq!(code(""), "`  `");
    }

    #[test]
    fn only_what_could_mean_something_is_a_code_span_in_prose() {
        assert_eq!(prose("soaked for 3.0 days of 1 day"), "soaked for 3.0 days of 1 day");
        assert_eq!(prose("9d562e12 is not blocked"), "`9d562e12` is not blocked");
        assert_eq!(prose("no (SLO) schedule: at any time."), "no (SLO) schedule: at any time.");
        assert_eq!(prose("by @all, !1\n/close www.x.y"), "by `@all,` `!1` `/close` `www.x.y`");
        assert_eq!(prose("OPS-12 :tada: a_b_ <i> 1. x"), "`OPS-12` `:tada:` `a_b_` `<i>` 1. x");
        assert_eq!(prose("https://x.y [a](b) `c d`"), "`https://x.y` `[a](b)` `` `c `` `` d` ``");
    }

    #[test]
    fn titles_hold_no_references() {
        assert_eq!(plain("@all !1 #2 ~x [skip ci]\n/close"), "_all _1 _2 _x _skip ci__/close");
    }
}
