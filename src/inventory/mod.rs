//! Who publishes and who subscribes: targets, channels and edit sites.
//!
//! `build` expands the bundle's declarations (selectors included) to targets
//! with their uids, and joins them by channel (domain rules, sections 2 to 4).

mod build;
mod find;
mod keys;
mod part;
mod select;
mod sites;
mod target;
mod targets;

pub use build::{Inventory, all_declared, build};
pub use find::{Found, find, find_all};
pub use keys::EditSiteKey;
pub use sites::{EditSite, SiteId};
pub use target::Target;
pub use targets::{TargetIx, Targets};
