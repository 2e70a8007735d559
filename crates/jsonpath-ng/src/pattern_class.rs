//! The smaller parts of Python's regular expressions: characters, escapes, quantifiers, brackets.

/// The characters of a pattern, and the current position.
pub(super) struct Reader<'t> {
    text: &'t [char],
    pub(super) at: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t [char]) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    pub(super) fn previous(&self) -> Option<char> {
        self.text.get(self.at.checked_sub(1)?).copied()
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// The text before the next `end`, which is consumed too.
    pub(super) fn take_until(&mut self, end: char) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().position(|character| *character == end)?;
        self.at += length + 1;
        Some(rest[..length].iter().collect())
    }

    /// Skips what the flag `x` ignores: blanks, or a comment to the end of the line.
    pub(super) fn skip_comment(&mut self) -> bool {
        match self.peek() {
            Some(' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') => self.at += 1,
            Some('#') => while self.next().is_some_and(|character| character != '\n') {},
            _ => return false,
        }
        true
    }

    /// `*`, `+`, `?`, `{2}`, `{2,}`, `{,3}` or `{2,3}`: least and most. Other braces are text.
    pub(super) fn quantifier(&mut self) -> Option<(u64, Option<u64>)> {
        let bounds = match self.peek()? {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            '{' => return self.braces(),
            _ => return None,
        };
        self.at += 1;
        Some(bounds)
    }

    fn braces(&mut self) -> Option<(u64, Option<u64>)> {
        let start = self.at;
        self.at += 1;
        let least = self.decimal();
        let bounds = if self.take(',') {
            Some((least.unwrap_or(0), self.decimal()))
        } else {
            least.map(|count| (count, Some(count)))
        };
        if bounds.is_none() || !self.take('}') {
            self.at = start;
            return None;
        }
        bounds
    }

    fn decimal(&mut self) -> Option<u64> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
            let value: u64 = number.unwrap_or(0);
            number = Some(value.saturating_mul(10).saturating_add(digit.into()));
            self.at += 1;
        }
        number
    }

    /// A number of one or two digits.
    pub(super) fn group_number(&mut self) -> usize {
        let mut number = 0;
        for _ in 0..2 {
            if let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
                number = number * 10 + digit as usize;
                self.at += 1;
            }
        }
        number
    }

    fn octal(&mut self, most: usize) -> u32 {
        let mut value = 0;
        for _ in 0..most {
            if let Some(digit) = self.peek().and_then(|character| character.to_digit(8)) {
                value = value * 8 + digit;
                self.at += 1;
            }
        }
        value
    }

    /// The character of three octal digits, if there are three.
    pub(super) fn three_octal_digits(&mut self) -> Result<Option<char>, String> {
        let start = self.at;
        let value = self.octal(3);
        if self.at - start < 3 {
            self.at = start;
            return Ok(None);
        }
        if value > 0o377 {
            return Err("octal escape outside of range 0-0o377".to_owned());
        }
        Ok(char::from_u32(value))
    }

    fn hex(&mut self, digits: usize) -> Result<char, String> {
        let mut value = 0_u32;
        for _ in 0..digits {
            let digit = self.next().and_then(|character| character.to_digit(16));
            value = value.wrapping_mul(16) | digit.ok_or("incomplete escape")?;
        }
        char::from_u32(value).ok_or_else(|| "bad escape".to_owned())
    }

    /// The character of an escape, after the backslash.
    pub(super) fn escaped_character(&mut self) -> Result<char, String> {
        let character = self.next().ok_or("bad escape at the end")?;
        Ok(match character {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            '0' => char::from_u32(self.octal(2)).unwrap_or('\0'),
            other if other.is_ascii_alphanumeric() => return Err(format!("bad escape \\{other}")),
            other => other,
        })
    }
}

/// Writes a character so that it has no special meaning, inside or outside brackets.
pub(super) fn push_literal(out: &mut String, character: char) {
    if character.is_alphanumeric() {
        out.push(character);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(character)));
    }
}

/// An item in brackets.
enum Item {
    Character(char),
    /// `\d` and the like.
    Category(char),
}

/// Translates the content of brackets, after the opening one.
pub(super) fn class(reader: &mut Reader<'_>) -> Result<String, String> {
    let mut out = "[".to_owned();
    if reader.take('^') {
        out.push('^');
    }
    let start = reader.at;
    loop {
        if reader.at > start && reader.take(']') {
            out.push(']');
            return Ok(out);
        }
        let low = class_item(reader)?;
        if !reader.take('-') {
            push_item(&mut out, &low);
            continue;
        }
        if reader.take(']') {
            push_item(&mut out, &low);
            push_literal(&mut out, '-');
            out.push(']');
            return Ok(out);
        }
        match (low, class_item(reader)?) {
            (Item::Character(low), Item::Character(high)) if low <= high => {
                push_literal(&mut out, low);
                out.push('-');
                push_literal(&mut out, high);
            }
            _ => return Err("bad character range".to_owned()),
        }
    }
}

fn push_item(out: &mut String, item: &Item) {
    match item {
        Item::Character(character) => push_literal(out, *character),
        Item::Category(category) => out.extend(['\\', *category]),
    }
}

fn class_item(reader: &mut Reader<'_>) -> Result<Item, String> {
    let character = reader.next().ok_or("unterminated character set")?;
    if character != '\\' {
        return Ok(Item::Character(character));
    }
    let start = reader.at;
    match reader.next() {
        Some(category @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => Ok(Item::Category(category)),
        Some('b') => Ok(Item::Character('\x08')),
        Some('0'..='7') => {
            reader.at = start;
            let value = reader.octal(3);
            let character = char::from_u32(value).filter(|_| value <= 0o377);
            let message = "octal escape outside of range 0-0o377";
            Ok(Item::Character(character.ok_or(message)?))
        }
        _ => {
            reader.at = start;
            reader.escaped_character().map(Item::Character)
        }
    }
}
