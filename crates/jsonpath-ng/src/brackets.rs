//! The grammar of brackets: names, indexes, slices, sort keys, filters.

use super::JsonPathError;
use super::ast::{Condition, Literal, Path, Slice, Test, clamped};
use super::parser::Parser;
use super::token::Token;

impl Parser {
    /// The content of brackets, after the opening one. Filters and sorts need a path before them.
    pub(super) fn brackets(&mut self, has_left: bool) -> Result<Path, JsonPathError> {
        let path = match self.peek() {
            Some(Token::Word(_)) => Path::Fields(self.fields()?),
            Some(Token::Sign('*')) => {
                self.at += 1;
                Path::Slice(Slice::default())
            }
            Some(Token::Sign('?')) if has_left => {
                self.at += 1;
                let mut conditions = Vec::new();
                self.conditions(&mut conditions)?;
                Path::Filter(conditions)
            }
            Some(Token::Sort(_)) if has_left => self.sorts()?,
            Some(Token::Integer(_) | Token::Sign(':')) => self.index_or_slice()?,
            _ => return Err(self.unexpected("a name, an index, a slice or a filter")),
        };
        self.expect(']')?;
        Ok(path)
    }

    fn integer(&mut self) -> Option<i64> {
        match self.peek() {
            Some(&Token::Integer(number)) => {
                self.at += 1;
                Some(clamped(number))
            }
            _ => None,
        }
    }

    fn index_or_slice(&mut self) -> Result<Path, JsonPathError> {
        let first = self.integer();
        if self.take(':') {
            let end = self.integer();
            let step = if self.take(':') { self.integer() } else { None };
            if step == Some(0) {
                return Err(self.error("a slice cannot have step 0"));
            }
            return Ok(Path::Slice(Slice { start: first, end, step }));
        }
        let mut indexes: Vec<i64> = first.into_iter().collect();
        while self.take(',') {
            let index = self.integer().ok_or_else(|| self.unexpected("an index"))?;
            indexes.push(index);
        }
        Ok(Path::Index(indexes))
    }

    fn sorts(&mut self) -> Result<Path, JsonPathError> {
        let mut keys = Vec::new();
        while let Some(&Token::Sort(downward)) = self.peek() {
            self.at += 1;
            keys.push((self.expression()?, downward));
        }
        Ok(Path::Sort(keys))
    }

    /// Conditions joined by `&`, with or without parentheses.
    fn conditions(&mut self, found: &mut Vec<Condition>) -> Result<(), JsonPathError> {
        loop {
            if self.peek() == Some(&Token::Sign('(')) && !self.parentheses_are_path() {
                self.at += 1;
                self.nested(|parser| parser.conditions(found))?;
                self.expect(')')?;
            } else {
                found.push(self.condition()?);
            }
            if !self.take('&') {
                return Ok(());
            }
        }
    }

    /// Whether the parentheses that open here contain a path: no comparison and no conjunction.
    fn parentheses_are_path(&self) -> bool {
        let mut depth = 0_usize;
        let mut brackets = 0_usize;
        for (_, token) in &self.tokens[self.at..] {
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign('[') => brackets += 1,
                Token::Sign(']') => brackets = brackets.saturating_sub(1),
                Token::Sign(')') => {
                    depth -= 1;
                    if depth == 0 {
                        return true;
                    }
                }
                Token::Compare(_) | Token::Search if brackets == 0 => return false,
                _ => {}
            }
        }
        true
    }

    fn condition(&mut self) -> Result<Condition, JsonPathError> {
        let left = self.expression()?;
        let comparison = match self.peek() {
            Some(Token::Compare(comparison)) => Some(*comparison),
            Some(Token::Search) => None,
            _ => return Ok(Condition { left, test: None }),
        };
        self.at += 1;
        let literal = match self.peek() {
            Some(Token::Word(word)) => Literal::Text(word.clone()),
            Some(&Token::Integer(number)) => Literal::Integer(number),
            Some(&Token::Float(number)) => Literal::Float(number),
            Some(&Token::Bool(value)) => Literal::Bool(value),
            Some(Token::Sign('@' | '$')) => {
                return Err(self.error("the right side is a text or a number, not a path"));
            }
            _ => return Err(self.unexpected("a text or a number")),
        };
        let test = match (comparison, literal) {
            (Some(comparison), literal) => Test::Compare(comparison, literal),
            (None, Literal::Text(text)) => Test::Matches(self.pattern(&text)?),
            (None, Literal::Integer(_)) => Test::MatchesNumber,
            (None, _) => return Err(self.error("`=~` takes a regular expression in quotes")),
        };
        self.at += 1;
        let test = Some(test);
        Ok(Condition { left, test })
    }
}
