//! The stages that need no network, one by one, on an estate in memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sapm::app_interface::{Bundle, load};
use sapm::decide::{Decisions, decide};
use sapm::domain::UidDigest;
use sapm::inventory::{Inventory, build};
use sapm::plan::{self, DesiredStates, Merge, MergeTexts, Plan, Settings};
use sapm::report::{PlanReport, page};
use sapm::snapshot::Snapshot;

use crate::estate::{Estate, Size, Urls};

/// What each stage works on.
pub struct Stages {
    tree: BTreeMap<String, String>,
    bundle: Bundle,
    inventory: Inventory,
    snapshot: Snapshot,
}

/// Nothing merges beside anything else.
struct NoMerge;

impl MergeTexts for NoMerge {
    fn merge(&self, _: &str, _: &str, _: &str) -> Merge {
        Merge::Conflict
    }
}

impl Stages {
    /// An estate of this size, loaded.
    pub fn of(size: Size) -> Self {
        let estate = Estate::generate(size, 1);
        let urls = Urls::default();
        let files = estate.files(&urls).into_iter();
        let tree: BTreeMap<_, _> =
            files.map(|(path, text)| (path.trim_start_matches("data").to_owned(), text)).collect();
        let bundle = load(&tree).unwrap();
        assert!(bundle.problems.is_empty(), "{:?}", bundle.problems);
        let inventory = build(&bundle, UidDigest::Blake2s);
        let now: DateTime<Utc> = "2026-08-20T10:15:30Z".parse().unwrap();
        Self { snapshot: estate.snapshot(&urls, now), tree, bundle, inventory }
    }

    /// Reads and parses the files.
    pub fn load(&self) -> Bundle {
        load(&self.tree).unwrap()
    }

    /// Finds out who publishes and who subscribes.
    pub fn take_inventory(&self) -> Inventory {
        build(&self.bundle, UidDigest::Blake2s)
    }

    /// Decides on every target.
    pub fn decide(&self) -> Decisions {
        decide(&self.inventory, &self.snapshot, &self.bundle, &|_| true)
    }

    /// Plans the merge requests.
    pub fn plan(&self, decisions: &Decisions) -> Plan {
        let settings = Settings {
            target_branch: "main".to_owned(),
            labels: ["SAPM".to_owned()].into(),
            ..Settings::default()
        };
        let Self { inventory, bundle, snapshot, .. } = self;
        let desired_states = DesiredStates::of(inventory, bundle, decisions);
        plan::plan(inventory, bundle, decisions, &desired_states, snapshot, &settings, &NoMerge).0
    }

    /// Makes the report of a plan.
    pub fn report(&self, decisions: &Decisions, plan: &Plan) -> PlanReport {
        let Self { inventory, snapshot, .. } = self;
        let filter = Default::default();
        PlanReport::new(inventory, snapshot, decisions, plan, None, &filter, Vec::new())
    }

    /// Writes a report as `plan.json` and as `report.html`, with a picture of each app.
    pub fn render(report: &PlanReport) -> (String, String) {
        (report.to_json(), page(report))
    }
}
