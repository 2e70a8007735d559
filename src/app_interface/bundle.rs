//! The config repo, typed and resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::resources::{App, Namespace, SloDocument};
use super::saas::SaasFile;
use crate::domain::{Problem, ProblemCode};
use jsonpath_ng::Document;
use yaml11::Tree;

/// Everything of the config repo that promotions depend on.
#[derive(Debug, Default)]
pub struct Bundle {
    /// Saas files, by path.
    pub saas_files: Vec<SaasFile>,
    /// Apps by path.
    pub apps: BTreeMap<String, Arc<App>>,
    /// Namespaces by path, resolved; broken ones are left out.
    pub namespaces: BTreeMap<String, Arc<Namespace>>,
    /// SLO documents by path, or why one is broken.
    pub slo_documents: BTreeMap<String, Result<Arc<SloDocument>, String>>,
    /// `{"namespace": [...]}`, what namespace selectors look into; `None` if there is no selector, or when they
    /// have all been expanded.
    pub selector_document: Option<Document>,
    /// The saas files and shared target files themselves, by path: what may be edited.
    pub sources: BTreeMap<String, Arc<Tree>>,
    /// The other datafiles that were read, as bytes, for excerpts; empty unless they were asked for.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// What is wrong, by file.
    pub problems: Vec<Problem>,
    /// What only `validate` says: keys that are probably misspelt. Noted where texts are kept.
    pub doubts: Vec<Problem>,
    /// Files and folders in which something could not be read: targets may hide there.
    pub broken_files: BTreeSet<String>,
    /// How much was looked at.
    pub counts: LoadCounts,
}

impl Bundle {
    /// On these hosts the letter case of a repository's path does not count
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

    /// Could something in this file, or the folders that it is in, not be read?
    pub fn is_broken(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.chain([path]).any(|path| self.broken_files.contains(path))
    }

    /// A `$ref` (at `place`) to something that cannot be had: the path is wrong, or that file is.
    pub fn dangling(&self, place: &str, to: &str) -> Problem {
        let problem = |why: &str| {
            Problem::new(ProblemCode::DanglingRef, format!("{place}: $ref to {to}, {why}"))
        };
        if self.is_broken(to) {
            problem("which is there, but cannot be used")
                .help("correct that file: it has a problem of its own")
        } else {
            problem("which is not there, or is of another kind")
        }
    }
}

/// How much work loading was.
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
