//! Checks the assumptions of `sapm` on a real GitLab: the rows of docs/compatibility.md that a token can show.
//!
//! [`check`] reads a project. With [`Options::write`] it also writes to a scratch project: it creates the first commit,
//! branches, and merge requests, and deletes the branches again. It never writes to a project with foreign commits.

mod gitlab;
mod reading;
mod writing;

use std::fmt::Write as _;

use secrecy::SecretString;

use gitlab::GitLab;

/// What is checked.
#[derive(Debug)]
pub struct Options {
    /// GitLab's URL.
    pub gitlab_url: String,
    /// Path or id of the project.
    pub project: String,
    /// An access token: `read_api` and `read_repository`, `api` to write.
    pub token: SecretString,
    /// Whether the project is a scratch project that may be written to.
    pub write: bool,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// GitLab behaves as assumed.
    Holds(String),
    /// GitLab behaves differently.
    Differs(String),
    /// It could not be observed, and why.
    NotSeen(String),
}

/// A checked assumption.
#[derive(Debug, Clone)]
pub struct Row {
    /// The row of docs/compatibility.md.
    pub id: &'static str,
    /// The assumption.
    pub assumption: &'static str,
    /// The result.
    pub verdict: Verdict,
}

/// The rows of a run, in order.
#[derive(Debug, Default)]
pub struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, id: &'static str, assumption: &'static str, verdict: Verdict) {
        self.0.push(Row { id, assumption, verdict });
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// Whether GitLab differs from any assumption.
    #[must_use]
    pub fn any_differs(&self) -> bool {
        self.0.iter().any(|row| matches!(row.verdict, Verdict::Differs(_)))
    }

    /// A table for people, with a count at its end.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let (mut holds, mut differs, mut not_seen) = (0, 0, 0);
        let width = self.0.iter().map(|row| row.assumption.chars().count()).max().unwrap_or(0);
        for Row { id, assumption, verdict } in &self.0 {
            let (word, detail, count) = match verdict {
                Verdict::Holds(detail) => ("holds", detail, &mut holds),
                Verdict::Differs(detail) => ("DIFFERS", detail, &mut differs),
                Verdict::NotSeen(detail) => ("not seen", detail, &mut not_seen),
            };
            *count += 1;
            let line = format!("{id:<4} {assumption:<width$}  {word:<8}  {detail}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let _ = writeln!(text, "\n{holds} hold, {differs} differ, {not_seen} not seen");
        text
    }
}

/// Checks the assumptions.
///
/// # Errors
///
/// When GitLab, the token or the project cannot be used, or when a project to be written to is not empty.
pub async fn check(options: &Options) -> Result<Rows, String> {
    let mut gitlab = GitLab::connect(options).await?;
    if options.write {
        gitlab.check_scratch().await?;
        // A project that was empty has a default branch now.
        gitlab = GitLab::connect(options).await?;
    }
    let mut rows = Rows::default();
    if options.write {
        writing::check(&gitlab, &mut rows).await?;
    }
    reading::check(&gitlab, &mut rows).await?;
    Ok(rows)
}

/// `Holds` with the observation if it is as assumed, else `Differs`.
fn verdict(holds: bool, seen: impl Into<String>) -> Verdict {
    if holds { Verdict::Holds(seen.into()) } else { Verdict::Differs(seen.into()) }
}
