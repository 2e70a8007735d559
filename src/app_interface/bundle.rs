//! The config repo with typed values and resolved `$ref`s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::resources::{App, Namespace, SloDocument};
use super::saas::SaasFile;
use crate::domain::{Problem, ProblemCode};
use jsonpath_ng::Document;
use yaml11::Tree;

/// Everything in the config repo that promotions depend on.
#[derive(Debug, Default)]
pub struct Bundle {
    /// Saas files, by path.
    pub saas_files: Vec<SaasFile>,
    /// Apps by path.
    pub apps: BTreeMap<String, Arc<App>>,
    /// Namespaces by path, resolved. Broken ones are left out.
    pub namespaces: BTreeMap<String, Arc<Namespace>>,
    /// Environments by path: the fields that selectors can query, parameters among them.
    pub environments: BTreeMap<String, Document>,
    /// SLO documents by path, or why one is broken.
    pub slo_documents: BTreeMap<String, Result<Arc<SloDocument>, String>>,
    /// `{"namespace": [...]}`, the document that namespace selectors query. `None` if there is no selector, or once all
    /// selectors have been expanded.
    pub selector_document: Option<Document>,
    /// The saas files and shared target files that may be edited, by path.
    pub sources: BTreeMap<String, Arc<Tree>>,
    /// The bytes of the other datafiles, for excerpts. Filled only by [`load_with_texts`](super::load_with_texts).
    pub texts: BTreeMap<String, Vec<u8>>,
    /// Problems, in the order they were found.
    pub problems: Vec<Problem>,
    /// Findings that only `validate` reports: keys that are probably misspelt. Collected only when texts are kept.
    pub doubts: Vec<Problem>,
    /// Files and folders that could not be read in full. Targets may be missing from them.
    pub broken_files: BTreeSet<String>,
    /// Numbers of files and bytes read.
    pub counts: LoadCounts,
}

impl Bundle {
    /// Ignores the letter case of repository paths on these hosts
    /// ([`RepoUrl::with_forges`](crate::domain::RepoUrl::with_forges)).
    pub fn know_forges(&mut self, forges: &BTreeSet<String>) {
        for template in self.saas_files.iter_mut().flat_map(|file| &mut file.resource_templates) {
            template.url = template.url.with_forges(forges);
        }
        for component in
            self.apps.values_mut().flat_map(|app| &mut Arc::make_mut(app).code_components)
        {
            component.url = component.url.with_forges(forges);
        }
    }

    /// Could anything in this file, or in a folder that contains it, not be read?
    pub fn is_broken(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.chain([path]).any(|path| self.broken_files.contains(path))
    }

    /// The problem of a `$ref` at `place` whose target is missing or broken.
    pub fn dangling(&self, place: &str, to: &str) -> Problem {
        let problem = |why: &str| {
            Problem::new(ProblemCode::DanglingRef, format!("{place}: $ref to {to}, {why}"))
        };
        if self.is_broken(to) {
            problem("which exists but cannot be used")
                .help("correct that file, which has its own problem")
        } else {
            problem("which does not exist or is of another kind")
        }
    }
}

/// The work that loading took.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct LoadCounts {
    /// Datafiles seen.
    pub files: u64,
    /// Saas files, readable or not.
    pub saas_files: u64,
    /// Datafiles parsed in full.
    pub parsed: u64,
    /// Bytes of the datafiles seen.
    pub bytes: u64,
}
