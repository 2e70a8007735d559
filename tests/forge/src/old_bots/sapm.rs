//! The integration `saas-auto-promotions-manager`: one loop at a time.

use std::collections::BTreeSet;

use super::{Promotion, branch, digest, text};
use crate::gitlab::model::{MergeRequest, MrState};
use crate::world::{ProjectHandle, World};

/// By which it takes merge requests for its own, whoever opened them.
const LABEL: &str = "SAPM";
const APPROVED: &str = "bot/approved: progressive-delivery";
const SEPARATOR: &str = "**SAPM Data - DO NOT MANUALLY CHANGE ANYTHING BELOW THIS LINE**";
const VERSION: &str = "2.3.0";
/// Combinations of channels in one merge request.
const BATCH_SIZE: usize = 5;
const EXPORT: &str = "state/saas-auto-promotions-manager/publisher-data.json";

/// The integration with its user.
pub struct OldSapm {
    project: ProjectHandle,
    user: String,
    bucket: Option<String>,
    version: String,
    opened: u64,
}

/// What a loop did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SapmRun {
    /// Merge requests that it closed, with the comment.
    pub closed: Vec<(u64, String)>,
    /// Merge requests that it opened.
    pub opened: Vec<u64>,
}

impl OldSapm {
    /// Makes the user a member.
    pub fn new(project: &ProjectHandle, user: &str) -> Self {
        project.add_member(user, crate::state::Access::Maintainer);
        Self {
            project: project.clone(),
            user: user.to_owned(),
            bucket: None,
            version: VERSION.to_owned(),
            opened: 0,
        }
    }

    /// Writes its export to this bucket in every loop.
    pub fn exporting_to(mut self, bucket: &str) -> Self {
        self.bucket = Some(bucket.to_owned());
        self
    }

    /// Another version, by which it closes all that an earlier one opened.
    pub fn set_version(&mut self, version: &str) {
        self.version = version.to_owned();
    }

    /// One loop: closes what does not fit any more, opens what is due, writes the export whatever happened.
    pub fn run(&mut self, wanted: &[Promotion], export: &serde_json::Value) -> SapmRun {
        let due: Vec<&Promotion> =
            wanted.iter().filter(|one| one.is_due(&self.project, "main")).collect();
        let mut run = SapmRun::default();
        let mut covered: BTreeSet<String> = BTreeSet::new();
        let open = self.project.open_merge_requests();
        for request in open.iter().filter(|request| request.labels.contains(LABEL)) {
            match self.reason_to_close(request, &due, &covered) {
                Some(reason) => {
                    self.close(request, &reason);
                    run.closed.push((request.iid, reason));
                }
                None => covered.extend(field(request, "content_hashes").unwrap_or_default()),
            }
        }
        let missing: Vec<&Promotion> =
            due.into_iter().filter(|one| !covered.contains(&one.content_hash())).collect();
        for batch in missing.chunks(BATCH_SIZE) {
            let batch: Vec<Promotion> = batch.iter().map(|one| (*one).clone()).collect();
            run.opened.push(self.open(&batch));
        }
        self.export(export);
        run
    }

    /// Writes the export alone, as of now.
    pub fn export(&self, export: &serde_json::Value) {
        let Some(bucket) = &self.bucket else { return };
        let world: World = self.project.world.clone();
        world.put_object(bucket, EXPORT, python_json(export));
        world.set_object_time(bucket, EXPORT, world.now());
    }

    /// Opens a batch: commits whole files, each by itself, on the target branch as it is.
    pub fn open(&mut self, batch: &[Promotion]) -> u64 {
        self.open_from(batch, "main")
    }

