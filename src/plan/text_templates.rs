//! Titles and commit messages as a project's push rules demand them: texts of the operator around the bot's own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::content::Content;
use super::desired::Desired;
use super::markup::{plain, shorten};
use super::message::{self, TITLE, TITLE_LIMIT};
use super::planner::Planner;
use super::trailers::Trailers;
use crate::domain::name_first;

/// Longest template, in bytes.
const MAX_TEMPLATE: usize = 1_000;
/// Apps or environments that a text names.
const NAMED: usize = 3;
/// What GitLab takes for the mark of a draft, in lower case.
const DRAFT_MARKS: [&str; 3] = ["draft:", "[draft]", "(draft)"];

/// The titles and commit messages that the bot writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextTemplates {
    /// Titles of merge requests.
    pub title: TextTemplate,
    /// Commit messages, above the bot's trailers.
    pub commit_message: TextTemplate,
    /// Name and address of the author of commits; by default the token's user.
    pub author: Option<(String, String)>,
    /// Does the author sign commits off?
    pub sign_off: bool,
}

/// A text with placeholders: `{title}`, `{summary}`, `{apps}` and `{environments}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The usual title.
    Title,
    /// The usual title without `[AutoPromoterV2]`.
    Summary,
    /// Names of the apps.
    Apps,
    /// Names of the environments.
    Environments,
}

/// The usual title alone.
impl Default for TextTemplate {
    fn default() -> Self {
        Self(vec![Piece::Title])
    }
}

impl TextTemplate {
    /// Reads the template of titles.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse_title(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let begin = text.to_lowercase();
        if text.contains(['\n', '\r']) {
            return Err("a title is one line".to_owned());
        }
        if DRAFT_MARKS.iter().any(|mark| begin.starts_with(mark)) {
            return Err("a title that begins so makes every merge request a draft".to_owned());
        }
        Self::parse(text)
    }

    /// Reads the template of commit messages.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse_commit_message(text: &str) -> Result<Self, String> {
        let text = text.trim().replace("\r\n", "\n");
        if text.lines().any(|line| line.trim_start().to_lowercase().starts_with("sapm-")) {
            return Err("lines that begin with `Sapm-` are the bot's own".to_owned());
        }
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_TEMPLATE {
            return Err(format!("it is longer than {MAX_TEMPLATE} bytes"));
        }
        if text.chars().any(|char| char.is_control() && char != '\n') {
            return Err("it has a control character".to_owned());
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            pieces.push(Piece::Text(before.to_owned()));
            let named = after.split_once('}').ok_or("a `{` is not closed")?;
            pieces.push(match named.0 {
                "title" => Piece::Title,
                "summary" => Piece::Summary,
                "apps" => Piece::Apps,
                "environments" => Piece::Environments,
                other => {
                    return Err(format!(
                        "there is no placeholder {{{}}}; there are {{title}}, {{summary}}, {{apps}} and {{environments}}",
                        shorten(&plain(other), 40)
                    ));
                }
            });
            rest = named.1;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        if !pieces.iter().any(|piece| matches!(piece, Piece::Title | Piece::Summary)) {
            return Err(
                "it needs {title} or {summary}: all merge requests would be called the same"
                    .to_owned(),
            );
        }
        Ok(Self(pieces))
    }

    fn render(&self, words: &Words) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Title => words.title.clone(),
            Piece::Summary => {
                words.title.strip_prefix(TITLE).unwrap_or(&words.title).trim().to_owned()
            }
            Piece::Apps => words.apps.clone(),
            Piece::Environments => words.environments.clone(),
        };
        self.0.iter().map(piece).collect()
    }
}

/// What templates are filled with. Names come from tenants, so each is one line without markup.
pub(super) struct Words {
    title: String,
    apps: String,
    environments: String,
}

impl Words {
    /// The same with which way the code of so many promotions goes, as their description says.
    pub(super) fn directed(self, description: &str, parts: usize) -> Self {
        Self { title: message::directed_title(&self.title, description, parts), ..self }
    }
}

impl Planner<'_> {
    /// What is said of the promotion of one edit site.
    pub(super) fn words_of(&self, desired: &Desired) -> Words {
        self.words(message::title(self.inventory, desired), std::iter::once(desired))
    }

    /// What is said of a batch.
    pub(super) fn words_of_batch(&self, content: &Content) -> Words {
        let title = super::batch::title(self.inventory, content);
        self.words(title, content.parts.iter().map(Arc::as_ref))
    }

    fn words<'d>(&self, title: String, parts: impl Iterator<Item = &'d Desired>) -> Words {
        let targets = parts.map(|part| &self.inventory.targets[part.members[0]]);
        let (mut apps, mut environments) = (BTreeSet::new(), BTreeSet::new());
        for target in targets {
            apps.insert(target.app.name.as_str());
            environments.insert(target.namespace.environment.as_str());
        }
        Words { title, apps: join(&apps), environments: join(&environments) }
    }

    /// The title of a merge request that may be merged.
    pub(super) fn title(&self, words: &Words) -> String {
        shorten(&self.settings.texts.title.render(words), TITLE_LIMIT)
    }

    /// The commit message: what the operator wants, and the trailers as its last paragraph.
    pub(super) fn commit_message(&self, words: &Words, trailers: &Trailers) -> String {
        let texts = &self.settings.texts;
        let mut message =
            format!("{}\n\n{}", texts.commit_message.render(words), trailers.render());
        if let (true, Some((name, address))) = (texts.sign_off, &texts.author) {
            let _ = writeln!(message, "Signed-off-by: {name} <{address}>");
        }
        message
    }
}

fn join(names: &BTreeSet<&str>) -> String {
    name_first(NAMED, names.iter().map(|name| plain(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words {
            title: "[AutoPromoterV2] saas-a/api/prod to 9705190c".to_owned(),
            apps: "catalog".to_owned(),
            environments: "production".to_owned(),
        }
    }

    #[test]
    fn placeholders_are_filled_and_the_usual_title_is_the_default() {
        let render = |text| TextTemplate::parse_title(text).unwrap().render(&words());
        assert_eq!(render("{title}"), words().title);
        assert_eq!(TextTemplate::default().render(&words()), words().title);
        let expected = "JIRA-1 catalog, production: saas-a/api/prod to 9705190c.";
        assert_eq!(render(" JIRA-1 {apps}, {environments}: {summary}. "), expected);
        let message = TextTemplate::parse_commit_message("chore: {summary}\n\nRefs: #1\n").unwrap();
        assert_eq!(message.render(&words()), "chore: saas-a/api/prod to 9705190c\n\nRefs: #1");
    }

    #[test]
    fn what_would_break_a_title_or_the_trailers_is_refused() {
        for bad in [
            "",
            "x",
            "{apps}",
            "{title",
            "{tital}",
            "a\n{title}",
            "Draft: {title}",
            "[draft]{title}",
            "\u{7}{title}",
        ] {
            assert!(TextTemplate::parse_title(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "{title}\nSapm-Version: 1",
            "{title}\n sapm-path: x",
            &format!("{{title}}{}", "x".repeat(2_000)),
        ] {
            assert!(TextTemplate::parse_commit_message(bad).is_err(), "{bad:?}");
        }
    }
}
