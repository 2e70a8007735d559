//! Which merge requests of one file stand beside each other: what is opened merges in any order, and what waits would
//! not have.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use sapm::app_interface::load;
use sapm::clients::git::merge_texts;
use sapm::decide::suppose_promoted;
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::build;
use sapm::plan::{Action, DesiredStates, Merge, MergeTexts, Plan, Reason, Settings, plan};
use sapm::snapshot::Snapshot;

use crate::small_world::{Tree, at};

/// How a target is written.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// With so many lines that have nothing to do with its ref before it.
    Block(usize),
    /// On a line of its own.
    Line,
    /// On the line of the one before.
    SameLine,
}

fn saas_file(layouts: &[Layout]) -> String {
    let mut text = "$schema: /app-sre/saas-file-2.yml\nname: saas\napp: {$ref: /app.yml}\nresourceTemplates:\n\
                    - name: stage\n  url: https://git.example.com/api\n  targets:\n  \
                    - {namespace: {$ref: /ns.yml}, ref: main, promotion: {publish: [ok]}}\n"
        .to_owned();
    let mut line = 0;
    for (number, layout) in layouts.iter().enumerate() {
        let target = format!(
            "{{name: t{number}, namespace: {{$ref: /ns.yml}}, ref: 'a{number:039x}', promotion: {{auto: true, subscribe: [ok]}}}}"
        );
        match layout {
            Layout::SameLine if text.ends_with("]\n") && line > 0 => {
                text.truncate(text.len() - 2);
                text += &format!(", {target}]\n");
            }
            Layout::Line | Layout::SameLine => {
                line += 1;
                text += &format!(
                    "- name: r{number}\n  url: https://git.example.com/api\n  targets: [{target}]\n"
                );
            }
            Layout::Block(filler) => {
                text += &format!(
                    "- name: r{number}\n  url: https://git.example.com/api\n  parameters:\n    FIRST: 0\n"
                );
                (0..*filler).for_each(|n| text += &format!("    P{n}: same\n"));
                text += &format!(
                    "  targets:\n  - name: t{number}\n    ref: a{number:039x}\n    namespace: {{$ref: /ns.yml}}\n    \
                     promotion: {{auto: true, subscribe: [ok]}}\n"
                );
            }
        }
    }
    text
}

/// Merges as git does, and counts.
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

/// The plan where every target is due, the file, and how many merges planning took.
fn planned(layouts: &[Layout], most: usize) -> (Plan, String, usize) {
    let file = saas_file(layouts);
    let namespace = "$schema: /openshift/namespace-1.yml\nname: ns\ncluster: {$ref: /cluster.yml}\n\
                     app: {$ref: /app.yml}\nenvironment: {$ref: /env.yml}\n";
    let files = [
        ("/app.yml", "$schema: /app-sre/app-1.yml\nname: app\n"),
        ("/cluster.yml", "$schema: /openshift/cluster-1.yml\nname: c\n"),
        ("/env.yml", "$schema: /app-sre/environment-1.yml\nname: env\n"),
        ("/ns.yml", namespace),
        ("/saas.yml", &file),
    ];
    let files: BTreeMap<_, _> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let bundle = load(&Tree(files)).unwrap();
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
    assert_eq!(plan.requests.len(), layouts.len(), "{file}");
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
    fn what_is_opened_merges_in_any_order_and_what_waits_would_not(
        layouts in prop::collection::vec(layout(), 1..12),
        order in any::<prop::sample::Index>(),
    ) {
        let (plan, file, _) = planned(&layouts, usize::MAX);
        let text = |planned: &sapm::plan::PlannedMergeRequest| planned.files[0].content.to_string();
        let of = |action: Action| plan.requests.iter().filter(move |planned| planned.action == action);
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
fn each_request_that_is_opened_is_merged_once() {
    let (plan, _, merges) = planned(&vec![Layout::Block(20); 300], 40);
    let opened = plan.requests.iter().filter(|planned| planned.action == Action::Create).count();
    assert_eq!((opened, merges), (40, 40));
}

#[test]
fn targets_on_one_line_wait_without_a_merge_for_each() {
    let mut layouts = vec![Layout::SameLine; 300];
    layouts[0] = Layout::Line;
    let (plan, _, merges) = planned(&layouts, usize::MAX);
    let opened = plan.requests.iter().filter(|planned| planned.action == Action::Create).count();
    assert_eq!((opened, merges), (1, 1));
}

#[test]
fn a_plan_keeps_so_much_text_of_what_it_does_not_write() {
    let (plan, file, _) = planned(&vec![Layout::Block(200); 100], 3);
    let deferred = plan.requests.iter().filter(|planned| planned.action == Action::Defer);
    let kept: usize =
        deferred.flat_map(|planned| &planned.files).map(|file| file.content.len()).sum();
    assert!(file.len() > 200_000 && kept > file.len(), "{} {kept}", file.len());
    assert!(kept <= 4 << 20, "{kept}");
    let created = plan.requests.iter().filter(|planned| planned.action == Action::Create);
    assert!(created.clone().all(|planned| planned.files.len() == 1) && created.count() == 3);
}
