//! The stages that need no network, one by one, on an estate in memory.

use std::cell::Cell;
use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sapm::app_interface::{
    BlobId, Bundle, Entry, FileTree, LoadOptions, ParsedFiles, TreeError, load, load_with,
};
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
    /// What a run before parsed.
    parsed: Bytes,
    bundle: Bundle,
    inventory: Inventory,
    snapshot: Snapshot,
}

const KEY: &[u8] = b"a key";

/// Files with ids, as in a commit.
struct Commit<'a>(&'a BTreeMap<String, String>);

impl FileTree for Commit<'_> {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (at, (path, text)) in self.0.iter().enumerate() {
            // The files never change, so their number can stand for their content.
            let mut id = [0; 20];
            id[..8].copy_from_slice(&(at as u64).to_le_bytes());
            let is_wanted = Cell::new(true);
            let size = text.len() as u64;
            visitor(Entry::Blob { path, blob: BlobId(id), size, is_wanted: &is_wanted });
            if is_wanted.get() {
                visitor(Entry::File(path, text.as_bytes()));
            }
        }
        Ok(())
    }
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
        let mut parsed = ParsedFiles::new();
        load_with(&Commit(&tree), LoadOptions::default(), &mut parsed).unwrap();
        let parsed = parsed.to_bytes(KEY).into();
        Self { snapshot: estate.snapshot(&urls, now), tree, parsed, bundle, inventory }
    }

    /// Reads and parses the files.
    pub fn load(&self) -> Bundle {
        load(&self.tree).unwrap()
    }

    /// Reads the files, all of which a run before parsed.
    pub fn load_known(&self) -> Bundle {
        let mut parsed = ParsedFiles::from_bytes(&self.parsed, KEY).unwrap();
        let bundle = load_with(&Commit(&self.tree), LoadOptions::default(), &mut parsed).unwrap();
        assert_eq!((bundle.counts.parsed, parsed.has_changed()), (0, false));
        bundle
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
