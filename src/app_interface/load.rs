//! Loads a [`Bundle`] from a tree of files.

use std::collections::BTreeMap;

use super::batch::{Batch, Parsed, Schema};
use super::bundle::{Bundle, SourceFile};
use super::fields::{Field, FieldError};
use super::known_keys::misspelt_keys;
use super::links::{self, Links};
use super::parsed_files::{Known, ParsedFiles};
use super::people::{self, User};
use super::resource_reader::{self, Named, RawNamespace, RawSloDocument, Role};
use super::resources::App;
use super::saas::TargetDeclaration;
use super::saas_reader::{self, RawSaasFile, RawTarget};
use super::tree::{FileTree, TreeError};
use super::walk::Entry;
use crate::domain::{MAX_NAME_BYTES, Problem, ProblemCode, check_length, excerpt};

/// Reads all datafiles that promotions depend on.
///
/// # Errors
/// When the tree as a whole cannot be read. Problems of single files
/// are in [`Bundle::problems`].
pub fn load(tree: &dyn FileTree) -> Result<Bundle, TreeError> {
    load_with(tree, LoadOptions::default(), &mut ParsedFiles::disabled())
}

/// Like [`load`], but keeps the text of every file that was read ([`Bundle::texts`]).
///
/// # Errors
/// As [`load`].
pub fn load_with_texts(tree: &dyn FileTree) -> Result<Bundle, TreeError> {
    let options = LoadOptions { texts: true, ..LoadOptions::default() };
    load_with(tree, options, &mut ParsedFiles::disabled())
}

/// What is read beside what promotions depend on.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions {
    /// Keep the text of every file that was read ([`Bundle::texts`])?
    pub texts: bool,
    /// Read users ([`Bundle::approvers`])?
    pub users: bool,
}

/// Like [`load`], and reads more. It parses only what is not among the files that were parsed before, and adds to them.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    tree: &dyn FileTree,
    options: LoadOptions,
    parsed: &mut ParsedFiles,
) -> Result<Bundle, TreeError> {
    let LoadOptions { texts: keeps_texts, users: with_users } = options;
    Loader { keeps_texts, with_users, ..Loader::default() }.load(tree, parsed)
}

/// Datafiles by kind, before `$ref`s are resolved.
#[derive(Default)]
pub(super) struct Loader {
    pub(super) bundle: Bundle,
    keeps_texts: bool,
    with_users: bool,
    links: Links,
    pub(super) saas_files: Vec<RawSaasFile>,
    pub(super) target_files: BTreeMap<String, Result<TargetDeclaration, FieldError>>,
    pub(super) apps: BTreeMap<String, (App, Named)>,
    pub(super) clusters: BTreeMap<String, Named>,
    pub(super) environments: BTreeMap<String, Named>,
    pub(super) namespaces: BTreeMap<String, RawNamespace>,
    pub(super) slo_documents: BTreeMap<String, RawSloDocument>,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) users: Vec<User>,
}

impl Loader {
    fn load(mut self, tree: &dyn FileTree, parsed: &mut ParsedFiles) -> Result<Bundle, TreeError> {
        let mut batch = Batch::new(self.with_users);
        let mut announced = None;
        tree.visit(&mut |entry| match entry {
            Entry::Blob { path, blob, size, is_wanted } => {
                let known = parsed.use_known(&blob);
                if known == Some(&Known::Other) && check_length(path, MAX_NAME_BYTES).is_ok() {
                    is_wanted.set(false);
                    self.bundle.counts.files += 1;
                    self.bundle.counts.bytes += size;
                } else {
                    announced = Some(blob);
                }
            }
            Entry::File(path, bytes) => {
                let blob = announced.take();
                self.bundle.counts.files += 1;
                self.bundle.counts.bytes += bytes.len() as u64;
                if let Err(message) = check_length(path, MAX_NAME_BYTES) {
                    let path = excerpt(path);
                    let problem = Problem::new(
                        ProblemCode::UnreadableDatafile,
                        format!("its path {message}"),
                    );
                    return self.broken(&path, problem.in_file(path.as_ref()));
                }
                if links::is_lfs_pointer(bytes) {
                    return self.broken(path, links::lfs_problem(path));
                }
                batch.push(path, bytes, blob, parsed);
                if batch.is_full() {
                    self.take(&mut batch, parsed);
                }
            }
            Entry::Link { path, to } => {
                self.links.0.insert(path.to_owned(), to.to_owned());
            }
            Entry::Problem(problem) => match problem.file.clone().filter(|_| problem.is_error()) {
                Some(path) => self.broken(&path, problem),
                None => self.bundle.problems.push(problem),
            },
        })?;
        self.take(&mut batch, parsed);
        Ok(self.resolve())
    }

