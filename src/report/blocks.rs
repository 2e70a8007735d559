//! A text as blocks, with two renderers for the same content: plain text for terminals and job logs, Markdown for
//! issues, chats and merge requests.

use std::fmt::Write as _;

use anstyle::Style;

use super::markdown::cell;
use super::style::{BOLD, FAINT, Paint};
use crate::domain::printable;

/// A block of a text.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// The subject of the text, in a style, and a sentence that begins with it.
    Title { subject: String, sentence: String, style: Style },
    /// The title of a section.
    Section(String),
    /// A single line.
    Note(Value),
    /// A name with a value.
    Fact(&'static str, Value),
    /// A bullet list.
    Bullets(Vec<String>),
    /// A table in Markdown, lines in plain text.
    Table(Table),
}

/// Text that may link to a URL. Text from outside is never rendered as markup.
#[derive(Debug, Clone, Default)]
pub(super) struct Value {
    text: String,
    url: Option<String>,
    /// Does plain text show only the URL?
    url_only: bool,
    /// Is the text written by this program? Then Markdown needs no code span.
    own: bool,
    faint: bool,
}

/// A table, with the same content as lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) head: &'static [&'static str],
    pub(super) rows: Vec<Row>,
}

/// A row, and the lines that plain text shows for it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) cells: Vec<Value>,
    pub(super) lines: Vec<Line>,
}

/// A line of plain text: parts, some of them styled.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Vec<(Option<Style>, String)>);

impl Value {
    /// Text from outside.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Text written by this program.
    pub(super) fn own(text: impl Into<String>) -> Self {
        Self { own: true, ..Self::new(text) }
    }

    /// Text that links to a URL, if there is one. Plain text shows both.
    pub(super) fn link(text: impl Into<String>, url: Option<&String>) -> Self {
        Self { url: url.cloned(), ..Self::new(text) }
    }

    /// Like [`Self::link`], but plain text shows only the URL.
    pub(super) fn link_only(text: impl Into<String>, url: Option<&String>) -> Self {
        Self { url_only: url.is_some(), ..Self::link(text, url) }
    }

    /// Less important than the line before.
    pub(super) fn faint(self) -> Self {
        Self { faint: true, ..self }
    }

    fn markdown(&self) -> String {
        match &self.url {
            // A URL that cannot close its angle brackets.
            Some(url) => {
                let url = printable(url).replace(['<', '>', ' ', '|'], "");
                format!("[{}](<{url}>)", cell(&self.text))
            }
            None if self.own => printable(&self.text),
            None => cell(&self.text),
        }
    }

    /// The lines of plain text.
    fn lines(&self) -> impl Iterator<Item = &str> {
        let text = (!self.url_only).then_some(self.text.as_str());
        text.into_iter().chain(self.url.as_deref())
    }
}

impl Line {
    /// A line without a style.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(vec![(None, text.into())])
    }

    /// A line in a style.
    pub(super) fn styled(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(Some(style), text.into())])
    }

    /// Appends to the line.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Renders blocks as plain text.
pub(super) fn text(blocks: &[Block], paint: Paint) -> String {
    let mut out = String::new();
    for block in blocks {
        let _ = match block {
            Block::Title { subject, sentence, style } => {
                let rest = sentence.strip_prefix(subject.as_str()).unwrap_or(sentence);
                let subject = paint.paint(*style, &printable(subject));
                writeln!(out, "{subject}{}", printable(rest))
            }
            Block::Section(title) => writeln!(out, "\n{}", paint.paint(BOLD, title)),
            Block::Note(value) => write_note(&mut out, value, paint),
            Block::Fact(key, value) => write_fact(&mut out, key, value, paint),
            Block::Bullets(lines) => {
                lines.iter().try_for_each(|line| writeln!(out, "  * {}", printable(line)))
            }
            Block::Table(table) => {
                let mut lines = table.rows.iter().flat_map(|row| &row.lines);
                lines.try_for_each(|line| write_line(&mut out, line, paint))
            }
        };
    }
    out
}

fn write_note(out: &mut String, value: &Value, paint: Paint) -> std::fmt::Result {
    value.lines().try_for_each(|line| {
        let line = printable(line);
        let line = if value.faint { paint.paint(FAINT, &line) } else { line };
        writeln!(out, "  {line}")
    })
}

