//! Saas files and targets as declared in the datafiles.

use super::fields::FieldError;
use crate::domain::{GitRef, RepoUrl};
use yaml11::{NodeId, NodeRef};

/// A saas file (`/app-sre/saas-file-2.yml`).
#[derive(Debug, Clone)]
pub struct SaasFile {
    /// Path of the datafile.
    pub path: String,
    /// Name.
    pub name: String,
    /// Path of its app's datafile.
    pub app: String,
    /// Path of the datafile that configures where its deployments run.
    pub pipelines_provider: Option<String>,
    /// Its resource templates, in file order.
    pub resource_templates: Vec<ResourceTemplate>,
}

/// A resource template: a template in a code repository and the targets it is deployed to.
#[derive(Debug, Clone)]
pub struct ResourceTemplate {
    /// Name.
    pub name: String,
    /// The code repository.
    pub url: RepoUrl,
    /// Its readable targets, in file order.
    pub targets: Vec<TargetDeclaration>,
}

/// Where something is in a datafile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLocation {
    /// Path of the datafile, from `data/` with a leading slash.
    pub file: String,
    /// YAML path in it; empty for the root.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl SourceLocation {
    /// The YAML path of something below this location, e.g. `promotion.schedule`.
    pub fn below(&self, rest: &str) -> String {
        if self.path.is_empty() { rest.to_owned() } else { format!("{}.{rest}", self.path) }
    }
}

/// A field of a target that explanations name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetField {
    /// The target itself.
    Target,
    /// `ref`
    Ref,
    /// `promotion`
    Promotion,
    /// `promotion.subscribe`
    Subscribe,
    /// `promotion.soakDays`
    SoakDays,
    /// `promotion.schedule`
    Schedule,
}

impl TargetField {
    /// All of them, in the order of their discriminants.
    const ALL: [Self; 6] =
        [Self::Target, Self::Ref, Self::Promotion, Self::Subscribe, Self::SoakDays, Self::Schedule];

    const fn path(self) -> &'static [&'static str] {
        match self {
            Self::Target => &[],
            Self::Ref => &["ref"],
            Self::Promotion => &["promotion"],
            Self::Subscribe => &["promotion", "subscribe"],
            Self::SoakDays => &["promotion", "soakDays"],
            Self::Schedule => &["promotion", "schedule"],
        }
    }
}

/// The lines of a target's fields, so that naming one does not need the tree of the file.
#[derive(Debug, Clone, Copy)]
pub struct FieldLines([u32; TargetField::ALL.len()]);

impl FieldLines {
    pub(super) fn of(target: NodeRef<'_>) -> Self {
        Self(TargetField::ALL.map(|field| {
            let node = field.path().iter().try_fold(target, |node, key| node.get(key));
            node.unwrap_or(target).position().line
        }))
    }

    /// The line of a field, from 1; of the target if the field is absent.
    pub fn line(&self, field: TargetField) -> u32 {
        self.0[field as usize]
    }
}

/// A target as it is declared: in a saas file, or in a shared target file.
#[derive(Debug, Clone)]
pub struct TargetDeclaration {
    /// Where it is declared: for a `$ref`, the root of the shared target file.
    pub declared_at: SourceLocation,
    /// Where the saas file names it (differs from `declared_at` only for a `$ref`).
    pub used_at: SourceLocation,
    /// The mapping node of the target in `declared_at.file`, aliases resolved.
    pub node: NodeId,
    /// Lines of its fields in `declared_at.file`.
    pub lines: FieldLines,
    /// Its own name.
    pub name: Option<String>,
    /// The namespaces it is deployed to.
    pub location: Where,
    /// The ref that is deployed, or why there is none.
    pub git_ref: Result<GitRef, String>,
    /// Its promotion block; `None` also for `promotion:` without a value.
    pub promotion: Option<Promotion>,
    /// Paths of its SLO documents.
    pub slos: Vec<String>,
    /// `disable: true` or `delete: true`: neither publisher nor subscriber.
    pub removed: bool,
    /// Configuration errors: a subscriber that has any is in `error`.
    pub broken: Vec<FieldError>,
}

/// The namespaces that a target is deployed to.
#[derive(Debug, Clone)]
pub enum Where {
    /// This namespace (path of its datafile).
    Namespace(String),
    /// All namespaces that the selector matches.
    Selector(Selector),
}

/// A namespace selector: JSONPath expressions as written.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// Selects the namespaces that any of these matches,
    pub include: Vec<String>,
    /// without those that any of these matches.
    pub exclude: Vec<String>,
}

/// A target's `promotion` block.
#[derive(Debug, Clone, Default)]
pub struct Promotion {
    /// Does `sapm` promote the target?
    pub auto: bool,
    /// Channels that it publishes to; no duplicates, in file order.
    pub publish: Vec<String>,
    /// Channels that it subscribes to; no duplicates, in file order.
    pub subscribe: Vec<String>,
    /// Days that the commit must have been deployed upstream, added up over all publishers.
    pub soak_days: u64,
    /// When it may be promoted: a cron expression in UTC; empty means always.
    pub schedule: String,
    /// Line and column of the schedule, from 1; 0 without a schedule.
    pub schedule_at: (u32, u32),
    /// Promote also when a publisher's config hash changes?
    pub redeploy_on_publisher_config_change: bool,
    /// The config hashes in the datafile now.
    pub current_hashes: Vec<CurrentHash>,
}

/// An item of `promotion_data`: a config hash of a channel's publisher.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    schemars::JsonSchema,
    serde::Deserialize,
)]
pub struct CurrentHash {
    /// The channel.
    pub channel: String,
    /// Saas file of the publisher.
    pub parent_saas: String,
    /// Digest of the publisher's effective deployment config.
    pub target_config_hash: String,
}
