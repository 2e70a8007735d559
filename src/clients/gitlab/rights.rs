//! The token's rights in the project, as far as GitLab reports them before anything is written.

use std::collections::BTreeSet;

use crate::domain::UserId;
use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// GitLab's number for the role Developer, which may push to unprotected branches.
const DEVELOPER: u64 = 30;
/// GitLab's number for the role Maintainer, which may delete protected branches.
const MAINTAINER: u64 = 40;

/// The known rights of a token, and features of its project. What GitLab does not report is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// The token's scopes.
    pub scopes: Option<BTreeSet<String>>,
    /// The token's user (`@name`, `user 7`), if it is not the bot. What it writes would not
    /// count as the bot's.
    pub other_user: Option<String>,
    /// The day (UTC) from which the token is refused.
    pub expires_at: Option<NaiveDate>,
    /// The access level of the token's user in the project: 20 Reporter, 30 Developer, 40 Maintainer.
    pub level: Option<u64>,
    /// The project is read-only for everybody.
    pub archived: bool,
    /// Features that are off in the project: `merge requests`, `the repository`.
    pub switched_off: Vec<&'static str>,
    /// Protected branches (names with `*`) that match the bot's, and together do not allow it to push and force push.
    pub protected: Vec<String>,
    /// Protected branches that match the bot's, and that only a Maintainer may delete. The user is not one.
    pub not_deletable: Vec<String>,
}

impl Rights {
    /// What is missing for writing merge requests to `project`, each with how to fix it. `bot` is the bot's user;
    /// the rights are those of the token's user.
    pub fn missing(&self, project: &str, bot: &str) -> Vec<String> {
        let mut missing = Vec::new();
        let user = self.other_user.clone().unwrap_or_else(|| format!("@{bot}"));
        if let Some(scopes) = self.scopes.as_ref().filter(|scopes| !scopes.contains("api")) {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let may = if scopes.is_empty() { "do nothing".to_owned() } else { scopes.join(", ") };
            missing.push(format!("the token may only {may} (create one with the scope api)"));
        }
        if let Some(other) = &self.other_user {
            missing.push(format!(
                "--bot-user (SAPM_BOT_USER) is @{bot}, but the token belongs to another user, \
                 {other}: sapm would not recognise its merge requests (unset or correct \
                 SAPM_BOT_USER, or set SAPM_GITLAB_TOKEN to the bot's token)"
            ));
        }
        if let Some(level) = self.level.filter(|level| *level < DEVELOPER) {
            missing.push(format!(
                "{user} is {} of {project} (give it the role Developer)",
                name_role(level)
            ));
        }
        if self.archived {
            missing.push(format!("{project} is archived (unarchive it: Settings > General)"));
        }
        for feature in &self.switched_off {
            missing
                .push(format!("{feature} of {project} are off (Settings > General > Visibility)"));
        }
        if !self.protected.is_empty() {
            let (rules, cover, let_) = match self.protected.as_slice() {
                [_] => ("branch", "covers", "does not let"),
                _ => ("branches", "cover", "do not let"),
            };
            missing.push(format!(
                "the protected {rules} {} {cover} the bot's branches, and {let_} {user} push and force push to them \
                 (restrict their patterns, or add a rule that does for the bot's branches: Settings > Repository)",
                self.protected.join(", ")
            ));
        }
        missing
    }

    /// Evaluates the rules of protected branches. For each right, GitLab applies the most permissive rule.
    /// If the user's role is not known, or a rule that may match the branch is unreadable, nothing is reported as
    /// missing.
    pub(super) fn judge_protection(
        &mut self,
        rules: &[ProtectionRule],
        branch: &str,
        user: UserId,
    ) {
        let Some(level) = self.level else { return };
        let covering: Vec<_> = rules.iter().filter(|rule| rule.may_cover(branch)).collect();
        let names = || covering.iter().filter_map(|rule| rule.name().map(str::to_owned)).collect();
        let read: Vec<_> = covering.iter().filter_map(|rule| rule.read()).collect();
        let may_push = read.iter().any(|rule| rule.lets_push(user, level));
        let may_force = read.iter().any(|rule| rule.allow_force_push);
        let may_write = covering.is_empty() || (may_push && may_force);
        if !may_write && read.len() == covering.len() {
            self.protected = names();
        } else if level < MAINTAINER {
            self.not_deletable = names();
        }
    }

    /// Is it uncertain whether the user may push? Then its membership is looked up, including groups.
    pub(super) fn is_doubtful(&self) -> bool {
        self.level.is_some_and(|level| level < DEVELOPER)
    }
}

