//! Which branches the rules of protected branches refuse: judged as `apply` judges its own.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints::ProtectedBranches;
use super::reader::GitLabReader;
use super::rights::ProtectionRule;
use crate::snapshot::Failure;

impl GitLabReader {
    /// Those among `branches` that the token's user may not push to or force push, with the rules that say so.
    pub(super) async fn refused_by_rules(
        &self,
        branches: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        if self.rights().level.is_none() {
            return Err(Failure::new("GitLab does not tell the role of the token's user"));
        }
        let endpoint = ProtectedBranches { project: self.project().id };
        let rules: Vec<ProtectionRule> =
            self.api.list(&endpoint).await.map_err(|error| self.api.failure(&error))?;
        if rules.iter().any(|rule| !rule.is_read()) {
            return Err(Failure::new("a rule of protected branches cannot be read"));
        }
        let mut refused = BTreeMap::new();
        for branch in branches {
            let mut rights = self.rights().clone();
            rights.protected.clear();
            rights.judge_protection(&rules, branch, self.bot().id);
            if !rights.protected.is_empty() {
                refused.insert(branch.clone(), rights.protected);
            }
        }
        Ok(refused)
    }
}