fn write_fact(out: &mut String, key: &str, value: &Value, paint: Paint) -> std::fmt::Result {
    let mut key = key;
    value.lines().try_for_each(|line| {
        let named = paint.paint(FAINT, &format!("{key:<13}"));
        key = "";
        writeln!(out, "  {named} {}", printable(line))
    })
}

fn write_line(out: &mut String, line: &Line, paint: Paint) -> std::fmt::Result {
    let parts = line.0.iter().map(|(style, text)| match style {
        Some(style) => paint.paint(*style, &printable(text)),
        None => printable(text),
    });
    writeln!(out, "  {}", parts.collect::<String>().trim_end())
}

/// Renders blocks as Markdown.
pub(super) fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    let (mut in_list, mut in_table) = (false, false);
    for block in blocks {
        // Without a blank line, consecutive lines would be one paragraph.
        let is_item = match block {
            Block::Fact(..) | Block::Bullets(_) => true,
            Block::Note(value) => !value.faint,
            Block::Title { .. } | Block::Section(_) | Block::Table(_) => false,
        };
        let is_table = matches!(block, Block::Table(table) if !table.rows.is_empty());
        if (in_list && is_table) || (in_table && (is_item || is_table)) {
            out.push('\n');
        }
        (in_list, in_table) = (is_item, is_table);
        let _ = match block {
            Block::Title { subject, sentence, .. } => {
                writeln!(out, "# {}\n\n{}\n", cell(subject), cell(sentence))
            }
            Block::Section(title) => writeln!(out, "\n## {title}\n"),
            Block::Note(value) if is_item => writeln!(out, "* {}", value.markdown()),
            Block::Note(value) => writeln!(out, "\n{}", value.markdown()),
            Block::Fact(key, value) => {
                writeln!(out, "* {}: {}", capitalised(key), value.markdown())
            }
            Block::Bullets(lines) => {
                lines.iter().try_for_each(|line| writeln!(out, "* {}", cell(line)))
            }
            Block::Table(table) => write_table(&mut out, table),
        };
    }
    out
}

fn write_table(out: &mut String, table: &Table) -> std::fmt::Result {
    if table.rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "| {} |", table.head.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(table.head.len()))?;
    table.rows.iter().try_for_each(|row| {
        let cells = row.cells.iter().map(|value| value.markdown() + " |");
        writeln!(out, "| {}", cells.collect::<Vec<_>>().join(" "))
    })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::GREEN;

    fn blocks() -> Vec<Block> {
        let url = "https://example.com/a>b".to_owned();
        let row = |text: &str| Row {
            cells: vec![Value::new(text), Value::own("pass")],
            lines: vec![Line::styled(GREEN, "PASS").then(Line::new(format!(" {text}")))],
        };
        vec![
            Block::Title {
                subject: "a|b".to_owned(),
                sentence: "a|b waits".to_owned(),
                style: GREEN,
            },
            Block::Fact("next", Value::link("page", Some(&url))),
            Block::Section("What to do".to_owned()),
            Block::Bullets(vec!["wait `a`".to_owned()]),
            Block::Table(Table { head: &["gate", "result"], rows: vec![row("x\ny"), row("z")] }),
            Block::Note(Value::own("That is all.").faint()),
        ]
    }

    #[test]
    fn plain_text_has_every_address_and_no_markup() {
        let wanted = "a|b waits\n  next          page\n                https://example.com/a>b\n\nWhat to do\n  \
                      * wait `a`\n  PASS x\u{fffd}y\n  PASS z\n  That is all.\n";
        assert_eq!(text(&blocks(), Paint::Plain).replace("x y", "x\u{fffd}y"), wanted);
        assert!(text(&blocks(), Paint::Colours).contains("\u{1b}["));
    }

    #[test]
    fn markdown_does_not_interpret_text_from_outside() {
        let markdown = markdown(&blocks());
        for part in [
            "# `a\\|b`\n\n`a\\|b` waits\n",
            "* Next: [`page`](<https://example.com/ab>)\n",
            "\n## What to do\n\n* wait `a`\n\n| gate | result |\n| --- | --- |\n",
            "| `z` | pass |\n\nThat is all.\n",
        ] {
            assert!(markdown.contains(part), "{part}\n{markdown}");
        }
    }
}
