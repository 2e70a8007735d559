//! The grammar of filters.

use super::JsonPathError;
use super::ast::{Condition, Literal, Test};
use super::parser::Parser;
use super::pattern::Pattern;
use super::token::Token;

impl Parser {
    /// Conditions joined by `&`, in parentheses or not.
    pub(super) fn conditions(&mut self, found: &mut Vec<Condition>) -> Result<(), JsonPathError> {
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

    /// Whether the parentheses that open here hold a path: no comparison and no conjunction.
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
            (None, Literal::Text(text)) => {
                let pattern = Pattern::new(&text).map_err(|message| self.error(message))?;
                Test::Matches(Box::new(pattern))
            }
            (None, Literal::Integer(_)) => Test::MatchesNumber,
            (None, _) => return Err(self.error("`=~` takes a regular expression in quotes")),
        };
        self.at += 1;
        let test = Some(test);
        Ok(Condition { left, test })
    }
}
