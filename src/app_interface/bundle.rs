//! The config repo with typed values and resolved `$ref`s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::code_owners::CodeOwners;
use super::people::Approvers;
use super::resources::{App, Namespace, SloDocument};
use super::saas::SaasFile;
use crate::domain::{Problem, ProblemCode, near_paths};
use jsonpath_ng::Document;
use yaml11::{Limits, NodePath, Tree};

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
    /// Paths of all SLO documents, also of those that no target uses.
    pub slo_document_paths: BTreeSet<String>,
    /// `{"namespace": [...]}`, the document that namespace selectors query. `None` if there is no selector, or once all
    /// selectors have been expanded.
    pub selector_document: Option<Document>,
    /// Who may approve which datafile. Filled only if users are read.
    pub approvers: Approvers,
    /// The config repo's CODEOWNERS, if that is read.
    pub code_owners: Option<CodeOwners>,
    /// The saas files and shared target files that may be edited, by path.
    pub sources: BTreeMap<String, SourceFile>,
    /// The bytes of the other datafiles, for excerpts. Filled only by [`LoadOptions::texts`](super::LoadOptions::texts).
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

    /// The tree of a saas file or a shared target file.
    pub fn tree(&self, path: &str) -> Option<&Arc<Tree>> {
        Some(self.sources.get(path)?.tree())
    }

    /// The text of a saas file or a shared target file.
    pub fn text(&self, path: &str) -> Option<&Arc<str>> {
        Some(&self.sources.get(path)?.text)
    }

    /// Frees the memory of all trees. Those that are needed are parsed again.
    pub fn forget_trees(&mut self) {
        self.sources.values_mut().for_each(|source| drop(source.tree.take()));
    }

    /// Could anything in this file, or in a folder that contains it, not be read?
    pub fn is_broken(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.chain([path]).any(|path| self.broken_files.contains(path))
    }

    /// Sets line and column of a problem from its YAML path, if the file is a saas file or a shared target file. Other files
    /// are not kept: their problems have a line from the start.
    pub fn locate(&self, problem: &mut Problem) {
        let node = problem.file.as_ref().and_then(|file| self.tree(file));
        let path = problem.path.as_ref().and_then(|path| NodePath::parse(path));
        if let Some(position) =
            node.zip(path).and_then(|(tree, path)| Some(tree.at_path(&path)?.position()))
        {
            (problem.line, problem.column) = (Some(position.line), Some(position.column));
        }
    }

    /// The problem of a `$ref` at `place` whose target is missing or broken. `known` are the paths that it could name.
    pub fn dangling<'a>(
        &self,
        place: &str,
        to: &str,
        known: impl IntoIterator<Item = &'a String>,
    ) -> Problem {
        let problem = |why: &str| {
            Problem::new(ProblemCode::DanglingRef, format!("{place}: $ref to {to}, {why}"))
        };
        if self.is_broken(to) {
            problem("which exists but cannot be used")
                .help("correct that file, which has its own problem")
        } else {
            let problem = problem("which does not exist or is of another kind");
            match near_paths(known, to).as_slice() {
                [] => problem,
                near => problem.help(format!("did you mean {}?", near.join(" or "))),
            }
        }
    }
}

/// A file that may be edited. Its tree takes several times the memory of its text, and a run needs the trees of few files
/// once it knows the edit sites.
#[derive(Debug)]
pub struct SourceFile {
    text: Arc<str>,
    tree: OnceLock<Arc<Tree>>,
}

impl SourceFile {
    pub(super) fn new(tree: Tree) -> Self {
        Self { text: tree.shared_text(), tree: Arc::new(tree).into() }
    }

    /// The tree, which is parsed again if it was forgotten.
    fn tree(&self) -> &Arc<Tree> {
        self.tree.get_or_init(|| {
            let tree = Tree::parse(self.text.as_bytes(), &Limits::default());
            Arc::new(tree.expect("the same text was parsed before"))
        })
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
    /// Datafiles that an earlier run parsed.
    pub known: u64,
    /// Bytes of the datafiles seen.
    pub bytes: u64,
}