    /// The same with texts that were read at another revision: it reads first, and branches later.
    pub fn open_from(&mut self, batch: &[Promotion], read_at: &str) -> u64 {
        self.opened += 1;
        let channels: Vec<&str> = batch.iter().map(|one| one.channels.as_str()).collect();
        let branch = branch("SAPM-", &format!("{channels:?}{}", self.opened));
        let paths: BTreeSet<&String> = batch.iter().map(|one| &one.path).collect();
        for path in paths {
            let mut content = text(&self.project, read_at, path);
            for one in batch.iter().filter(|one| one.path == *path) {
                content = one.applied(&content);
            }
            let change = [(path.clone(), Some(content))];
            self.project.commit(&self.user, &branch, "auto-promote subscriber", change);
        }
        let id = digest(&channels.join(","), 4) % 100_000_000;
        let title = format!("[SAPM] auto-promotion ID {id} - batch size: {}", batch.len());
        let opened = self.project.open_merge_request(
            &self.user,
            &branch,
            "main",
            &title,
            &self.description(&channels, batch),
        );
        let iid = opened.expect("a merge request of SAPM's");
        super::remove_branch_on_merge(&self.project, iid);
        self.project.set_labels(&self.user, iid, &[LABEL, APPROVED], &[]);
        iid
    }

    fn description(&self, channels: &[&str], batch: &[Promotion]) -> String {
        let hashes: Vec<String> = batch.iter().map(Promotion::content_hash).collect();
        let lines = [
            "Automated promotion of saas files.".to_owned(),
            SEPARATOR.to_owned(),
            format!("channels: {}", channels.join(",")),
            format!("content_hashes: {}", hashes.join(",")),
            "is_batchable: True".to_owned(),
            "kind: batcher".to_owned(),
            format!("sapm_version: {}", self.version),
            "This MR is auto-approved".to_owned(),
            "/lgtm".to_owned(),
        ];
        lines.join("\n\n")
    }

    /// The comment with which it closes a merge request with its label; `None`: it stays.
    fn reason_to_close(
        &self,
        request: &MergeRequest,
        due: &[&Promotion],
        covered: &BTreeSet<String>,
    ) -> Option<String> {
        let because = |why: &str| Some(format!("Closing this MR because {why}"));
        if request.description.matches(SEPARATOR).count() != 1 {
            return because("of bad data separator format.");
        }
        let Some(hashes) = field(request, "content_hashes") else {
            return because("of bad content_hashes format.");
        };
        let version = field(request, "sapm_version").and_then(|found| found.into_iter().next());
        if version.as_deref() != Some(&self.version) {
            let version = version.unwrap_or_default();
            return because(&format!("it has an outdated SAPM version {version}."));
        }
        let wanted: BTreeSet<String> = due.iter().map(|one| one.content_hash()).collect();
        if hashes.iter().any(|hash| !wanted.contains(hash)) {
            return because("it has out-dated content.");
        }
        if !self.project.merges_cleanly(request.iid) {
            return because("of a merge-conflict.");
        }
        if hashes.iter().all(|hash| covered.contains(hash)) {
            return because("there is already another MR open with identical content.");
        }
        let failed = self.project.pipelines().into_iter().any(|pipeline| {
            pipeline.merge_request == Some(request.iid) && pipeline.status == "failed"
        });
        if failed {
            return because("it failed MR check and isn't marked as un-batchable yet.");
        }
        None
    }

    /// Comment, close, delete the branch: in this order.
    pub fn close(&self, request: &MergeRequest, comment: &str) {
        if request.state != MrState::Opened {
            return;
        }
        self.project.comment(&self.user, request.iid, comment);
        self.project.close(&self.user, request.iid);
        self.project.delete_branch(&self.user, &request.source_branch);
    }
}

/// The first line behind the separator that has the field.
fn field(request: &MergeRequest, name: &str) -> Option<Vec<String>> {
    let data = request.description.split(SEPARATOR).nth(1)?;
    let mark = format!("{name}: ");
    let line = data.lines().find_map(|line| line.split_once(&mark))?.1;
    Some(line.split(',').map(str::to_owned).collect())
}

/// JSON with blanks after `:` and `,`, as Python writes it.
fn python_json(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", serde_json::json!(key), python_json(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
