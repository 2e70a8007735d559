//! The desired merge requests against the open ones: what is to be written, with nothing left to choose.
//!
//! [`plan`] is a sequence of passes, which `planner` has in order:
//!
//! - `desired` turned decisions into edited texts before, one change for each edit site.
//! - `request_index` finds out which targets the open merge requests are about; `authorship` tells whose a branch is, by `verify`:
//!   what it declares is made again and compared. `adoption` lets open merge requests go on from the branch that they have,
//!   `sharding` tells which of several nodes handles it.
//! - `transition` is the table of what happens to an open merge request.
//! - `admission` lets only such requests stand beside each other as merge in any order (`conflicts`, by the ranges of
//!   `diff`).
//! - `steps`, `keeping`, `leaving` and `closing` write down what each action writes: `message` has the texts for people, `trailers`
//!   those for the bot itself.
//! - `batch` puts several promotions into one merge request, where the settings say so; `content` is what one writes.
//! - `comparisons` has what is known of the code between two commits, and notes what descriptions still ask for.
//! - `reviewers` chooses whom a new merge request asks to review, and notes whom it does not know.
//! - `labels` makes those of open merge requests follow the configuration.
//! - `create` opens what is due and has no merge request, unless `rejections` knows one, which `suppressed` reports.
//!
//! Planning again on the result of a plan changes nothing.

mod admission;
mod adoption;
mod authorship;
mod batch;
pub mod branch;
mod branch_content;
mod closing;
mod comparisons;
mod conflicts;
mod content;
mod create;
mod descriptions;
mod desired;
mod diff;
mod edits;
mod keeping;
mod labels;
mod leaving;
mod markup;
mod message;
mod model;
mod other_target;
mod planner;
mod rejections;
mod request_index;
mod reviewers;
mod scope;
mod settings;
mod sharding;
mod steps;
mod suppressed;
mod text_templates;
mod trailers;
mod transition;
pub mod verify;

pub use batch::{BatchBy, MAX_BATCH_SIZE, MENTION, mentioned_places};
pub use branch::BranchPrefixes;
pub use conflicts::{Merge, MergeTexts};
pub use desired::{DesiredStates, branch_of};
pub(crate) use markup::prose;
pub use message::{CLOSED_BY_BOT_MARKER, compare_url, forge_pages, has_said};
pub use model::{
    Action, Batch, CommitPair, FileEdit, MissingFacts, Plan, PlannedMergeRequest, Reason, Seen,
    Step,
};
pub use planner::plan;
pub use scope::Scope;
pub use settings::{MAX_UNWRITTEN_BYTES, ReviewersFrom, Settings, TargetFilter};
pub use text_templates::{TextTemplate, TextTemplates};
#[doc(hidden)]
pub use trailers::Trailers;
pub use trailers::{Member, Values};

#[cfg(test)]
mod desired_tests;
#[cfg(test)]
mod transition_tests;
