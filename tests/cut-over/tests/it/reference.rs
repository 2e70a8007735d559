//! What `shadow` says of the conformance corpus, run by both: by `sapm`, and by the integration itself
//! (`scripts/reference-moves.py` recorded what it writes, or why its run ends).

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sapm::app_interface::DirectoryTree;
use sapm::clients::git::GitMerge;
use sapm::domain::{CommitSha, MrIid, UidDigest};
use sapm::old_promoter::{OldKind, Shapes, UserShapes};
use sapm::plan::Settings;
use sapm::ports::{
    Comment, CutOverReader, ListedMergeRequest, MergeRequestDetail, MergeRequestList,
    MergeRequestQuery, PipelineSchedule, ProjectSettings, PushRule, StateError, StateStore,
};
use sapm::report::ShadowReport;
use sapm::run::{self, ConfigRepo, Options, ReadOptions};
use sapm::shadow::{CompareOptions, Ledger, Sources, compare_present, observe};
use sapm::snapshot::{CommitDetail, Failure, LabelEvent, MergeRequestFact, MrState, Snapshot};
use serde_json::Value;

const BEFORE: &str = "1111111111111111111111111111111111111111";
const AFTER: &str = "2222222222222222222222222222222222222222";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A project with one open merge request of the old promoter's, which writes these files.
struct Recorded {
    at: DateTime<Utc>,
    /// Text before and after by path.
    files: BTreeMap<String, (String, String)>,
}

#[async_trait]
impl StateStore for Recorded {
    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(None)
    }

    async fn put(&self, _key: &str, _bytes: Vec<u8>) -> Result<(), StateError> {
        Err(StateError::Key("read only".to_owned()))
    }

    fn location(&self) -> String {
        "nowhere".to_owned()
    }

    async fn modified_at(&self, _key: &str) -> Result<Option<DateTime<Utc>>, StateError> {
        Ok(None)
    }
}

#[async_trait]
impl CutOverReader for Recorded {
    async fn merge_requests(&self, query: &MergeRequestQuery) -> Result<MergeRequestList, Failure> {
        let fact = MergeRequestFact {
            iid: MrIid(1),
            state: MrState::Opened,
            title: "[SAPM] auto-promotion ID 1 - batch size: 1".to_owned(),
            description: String::new(),
            draft: false,
            auto_merge: false,
            author_id: sapm::domain::UserId(7),
            author: "devtools-bot".to_owned(),
            source_branch: "SAPM-0a1b2c".to_owned(),
            target_branch: "master".to_owned(),
            sha: None,
            labels: ["SAPM".to_owned()].into(),
            web_url: String::new(),
            created_at: self.at,
            detailed_merge_status: None,
            pipeline: None,
            closed_by: None,
            ended_at: None,
        };
        let listed = ListedMergeRequest {
            fact,
            updated_at: self.at,
            closed_by: None,
            closed_at: None,
            merged_at: None,
        };
        let is_open = query.state == MrState::Opened && !self.files.is_empty();
        Ok(MergeRequestList {
            entries: is_open.then_some(listed).into_iter().collect(),
            is_cut: false,
        })
    }

    async fn merge_request(&self, _iid: MrIid) -> Result<MergeRequestDetail, Failure> {
        let diff = CommitSha::parse(BEFORE).zip(CommitSha::parse(AFTER));
        Ok(MergeRequestDetail { diff, pipeline: None, merge_status: None })
    }

    async fn changed_paths(&self, _iid: MrIid) -> Result<Vec<String>, Failure> {
        Ok(self.files.keys().cloned().collect())
    }

    async fn text(&self, commit: &CommitSha, path: &str) -> Result<Option<String>, Failure> {
        let texts = self.files.get(path);
        let of = |texts: &(String, String)| {
            if commit.as_str() == BEFORE { texts.0.clone() } else { texts.1.clone() }
        };
        Ok(texts.map(of))
    }

    async fn comments(&self, _iid: MrIid) -> Result<Vec<Comment>, Failure> {
        Ok(Vec::new())
    }

