//! Resolves the `$ref`s of all datafiles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bundle::Bundle;
use super::load::Loader;
use super::people::Approvers;
use super::resource_reader::{Named, RawNamespace};
use super::resources::{App, Cluster, Namespace};
use super::saas::{TargetDeclaration, Where};
use super::saas_reader::{RawSaasFile, RawTarget};
use super::selectable::Fields;
use crate::domain::{Problem, ProblemCode};
use jsonpath_ng::Document;

impl Loader {
    pub(super) fn resolve(mut self) -> Bundle {
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
        // Last, because only documents that a target uses are rendered.
        self.resolve_slo_documents();
        if self.has_selectors() {
            self.bundle.selector_document = Some(self.selector_document());
        }
        let environments = std::mem::take(&mut self.environments).into_iter();
        self.bundle.environments =
            environments.map(|(path, named)| (path, Document::Object(named.selectable))).collect();
        self.bundle.approvers = Approvers::new(&self.users, &self.roles);
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
                for problem in self.dangling_of_namespace(&path, &raw) {
                    self.broken(&path, problem);
                }
                continue;
            };
            let namespace = Namespace {
                path: path.clone(),
                name: raw.name.clone(),
                cluster: Arc::clone(cluster),
                app: app.clone(),
                environment: environment.clone(),
                environment_path: raw.environment.clone(),
            };
            let identity = (cluster.name.clone(), raw.name.clone());
            if let Some(earlier) = by_identity.insert(identity, path.clone()) {
                let (line, column) = raw.positions.get("name").copied().unwrap_or_default();
                self.bundle.problems.push(
                    Problem::new(
                        ProblemCode::DuplicateNamespace,
                        format!(
                            "namespace {} of cluster {} is also in {earlier}; selectors use this \
                             one",
                            raw.name, cluster.name
                        ),
                    )
                    .in_file(&path)
                    .at("name")
                    .at_line(line, column)
                    .related("also declared here", earlier, "name"),
                );
            }
            self.bundle.namespaces.insert(path.clone(), Arc::new(namespace));
            self.namespaces.insert(path, raw);
        }
    }

    /// One problem for each `$ref` of a namespace that leads nowhere.
    fn dangling_of_namespace(&self, path: &str, raw: &RawNamespace) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.clusters.contains_key(&raw.cluster) {
            problems.push(self.dangling(path, "cluster", &raw.cluster, self.clusters.keys()));
        }
        if !self.apps.contains_key(&raw.app) {
            problems.push(self.dangling(path, "app", &raw.app, self.apps.keys()));
        }
        if !self.environments.contains_key(&raw.environment) {
            let known = self.environments.keys();
            problems.push(self.dangling(path, "environment", &raw.environment, known));
        }
        for problem in &mut problems {
            let at = problem.path.as_deref().and_then(|key| raw.positions.get(key));
            (problem.line, problem.column) = (at.map(|at| at.0), at.map(|at| at.1));
        }
        problems
    }

    fn resolve_saas_files(&mut self) {
        let mut broken_target_files = BTreeSet::new();
        for raw in std::mem::take(&mut self.saas_files) {
            let RawSaasFile { mut file, targets } = raw;
            if !self.apps.contains_key(&file.app) {
                let problem = self.dangling(&file.path, "app", &file.app, self.apps.keys());
                self.broken(&file.path.clone(), problem);
                continue;
            }
            for (template, targets) in file.resource_templates.iter_mut().zip(targets) {
                template.targets.reserve_exact(targets.len());
                for target in targets {
                    let name = target.name().map(|name| format!("/{name}")).unwrap_or_default();
                    match self.follow(target, &mut broken_target_files) {
                        Ok(declaration) => template.targets.push(declaration),
                        Err(mut problem) => {
                            // A problem of a shared target file is reported once, not once per user.
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
                    let problem = {
                        let known = self.target_files.keys();
                        self.dangling(&used_at.file, &used_at.path, &path, known)
                    };
                    return Err(problem.at_line(used_at.line, used_at.column).into());
                }
            },
        };
        match &declaration.location {
            Where::Namespace(path)
                if !declaration.removed && !self.bundle.namespaces.contains_key(path) =>
            {
                let at = declaration.declared_at.below("namespace");
                let place = &declaration.declared_at;
                let problem = self.dangling(&place.file, &at, path, self.bundle.namespaces.keys());
                Err(problem.at_line(place.line, place.column).into())
            }
            _ => Ok(declaration),
        }
    }

    pub(super) fn dangling<'a>(
        &self,
        file: &str,
        path: &str,
        to: &str,
        known: impl IntoIterator<Item = &'a String>,
    ) -> Problem {
        self.bundle.dangling(path, to, known).in_file(file).at(path)
    }

    fn has_selectors(&self) -> bool {
        self.bundle.saas_files.iter().flat_map(|file| &file.resource_templates).any(|template| {
            template.targets.iter().any(|target| matches!(target.location, Where::Selector(_)))
        })
    }

    /// `{"namespace": [...]}`: every namespace by path, with the datafiles it refers to.
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
