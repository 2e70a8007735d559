//! Endpoints that the `gitlab` crate lacks, or has in an unusable form.

use std::borrow::Cow;

use gitlab::api::common::path_escaped;
use gitlab::api::projects::merge_requests::CreateMergeRequest;
use gitlab::api::{BodyError, Endpoint, JsonParams};
use http::Method;
use serde_json::json;

use crate::domain::UserId;
use crate::ports::NewCommit;

/// A page of a project's protected branches: `GET projects/:id/protected_branches`.
pub(super) struct ProtectedBranches {
    pub project: u64,
}

impl Endpoint for ProtectedBranches {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/protected_branches", self.project).into()
    }
}

/// A member of a project, direct or through a group: `GET projects/:id/members/all/:user_id`.
pub(super) struct AnyMember {
    pub project: u64,
    pub user: UserId,
}

impl Endpoint for AnyMember {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/members/all/{}", self.project, self.user).into()
    }
}

/// A commit: `POST projects/:id/repository/commits`, as JSON. The crate's endpoint sends a form, and Rack rejects forms
/// of more than 4 MiB.
pub(super) struct CreateCommit<'a> {
    pub project: u64,
    pub commit: &'a NewCommit,
    /// Its author (name, email address); by default the token's user.
    pub author: Option<&'a (String, String)>,
}

impl Endpoint for CreateCommit<'_> {
    fn method(&self) -> Method {
        Method::POST
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/commits", self.project).into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let commit = self.commit;
        let actions = commit.files.iter().map(|file| {
            json!({
                "action": "update",
                "file_path": file.path.as_str(),
                "content": file.content.as_ref(),
            })
        });
        let mut body = json!({
            "branch": commit.branch,
            "start_sha": commit.start.as_str(),
            "force": commit.replaces.is_some(),
            "commit_message": commit.message,
            "stats": false,
            "actions": actions.collect::<Vec<_>>(),
        });
        if let Some((name, email)) = self.author {
            body["author_name"] = json!(name);
            body["author_email"] = json!(email);
        }
        JsonParams::into_body(&body)
    }
}

/// Opens a merge request. The crate's endpoint sorts the reviewers, and GitLab Free asks only the first one.
pub(super) struct OpenMergeRequest<'a> {
    /// Without reviewers.
    pub fields: CreateMergeRequest<'a>,
    pub reviewers: &'a [UserId],
}

impl Endpoint for OpenMergeRequest<'_> {
    fn method(&self) -> Method {
        self.fields.method()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.fields.endpoint()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let body = self.fields.body()?;
        Ok(body.map(|(mime, mut form)| {
            for user in self.reviewers {
                form.extend_from_slice(format!("&reviewer_ids%5B%5D={user}").as_bytes());
            }
            (mime, form)
        }))
    }
}

/// Deletes a branch. The crate's endpoint does not encode a `/` in the name.
pub(super) struct DeleteBranch<'a> {
    pub project: u64,
    pub branch: &'a str,
}

impl Endpoint for DeleteBranch<'_> {
    fn method(&self) -> Method {
        Method::DELETE
    }

    fn endpoint(&self) -> Cow<'static, str> {
        let branch = path_escaped(self.branch);
        format!("projects/{}/repository/branches/{branch}", self.project).into()
    }
}
