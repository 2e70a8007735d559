//! Which merge requests of one file can coexist: opened ones merge in any order, and waiting ones would
//! not have.

use std::cell::Cell;

use datafiles::{Datafiles, SaasFile, Target};
use proptest::prelude::*;
use sapm::app_interface::load;
use sapm::clients::git::merge_texts;
use sapm::decide::suppose_promoted;
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::build;
use sapm::plan::{
    Action, DesiredStates, MAX_UNWRITTEN_BYTES, Merge, MergeTexts, Plan, Reason, Settings, plan,
};
use sapm::snapshot::Snapshot;

use crate::small_world::at;

/// The layout of a target.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// Preceded by this many lines unrelated to its ref.
    Block(usize),
    /// On its own line.
    Line,
    /// On the line of the previous one.
    SameLine,
}

const URL: &str = "https://git.example.com/api";

fn saas_file(layouts: &[Layout]) -> SaasFile {
    let publisher = Target::new("/namespace.yml", "main").publishes("ok");
    let mut saas = SaasFile::new("saas", "/app.yml").template("stage", URL).target(&publisher);
    let mut line = Vec::new();
    for (number, layout) in layouts.iter().enumerate() {
        if !matches!(layout, Layout::SameLine) {
            saas = with_line(saas, &mut line);
        }
        let target = Target::new("/namespace.yml", &format!("a{number:039x}"))
            .named(&format!("t{number}"))
            .subscribes("ok", "");
        match layout {
            Layout::Line | Layout::SameLine => line.push(target),
            Layout::Block(filler) => {
                let filler: String = (0..*filler).map(|n| format!("    P{n}: same\n")).collect();
                let parameters = format!("  parameters:\n    FIRST: 0\n{filler}");
                let name = format!("r{number}");
                saas = saas.template_with(&name, URL, &parameters).target(&target);
            }
        }
    }
    with_line(saas, &mut line)
}

/// Adds the targets that share one line, as a template of their own.
fn with_line(saas: SaasFile, line: &mut Vec<Target>) -> SaasFile {
    match std::mem::take(line) {
        line if line.is_empty() => saas,
        line => saas.template("line", URL).targets_on_one_line(&line),
    }
}

/// Merges like git, and counts.
#[derive(Default)]
struct Git {
    merges: Cell<usize>,
}

impl MergeTexts for Git {
    fn merge(&self, base: &str, ours: &str, theirs: &str) -> Merge {
        self.merges.set(self.merges.get() + 1);
        merge_texts(base, ours, theirs).unwrap()
    }
}

/// The plan when every target is due, the file, and the number of merges that planning took.
fn planned(layouts: &[Layout], most: usize) -> (Plan, String, usize) {
    let Datafiles(files) = Datafiles::around(&saas_file(layouts));
    let file = files["/saas.yml"].clone();
    let bundle = load(&files).unwrap();
    let inventory = build(&bundle, UidDigest::Blake2s);
    let commit = CommitSha::parse(&"a".repeat(40)).unwrap();
    let decisions = suppose_promoted(&inventory, &bundle, &commit, "");
    let desired_states = DesiredStates::of(&inventory, &bundle, &decisions);
    let settings = Settings {
        target_branch: "main".to_owned(),
        max_new_merge_requests: most,
        ..Settings::default()
    };
    let merger = Git::default();
    let snapshot = Snapshot::new(at("2026-08-20T10:15:30Z"));
    let (plan, _) =
        plan(&inventory, &bundle, &decisions, &desired_states, &snapshot, &settings, &merger);
    assert_eq!(plan.merge_requests.len(), layouts.len(), "{file}");
    (plan, file, merger.merges.get())
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        4 => (0..25_usize).prop_map(Layout::Block),
        1 => Just(Layout::Line),
        1 => Just(Layout::SameLine),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn opened_merge_requests_merge_in_any_order_and_waiting_ones_would_not(
        layouts in prop::collection::vec(layout(), 1..12),
        order in any::<prop::sample::Index>(),
    ) {
        let (plan, file, _) = planned(&layouts, usize::MAX);
        let text = |planned: &sapm::plan::PlannedMergeRequest| planned.files[0].content.to_string();
        let of = |action: Action| plan.merge_requests.iter().filter(move |planned| planned.action == action);
        let mut opened: Vec<String> = of(Action::Create).map(text).collect();
        let at = order.index(opened.len());
        opened.rotate_left(at);
        let git = Git::default();
        let mut merged = file.clone();
        for text in &opened {
            match git.merge(&file, &merged, text) {
                Merge::Clean(text) => merged = text,
                Merge::Conflict => prop_assert!(false, "{text}\ndoes not merge into\n{merged}"),
            }
        }
        for waiting in of(Action::Defer) {
            prop_assert_eq!(waiting.reason_code, Reason::WaitsForRequest);
            let conflicts = opened.iter().any(|text| git.merge(&file, text, &waiting.files[0].content) == Merge::Conflict);
            prop_assert!(conflicts, "{}: {}\n{}", waiting.branch, waiting.reason, file);
        }
    }
}

#[test]
fn each_opened_merge_request_is_merged_once() {
    let (plan, _, merges) = planned(&vec![Layout::Block(20); 300], 40);
    let opened =
        plan.merge_requests.iter().filter(|planned| planned.action == Action::Create).count();
    assert_eq!((opened, merges), (40, 40));
}

#[test]
fn targets_on_one_line_wait_without_a_merge_for_each() {
    let mut layouts = vec![Layout::SameLine; 300];
    layouts[0] = Layout::Line;
    let (plan, _, merges) = planned(&layouts, usize::MAX);
    let opened =
        plan.merge_requests.iter().filter(|planned| planned.action == Action::Create).count();
    assert_eq!((opened, merges), (1, 1));
}

#[test]
fn a_plan_limits_the_text_of_deferred_merge_requests() {
    let (plan, file, _) = planned(&vec![Layout::Block(20); 100], 3);
    let deferred = plan.merge_requests.iter().filter(|planned| planned.action == Action::Defer);
    let kept: usize =
        deferred.flat_map(|planned| &planned.files).map(|file| file.content.len()).sum();
    // Together they would be several times the limit.
    assert!(
        97 * file.len() > 3 * MAX_UNWRITTEN_BYTES && kept > file.len(),
        "{} {kept}",
        file.len()
    );
    assert!(kept <= MAX_UNWRITTEN_BYTES, "{kept}");
    let created = plan.merge_requests.iter().filter(|planned| planned.action == Action::Create);
    assert!(created.clone().all(|planned| planned.files.len() == 1) && created.count() == 3);
}
