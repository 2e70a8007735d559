//! Generates saas files in all notations that people use.

use serde_json::json;

use super::dice::Dice;

pub const REFS: &[&str] = &[
    "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc",
    "1234567890123456789012345678901234567890",
    "12345678901234567890123456789012345678e1",
    "0x12",
    "0777",
    "true",
    "2026-08-20",
    "feature/é",
    "a: b",
    "- x",
    "it's",
    "say \"so\" # twice",
    "two\nlines",
    "",
    "~",
    "😀",
    "1:30",
];
pub const NAMES: &[&str] =
    &["ok", "stage-ok", "a: b", "&x", "!t", "- y", "#z", "it's", "12", "é", "yes", "a\tb", "{x}"];
pub const HASHES: &[&str] = &["aaaa", "0123456789012345", "1234", "12e4567", "fedcba9876543210"];

/// How a generated document is written.
pub struct Page {
    dice: Dice,
    lines: Vec<String>,
    indent: usize,
    gap: usize,
    noise: bool,
}

impl Page {
    fn line(&mut self, column: usize, text: &str) {
        if self.noise && self.dice.chance(9) {
            let comment = self.dice.of(&["# a comment: with 'quotes\"", "", "#", "\t"]);
            let blanks = self.dice.below(12);
            let line = if comment == "\t" { String::new() } else { " ".repeat(blanks) + comment };
            self.lines.push(line);
        }
        let end = if self.noise {
            self.dice.of(&["", "", "", "", "  # c", "\t", " ", "\t# d"])
        } else {
            ""
        };
        self.lines.push(format!("{}{text}{end}", " ".repeat(column)));
    }

    fn dash(&self) -> String {
        format!("-{}", " ".repeat(self.gap - 1))
    }

    /// A text in some notation with the same value.
    fn scalar(&mut self, text: &str) -> String {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-/".contains(c))
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["yes", "true"].contains(&text);
        let single = !text.contains(['\n', '\t']);
        match self.dice.below(3) {
            0 if plain => text.to_owned(),
            0 | 1 if single => format!("'{}'", text.replace('\'', "''")),
            _ => json!(text).to_string(),
        }
    }

    fn data_item(&mut self, column: usize, channel: &str) {
        let channel = self.scalar(channel);
        let dash = self.dash();
        let inner = column + self.gap;
        if self.dice.chance(4) {
            let (parent, hash) = (self.name(), self.hash());
            let hash = if self.dice.chance(3) {
                String::new()
            } else {
                format!(", target_config_hash: {hash}")
            };
            self.line(column, &format!("{dash}{{channel: {channel}, data: [{{type: parent_saas_config, parent_saas: {parent}{hash}}}]}}"));
            return;
        }
        self.line(column, &format!("{dash}channel: {channel}"));
        if self.dice.chance(8) {
            return;
        }
        self.line(inner, "data:");
        let column = inner + self.indent;
        for _ in 0..self.dice.below(3) {
            let parent = self.name();
            self.line(column, &format!("{dash}parent_saas: {parent}"));
            if !self.dice.chance(8) {
                let kind = self.dice.of(&[
                    "parent_saas_config",
                    "parent_saas_config",
                    "'parent_saas_config'",
                    "other",
                ]);
                self.line(column + self.gap, &format!("type: {kind}"));
            }
            if !self.dice.chance(4) {
                let hash = self.hash();
                self.line(column + self.gap, &format!("target_config_hash: {hash}"));
            }
        }
    }

    fn name(&mut self) -> String {
        let name = self.dice.of(NAMES);
        self.scalar(name)
    }

    fn hash(&mut self) -> String {
        let hash = self.dice.of(HASHES);
        match self.dice.below(6) {
            0 => hash.to_owned(),
            1 => String::new(),
            2 => "~".to_owned(),
            _ => self.scalar(hash),
        }
    }

