//! Groups of Python's regular expressions: captures, look-around, conditions, flags.

use super::pattern::{Flags, Group, Last, Translated, Translator, Width};

impl Translator<'_> {
    /// What begins with an opening parenthesis; `None` for comments and flags, which are not items.
    pub(super) fn group(
        &mut self,
        flags: &mut Flags,
        depth: usize,
        first: bool,
    ) -> Translated<Option<Last>> {
        if !self.reader.take('?') {
            return self.capture(None, *flags, depth).map(Some);
        }
        let kind = self.reader.next().ok_or("unexpected end of pattern")?;
        let behind = kind == '<';
        match kind {
            'P' => return self.named(*flags, depth).map(Some),
            ':' => self.out.push_str("(?:"),
            '>' => {
                self.backtracks = true;
                self.out.push_str("(?>");
            }
            '#' => {
                self.reader.take_until(')').ok_or("missing ), unterminated comment")?;
                return Ok(None);
            }
            '(' => return self.conditional(*flags, depth).map(Some),
            '=' | '!' => self.out.extend(['(', '?', kind]),
            '<' => match self.reader.next() {
                Some(sign @ ('=' | '!')) => self.out.extend(['(', '?', '<', sign]),
                _ => return Err("unknown extension ?<".to_owned()),
            },
            _ => {
                self.reader.at -= 1;
                let Some(inner) = self.flags(flags, first)? else {
                    return Ok(None);
                };
                let width = self.close(inner, depth)?;
                return Ok(Some(Last::Item(width)));
            }
        }
        let width = self.close(*flags, depth)?;
        if behind && width.least != width.most {
            return Err("look-behind requires fixed-width pattern".to_owned());
        }
        let looks = behind || matches!(kind, '=' | '!');
        self.backtracks |= looks;
        Ok(Some(Last::Item(if looks { width.looking() } else { width })))
    }

    /// The content of a group, and its end.
    fn close(&mut self, flags: Flags, depth: usize) -> Translated<Width> {
        let width = self.alternatives(flags, depth + 1)?;
        if !self.reader.take(')') {
            return Err("missing ), unterminated subpattern".to_owned());
        }
        self.out.push(')');
        Ok(width)
    }

    fn capture(&mut self, name: Option<String>, flags: Flags, depth: usize) -> Translated<Last> {
        if name.is_some() && self.groups.iter().any(|group| group.name == name) {
            return Err("redefinition of a group name".to_owned());
        }
        let index = self.groups.len();
        self.groups.push(Group { name, width: None });
        self.out.push('(');
        let width = self.close(flags, depth)?;
        self.groups[index].width = Some(width);
        Ok(Last::Item(width))
    }

    /// `(?P<name>...)` and `(?P=name)`, after the `P`.
    fn named(&mut self, flags: Flags, depth: usize) -> Translated<Last> {
        match self.reader.next() {
            Some('<') => {
                let name = self.name('>')?;
                self.capture(Some(name), flags, depth)
            }
            Some('=') => {
                let name = self.name(')')?;
                let number = self.number_of(&name)?;
                self.reference(number)
            }
            _ => Err("unknown extension ?P".to_owned()),
        }
    }

    fn name(&mut self, end: char) -> Translated<String> {
        let name = self.reader.take_until(end).ok_or("missing end of group name")?;
        let mut characters = name.chars();
        let starts = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if starts && characters.all(|c| c.is_alphanumeric() || c == '_') {
            Ok(name)
        } else {
            Err("bad character in group name".to_owned())
        }
    }

    fn number_of(&self, name: &str) -> Translated<usize> {
        let mut groups = self.groups.iter();
        let index = groups.position(|group| group.name.as_deref() == Some(name));
        Ok(index.ok_or("unknown group name")? + 1)
    }

    /// `(?(1)yes|no)`, after the second parenthesis.
    fn conditional(&mut self, flags: Flags, depth: usize) -> Translated<Last> {
        let start = self.reader.at;
        let text = self.reader.take_until(')').ok_or("missing ), unterminated name")?;
        let number = if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().map_err(|_| "bad group number")?;
            self.conditions.push(number);
            number
        } else {
            self.reader.at = start;
            let name = self.name(')')?;
            self.number_of(&name)?
        };
        if number == 0 {
            return Err("bad group number".to_owned());
        }
        self.backtracks = true;
        self.out.push_str(&format!("(?({number})"));
        let mut flags = flags;
        let mut width = self.sequence(&mut flags, depth + 1, false)?;
        if self.reader.take('|') {
            self.out.push('|');
            width = width.or(self.sequence(&mut flags, depth + 1, false)?);
        } else {
            width = width.or(Width::default());
        }
        if !self.reader.take(')') {
            return Err("conditional with more than two branches, or without its end".to_owned());
        }
        self.out.push(')');
        Ok(Last::Item(width))
    }

    /// `(?i)` for the whole pattern, or `(?i-s:` with flags for its content.
    fn flags(&mut self, outer: &mut Flags, first: bool) -> Translated<Option<Flags>> {
        let mut inner = *outer;
        let mut on = true;
        let mut handed_on = String::new();
        loop {
            match self.reader.next() {
                Some('i' | 's') => handed_on.extend(self.reader.previous()),
                Some('m') => inner.multiline = on,
                Some('x') => inner.verbose = on,
                Some('u') if on => {}
                Some('-') if on => {
                    on = false;
                    handed_on.push('-');
                }
                Some(':') => {
                    let flags = handed_on.trim_end_matches('-');
                    self.out.push_str(&format!("(?{flags}:"));
                    return Ok(Some(inner));
                }
                Some(')') if on && first => {
                    if !handed_on.is_empty() {
                        self.out.push_str(&format!("(?{handed_on})"));
                    }
                    *outer = inner;
                    return Ok(None);
                }
                Some(')') if on => {
                    return Err("global flags not at the start of the expression".to_owned());
                }
                Some('a') => return Err("the flag a is not supported".to_owned()),
                _ => return Err("unknown extension or flag".to_owned()),
            }
        }
    }
}
