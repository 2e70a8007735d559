//! Splits an expression into tokens.

use super::JsonPathError;
use super::ast::Comparison;

/// A token of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, in quotes or not.
    Word(String),
    Where,
    WhereNot,
    Integer(i128),
    Float(f64),
    Bool(bool),
    /// Text in back quotes.
    Named(String),
    Compare(Comparison),
    /// `=~`.
    Search,
    /// `/` or `\`, with or without a comma before it; the flag means `\`.
    Sort(bool),
    /// `..`.
    Descend,
    /// One of `* . [ ] ( ) $ , : | & ~ ? @ + -`.
    Sign(char),
}

impl Token {
    /// Describes it in messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Where => "`where`".to_owned(),
            Self::WhereNot => "`wherenot`".to_owned(),
            Self::Integer(number) => format!("`{number}`"),
            Self::Float(number) => format!("`{number}`"),
            Self::Bool(value) => format!("`{value}` (in quotes it is a name)"),
            Self::Named(text) => format!("the function `{text}`"),
            Self::Compare(_) => "a comparison".to_owned(),
            Self::Search => "`=~`".to_owned(),
            Self::Sort(true) => "`\\`".to_owned(),
            Self::Sort(false) => "`/`".to_owned(),
            Self::Descend => "`..`".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

/// A token and its position in characters, from 1.
pub(super) type Placed = (usize, Token);

/// Splits a text into tokens with the rules of jsonpath_ng.ext: `true` and `false` end wherever
/// they end, names may contain `-`, a backslash in quotes escapes the next character.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, JsonPathError> {
    let characters: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { text: &characters, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

/// An error at an index from 0.
fn error(at: usize, message: impl Into<String>) -> JsonPathError {
    JsonPathError { position: at + 1, message: message.into() }
}

struct Lexer<'t> {
    text: &'t [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Result<Option<Placed>, JsonPathError> {
        while matches!(self.peek(0), Some(' ' | '\t' | '\n')) {
            self.at += 1;
        }
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(None);
        };
        let token = if let Some(token) = self.bool().or_else(|| self.sort()) {
            token
        } else if let Some(word) = self.word() {
            match word.as_str() {
                "where" => Token::Where,
                "wherenot" => Token::WhereNot,
                _ => Token::Word(word),
            }
        } else if first.is_ascii_digit() || (first == '-' && self.digit(1)) {
            self.number()?
        } else if matches!(first, '\'' | '"' | '`') {
            let text = self.quoted(first)?;
            if first == '`' { Token::Named(text) } else { Token::Word(text) }
        } else {
            self.sign(first)?
        };
        Ok(Some((start + 1, token)))
    }

    fn digit(&self, ahead: usize) -> bool {
        self.peek(ahead).is_some_and(|c| c.is_ascii_digit())
    }

    fn bool(&mut self) -> Option<Token> {
        for (word, value) in [("true", true), ("false", false)] {
            let rest = self.text[self.at..].iter().copied();
            if rest.take(word.len()).eq(word.chars()) {
                self.at += word.len();
                return Some(Token::Bool(value));
            }
        }
        None
    }

    fn sort(&mut self) -> Option<Token> {
        let mut ahead = usize::from(self.peek(0) == Some(','));
        while self.peek(ahead).is_some_and(char::is_whitespace) {
            ahead += 1;
        }
        let direction = self.peek(ahead).filter(|c| matches!(c, '/' | '\\'))?;
        self.at += ahead + 1;
        Some(Token::Sort(direction == '\\'))
    }

    fn word(&mut self) -> Option<String> {
        let sigil = usize::from(self.peek(0) == Some('@'));
        self.peek(sigil).filter(|c| c.is_ascii_alphabetic() || *c == '_')?;
        let start = self.at;
        self.at += sigil + 1;
        while self
            .peek(0)
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-'))
        {
            self.at += 1;
        }
        Some(self.text[start..self.at].iter().collect())
    }

    fn number(&mut self) -> Result<Token, JsonPathError> {
        let start = self.at;
        self.at += 1;
        while self.digit(0) {
            self.at += 1;
        }
        let float = self.peek(0) == Some('.') && self.digit(1);
        if float {
            self.at += 1;
            while self.digit(0) {
                self.at += 1;
            }
        }
        let text: String = self.text[start..self.at].iter().collect();
        let token = if float {
            text.parse().ok().map(Token::Float)
        } else {
            text.parse().ok().map(Token::Integer)
        };
        token.ok_or_else(|| error(start, format!("number `{text}` is too large")))
    }

    fn quoted(&mut self, quote: char) -> Result<String, JsonPathError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek(0) {
            self.at += 1;
            if character == quote {
                return Ok(text);
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            match self.peek(0) {
                Some(escaped) if escaped != '\n' => text.push(escaped),
                _ => return Err(error(self.at - 1, "nothing after the backslash")),
            }
            self.at += 1;
        }
        Err(error(start, format!("no closing {quote}")))
    }

    fn sign(&mut self, first: char) -> Result<Token, JsonPathError> {
        let second = self.peek(1);
        let (length, token) = match (first, second) {
            ('.', Some('.')) => (2, Token::Descend),
            ('=', Some('~')) => (2, Token::Search),
            ('=', Some('=')) => (2, Token::Compare(Comparison::Equal)),
            ('=', _) => (1, Token::Compare(Comparison::Equal)),
            ('!', Some('=')) => (2, Token::Compare(Comparison::NotEqual)),
            ('<', Some('=')) => (2, Token::Compare(Comparison::LessOrEqual)),
            ('<', _) => (1, Token::Compare(Comparison::Less)),
            ('>', Some('=')) => (2, Token::Compare(Comparison::GreaterOrEqual)),
            ('>', _) => (1, Token::Compare(Comparison::Greater)),
            ('!', _) => return Err(error(self.at, "negation with `!` is not supported")),
            (sign, _) if "*.[]()$,:|&~?@+-".contains(sign) => (1, Token::Sign(sign)),
            (other, _) => return Err(error(self.at, format!("unexpected character {other:?}"))),
        };
        self.at += length;
        Ok(token)
    }
}