    fn take(&mut self, batch: &mut Batch, parsed: &mut ParsedFiles) {
        for (file, bytes, result) in batch.parse(parsed) {
            if result.was_known {
                self.bundle.counts.known += 1;
            } else {
                self.bundle.counts.parsed += 1;
            }
            if let (Some(blob), Some(new)) = (file.blob, result.new) {
                parsed.keep(blob, new);
            }
            self.file(&file.path, bytes, result.parsed);
        }
        batch.clear();
    }

    fn keep_text(&mut self, path: &str, bytes: &[u8]) {
        if self.keeps_texts {
            self.bundle.texts.insert(path.to_owned(), bytes.to_vec());
        }
    }

    fn file(&mut self, path: &str, bytes: &[u8], parsed: Parsed) {
        let (schema, tree) = match parsed {
            Parsed::Other => return,
            Parsed::Datafile(schema, tree) => (schema, *tree),
            Parsed::Unreadable(error) => {
                let mut problem =
                    Problem::new(ProblemCode::UnreadableDatafile, format!("not readable: {error}"))
                        .in_file(path);
                if let Some(position) = error.position() {
                    problem = problem.at_line(position.line, position.column);
                }
                self.broken(path, problem);
                self.keep_text(path, bytes);
                return;
            }
        };
        let root = Field::root(tree.root());
        for warning in tree.warnings() {
            let problem = Problem::new(ProblemCode::DuplicateKey, warning.to_string())
                .in_file(path)
                .at(warning.path.to_string())
                .at_line(warning.position.line, warning.position.column);
            self.bundle.problems.push(problem);
        }
        self.bundle.counts.saas_files += u64::from(schema == Schema::SaasFile);
        if self.keeps_texts {
            self.bundle.doubts.extend(misspelt_keys(path, &root, schema));
        }
        if let Err(error) = self.datafile(schema, path, &root) {
            self.broken(path, error.into_problem(ProblemCode::BrokenDatafile, path));
        }
        if matches!(schema, Schema::SaasFile | Schema::TargetFile) {
            self.bundle.sources.insert(path.to_owned(), SourceFile::new(tree));
        } else {
            self.keep_text(path, bytes);
        }
    }

    pub(super) fn broken(&mut self, path: &str, problem: Problem) {
        self.bundle.broken_files.insert(path.to_owned());
        self.bundle.problems.push(problem);
    }

    fn datafile(&mut self, schema: Schema, path: &str, root: &Field<'_>) -> Result<(), FieldError> {
        let key = path.to_owned();
        match schema {
            Schema::SaasFile => {
                let mut problems = Vec::new();
                let raw = saas_reader::saas_file(path, root, &mut problems);
                for problem in problems {
                    self.broken(path, problem);
                }
                self.saas_files.push(raw?);
            }
            Schema::TargetFile => {
                self.target_files.insert(key, saas_reader::target(path, root));
            }
            Schema::App => {
                self.apps.insert(key, resource_reader::app(path, root)?);
            }
            Schema::Namespace => {
                self.namespaces.insert(key, resource_reader::namespace(root)?);
            }
            Schema::Cluster => {
                self.clusters.insert(key, resource_reader::cluster(root)?);
            }
            Schema::Environment => {
                self.environments.insert(key, resource_reader::environment(root)?);
            }
            Schema::Role => {
                if let Some(role) = resource_reader::role(root) {
                    self.roles.insert(key, role);
                }
            }
            Schema::User if self.with_users => self.users.extend(people::user(root)),
            Schema::User => {}
            Schema::SloDocument => match resource_reader::slo_document(root) {
                Ok(document) => {
                    self.slo_documents.insert(key, document);
                }
                Err(error) => {
                    self.bundle.slo_documents.insert(key, Err(error.message.clone()));
                    return Err(error);
                }
            },
        }
        Ok(())
    }

    /// A `$ref` may name a link: replaces it by the path of the file.
    pub(super) fn follow_links(&mut self) {
        let links = std::mem::take(&mut self.links);
        if links.0.is_empty() {
            return;
        }
        for (_, named) in self.apps.values_mut() {
            named.parent.iter_mut().for_each(|path| links.follow(path));
        }
        for namespace in self.namespaces.values_mut() {
            let refs = [&mut namespace.cluster, &mut namespace.app, &mut namespace.environment];
            refs.into_iter().for_each(|path| links.follow(path));
        }
        for role in self.roles.values_mut() {
            role.datafiles.iter_mut().for_each(|path| links.follow(path));
        }
        for user in &mut self.users {
            user.roles.iter_mut().for_each(|path| links.follow(path));
        }
        for document in self.slo_documents.values_mut() {
            document.namespaces.iter_mut().for_each(|entry| links.follow(&mut entry.path));
        }
        self.target_files.values_mut().flatten().for_each(|target| links.follow_target(target));
        for raw in &mut self.saas_files {
            links.follow(&mut raw.file.app);
            for target in raw.targets.iter_mut().flatten() {
                match target {
                    RawTarget::Inline(declaration) => links.follow_target(declaration),
                    RawTarget::Shared(_, path) => links.follow(path),
                }
            }
        }
    }
}
