//! All problem codes, with severity and usual help text. `docs/problems.md` explains them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Severity::{self, Error, Warning};

macro_rules! problem_codes {
    ($($name:ident = ($code:literal, $severity:expr, $help:expr),)*) => {
        /// The kind of a problem: a stable name for programs.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "the table below describes each one")]
        pub enum ProblemCode {
            $($name,)*
        }

        impl ProblemCode {
            /// All codes by name.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// Its usual severity.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => $severity,)*
                }
            }

            /// The usual help text, for codes whose message needs one.
            pub fn usual_help(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => $help,)*
                }
            }
        }
    };
}

problem_codes! {
    AbbreviatedCommit = ("abbreviated_commit", Warning, Some("write all 40 digits in lower case, or the name of a branch")),
    AutoWithMovingRef = ("auto_with_moving_ref", Warning, Some("write the 40 digits of the commit that is deployed")),
    AutoWithoutSubscribe = ("auto_without_subscribe", Warning, Some("name the channels that it follows in promotion.subscribe, or remove auto")),
    BranchNotOurs = ("branch_not_ours", Error, None),
    BranchesNotDeletable = ("branches_not_deletable", Warning, None),
    BrokenDatafile = ("broken_datafile", Error, Some("correct the value; until then this item is ignored")),
    BrokenResourceTemplate = ("broken_resource_template", Error, Some("correct the value; until then this item is ignored")),
    BrokenTarget = ("broken_target", Error, Some("correct the value; until then this item is ignored")),
    ChannelWithoutPublisher = ("channel_without_publisher", Error, Some("add the channel to promotion.publish of the target that is deployed first, or correct its spelling")),
    CodeOwnersUnusable = ("code_owners_unusable", Warning, Some("correct the file, or set --reviewers (SAPM_REVIEWERS) to none or owners")),
    CommitLookupFailed = ("commit_lookup_failed", Error, Some("check the repository URL and the ref, that the token may read it, and that its host is up")),
    DanglingRef = ("dangling_ref", Error, Some("correct the path: it must begin with a slash, and is relative to data/")),
    DuplicateKey = ("duplicate_key", Warning, Some("remove one of the two: the last one counts")),
    DuplicateNamespace = ("duplicate_namespace", Warning, Some("a namespace name is unique within a cluster: remove or rename one of them")),
    DuplicateSaasFile = ("duplicate_saas_file", Warning, Some("give each saas file a unique name")),
    DuplicateTarget = ("duplicate_target", Error, Some("give one of them a unique name, or remove it")),
    EmptySloDocument = ("empty_slo_document", Warning, Some("fill the document, or remove it from the target's slos")),
    ExportFailed = ("export_failed", Error, None),
    FolderTooDeep = ("folder_too_deep", Error, Some("move the folder up")),
    IdleExclude = ("idle_exclude", Warning, Some("correct the expression, or remove it")),
    InvalidRef = ("invalid_ref", Error, Some("write the 40 digits of a commit, or the name of a branch")),
    InvalidSchedule = ("invalid_schedule", Error, Some("five fields in UTC: minute, hour, day of month, month, day of week, for example `0-59 8-16 * * mon-fri`")),
    InvalidSelector = ("invalid_selector", Error, Some("correct the JSONPath expression")),
    InvalidSloExpression = ("invalid_slo_expression", Error, Some("correct the Jinja template in expr, or add the value to SLOParameters")),
    LabelsNotSet = ("labels_not_set", Warning, None),
    LabelRemoved = ("label_removed", Warning, Some("add the label again, or remove it from --label (SAPM_LABELS)")),
    LeftoverPromotionData = ("leftover_promotion_data", Warning, Some("remove promotion_data, or set redeployOnPublisherConfigChange: true")),
    LfsPointer = ("lfs_pointer", Error, Some("store datafiles in git itself: remove them from .gitattributes and commit the text")),
    LinkedFolder = ("linked_folder", Warning, Some("refer to the files by their own paths, and remove the link")),
    MetricsNotPushed = ("metrics_not_pushed", Warning, None),
    MisspeltKey = ("misspelt_key", Warning, None),
    NoSaasFile = ("no_saas_file", Error, Some("saas files have `$schema: /app-sre/saas-file-2.yml`; is this the right folder and branch?")),
    OtherRepository = ("other_repository", Warning, Some("subscribe to a channel of the same repository, unless one mirrors the other")),
    OtherTargetBranch = ("other_target_branch", Warning, None),
    PromotionCycle = ("promotion_cycle", Error, Some("remove one of the subscriptions, so that commits enter the chain at one end")),
    PromotionSuppressed = ("promotion_suppressed", Warning, Some("add the label sapm/again to the merge request in the message to have the promotion opened again")),
    PublisherSelectorWithoutMatch = ("publisher_selector_without_match", Warning, Some("correct the selector, or remove the target")),
    RecordLookupFailed = ("record_lookup_failed", Error, Some("check that the bucket responds and that this key may be read; the next run tries again")),
    RequestClosedByTwin = ("request_closed_by_twin", Warning, Some("give sapm its own user and labels, stop the other program, and add the label sapm/again to the merge request in the message")),
    ReviewerNotFound = ("reviewer_not_found", Warning, Some("correct or remove the names. An email address must be the public one of the user; a group is not asked")),
    ReviewersNotLookedUp = ("reviewers_not_looked_up", Warning, Some("the merge requests are open without these reviewers: add them by hand if they are needed")),
    RunFailed = ("run_failed", Error, None),
    RunInterrupted = ("run_interrupted", Error, None),
    SelectorWithoutMatch = ("selector_without_match", Warning, Some("correct the selector, or remove the target")),
    SelfSubscription = ("self_subscription", Error, Some("remove the channel from promotion.subscribe or promotion.publish")),
    ServiceRefused = ("service_refused", Error, None),
    SharedValue = ("shared_value", Error, Some("write the value in this target instead of sharing it")),
    ShortSchedule = ("short_schedule", Warning, Some("open it for 15 minutes or more, for example `0-59 8-16 * * mon-fri`")),
    SloLookupFailed = ("slo_lookup_failed", Error, Some("check that this Prometheus responds, and the SLO's query")),
    SloWithoutPrometheus = ("slo_without_prometheus", Error, Some("set prometheusUrl in the cluster, or prometheusAccess.url for this namespace in the document")),
    StuckEditSite = ("stuck_edit_site", Error, Some("give this target its own ref, or let the other one subscribe too")),
    Submodule = ("submodule", Error, Some("copy the datafiles into this repository")),
    TokenExpires = ("token_expires", Warning, None),
    UnknownSelectorField = ("unknown_selector_field", Warning, None),
    UnreadableCheckIn = ("unreadable_check_in", Warning, Some("deploy that commit again, so that its record gets a time")),
    UnreadableDatafile = ("unreadable_datafile", Error, Some("correct the YAML; until then the whole file is ignored")),
    UnsafeEdit = ("unsafe_edit", Error, Some("write ref and promotion of this target as plain values of its own")),
    UnsubscribedPromotionData = ("unsubscribed_promotion_data", Warning, Some("remove the item, or subscribe to the channel")),
    UnusableLink = ("unusable_link", Error, Some("replace the link by the file, or point it to a file in data/")),
    UnusableRecord = ("unusable_record", Error, Some("deploy that commit again to write a new record")),
    UnusableVersion = ("unusable_version", Warning, Some("write all 40 digits: an abbreviated commit has no effect")),
    WriteRefused = ("write_refused", Error, None),
}

impl ProblemCode {
    /// Does it keep an eligible promotion from being opened until a person acts?
    pub fn suppresses_promotion(self) -> bool {
        matches!(self, Self::PromotionSuppressed | Self::RequestClosedByTwin)
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
