//! Patterns of paths as GitLab matches them: Ruby's `File.fnmatch` with `FNM_PATHNAME` and `FNM_DOTMATCH`.
//!
//! `*` and `?` never match a `/`, and match a leading dot. `**` before a `/` stands for any number of folders; anywhere
//! else it is `*`. A set such as `[a-z]` can be negated by `!` or `^`, and `\` takes the next character literally.

/// A pattern, divided at its slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**/`
    AnyFolders,
    Name(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    AnyText,
    AnyChar,
    Set {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
    /// A set without an end, which matches nothing.
    Nothing,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Self {
        let parts: Vec<&str> = text.split('/').collect();
        let last = parts.len() - 1;
        let segment = |(at, part): (usize, &&str)| match *part {
            "**" if at < last => Segment::AnyFolders,
            part => Segment::Name(parse_name(part)),
        };
        Self(parts.iter().enumerate().map(segment).collect())
    }

    /// Does it match the whole path? Both are divided at slashes, so a leading slash is an empty first name.
    pub(super) fn matches(&self, path: &str) -> bool {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        match_all(
            &self.0,
            &names,
            |segment| matches!(segment, Segment::AnyFolders),
            |segment, name| match segment {
                Segment::AnyFolders => false,
                Segment::Name(tokens) => matches_name(tokens, name),
            },
        )
    }
}

/// Matches items one by one, where a wildcard stands for any number of them. Only the last wildcard is tried again, so the
/// work is bounded by the product of both lengths.
fn match_all<P, T>(
    patterns: &[P],
    items: &[T],
    is_wildcard: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while next < items.len() {
        match patterns.get(at) {
            Some(pattern) if is_wildcard(pattern) => {
                retry = Some((at, next));
                at += 1;
            }
            Some(pattern) if fits(pattern, &items[next]) => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((wildcard, taken)) = retry else { return false };
                retry = Some((wildcard, taken + 1));
                (at, next) = (wildcard + 1, taken + 1);
            }
        }
    }
    patterns[at..].iter().all(is_wildcard)
}

fn matches_name(tokens: &[Token], name: &[char]) -> bool {
    match_all(
        tokens,
        name,
        |token| *token == Token::AnyText,
        |token, &c| match token {
            Token::Literal(literal) => *literal == c,
            Token::AnyChar => true,
            Token::Set { ranges, is_negated } => {
                ranges.iter().any(|&(from, to)| from <= c && c <= to) != *is_negated
            }
            Token::AnyText | Token::Nothing => false,
        },
    )
}

fn parse_name(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let token = match c {
            '*' if tokens.last() == Some(&Token::AnyText) => continue,
            '*' => Token::AnyText,
            '?' => Token::AnyChar,
            '[' => parse_set(&mut rest),
            '\\' => rest.next().map_or(Token::Literal('\\'), Token::Literal),
            c => Token::Literal(c),
        };
        tokens.push(token);
    }
    tokens
}

/// The rest of a set, after its `[`.
fn parse_set(rest: &mut std::str::Chars<'_>) -> Token {
    let is_negated = rest.as_str().starts_with(['!', '^']);
    if is_negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    while let Some(c) = rest.next() {
        if c == ']' {
            return Token::Set { ranges, is_negated };
        }
        let Some(from) = unescaped(c, rest) else { return Token::Nothing };
        let mut ahead = rest.clone();
        let is_range = ahead.next() == Some('-') && !ahead.as_str().starts_with(']');
        let to = match ahead.next() {
            Some(c) if is_range => {
                *rest = ahead;
                unescaped(c, rest)
            }
            _ if is_range => None,
            _ => Some(from),
        };
        let Some(to) = to else { return Token::Nothing };
        ranges.push((from, to));
    }
    Token::Nothing
}

fn unescaped(c: char, rest: &mut std::str::Chars<'_>) -> Option<char> {
    if c == '\\' { rest.next() } else { Some(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_matches_as_rubys_fnmatch_does() {
        for (pattern, path, matches) in [
            ("/README.md", "/README.md", true),
            ("/README.md", "/docs/README.md", false),
            ("/**/README.md", "/README.md", true),
            ("/**/README.md", "/app/lib/README.md", true),
            ("/**/internal/README.md", "/docs/api/internal/README.md", true),
            ("/docs/**/*", "/docs/a", true),
            ("/docs/**/*", "/docs/a/b/.c", true),
            ("/docs/**/*", "/docs", false),
            ("/docs/**", "/docs/a", true),
            ("/docs/**", "/docs/a/b", false),
            ("/docs/*.md", "/docs/.md", true),
            ("/docs/*.md", "/docs/a/b.md", false),
            ("/docs/*/README.md", "/docs/api/README.md", true),
            ("/docs/*spec*", "/docs/qa_specs.rb", true),
            ("/docs/index.*", "/docs/index.html", true),
            ("/**/a**b", "/x/a123b", true),
            ("/a**/b", "/a/x/b", false),
            ("/**/a/**/b", "/x/a/y/a/z/b", true),
            ("/**/*.rb", "/.hidden/a.rb", true),
            ("/[a-c]x", "/bx", true),
            ("/[!a-c]x", "/bx", false),
            ("/[^a-c]x", "/dx", true),
            ("/[a-]x", "/-x", true),
            ("/[\\]]x", "/]x", true),
            ("/[a", "/[a", false),
            ("/\\*", "/*", true),
            ("/\\*", "/a", false),
            ("/?", "/é", true),
            ("/a?c", "/a/c", false),
            ("/A", "/a", false),
            ("/\\", "/\\", true),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(path), matches, "{pattern} {path}");
        }
    }
}
