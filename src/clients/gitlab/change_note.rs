//! One note on a merge request that is kept up to date.

use gitlab::api::projects::merge_requests::notes::{CreateMergeRequestNote, EditMergeRequestNote};
use gitlab::api::users::CurrentUser;

use super::api::GitLabApi;
use super::lookups::{notes, unbuilt};
use super::responses::UserAnswer;
use crate::domain::MrIid;
use crate::snapshot::Failure;

/// Writes a note that ends in a marker, or updates the one that is there.
///
/// Only a note by the token's own user is updated, whatever others write: by the user's id, which GitLab tells. Of
/// several the oldest one counts. Without `wanted`, no new note is written. Returns what was done.
///
/// # Errors
/// When GitLab refuses it.
pub async fn put_note(
    api: &GitLabApi,
    project: u64,
    iid: MrIid,
    (marker, body): (&str, &str),
    wanted: bool,
) -> Result<&'static str, Failure> {
    let failed = |error| api.failure(&error);
    let user: UserAnswer =
        api.json(&CurrentUser::builder().build().map_err(unbuilt)?).await.map_err(failed)?;
    // Newest first.
    let known = notes(api, project, iid).await.map_err(failed)?;
    let own = known.iter().rev().find(|note| {
        let is_own = note.author.as_ref().is_some_and(|author| author.id == user.id);
        is_own && !note.system && note.body.trim_end().ends_with(marker)
    });
    let write = api.without_waiting();
    match own {
        Some(note) if note.body.trim() == body.trim() => Ok("unchanged"),
        Some(note) => {
            let endpoint = EditMergeRequestNote::builder()
                .project(project)
                .merge_request(iid.number())
                .note(note.id)
                .body(body)
                .build()
                .map_err(unbuilt)?;
            write.done(&endpoint).await.map_err(failed)?;
            Ok("updated")
        }
        None if !wanted => Ok("not needed"),
        None => {
            let endpoint = CreateMergeRequestNote::builder()
                .project(project)
                .merge_request(iid.number())
                .body(body)
                .build()
                .map_err(unbuilt)?;
            write.done(&endpoint).await.map_err(failed)?;
            Ok("written")
        }
    }
}
