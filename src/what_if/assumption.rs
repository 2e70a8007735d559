//! Parses assumptions of the form `deployed=CHANNEL/PUBLISHER@COMMIT`.

use std::collections::BTreeSet;

use crate::domain::{CommitSha, GitRef, quoted};
use crate::inventory::{Found, Inventory, TargetIx, find};
use crate::snapshot::{Lookup, Snapshot};

/// The assumption that a publisher has deployed a commit, or failed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// Index of the publisher in the inventory's targets.
    pub publisher: TargetIx,
    /// The commit.
    pub commit: CommitSha,
    /// Did the deployment succeed?
    pub success: bool,
}

/// Why a text is not an assumption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssumptionError {
    /// It has neither form.
    #[error(
        "{} is not of the form deployed=CHANNEL/PUBLISHER@COMMIT or failed=CHANNEL/PUBLISHER@COMMIT",
        quoted(.0)
    )]
    Form(String),
    /// The channel has no publisher.
    #[error("{}: there is no such channel{}", quoted(.text), list_channels(.alike))]
    Channel {
        /// Channel and publisher as given.
        text: String,
        /// Channels with similar names.
        alike: Vec<String>,
    },
    /// The channel exists, but not the publisher.
    #[error("channel {channel} has no publisher {}; it has {}", quoted(.publisher), .publishers.join(", "))]
    Publisher {
        /// The channel.
        channel: String,
        /// The publisher as given.
        publisher: String,
        /// Labels of the channel's publishers.
        publishers: Vec<String>,
    },
    /// Several publishers match.
    #[error("channel {channel} has several such publishers: {}", .publishers.join(", "))]
    Several {
        /// The channel.
        channel: String,
        /// Labels of the matching publishers.
        publishers: Vec<String>,
    },
    /// Neither a full commit id nor the start of one known commit.
    #[error(
        "{} is neither a commit id of 40 lower-case hex digits nor the start of one known to this \
         run",
        quoted(.0)
    )]
    Commit(String),
}

fn list_channels(channels: &[String]) -> String {
    if channels.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", channels.join(" or "))
    }
}

impl Assumption {
    /// Finds only the publisher, which is enough to know what has to be observed.
    ///
    /// # Errors
    /// See [`AssumptionError`].
    pub fn publisher(text: &str, inventory: &Inventory) -> Result<TargetIx, AssumptionError> {
        let (_, place, _) = split_assumption(text)?;
        publisher(place, inventory)
    }

    /// Parses an assumption. For a known commit, its first digits (4 or more) are enough.
    ///
    /// # Errors
    /// See [`AssumptionError`].
    pub fn parse(
        text: &str,
        inventory: &Inventory,
        snapshot: &Snapshot,
    ) -> Result<Self, AssumptionError> {
        let (success, place, commit) = split_assumption(text)?;
        let publisher = publisher(place, inventory)?;
        let known = || find_known_commit(commit, inventory, snapshot);
        let commit = CommitSha::parse(commit)
            .or_else(known)
            .ok_or_else(|| AssumptionError::Commit(commit.to_owned()))?;
        Ok(Self { publisher, commit, success })
    }
}

/// Success, channel with publisher, and commit.
fn split_assumption(text: &str) -> Result<(bool, &str, &str), AssumptionError> {
    let form = || AssumptionError::Form(text.to_owned());
    let (what, rest) = text.split_once('=').ok_or_else(form)?;
    let success = match what.trim() {
        "deployed" => true,
        "failed" => false,
        _ => return Err(form()),
    };
    let (place, commit) = rest.rsplit_once('@').ok_or_else(form)?;
    Ok((success, place.trim(), commit.trim()))
}

/// The longest channel name that the text begins with, then the publisher. If the channel has only one
/// publisher, its name may be left out.
fn publisher(place: &str, inventory: &Inventory) -> Result<TargetIx, AssumptionError> {
    let rest = |channel: &str| {
        let rest = place.strip_prefix(channel)?;
        if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
    };
    let named = inventory.publishers.keys().filter_map(|channel| Some((channel, rest(channel)?)));
    let Some((channel, name)) = named.max_by_key(|(channel, _)| channel.len()) else {
        let start = place.split('/').next().unwrap_or_default().to_lowercase();
        let near = |channel: &&String| {
            let ratio = similar::TextDiff::from_chars(channel.as_str(), start.as_str()).ratio();
            ratio > 0.7 || (!start.is_empty() && channel.to_lowercase().contains(&start))
        };
        let alike = inventory.publishers.keys().filter(near).take(3).cloned().collect();
        return Err(AssumptionError::Channel { text: place.to_owned(), alike });
    };
    let publishers: BTreeSet<TargetIx> =
        inventory.publishers_of(channel).map(|(index, _)| index).collect();
    let labels = |indexes: &mut dyn Iterator<Item = TargetIx>| -> Vec<String> {
        indexes.map(|index| inventory.targets[index].label()).collect()
    };
    if let (true, [only]) = (name.is_empty(), publishers.iter().collect::<Vec<_>>().as_slice()) {
        return Ok(**only);
    }
    match find(inventory, &publishers, name) {
        Found::One(index) => Ok(index),
        Found::Several(several) => Err(AssumptionError::Several {
            channel: channel.clone(),
            publishers: labels(&mut several.into_iter()),
        }),
        Found::Unknown(_) => Err(AssumptionError::Publisher {
            channel: channel.clone(),
            publisher: name.to_owned(),
            publishers: labels(&mut publishers.into_iter()),
        }),
    }
}

/// The one known commit (of refs, lookups and records) that begins with this text.
fn find_known_commit(start: &str, inventory: &Inventory, snapshot: &Snapshot) -> Option<CommitSha> {
    if start.len() < 4 {
        return None;
    }
    let refs = inventory
        .targets
        .iter()
        .filter_map(|target| target.git_ref.as_ref().ok().map(GitRef::as_str));
    let looked_up = snapshot.commits.values().filter_map(|commit| match commit {
        Lookup::Found(fact) => Some(fact.sha.as_str()),
        Lookup::Failed(_) => None,
    });
    let recorded = snapshot.deployment_records.keys().filter_map(|key| key.rsplit('/').next());
    let known: BTreeSet<CommitSha> = refs
        .chain(looked_up)
        .chain(recorded)
        .filter(|commit| commit.starts_with(start))
        .filter_map(CommitSha::parse)
        .collect();
    let mut known = known.into_iter();
    known.next().filter(|_| known.next().is_none())
}
