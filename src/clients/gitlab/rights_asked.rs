//! Looks up the token's rights at first contact.

use gitlab::api::personal_access_tokens::PersonalAccessTokenSelf;

use super::connect::{First, Project};
use super::endpoints::{AnyMember, ProtectedBranches};
use super::responses::TokenAnswer;
use super::rights::{Membership, ProtectionRule};
use crate::clients::http::{HttpError, HttpErrorKind};
use crate::domain::UserId;
use crate::snapshot::BotUser;

impl First<'_> {
    /// The token itself. Optional: without it, the run continues.
    pub(super) async fn token(&self) -> Option<TokenAnswer> {
        if !self.api.has_token() || self.api.has_job_token() {
            return None;
        }
        let endpoint = PersonalAccessTokenSelf::builder().build().ok()?;
        self.api.json(&endpoint).await.ok()
    }

    /// The token's user, if the run may write and the bot is another user.
    pub(super) async fn other_user(
        &self,
        token: Option<&TokenAnswer>,
        bot: &BotUser,
    ) -> Option<String> {
        let user = token?.user_id?;
        if self.options.to_write.is_none() || user == bot.id {
            return None;
        }
        let name = self.token_user().await.ok().and_then(|user| user.username);
        Some(name.map_or_else(|| format!("user {user}"), |name| format!("@{name}")))
    }

    /// The rules of protected branches, if the run may write. An older GitLab shows them only to Maintainers;
    /// rules that cannot be fetched are not known.
    pub(super) async fn protection(&self, project: &Project) -> Vec<ProtectionRule> {
        if self.options.to_write.is_none() {
            return Vec::new();
        }
        let endpoint = ProtectedBranches { project: project.id };
        let rules: Vec<ProtectionRule> = self.api.list(&endpoint).await.unwrap_or_default();
        let unreadable = rules.iter().filter(|rule| !rule.is_read()).count();
        if unreadable > 0 {
            tracing::warn!(
                "{unreadable} of the project's rules for protected branches cannot be read: \
                 whether they allow the bot to push is not known"
            );
        }
        rules
    }

    /// The user's access level, direct or through a group; `None` if GitLab does not say.
    pub(super) async fn any_level(&self, project: &Project, user: UserId) -> Option<u64> {
        let endpoint = AnyMember { project: project.id, user };
        let answer: Result<Membership, HttpError> = self.api.json(&endpoint).await;
        match answer {
            Ok(membership) => Some(membership.access_level),
            Err(error) if error.kind() == HttpErrorKind::NotFound => {
                // An administrator is not a member, but may write anyway.
                let user = self.token_user().await.ok()?;
                (!user.is_admin).then_some(0)
            }
            Err(_) => None,
        }
    }
}
