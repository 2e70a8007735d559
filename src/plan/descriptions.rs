//! Descriptions, and the operator's text at their end.

use super::desired::Desired;
use super::message;
use super::planner::Planner;

impl Planner<'_> {
    /// The description of a merge request that the bot does not offer now, where it has the operator's text: approvers
    /// read that.
    pub(super) fn without_footer(&self, description: &str) -> Option<String> {
        let footer = self.settings.description_footer.as_ref()?;
        // Wherever they stand: approvers read each line by itself.
        let is_footer = |line: &&str| {
            let mut own = footer.lines().map(str::trim).filter(|own| !own.is_empty());
            own.any(|own| own == line.trim())
        };
        let kept: Vec<&str> = description.lines().filter(|line| !is_footer(line)).collect();
        let has_footer = kept.len() < description.lines().count();
        has_footer.then(|| format!("{}\n", kept.join("\n").trim_end()))
    }

    /// A description with the operator's text, where it lacks that.
    pub(super) fn with_footer(&self, description: &str) -> Option<String> {
        let footer = self.settings.description_footer.as_ref()?;
        let is_bots = message::described_values(description).is_some();
        let lacks = is_bots && self.without_footer(description).is_none();
        lacks.then(|| format!("{}{}", description.trim_end(), message::footer(footer)))
    }

    /// The description of a merge request that is held from now on, where it changes: the reason comes first, and the
    /// operator's text is gone.
    pub(super) fn held_description(
        &self,
        description: &str,
        gate: &str,
        reason: &str,
    ) -> Option<String> {
        let bare = self.without_footer(description);
        let told = bare.as_deref().unwrap_or(description);
        message::with_hold(told, gate, reason, self.snapshot.observed_at).or(bare)
    }

    /// The same for one that is ready again.
    pub(super) fn ready_description(&self, description: &str) -> Option<String> {
        let told = message::without_hold(description);
        self.with_footer(told.unwrap_or(description)).or_else(|| told.map(str::to_owned))
    }

    /// `described`: the one that the merge request has by now.
    pub(super) fn description(&self, desired: &Desired, described: &str) -> String {
        message::description(&self.texts(described), desired)
    }

    pub(super) fn texts<'t>(&'t self, described: &'t str) -> message::Texts<'t> {
        message::Texts {
            inventory: self.inventory,
            decisions: self.decisions,
            settings: self.settings,
            comparisons: &self.comparisons,
            described,
            now: self.snapshot.observed_at,
        }
    }
}
