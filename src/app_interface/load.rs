//! From a tree of files to a [`Bundle`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::batch::{Batch, Parsed, Schema};
use super::bundle::Bundle;
use super::fields::{Field, FieldError};
use super::known_keys::{self, misspelt_keys};
use super::links::{self, Links};
use super::resource_reader::{self, Named, RawNamespace, RawSloDocument, Role};
use super::resources::{App, Cluster, Namespace};
use super::saas::{TargetDeclaration, Where};
use super::saas_reader::{self, RawSaasFile, RawTarget};
use super::selectable::{self, Fields};
use super::tree::{FileTree, TreeError};
use super::walk::Entry;
use crate::domain::{MAX_NAME_BYTES, Problem, ProblemCode, check_length, excerpt};
use jsonpath_ng::Document;

/// Reads all datafiles that promotions depend on.
///
/// # Errors
/// When the tree as a whole cannot be read. What is wrong with single files
/// is in [`Bundle::problems`].
pub fn load(tree: &dyn FileTree) -> Result<Bundle, TreeError> {
    Loader::default().load(tree)
}

/// The same, and keeps the texts of all that was read ([`Bundle::texts`]).
///
/// # Errors
/// As [`load`].
pub fn load_with_texts(tree: &dyn FileTree) -> Result<Bundle, TreeError> {
    Loader { keeps_texts: true, ..Loader::default() }.load(tree)
}

/// Datafiles by kind, before `$ref`s are followed.
#[derive(Default)]
pub(super) struct Loader {
    pub(super) bundle: Bundle,
    keeps_texts: bool,
    links: Links,
    saas_files: Vec<RawSaasFile>,
    target_files: BTreeMap<String, Result<TargetDeclaration, FieldError>>,
    apps: BTreeMap<String, (App, Named)>,
    clusters: BTreeMap<String, Named>,
    environments: BTreeMap<String, Named>,
    namespaces: BTreeMap<String, RawNamespace>,
    pub(super) slo_documents: BTreeMap<String, RawSloDocument>,
    pub(super) roles: BTreeMap<String, Role>,
}

