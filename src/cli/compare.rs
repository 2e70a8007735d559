//! `plan --compare-to`: the config repo before a change, and the note with the difference.

use secrecy::SecretString;

use super::clients::Clients;
use super::config::{Config, Environment};
use super::exit::{Exit, Fatal};
use super::source::{Source, load_commit};
use crate::clients::git::find_commit;
use crate::clients::gitlab::put_note;
use crate::domain::{MrIid, error_chain, quoted};
use crate::report::DifferenceReport;
use crate::run::Base;
use crate::snapshot::Snapshot;

/// What ends the note, so that the next run finds it.
const MARKER: &str = "<!-- saas-auto-promotions-manager: difference -->";

/// Longest note, in bytes. GitLab's limit is 1,000,000 characters.
const MAX_NOTE: usize = 250_000;

/// The variable with the token for notes, for messages.
const NOTE_TOKEN: &str = "SAPM_NOTE_TOKEN";

/// A difference that is wanted.
pub struct Comparison {
    /// Branch, tag or commit of the checkout.
    pub name: String,
    /// Merge request that gets the difference as a note, and the token that writes it.
    pub note: Option<(MrIid, SecretString)>,
}

impl Comparison {
    /// Resolves the name to compare with, and the merge request that gets a note.
    ///
    /// # Errors
    /// With exit code 2, when a note is wanted and there is no token for it.
    pub fn resolve(
        wanted: Option<(String, Option<u64>)>,
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, Fatal> {
        let Some((name, note_on)) = wanted else { return Ok(None) };
        let Some(iid) = note_on else { return Ok(Some(Self { name, note: None })) };
        let token = environment.secret(NOTE_TOKEN).ok_or_else(|| {
            Fatal::new(Exit::Usage, format!("--note-on needs a token in {NOTE_TOKEN}"))
                .hint("leave --note-on out to see the difference in the log; docs/permissions.md")
        })?;
        Ok(Some(Self { name, note: Some((MrIid(iid), token)) }))
    }
}

/// Reads the config repo before the change, if a difference is wanted. Blocks.
///
/// # Errors
/// With exit code 2, when the config repo is no checkout, or has no such commit.
pub fn load_base(config: &Config) -> Result<Option<Base>, Fatal> {
    let Some(Comparison { name, .. }) = &config.comparison else { return Ok(None) };
    let usage = |message: String| Fatal::new(Exit::Usage, message);
    let Source::Path(path) = &config.source else {
        return Err(usage("--compare-to needs a checkout of the config repo".to_owned())
            .hint("set --app-interface (SAPM_APP_INTERFACE) to the path of a git checkout"));
    };
    let found = find_commit(path, name).map_err(|error| usage(error_chain(&error)))?;
    let commit = found.ok_or_else(|| {
        let message = format!("--compare-to: {} has no commit {}", path.display(), quoted(name));
        usage(message).hint("fetch it first; in a CI job, raise GIT_DEPTH")
    })?;
    let repo = load_commit(&config.opening(None), path, &commit)?;
    Ok(Some(Base { name: name.clone(), commit, repo }))
}

/// Writes the difference as one note, if that is wanted. A failure is a warning: the difference is in the log, too.
pub async fn write_note(
    config: &Config,
    clients: &Clients,
    snapshot: &Snapshot,
    difference: &DifferenceReport,
) {
    let note = config.comparison.as_ref().and_then(|comparison| comparison.note.as_ref());
    let Some((iid, token)) = note else { return };
    let (Some(api), Some(repo)) = (&clients.gitlab, &snapshot.config_repo) else {
        tracing::warn!("no note on {iid}: the config repo's project on GitLab is not known");
        return;
    };
    let api = api.with_token(token.clone(), NOTE_TOKEN);
    let text = difference.markdown();
    let text = if text.len() > MAX_NOTE { difference.markdown_in_short() } else { text };
    let body = format!("{text}\n{MARKER}");
    match put_note(&api, repo.project_id, *iid, (MARKER, &body), !difference.is_empty()).await {
        Ok(done) => tracing::info!("note on {iid}: {done}"),
        Err(failure) => tracing::warn!("no note on {iid}: {}", failure.error),
    }
}