fn name_role(level: u64) -> &'static str {
    match level {
        0..5 => "no member",
        5..10 => "only Minimal Access",
        10..15 => "only Guest",
        15..20 => "only Planner",
        _ => "only Reporter",
    }
}

/// The rights and features in a project's response.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ProjectRights {
    #[serde(default)]
    permissions: Option<Permissions>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    merge_requests_enabled: Option<bool>,
    #[serde(default)]
    merge_requests_access_level: Option<String>,
    #[serde(default)]
    repository_access_level: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Permissions {
    #[serde(default)]
    project_access: Option<Membership>,
    #[serde(default)]
    group_access: Option<Membership>,
}

/// A membership in a project or group.
#[derive(Debug, Deserialize)]
pub(super) struct Membership {
    pub access_level: u64,
}

impl ProjectRights {
    /// The rights in the response, without those of the token.
    pub fn rights(&self) -> Rights {
        let level = self.permissions.as_ref().map(|permissions| {
            let both = [&permissions.project_access, &permissions.group_access];
            both.into_iter().flatten().map(|access| access.access_level).max().unwrap_or(0)
        });
        let disabled = |level: &Option<String>| level.as_deref() == Some("disabled");
        let requests = self.merge_requests_enabled == Some(false)
            || disabled(&self.merge_requests_access_level);
        let repository = disabled(&self.repository_access_level);
        let switched_off = [(requests, "merge requests"), (repository, "repository files")];
        Rights {
            level,
            archived: self.archived,
            switched_off: switched_off.iter().filter(|(off, _)| *off).map(|off| off.1).collect(),
            ..Rights::default()
        }
    }
}

/// A rule of protected branches, as far as it is readable. An unreadable one does not affect the others, and still
/// counts as a rule.
#[derive(Debug)]
pub(super) enum ProtectionRule {
    /// In the documented form.
    Read(ProtectedBranch),
    /// In another form, with its name if readable.
    Unreadable(Option<String>),
}

impl ProtectionRule {
    /// Is it readable?
    pub fn is_read(&self) -> bool {
        self.read().is_some()
    }

    fn read(&self) -> Option<&ProtectedBranch> {
        match self {
            Self::Read(rule) => Some(rule),
            Self::Unreadable(_) => None,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Read(rule) => Some(&rule.name),
            Self::Unreadable(name) => name.as_deref(),
        }
    }

    /// Does it match this branch, as far as its name is known?
    fn may_cover(&self, branch: &str) -> bool {
        self.name().is_none_or(|name| matches_pattern(name, branch))
    }
}

impl<'de> Deserialize<'de> for ProtectionRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
        let rule = serde_json::from_value(value);
        Ok(rule.map_or(Self::Unreadable(name), Self::Read))
    }
}

/// A protected branch, or a pattern.
#[derive(Debug, Deserialize)]
pub(super) struct ProtectedBranch {
    name: String,
    #[serde(default)]
    push_access_levels: Vec<PushAccess>,
    #[serde(default)]
    allow_force_push: bool,
}

#[derive(Debug, Deserialize)]
struct PushAccess {
    #[serde(default)]
    access_level: Option<u64>,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    group_id: Option<u64>,
    #[serde(default)]
    deploy_key_id: Option<u64>,
}

impl ProtectedBranch {
    /// Does it allow this user to push?
    fn lets_push(&self, user: UserId, level: u64) -> bool {
        self.push_access_levels.iter().any(|access| {
            // Members of groups are not known here. A right that may exist is not reported as missing.
            access.user_id == Some(user)
                || access.group_id.is_some()
                || (access.user_id.is_none()
                    && access.deploy_key_id.is_none()
                    && access.access_level.is_some_and(|least| least > 0 && level >= least))
        })
    }
}