impl Loader {
    fn load(mut self, tree: &dyn FileTree) -> Result<Bundle, TreeError> {
        let mut batch = Batch::default();
        tree.visit(&mut |entry| match entry {
            Entry::File(path, bytes) => {
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
                batch.push(path, bytes);
                if batch.is_full() {
                    self.take(&mut batch);
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
        self.take(&mut batch);
        Ok(self.resolve())
    }

    fn take(&mut self, batch: &mut Batch) {
        for (path, bytes, parsed) in batch.parse() {
            self.bundle.counts.parsed += 1;
            self.file(path, bytes, parsed);
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
        if self.keeps_texts
            && let Some(table) = known_keys::of(schema)
        {
            self.bundle.doubts.extend(misspelt_keys(path, &root, table));
        }
        if let Err(error) = self.datafile(schema, path, &root) {
            self.broken(path, error.into_problem(ProblemCode::BrokenDatafile, path));
        }
        if matches!(schema, Schema::SaasFile | Schema::TargetFile) {
            self.bundle.sources.insert(path.to_owned(), Arc::new(tree));
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
                let app = resource_reader::app(path, root)?;
                let named = resource_reader::named(root, &selectable::APP)?;
                self.apps.insert(key, (app, named));
            }
            Schema::Namespace => {
                self.namespaces.insert(key, resource_reader::namespace(root)?);
            }
            Schema::Cluster => {
                let named = resource_reader::named(root, &selectable::CLUSTER)?;
                self.clusters.insert(key, named);
            }
            Schema::Environment => {
                let named = resource_reader::named(root, &selectable::ENVIRONMENT)?;
                self.environments.insert(key, named);
            }
            Schema::Role => {
                if let Some(role) = resource_reader::role(root) {
                    self.roles.insert(key, role);
                }
            }
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

    /// A `$ref` may name a link: from here on it names the file.
    fn follow_links(&mut self) {
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
        for document in self.slo_documents.values_mut() {
            document.namespaces.iter_mut().for_each(|(path, _)| links.follow(path));
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

    fn resolve(mut self) -> Bundle {
        self.follow_links();
        let clusters: BTreeMap<_, _> = self
            .clusters
            .iter()
            .map(|(path, raw)| {
                let cluster =
                    Cluster { name: raw.name.clone(), prometheus_url: raw.prometheus_url.clone() };
                (path.clone(), Arc::new(cluster))
            })
            .collect();
        self.resolve_namespaces(&clusters);
        self.resolve_saas_files();
        // Last, as only documents that a target uses are rendered.
        self.resolve_slo_documents();
        if self.has_selectors() {
            self.bundle.selector_document = Some(self.selector_document());
        }
        let apps = std::mem::take(&mut self.apps);
        self.bundle.apps = apps.into_iter().map(|(path, (app, _))| (path, Arc::new(app))).collect();
        self.bundle
    }

    fn resolve_namespaces(&mut self, clusters: &BTreeMap<String, Arc<Cluster>>) {
        let mut by_identity: BTreeMap<(String, String), String> = BTreeMap::new();
        for (path, raw) in std::mem::take(&mut self.namespaces) {
            let parts = (
                clusters.get(&raw.cluster),
                self.apps.get(&raw.app).map(|(app, _)| &app.name),
                self.environments.get(&raw.environment).map(|e| &e.name),
            );
            let (Some(cluster), Some(app), Some(environment)) = parts else {
                let (key, target) = match parts {
                    (None, _, _) => ("cluster", &raw.cluster),
                    (_, None, _) => ("app", &raw.app),
                    _ => ("environment", &raw.environment),
                };
                let problem = self.dangling(&path, key, target);
                self.broken(&path, problem);
                continue;
            };
            let namespace = Namespace {
                path: path.clone(),
                name: raw.name.clone(),
                cluster: Arc::clone(cluster),
                app: app.clone(),
                environment: environment.clone(),
            };
            let identity = (cluster.name.clone(), raw.name.clone());
            if let Some(earlier) = by_identity.insert(identity, path.clone()) {
                self.bundle.problems.push(
                    Problem::new(
                        ProblemCode::DuplicateNamespace,
                        format!(
                            "namespace {} of cluster {} is also in {earlier}; selectors take this one",
                            raw.name, cluster.name
                        ),
                    )
                    .in_file(&path)
                    .at("name")
                    .related("the other one is declared here", earlier, "name"),
                );
            }
            self.bundle.namespaces.insert(path.clone(), Arc::new(namespace));
            self.namespaces.insert(path, raw);
        }
    }

    fn resolve_saas_files(&mut self) {
        let mut broken_target_files = BTreeSet::new();
        for raw in std::mem::take(&mut self.saas_files) {
            let RawSaasFile { mut file, targets } = raw;
            if !self.apps.contains_key(&file.app) {
                let problem = self.dangling(&file.path, "app", &file.app);
                self.broken(&file.path.clone(), problem);
                continue;
            }
            for (template, targets) in file.resource_templates.iter_mut().zip(targets) {
                for target in targets {
                    let name = target.name().map(|name| format!("/{name}")).unwrap_or_default();
                    match self.follow(target, &mut broken_target_files) {
                        Ok(declaration) => template.targets.push(declaration),
                        Err(mut problem) => {
                            // A shared target file is said to be wrong once, for all its users.
                            if problem.file.as_ref() == Some(&file.path) {
                                let own = format!("{}/{}{name}", file.name, template.name);
                                problem.message = format!("{own}: {}", problem.message);
                            }
                            self.broken(&file.path, *problem);
                        }
                    }
                }
            }
            self.bundle.saas_files.push(file);
        }
    }

    /// The declaration of a target, from its shared target file if it names one.
    fn follow(
        &mut self,
        target: RawTarget,
        reported: &mut BTreeSet<String>,
    ) -> Result<TargetDeclaration, Box<Problem>> {
        let declaration = match target {
            RawTarget::Inline(declaration) => *declaration,
            RawTarget::Shared(used_at, path) => match self.target_files.get(&path) {
                Some(Ok(declaration)) => TargetDeclaration { used_at, ..declaration.clone() },
                Some(Err(error)) => {
                    let message = format!(
                        "{}: the shared target file {path} cannot be used: {}",
                        used_at.path, error.message
                    );
                    let problem = error.clone().into_problem(ProblemCode::BrokenTarget, &path);
                    if reported.insert(path.clone()) {
                        self.broken(&path, problem);
                    }
                    let problem = Problem::new(ProblemCode::BrokenTarget, message)
                        .in_file(used_at.file)
                        .at(used_at.path)
                        .at_line(used_at.line, used_at.column);
                    return Err(problem.into());
                }
                None => {
                    let problem = self.dangling(&used_at.file, &used_at.path, &path);
                    return Err(problem.at_line(used_at.line, used_at.column).into());
                }
            },
        };
        match &declaration.location {
            Where::Namespace(path)
                if !declaration.removed && !self.bundle.namespaces.contains_key(path) =>
            {
                let at = declaration.place.below("namespace");
                let place = &declaration.place;
                let problem = self.dangling(&place.file, &at, path);
                Err(problem.at_line(place.line, place.column).into())
            }
            _ => Ok(declaration),
        }
    }

    pub(super) fn dangling(&self, file: &str, path: &str, to: &str) -> Problem {
        self.bundle.dangling(path, to).in_file(file).at(path)
    }

    fn has_selectors(&self) -> bool {
        self.bundle.saas_files.iter().flat_map(|file| &file.resource_templates).any(|template| {
            template.targets.iter().any(|target| matches!(target.location, Where::Selector(_)))
        })
    }

    /// `{"namespace": [...]}`: every namespace by path, with what it refers to.
    fn selector_document(&mut self) -> Document {
        let objects = |named: &BTreeMap<String, Named>| -> Fields {
            let object = |named: &Named| Arc::new(Document::Object(named.selectable.clone()));
            named.iter().map(|(path, named)| (path.clone(), object(named))).collect()
        };
        let clusters = objects(&self.clusters);
        let environments = objects(&self.environments);
        let apps = self.selectable_apps();
        let namespaces = std::mem::take(&mut self.namespaces)
            .into_iter()
            .filter(|(path, _)| self.bundle.namespaces.contains_key(path))
            .map(|(path, raw)| {
                let mut fields = raw.selectable;
                let refers = [
                    ("cluster", clusters.get(&raw.cluster)),
                    ("environment", environments.get(&raw.environment)),
                    ("app", apps.get(&raw.app)),
                ];
                for (key, object) in refers {
                    if let Some(object) = object {
                        fields.insert(key.to_owned(), Arc::clone(object));
                    }
                }
                fields.insert("path".to_owned(), Arc::new(Document::Scalar(path.into())));
                Document::Object(fields)
            });
        let list = Document::List(namespaces.collect());
        Document::Object(Fields::from([("namespace".to_owned(), Arc::new(list))]))
    }

    /// Apps by path, with their parents' names and the roles that name them.
    fn selectable_apps(&self) -> Fields {
        let named = |name: &str| {
            let name = Arc::new(Document::Scalar(name.into()));
            Document::Object(Fields::from([("name".to_owned(), name)]))
        };
        let mut roles: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
        for role in self.roles.values() {
            for datafile in role.datafiles.iter().collect::<BTreeSet<_>>() {
                roles.entry(datafile).or_default().push(named(&role.name));
            }
        }
        let app = |(path, (_, app)): (&String, &(App, Named))| {
            let mut fields = app.selectable.clone();
            match app.parent.as_ref().and_then(|parent| self.apps.get(parent)) {
                Some((parent, _)) => {
                    fields.insert("parentApp".to_owned(), Arc::new(named(&parent.name)));
                }
                None => {
                    fields.remove("parentApp");
                }
            }
            let roles = roles.get(path.as_str()).cloned().unwrap_or_default();
            fields.insert("selfServiceRoles".to_owned(), Arc::new(Document::List(roles)));
            (path.clone(), Arc::new(Document::Object(fields)))
        };
        self.apps.iter().map(app).collect()
    }
}
