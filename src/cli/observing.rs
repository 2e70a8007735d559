//! Asking for the facts of a run: GitLab's requests and branches, commits, records, SLO values.

use std::collections::BTreeSet;

use super::branches::BranchDoor;
use super::config::Config;
use super::doors::{Doors, GitLabDoor};
use super::exit::{Exit, Fatal};
use super::pipeline::{Mode, narrowing};
use super::planning::slo_queries;
use super::progress::{StandardError, waiting_for};
use super::source::Loaded;
use crate::observe::ports::StateError;
use crate::observe::{Deadline, Limits, Observer, OpenRequests, observe_requests};
use crate::plan::{Narrowing, Scope};
use crate::snapshot::{ConfigRepoFacts, Snapshot};

/// The doors as observing wants them.
pub fn observer<'a>(
    config: &Config,
    doors: &'a Doors,
    publishers: Option<&'a BTreeSet<usize>>,
    progress: &'a StandardError,
) -> Observer<'a> {
    Observer {
        commits: &doors.commits,
        state: &*doors.state,
        slos: &doors.slos,
        publishers,
        limits: Limits { concurrency: config.concurrency, deadline: doors.deadline.clone() },
        progress,
    }
}

/// What the bucket's silence means for the run.
pub fn state_failed(error: &StateError) -> Fatal {
    Fatal::new(Exit::ServiceFailed, format!("the deployment records cannot be read: {error}"))
        .hint("check --state (SAPM_STATE), its credentials and region")
}

/// Puts all facts of a run into the snapshot, and says what the run is about.
///
/// # Errors
/// When GitLab or the bucket fails as a whole.
pub async fn observe_all(
    config: &Config,
    doors: &Doors,
    loaded: &Loaded,
    gitlab: Option<(&GitLabDoor, &BranchDoor)>,
    snapshot: &mut Snapshot,
) -> Result<Scope, Fatal> {
    let moving = loaded.inventory.targets.iter().filter(|target| {
        target.git_ref.as_ref().is_ok_and(|git_ref| !crate::domain::is_commit_sha(git_ref))
    });
    if config.github.1.is_none()
        && moving.map(|t| &t.repo_url).any(|url| doors.commits.is_github(url))
    {
        tracing::warn!(
            "SAPM_GITHUB_TOKEN is not set: without it GitHub's rate limit is 60 requests an hour"
        );
    }
    let progress = StandardError::default();
    let repo = match gitlab {
        Some((gitlab, branches)) => {
            Some((gitlab, branches, config_repo_facts(config, loaded, gitlab).await?))
        }
        None => None,
    };
    let open = async {
        let Some((gitlab, branches, repo)) = &repo else { return Ok(None) };
        let open = open_requests(gitlab, branches, repo, &doors.deadline);
        waiting_for("asking GitLab for open merge requests and branches", open).await
    };
    let narrowing = narrowing(config, loaded);
    let scope = if narrowing.share.is_some() {
        // Which publishers a node looks at follows from the branches that there are.
        if let Some((open, repo)) = open.await? {
            open.store(repo, snapshot);
        }
        let scope = Scope::new(&narrowing, &loaded.inventory, snapshot);
        let observer = observer(config, doors, scope.publishers(), &progress);
        let facts = observer.commits_and_records(&loaded.inventory, snapshot).await;
        facts.map_err(|error| state_failed(&error))?;
        scope
    } else {
        let observer = observer(config, doors, None, &progress);
        // GitLab's lists are waited for whatever becomes of the rest: which failure is told is not left to chance.
        let (open, facts) =
            tokio::join!(open, observer.commits_and_records(&loaded.inventory, snapshot));
        if let Some((open, repo)) = open? {
            open.store(repo, snapshot);
        }
        facts.map_err(|error| state_failed(&error))?;
        Scope::new(&narrowing, &loaded.inventory, snapshot)
    };
    doors.commits.keep(narrowing == Narrowing::default());
    let queries = slo_queries(&scope, loaded, snapshot);
    let observer = observer(config, doors, scope.publishers(), &progress);
    observer.slo_values(&queries, snapshot).await;
    Ok(scope)
}

/// The open requests and the branches; `None` if a job's own token may not see them.
async fn open_requests(
    gitlab: &GitLabDoor,
    branches: &BranchDoor,
    repo: &ConfigRepoFacts,
    deadline: &Deadline,
) -> Result<Option<(OpenRequests, ConfigRepoFacts)>, Fatal> {
    let reader = gitlab.reader.until(deadline);
    let open = deadline.bound(observe_requests(&reader, branches, &repo.target_branch)).await;
    let Some(open) = open else {
        // A plan that does not know what is open must not be applied.
        let message = format!(
            "GitLab did not list the open merge requests and branches within the {deadline} that a run has for \
             look-ups (--deadline)"
        );
        return Err(Fatal::new(Exit::ServiceFailed, message).hint(
            "is GitLab slow? Give --deadline (SAPM_DEADLINE) more time; running again is safe",
        ));
    };
    match open {
        Ok(open) => Ok(Some((open, repo.clone()))),
        Err(error) if gitlab.reader.has_job_token() => {
            tracing::warn!(
                "this GitLab does not let a job's own token (CI_JOB_TOKEN) read merge requests and branches; \
                 set SAPM_GITLAB_TOKEN (scope read_api) to look at them: {error}"
            );
            Ok(None)
        }
        Err(error) => Err(Fatal::new(Exit::ServiceFailed, error.to_string())
            .hint("is GitLab at --gitlab-url (SAPM_GITLAB_URL) well? Running again is safe")),
    }
}

async fn config_repo_facts(
    config: &Config,
    loaded: &Loaded,
    gitlab: &GitLabDoor,
) -> Result<ConfigRepoFacts, Fatal> {
    let project = gitlab.reader.project();
    let target_branch = config
        .target_branch
        .clone()
        .or_else(|| loaded.branch.clone())
        .unwrap_or_else(|| project.target_branch.clone());
    let base_commit = match (&loaded.commit, &project.target_tip) {
        (Some(commit), tip) => {
            if config.mode == Mode::Apply && loaded.branch.is_none() && tip.as_ref() != Some(commit)
            {
                gitlab.check_on_branch(commit, &target_branch).await?;
            }
            commit.clone()
        }
        (None, Some(tip)) => tip.clone(),
        (None, None) => {
            return Err(Fatal::new(
                Exit::ServiceFailed,
                format!("the tip of {target_branch} could not be read from GitLab"),
            ));
        }
    };
    Ok(ConfigRepoFacts {
        project_id: project.id,
        project_path: project.path.clone(),
        web_url: project.web_url.clone(),
        target_branch,
        base_commit,
        bot: gitlab.reader.bot().clone(),
    })
}
