//! Strict parsers for the outputs for programs.

use std::cell::RefCell;

use fancy_regex::Regex;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// The kind of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// With colours and collapsible sections for GitLab's job log.
    Terminal,
    Json,
    Xml,
    Html,
    Dotenv,
    OpenMetrics,
}

impl Kind {
    /// Removes our own control characters.
    pub fn without_our_own_controls(self, text: &str) -> String {
        let text = text.replace('\n', " ");
        match self {
            Self::Terminal => {
                let own = r"\x1b\[[0-9;]*m|\x1b\[0Ksection_(start|end):[0-9]+:sapm_[a-z_]+(\[collapsed=true\])?\r\x1b\[0K";
                Regex::new(own).unwrap().replace_all(&text, "").into_owned()
            }
            _ => text,
        }
    }
}

/// Parses an output.
pub fn judge(kind: Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Text | Kind::Terminal => Ok(()),
        Kind::Json => {
            serde_json::from_str::<serde_json::Value>(text).map(drop).map_err(|e| e.to_string())
        }
        Kind::Xml => roxmltree::Document::parse(text).map(drop).map_err(|e| e.to_string()),
        Kind::Html => html(text),
        Kind::Dotenv => lines(text, r"^SAPM_[A-Z_]+=[0-9]+$"),
        Kind::OpenMetrics => open_metrics(text),
    }
}

fn lines(text: &str, pattern: &str) -> Result<(), String> {
    let pattern = Regex::new(pattern).unwrap();
    match text.lines().find(|line| !pattern.is_match(line).unwrap()) {
        Some(line) => Err(format!("{line:?}")),
        None => Ok(()),
    }
}

/// Families one after the other, each with its type, and the end marker.
fn open_metrics(text: &str) -> Result<(), String> {
    let text = text.strip_suffix("# EOF\n").ok_or("no # EOF")?;
    lines(
        text,
        r##"^(# (HELP|TYPE) [a-z_]+ [ -~]+|[a-z_]+(\{[a-z]+="[a-z0-9_ -]*"(,[a-z]+="[a-z0-9_ -]*")*\})? -?[0-9][0-9.e-]*)$"##,
    )?;
    let mut family = "";
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(rest) => family = rest.split(' ').next().unwrap_or_default(),
            None if line.starts_with('#') => {}
            None if line.starts_with(family) && !family.is_empty() => {}
            None => return Err(format!("{line:?} is not of {family}")),
        }
    }
    Ok(())
}

/// Fails on every error of the HTML standard, and on elements that the page does not have.
fn html(text: &str) -> Result<(), String> {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(text));
    let options = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(Page::default(), options);
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let Page { errors, tags, data, .. } = tokenizer.sink;
    let (errors, tags, data) = (errors.into_inner(), tags.into_inner(), data.into_inner());
    if let Some(error) = errors.first() {
        return Err(error.clone());
    }
    let count = |wanted: &str| tags.iter().filter(|tag| *tag == wanted).count();
    if (count("script"), count("style"), count("img"), count("svg")) != (2, 1, 0, 0) {
        return Err(format!("other elements than the page's own: {tags:?}"));
    }
    serde_json::from_str::<serde_json::Value>(data.first().map_or("", String::as_str))
        .map(drop)
        .map_err(|error| format!("the data: {error}"))
}

#[derive(Default)]
struct Page {
    errors: RefCell<Vec<String>>,
    tags: RefCell<Vec<String>>,
    /// Text of the scripts.
    data: RefCell<Vec<String>>,
    in_script: RefCell<bool>,
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::ParseError(error) => self.errors.borrow_mut().push(error.into_owned()),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                self.tags.borrow_mut().push(tag.name.to_string());
                match &*tag.name {
                    "script" => {
                        *self.in_script.borrow_mut() = true;
                        self.data.borrow_mut().push(String::new());
                        return TokenSinkResult::RawData(RawKind::ScriptData);
                    }
                    "style" => return TokenSinkResult::RawData(RawKind::Rawtext),
                    "title" => return TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => {}
                }
            }
            Token::TagToken(tag) if &*tag.name == "script" => *self.in_script.borrow_mut() = false,
            Token::CharacterTokens(text) if *self.in_script.borrow() => {
                if let Some(data) = self.data.borrow_mut().last_mut() {
                    data.push_str(&text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[test]
fn the_readers_are_strict() {
    let open = "# TYPE a gauge\na 1\n# EOF\n";
    assert_eq!(judge(Kind::OpenMetrics, open), Ok(()));
    for (kind, broken) in [
        (Kind::Json, "{\"a\": \"\u{1}\"}"),
        (Kind::Xml, "<a b=\"\u{fffe}\"/>"),
        (Kind::Xml, "<a>&b</a>"),
        (Kind::Html, "<p>\u{1}</p>"),
        (Kind::Html, "<p a=\"1\" a=\"2\"></p>"),
        (Kind::Dotenv, "SAPM_OPENED=1\nPATH=/x\n"),
        (Kind::OpenMetrics, "# TYPE a gauge\na 1\n"),
        (Kind::OpenMetrics, "# TYPE a gauge\nb 1\n# EOF\n"),
        (Kind::OpenMetrics, "# TYPE a gauge\na{b=\"\u{9b}\"} 1\n# EOF\n"),
    ] {
        assert!(judge(kind, broken).is_err(), "{kind:?}: {broken:?}");
    }
}