    fn promotion(&mut self, column: usize) {
        if self.dice.chance(5) {
            let more = self.dice.of(&["", ", promotion_data: []", ", promotion_data: ~", ","]);
            self.line(column, &format!("promotion: {{auto: true, subscribe: [ok]{more}}}"));
            return;
        }
        self.line(column, "promotion:");
        let column = column + self.dice.of(&[2, 4, 1]);
        self.line(column, "auto: true");
        let data_first = self.dice.chance(2);
        if data_first {
            self.promotion_data(column);
        }
        self.line(column, "subscribe:");
        let dash = self.dash();
        for _ in 0..=self.dice.below(2) {
            let name = self.name();
            self.line(column + self.indent, &format!("{dash}{name}"));
        }
        if !data_first {
            self.promotion_data(column);
        }
        if self.dice.chance(6) {
            self.line(column, self.dice_text());
            self.lines.push(format!("{}some text", " ".repeat(column + 3)));
            self.lines.push(String::new());
        }
    }

    fn dice_text(&self) -> &'static str {
        ["note: |", "note: >-", "note: |+"][self.lines.len() % 3]
    }

    fn promotion_data(&mut self, column: usize) {
        match self.dice.below(6) {
            0 => {}
            1 => self.line(column, "promotion_data:"),
            2 => self.line(column, "promotion_data: null"),
            3 => self.line(column, "promotion_data: []"),
            4 => {
                let items = self.dice.of(&[
                    "[{channel: ok, data: [{type: parent_saas_config, parent_saas: ok}]}]",
                    "[ {channel: 'ok', data: []}, ]",
                    "[{\"channel\": \"ok\", \"data\": []}]",
                ]);
                self.line(column, &format!("promotion_data: {items}"));
            }
            _ => {
                self.line(column, "promotion_data:");
                for _ in 0..=self.dice.below(3) {
                    let name = self.dice.of(NAMES);
                    self.data_item(column + self.indent, name);
                }
            }
        }
    }

    fn target(&mut self, column: usize, n: usize) {
        let dash = self.dash();
        let inner = column + self.gap;
        self.line(column, &format!("{dash}name: t{n}"));
        if self.dice.chance(2) {
            self.line(inner, "namespace:");
            self.line(inner + 3, "$ref: /x/y.yml");
        }
        let old = self.dice.of(&[
            "c00dbbc9dadfbe1e232e93a729dd4752fade0abf",
            "'c00dbbc9dadfbe1e232e93a729dd4752fade0abf'",
            "\"main\"",
            "1234567",
            "!!str 12",
            "&unused v1",
            "&u2 !!str 'v'",
        ]);
        let before = self.dice.of(&["ref: ", "ref:    ", "'ref': ", "? ref\n: "]);
        if let Some((key, colon)) = before.split_once('\n') {
            self.line(inner, key);
            self.line(inner, &format!("{colon}{old}"));
        } else {
            self.line(inner, &format!("{before}{old}"));
        }
        if self.dice.chance(5) {
            self.line(inner, "parameters: {a: 1, A: 'x  y', b: [c,   d]}");
        }
        self.promotion(inner);
    }

    pub fn document(dice: Dice) -> String {
        let mut page = Self { dice, lines: Vec::new(), indent: 0, gap: 2, noise: false };
        page.indent = page.dice.of(&[0, 2, 4]);
        page.gap = page.dice.of(&[2, 2, 4]);
        page.noise = page.dice.chance(2);
        let line_end = page.dice.of(&["\n", "\n", "\r\n"]);
        let bom = page.dice.of(&["", "", "\u{feff}"]);
        let head = page.dice.of(&["---", "", "%YAML 1.1\n---", "# c\n---"]);
        let tail = page.dice.of(&["", "", "...", "# the end"]);
        let newline = page.dice.of(&[true, true, false]);
        page.lines.extend(head.lines().map(str::to_owned));
        page.line(0, "$schema: /app-sre/saas-file-2.yml");
        page.line(0, "parameters: {x: yes, y: 0777, long: \"a  b\\u00e9\"}");
        page.line(0, "resourceTemplates:");
        let dash = page.dash();
        let column = page.indent;
        page.line(column, &format!("{dash}name: rt"));
        let column = column + page.gap;
        page.line(column, "targets:");
        for n in 0..3 {
            page.target(column + page.indent, n);
        }
        page.lines.extend(tail.lines().map(str::to_owned));
        let mut text = page.lines.join(line_end);
        if newline {
            text.push_str(line_end);
        }
        bom.to_owned() + &text
    }
}