    async fn label_changes(&self, _iid: MrIid) -> Result<Vec<LabelEvent>, Failure> {
        Ok(Vec::new())
    }

    async fn branches_named(&self, _prefix: &str) -> Result<Vec<(String, CommitDetail)>, Failure> {
        Ok(Vec::new())
    }

    async fn commits_of_file(
        &self,
        _path: &str,
        _since: DateTime<Utc>,
    ) -> Result<Vec<CommitDetail>, Failure> {
        Ok(Vec::new())
    }

    async fn settings(&self) -> Result<ProjectSettings, Failure> {
        Ok(ProjectSettings::default())
    }

    async fn refused_branches(
        &self,
        _branches: &std::collections::BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        Ok(BTreeMap::new())
    }

    async fn push_rule(&self) -> Result<Option<PushRule>, Failure> {
        Ok(None)
    }

    async fn schedules(&self) -> Result<Vec<PipelineSchedule>, Failure> {
        Ok(Vec::new())
    }

    async fn process_mode(&self, _group: &str) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    async fn missing_labels(
        &self,
        _labels: &std::collections::BTreeSet<String>,
    ) -> Result<std::collections::BTreeSet<String>, Failure> {
        Ok(std::collections::BTreeSet::new())
    }
}

/// Compares one case.
fn compared(name: &str, recorded: &Value) -> ShadowReport {
    let folder = root().join("conformance/cases").join(name);
    let repo = ConfigRepo::read(&DirectoryTree::new(&folder), &ReadOptions::default()).unwrap();
    let snapshot =
        Snapshot::from_json(&std::fs::read(folder.join("snapshot.json")).unwrap()).unwrap();
    let options = Options::offline(Settings::default());
    let planned = run::replay(&options, &GitMerge, &repo, &snapshot);
    let report = planned.report(&options, &repo, &snapshot, None);
    let files = recorded["files"].as_object().into_iter().flatten();
    let files = files.map(|(path, after)| {
        let path = format!("data{path}");
        let before = std::fs::read_to_string(folder.join(&path)).unwrap();
        (path, (before, after.as_str().unwrap().to_owned()))
    });
    let theirs = Recorded { at: snapshot.observed_at, files: files.collect() };
    let shapes = Shapes::new(vec![OldKind::Sapm, OldKind::V1], UserShapes::default()).unwrap();
    let sources = Sources {
        reader: &theirs,
        state: &theirs,
        repo: &repo,
        report: &report,
        shapes: &shapes,
        digest: UidDigest::Blake2s,
    };
    let ledger = Ledger::new("corpus", snapshot.observed_at);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let observed = runtime.block_on(observe(&sources, &ledger)).unwrap();
    compare_present(&observed, "corpus", &CompareOptions::default())
}

#[test]
fn the_corpus_run_by_both_is_the_same_or_explained() {
    let text = std::fs::read_to_string(root().join("data/reference-moves.json")).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let (mut tally, mut unexplained) = (BTreeMap::<String, usize>::new(), Vec::new());
    for (name, case) in recorded["cases"].as_object().unwrap() {
        let report = compared(name, case);
        if let Some(error) = case["error"].as_str() {
            // No merge request of theirs: the run ended for everybody.
            *tally.entry("(their run ends)".to_owned()).or_default() += report.moves.len();
            assert!(report.moves.iter().all(|one| one.theirs.is_none()), "{name}: {error}");
            continue;
        }
        for one in &report.moves {
            let reasons: Vec<String> =
                one.reasons.iter().map(|reason| reason.code.name()).collect();
            let line = format!("{} {}", one.class.name(), reasons.join("+"));
            *tally.entry(line.trim_end().to_owned()).or_default() += 1;
            if !one.explained {
                let decided = one.decided.clone().unwrap_or_default();
                unexplained.push(format!("{name}: {} {} {decided}", one.class.name(), one.label));
            }
        }
    }
    println!("{tally:#?}");
    assert_eq!(unexplained, Vec::<String>::new());
    assert!(tally["same"] > 50, "{tally:#?}");
}
