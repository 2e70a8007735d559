//! Endpoints that the `gitlab` crate does not have, or not in a usable form.

use std::borrow::Cow;

use gitlab::api::Endpoint;
use gitlab::api::common::path_escaped;
use http::Method;

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

/// A member of a project, by whatever group: `GET projects/:id/members/all/:user_id`.
pub(super) struct AnyMember {
    pub project: u64,
    pub user: u64,
}

impl Endpoint for AnyMember {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/members/all/{}", self.project, self.user).into()
    }
}

/// Deletes a branch. The crate's endpoint leaves a `/` in the name as it is.
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
