//! Differences that a person explains: a YAML file with a date until which each holds.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use crate::report::{MoveClass, MoveReport, ReasonCode, ReasonReport};

/// Days that an entry may hold at most, from now on.
pub const MAX_KNOWN_DAYS: i64 = 14;

/// Why a file of known differences cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KnownError(String);

/// An entry as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// A uid, or a label in which `*` is any text.
    target: String,
    /// The class; absent: any.
    #[serde(default)]
    class: Option<MoveClass>,
    /// The last day.
    until: NaiveDate,
    /// Why.
    reason: String,
}

/// Differences that a person explains.
#[derive(Debug, Clone, Default)]
pub struct Known {
    entries: Vec<Entry>,
}

impl Known {
    /// Reads the file: a list of `target`, `class`, `until`, `reason`.
    ///
    /// # Errors
    /// When it is no such list.
    pub fn from_yaml(text: &str) -> Result<Self, KnownError> {
        let entries = serde_yaml::from_str(text).map_err(|error| KnownError(error.to_string()))?;
        Ok(Self { entries })
    }

    /// Entries that are not used, with why.
    pub(super) fn warnings(&self, now: DateTime<Utc>) -> Vec<String> {
        let today = now.date_naive();
        let limit = today + TimeDelta::days(MAX_KNOWN_DAYS);
        let warn = |entry: &Entry| {
            let name = format!("the known difference of {} until {}", entry.target, entry.until);
            if entry.until < today {
                Some(format!("{name} is not used: it is past its date"))
            } else if entry.until > limit {
                Some(format!("{name} is not used: more than {MAX_KNOWN_DAYS} days are not allowed"))
            } else {
                None
            }
        };
        self.entries.iter().filter_map(warn).collect()
    }

    /// Explains what it can, and says which entries it used. What sets something back nothing explains.
    pub(super) fn explain(&self, moves: &mut [MoveReport], now: DateTime<Utc>) -> BTreeSet<String> {
        let today = now.date_naive();
        let limit = today + TimeDelta::days(MAX_KNOWN_DAYS);
        let mut used = BTreeSet::new();
        for one in moves.iter_mut().filter(|one| !one.explained) {
            if one.reasons.iter().any(|reason| reason.code == ReasonCode::Reverts) {
                continue;
            }
            let fits = |entry: &&Entry| {
                (today..=limit).contains(&entry.until)
                    && entry.class.is_none_or(|class| class == one.class)
                    && (entry.target == one.uid.as_str() || matches(&entry.target, &one.label))
            };
            if let Some(entry) = self.entries.iter().find(fits) {
                let evidence = format!("{} (until {})", entry.reason, entry.until);
                one.reasons.push(ReasonReport { code: ReasonCode::Known, evidence });
                one.explained = true;
                used.insert(format!("{}: {}", entry.target, entry.reason));
            }
        }
        used
    }
}

/// Does a pattern, in which `*` is any text, match a name?
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|at| matches(tail, &rest[at..]))
}
