//! What is wanted of a run, beside the facts.

use std::collections::BTreeSet;

use super::batch::BatchBy;
use super::branch::BranchPrefixes;
use super::text_templates::TextTemplates;
use crate::domain::{Shard, TargetUid};
use crate::inventory::Target;

/// How much text of merge requests that a run does not write is kept in a plan, for reports.
///
/// Thousands may be due in one large file: then the whole file stands in each of them.
pub const MAX_UNWRITTEN_BYTES: usize = 256 << 10;

/// What is wanted of a run, beside the facts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Branch that merge requests go to, where GitLab's facts do not say it.
    pub target_branch: String,
    /// What branches begin with.
    pub branches: BranchPrefixes,
    /// Titles and commit messages.
    pub texts: TextTemplates,
    /// Labels of new merge requests.
    pub labels: BTreeSet<String>,
    /// Open new merge requests?
    pub allow_opening: bool,
    /// Close merge requests and delete branches?
    pub allow_closing: bool,
    /// Merge requests to open in one run at most.
    pub max_new_merge_requests: usize,
    /// What may go into one merge request.
    pub batch_by: BatchBy,
    /// Promotions in one merge request at most, 1 to [`MAX_BATCH_SIZE`](super::MAX_BATCH_SIZE).
    pub batch_size: usize,
    /// Which subscribers the run is about.
    pub filter: TargetFilter,
    /// Text of the operator at the end of every description, e.g. `/lgtm`; none on held drafts.
    pub description_footer: Option<String>,
    /// Page of the pipeline that plans, for descriptions.
    pub pipeline_url: Option<String>,
    /// Where the newest report of this job is, for descriptions.
    pub report_url: Option<String>,
    /// Look up the commits that descriptions tell of? Not where nobody reads a description.
    pub compares_commits: bool,
    /// Who is asked to review new merge requests.
    pub reviewers: ReviewersFrom,
    /// `host[:port]` of GitLab, to make links in its style.
    pub gitlab_host: Option<String>,
}

/// Where reviewers of new merge requests are declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReviewersFrom {
    /// Nowhere: nobody is asked.
    #[default]
    None,
    /// In the datafiles: users of roles, and owners of apps.
    Owners,
    /// In CODEOWNERS.
    CodeOwners,
}

/// Everything is allowed, and 25 merge requests are opened at most.
impl Default for Settings {
    fn default() -> Self {
        Self {
            target_branch: "master".to_owned(),
            branches: BranchPrefixes::default(),
            texts: TextTemplates::default(),
            labels: BTreeSet::new(),
            allow_opening: true,
            allow_closing: true,
            max_new_merge_requests: 25,
            batch_by: BatchBy::None,
            batch_size: 10,
            filter: TargetFilter::default(),
            description_footer: None,
            pipeline_url: None,
            report_url: None,
            compares_commits: true,
            reviewers: ReviewersFrom::None,
            gitlab_host: None,
        }
    }
}

/// Which subscribers a run is about; publishers are never narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetFilter {
    /// Only this environment.
    pub environment: Option<String>,
    /// Only this app.
    pub app: Option<String>,
    /// Only this saas file.
    pub saas_file: Option<String>,
    /// Only this node's share; `None`: the work is not shared.
    pub share: Option<Shard>,
    /// Only these.
    pub only: Option<BTreeSet<TargetUid>>,
}

impl TargetFilter {
    /// Is the run about this subscriber?
    pub fn includes(&self, target: &Target) -> bool {
        self.names(target) && self.share.is_none_or(|share| share.has(&target.declared_at.file))
    }

    /// Is it about this subscriber by the names that were given, whichever node looks after it?
    pub fn names(&self, target: &Target) -> bool {
        let fits = |wanted: &Option<String>, actual: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == actual)
        };
        fits(&self.environment, &target.namespace.environment)
            && fits(&self.app, &target.app.name)
            && fits(&self.saas_file, &target.saas_file)
            && self.only.as_ref().is_none_or(|only| only.contains(&target.uid))
    }

    /// The names that were given, e.g. `environment=production,app=orders`; `None` without any.
    pub fn named(&self) -> Option<String> {
        let parts = [
            ("environment", &self.environment),
            ("app", &self.app),
            ("saas_file", &self.saas_file),
        ];
        let given = |(kind, name): (&str, &Option<String>)| {
            name.as_ref().map(|name| format!("{kind}={name}"))
        };
        let given: Vec<String> = parts.into_iter().filter_map(given).collect();
        (!given.is_empty()).then(|| given.join(","))
    }

    /// Is the run about all of them, or all of its share?
    pub fn is_everything(&self) -> bool {
        let named = self.environment.is_some() || self.app.is_some() || self.saas_file.is_some();
        !named && self.only.is_none()
    }
}
