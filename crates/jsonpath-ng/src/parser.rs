//! Parses an expression: the grammar of jsonpath_ng.ext with its unusual precedences:
//! `|` and `where` bind tighter than `.`, `[...]` looser, arithmetic loosest and
//! right-associative.

use super::JsonPathError;
use super::ast::{Function, Literal, Operand, Operator, Path, Step};
use super::functions;
use super::pattern::{MAX_STATES, Pattern};
use super::sub;
use super::token::{Placed, Token, tokens};
use std::sync::Arc;

/// Maximum nesting of parentheses, filters and operations.
const MAX_DEPTH: usize = 48;

/// Maximum number of names, signs and numbers in an expression.
const MAX_TOKENS: usize = 2000;

/// The path of an expression, and its regular expressions.
pub(super) fn parse(text: &str) -> Result<(Path, Vec<Arc<Pattern>>), JsonPathError> {
    let tokens = tokens(text)?;
    if let Some(&(position, _)) = tokens.get(MAX_TOKENS) {
        let message = "the expression is too long".to_owned();
        return Err(JsonPathError { position, message });
    }
    let end = text.chars().count() + 1;
    let mut parser = Parser { tokens, at: 0, end, depth: 0, patterns: Vec::new() };
    let path = parser.expression()?;
    match parser.peek() {
        None => Ok((path, parser.patterns)),
        Some(_) => Err(parser.unexpected("the end")),
    }
}

pub(super) struct Parser {
    pub(super) tokens: Vec<Placed>,
    pub(super) at: usize,
    /// The position after the last character.
    end: usize,
    depth: usize,
    /// The regular expressions so far, without duplicates.
    patterns: Vec<Arc<Pattern>>,
}

/// The level of an operator between paths; a higher one binds tighter.
fn level(token: &Token) -> Option<u8> {
    Some(match token {
        Token::Descend => 1,
        Token::Sign('.') => 2,
        Token::Sign('|') => 3,
        Token::Sign('&') => 4,
        Token::Where => 5,
        Token::WhereNot => 6,
        _ => return None,
    })
}

