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
    fn titles_hold_no_references() {
        assert_eq!(plain("@all !1 #2 ~x [skip ci]\n/close"), "_all _1 _2 _x _skip ci__/close");
    }
}
