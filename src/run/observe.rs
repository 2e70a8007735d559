//! Looking up the facts of a run: GitLab's merge requests and branches, commits, records, SLO values.

use std::collections::BTreeSet;

use super::plan::slo_queries;
use super::{ConfigRepo, Forge, Options, RunError, Services};
use crate::inventory::TargetIx;
use crate::observe::{Limits, Observer, OpenMergeRequests, observe_open};
use crate::plan::Scope;
use crate::ports::{StateError, waiting_for};
use crate::snapshot::Snapshot;

impl Services<'_> {
    /// Asks these services about the given publishers; `None`: about all.
    pub(super) fn observer<'s>(
        &'s self,
        options: &Options,
        publishers: Option<&'s BTreeSet<TargetIx>>,
    ) -> Observer<'s> {
        let Options { concurrency, deadline, .. } = options;
        Observer {
            commits: self.commits,
            state: self.state,
            slos: self.slos,
            publishers,
            limits: Limits { concurrency: *concurrency, deadline: deadline.clone() },
            progress: self.progress,
        }
    }
}

/// What the state's silence means for the run.
pub fn state_failed(error: &StateError) -> RunError {
    RunError::service(format!("the deployment records cannot be read: {error}"))
        .hint("check what the message names; --state (SAPM_STATE) says which bucket it is")
}

/// Puts all facts of a run into the snapshot, and says what the run is about.
///
/// # Errors
/// When GitLab or the state fails as a whole.
pub(super) async fn observe(
    options: &Options,
    services: &Services<'_>,
    repo: &ConfigRepo,
    snapshot: &mut Snapshot,
) -> Result<Scope, RunError> {
    let filter = &options.settings.filter;
    snapshot.share = filter.share;
    let open = async {
        let Some(forge) = &services.forge else { return Ok(None) };
        let open = list_open(options, forge);
        let stage = "fetching open merge requests and branches from GitLab";
        let open = waiting_for(services.progress, stage, open).await?;
        Ok(open.map(|open| (open, forge.repo.clone())))
    };
    let scope = if filter.share.is_some() {
        // Which publishers a node looks at follows from the branches that there are.
        if let Some((open, facts)) = open.await? {
            open.store(facts, snapshot);
        }
        let scope = Scope::new(filter, &repo.inventory, snapshot);
        let observer = services.observer(options, scope.publishers());
        let facts = observer.commits_and_records(&repo.inventory, snapshot).await;
        facts.map_err(|error| state_failed(&error))?;
        scope
    } else {
        let observer = services.observer(options, None);
        // GitLab's lists are waited for whatever becomes of the rest: which failure is told is not left to chance.
        let facts = observer.commits_and_records(&repo.inventory, snapshot);
        let (open, facts) = tokio::join!(open, facts);
        if let Some((open, facts)) = open? {
            open.store(facts, snapshot);
        }
        facts.map_err(|error| state_failed(&error))?;
        Scope::new(filter, &repo.inventory, snapshot)
    };
    let queries = slo_queries(&scope, repo, snapshot);
    services.observer(options, scope.publishers()).slo_values(&queries, snapshot).await;
    Ok(scope)
}

/// The open merge requests and the branches; `None` if the run may do without.
async fn list_open(
    options: &Options,
    forge: &Forge<'_>,
) -> Result<Option<OpenMergeRequests>, RunError> {
    let deadline = &options.deadline;
    let reader = forge.reader.within(deadline);
    let names = (&options.settings.branches, forge.repo.target_branch.as_str());
    let open = observe_open(&*reader, forge.branches, names);
    let Some(open) = deadline.bound(open).await else {
        // A plan that does not know what is open must not be applied.
        let message = format!(
            "GitLab did not list the open merge requests and branches within the {deadline} that a run has for \
             lookups (--deadline)"
        );
        return Err(RunError::service(message).hint(
            "is GitLab slow? Give --deadline (SAPM_DEADLINE) more time; running again is safe",
        ));
    };
    match open {
        Ok(open) => Ok(Some(open)),
        Err(error) if forge.optional => {
            tracing::warn!(
                "this GitLab does not let a job's own token (CI_JOB_TOKEN) read merge requests and branches; \
                 set SAPM_GITLAB_TOKEN (scope read_api) to look at them: {error}"
            );
            Ok(None)
        }
        Err(error) => Err(RunError::service(error.to_string())
            .hint("is GitLab at --gitlab-url (SAPM_GITLAB_URL) well? Running again is safe")),
    }
}