impl Parser {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1).map(|(_, token)| token)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(at, _)| *at)
    }

    pub(super) fn error(&self, message: impl Into<String>) -> JsonPathError {
        JsonPathError { position: self.position(), message: message.into() }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> JsonPathError {
        match self.peek() {
            None => self.error(format!("{wanted} expected, but the expression ends")),
            Some(Token::Sign('&')) => self.error("`&` joins comparisons; `&&` is not supported"),
            Some(Token::Sign('|')) => {
                self.error("`|` joins paths, not comparisons; `||` is not supported")
            }
            Some(token) => self.error(format!("{wanted} expected, found {}", token.describe())),
        }
    }

    pub(super) fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: char) -> Result<(), JsonPathError> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    /// A Python regular expression; equal ones are compiled once.
    pub(super) fn pattern(&mut self, text: &str) -> Result<Arc<Pattern>, JsonPathError> {
        if let Some(known) = self.patterns.iter().find(|known| known.is_written(text)) {
            return Ok(Arc::clone(known));
        }
        let fail = |message: &str| self.error(format!("regular expression: {message}"));
        let pattern = Pattern::new(text).map_err(|message| fail(&message))?;
        let states: u64 = self.patterns.iter().map(|pattern| pattern.states()).sum();
        if states.saturating_add(pattern.states()) > MAX_STATES {
            return Err(fail("too large, its repeats are written out; repeat less"));
        }
        let pattern = Arc::new(pattern);
        self.patterns.push(Arc::clone(&pattern));
        Ok(pattern)
    }

    /// A function in back quotes.
    fn function(&mut self, text: &str) -> Result<Path, JsonPathError> {
        if text.starts_with("sub(") {
            let (expression, replacement) =
                sub::read(text).map_err(|message| self.error(message))?;
            let pattern = self.pattern(expression)?;
            let sub = sub::Sub::new(pattern, replacement).map_err(|message| self.error(message))?;
            return Ok(Path::Function(Function::Sub(sub)));
        }
        functions::named(text).map_err(|message| self.error(message))
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, JsonPathError>,
    ) -> Result<T, JsonPathError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// A path, or an arithmetic operation.
    pub(super) fn expression(&mut self) -> Result<Path, JsonPathError> {
        self.nested(|parser| {
            let mut path = parser.binary(0)?;
            while let Some(operator) = parser.operator() {
                parser.at += 1;
                let (right, whole) = parser.right_operand()?;
                path = Path::Arithmetic(Box::new(operand(path)), operator, Box::new(right));
                if !whole {
                    path = parser.binary_from(path, 0)?;
                }
            }
            Ok(path)
        })
    }

    fn operator(&self) -> Option<Operator> {
        match self.peek()? {
            Token::Sign('+') => Some(Operator::Add),
            Token::Sign('-') => Some(Operator::Subtract),
            Token::Sign('*') => Some(Operator::Multiply),
            _ => None,
        }
    }

    fn second_is_operator(&self) -> bool {
        matches!(self.peek_second(), Some(Token::Sign('+' | '-' | '*')))
    }

    /// The right side of an operation. The flag says that it includes everything that can belong to it; a
    /// number does not, so that `a + 1[0]` is `(a + 1)[0]`.
    fn right_operand(&mut self) -> Result<(Operand, bool), JsonPathError> {
        if let Some(number) = self.number_literal()
            && !self.second_is_operator()
        {
            self.at += 1;
            return Ok((Operand::Constant(number), false));
        }
        Ok((operand(self.expression()?), true))
    }

    fn number_literal(&self) -> Option<Literal> {
        match *self.peek()? {
            Token::Integer(number) => Some(Literal::Integer(number)),
            Token::Float(number) => Some(Literal::Float(number)),
            _ => None,
        }
    }

    /// A number followed by an operator, which is an operation wherever it occurs.
    fn number_operation(&mut self, number: Literal) -> Result<Path, JsonPathError> {
        self.at += 1;
        let operator = self.operator().ok_or_else(|| self.unexpected("an operator"))?;
        self.at += 1;
        let same = match (&number, self.peek()) {
            (Literal::Integer(_), Some(Token::Integer(_)))
            | (Literal::Float(_), Some(Token::Float(_))) => !self.second_is_operator(),
            _ => false,
        };
        let right = match self.number_literal() {
            Some(right) if same => {
                self.at += 1;
                Operand::Constant(right)
            }
            _ => operand(self.expression()?),
        };
        let left = Operand::Constant(number);
        Ok(Path::Arithmetic(Box::new(left), operator, Box::new(right)))
    }

    fn binary(&mut self, least: u8) -> Result<Path, JsonPathError> {
        let first = self.primary()?;
        self.binary_from(first, least)
    }

    fn binary_from(&mut self, mut left: Path, least: u8) -> Result<Path, JsonPathError> {
        while let Some(token) = self.peek().cloned() {
            if least == 0 && token == Token::Sign('[') {
                self.at += 1;
                left = left.append_step(Step::Child(self.brackets(true)?));
                continue;
            }
            let Some(level) = level(&token).filter(|level| *level >= least) else {
                break;
            };
            if token == Token::Sign('&') {
                return Err(self.error("`&` joins comparisons, it cannot join paths"));
            }
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = match token {
                Token::Descend => left.append_step(Step::Descend(right)),
                Token::Sign('|') => left.or(right),
                Token::Where => left.append_step(Step::Where(right, true)),
                Token::WhereNot => left.append_step(Step::Where(right, false)),
                _ => left.append_step(Step::Child(right)),
            };
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Path, JsonPathError> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.unexpected("a path"));
        };
        if let Some(number) = self.number_literal()
            && self.second_is_operator()
        {
            return self.nested(|parser| parser.number_operation(number));
        }
        let path = match token {
            Token::Sign('$') => Path::Root,
            Token::Sign('@') => Path::This,
            Token::Sign('*') => Path::Fields(vec!["*".to_owned()]),
            Token::Integer(number) => Path::Fields(vec![number.to_string()]),
            Token::Word(_) => return self.fields().map(Path::Fields),
            Token::Named(text) => self.function(&text)?,
            Token::Sign('(') => {
                self.at += 1;
                let path = self.expression()?;
                self.expect(')')?;
                return Ok(path);
            }
            Token::Sign('[') => {
                self.at += 1;
                return self.brackets(false);
            }
            _ => return Err(self.unexpected("a path")),
        };
        self.at += 1;
        Ok(path)
    }

    /// `a,b,c`.
    pub(super) fn fields(&mut self) -> Result<Vec<String>, JsonPathError> {
        let mut fields = Vec::new();
        loop {
            match self.peek() {
                Some(Token::Word(word)) => fields.push(word.clone()),
                _ => return Err(self.unexpected("a name")),
            }
            self.at += 1;
            if !self.take(',') {
                return Ok(fields);
            }
        }
    }
}

/// jsonpath_ng treats a path of a single name as that text.
fn operand(path: Path) -> Operand {
    match path {
        Path::Fields(mut names) if names.len() == 1 => {
            Operand::Constant(Literal::Text(names.remove(0)))
        }
        path => Operand::Path(path),
    }
}