/// Does a pattern, in which `*` is any text, match a name?
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|at| matches_pattern(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rights(answer: serde_json::Value) -> Rights {
        serde_json::from_value::<ProjectRights>(answer).expect("a project").rights()
    }

    #[test]
    fn the_higher_membership_counts_and_none_is_unknown() {
        let access = |level: u64| json!({"access_level": level, "notification_level": 3});
        let level = |project, group| {
            rights(json!({"permissions": {"project_access": project, "group_access": group}})).level
        };
        assert_eq!(level(access(20), access(40)), Some(40));
        assert_eq!(level(json!(null), access(20)), Some(20));
        assert_eq!(level(json!(null), json!(null)), Some(0));
        assert_eq!(rights(json!({"id": 7})), Rights::default());
    }

    #[test]
    fn every_missing_right_is_reported() {
        let mut rights = rights(json!({
            "archived": true, "merge_requests_access_level": "disabled",
            "repository_access_level": "disabled",
            "permissions": {"project_access": {"access_level": 20}, "group_access": null},
        }));
        rights.scopes = Some(["read_api".to_owned()].into());
        rights.protected = vec!["auto*".to_owned()];
        let missing = rights.missing("a/b", "bot");
        for (missing, word) in missing.iter().zip([
            "scope api",
            "Reporter",
            "archived",
            "merge requests",
            "repository",
            "auto*",
        ]) {
            assert!(missing.contains(word), "{word}: {missing}");
        }
        assert_eq!(missing.len(), 6);
        let enough = Rights { level: Some(30), ..Rights::default() };
        assert_eq!(enough.missing("a/b", "bot"), Vec::<String>::new());
    }

    /// The rules that stop user 7, a Maintainer unless `level` says otherwise.
    fn stopping(rules: &[(&str, serde_json::Value, bool)], level: Option<u64>) -> Vec<String> {
        let rule = |(name, levels, force): &(&str, serde_json::Value, bool)| json!({"name": name, "push_access_levels": levels, "allow_force_push": force});
        judged(rules.iter().map(rule).collect(), level).protected
    }

    /// The rights of user 7 under these rules.
    fn judged(rules: Vec<Value>, level: Option<u64>) -> Rights {
        let rule = |answer| serde_json::from_value::<ProtectionRule>(answer).expect("a rule");
        let rules: Vec<_> = rules.into_iter().map(rule).collect();
        let mut rights = Rights { level, ..Rights::default() };
        rights.judge_protection(&rules, "auto-promoter-v2/a-b-0f", UserId(7));
        rights
    }

    #[test]
    fn a_protected_branch_stops_users_without_push_access() {
        let stops = |name: &str, levels: serde_json::Value, force: bool| {
            !stopping(&[(name, levels, force)], Some(40)).is_empty()
        };
        let maintainers = || json!([{"access_level": 40}]);
        assert!(stops("*", json!([{"access_level": 0}]), true));
        assert!(stops("auto-*", maintainers(), false));
        assert!(!stops("auto-*", maintainers(), true));
        assert!(stops(
            "auto-promoter-v2/*",
            json!([{"access_level": 40, "deploy_key_id": 1}]),
            true
        ));
        assert!(!stops("*/*", json!([{"access_level": 40, "user_id": 7}]), true));
        assert!(stops("*/*", json!([{"access_level": 40, "user_id": 8}]), true));
        for other in ["main", "*-stable", "auto-promoter-v2", "release/*", ""] {
            assert!(!stops(other, json!([]), false), "{other}");
        }
    }

    #[test]
    fn the_most_permissive_rule_counts_for_each_right() {
        let nobody = || json!([{"access_level": 0}]);
        let developers = || json!([{"access_level": 30}]);
        let rules = [
            ("*", nobody(), false),
            ("auto-*", nobody(), true),
            ("auto-promoter-v2/*", developers(), false),
            ("main", nobody(), false),
        ];
        assert_eq!(stopping(&rules, Some(30)), Vec::<String>::new());
        assert_eq!(stopping(&rules[..2], Some(40)), ["*", "auto-*"]);
        assert_eq!(stopping(&rules, Some(20)), ["*", "auto-*", "auto-promoter-v2/*"]);
        assert_eq!(stopping(&rules, None), Vec::<String>::new(), "the role is not known");
    }

    #[test]
    fn an_unreadable_rule_is_unknown_and_does_not_affect_the_others() {
        let nobody = json!({"name": "auto-*", "push_access_levels": [{"access_level": 0}]});
        let strange = json!({"name": "auto-promoter-v2/*", "push_access_levels": "nobody"});
        let of = |rules: &[&Value]| {
            let rights = judged(rules.iter().map(|rule| (*rule).clone()).collect(), Some(30));
            (rights.protected, rights.not_deletable)
        };
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        // It may allow the bot to push, so nothing is certainly missing. But the branches are protected.
        let both = names(&["auto-*", "auto-promoter-v2/*"]);
        assert_eq!(of(&[&nobody, &strange]), (Vec::new(), both));
        assert_eq!(of(&[&strange]), (Vec::new(), names(&["auto-promoter-v2/*"])));
        // One without a name may cover any branch.
        assert_eq!(of(&[&nobody, &json!(7)]), (Vec::new(), names(&["auto-*"])));
        assert_eq!(of(&[&json!({"name": null})]), (Vec::new(), Vec::new()));
        // A rule for other branches does not matter.
        let other = json!({"name": "main", "push_access_levels": "nobody"});
        assert_eq!(of(&[&other, &nobody]), (names(&["auto-*"]), Vec::new()));
    }
}
