//! Reads branches and their changes through the REST API if git does not serve them, for example because the token
//! lacks the scope `read_repository`. Takes up to four requests per branch.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use gitlab::api::projects::repository::files::FileRaw;

use super::lookups::{is_missing_file, unbuilt};
use super::reader::GitLabReader;
use crate::domain::{CommitSha, RepoPath, sha256_hex};
use crate::plan::verify;
use crate::ports::{Branch, BranchReader};
use crate::snapshot::{BranchContent, ChangedFile, CommitDetail, Failure, Lookup};

#[async_trait]
impl BranchReader for GitLabReader {
    async fn branches(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<Branch>, Failure> {
        let lists = prefixes.iter().map(|prefix| self.listed_branches(prefix));
        let listed: BTreeMap<_, _> = try_join_all(lists).await?.into_iter().flatten().collect();
        // The service client limits the concurrency.
        Ok(join_all(listed.into_iter().map(|(name, tip)| async move {
            let content = Lookup::from(self.content(&tip, target_branch).await);
            Branch { name, tip, content }
        }))
        .await)
    }

    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure> {
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .map_err(|_| Failure::new(format!("{path} at {}: not UTF-8 text", commit.short())))
        };
        self.bytes_of(commit, path.as_str()).await?.map(text).transpose()
    }
}

impl GitLabReader {
    /// The change of a tip.
    async fn content(
        &self,
        tip: &CommitDetail,
        target_branch: &str,
    ) -> Result<BranchContent, Failure> {
        let failed = |error: &_| self.api.failure(error);
        let [base] = tip.parents.as_slice() else {
            return Ok(BranchContent { base_on_target: false, changed: Vec::new() });
        };
        let beyond = self.beyond(target_branch, &tip.sha).await.map_err(|error| failed(&error))?;
        // With one commit of its own it is based on the target branch. Without any it was merged.
        let (base_on_target, diffs) = match beyond.commits.len() {
            0 => {
                let own = self.beyond(base.as_str(), &tip.sha).await;
                (true, own.map_err(|error| failed(&error))?.diffs)
            }
            commits => (commits == 1, beyond.diffs),
        };
        let mut changed = Vec::new();
        // One that is not declared shows that the bot did not make it.
        let most = verify::count_declared_files(&tip.message) + 1;
        for diff in diffs.into_iter().take(most) {
            let is_edit = diff.is_edit();
            let path = diff.new_path;
            let digests = match (is_edit && base_on_target).then_some((base, &tip.sha)) {
                Some((before, after)) => {
                    let before = self.bytes_of(before, &path).await?;
                    let after = self.bytes_of(after, &path).await?;
                    before.zip(after).map(|(a, b)| (sha256_hex(&a), sha256_hex(&b)))
                }
                None => None,
            };
            changed.push(ChangedFile { path, digests });
        }
        changed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(BranchContent { base_on_target, changed })
    }

    async fn bytes_of(&self, commit: &CommitSha, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let endpoint = FileRaw::builder()
            .project(self.project().id)
            .file_path(path.trim_start_matches('/'))
            .ref_(commit.as_str())
            .build()
            .map_err(unbuilt)?;
        match self.api.bytes(&endpoint).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_missing_file(&error) => Ok(None),
            Err(error) => Err(self.api.failure(&error)),
        }
    }
}
