//! Builds targets and channels from the bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::keys::{EditSiteKey, Keys};
use super::select::Selectors;
use super::sites::{self, EditSite, SiteId};
use super::target::Target;
use super::targets::{TargetIx, Targets};
use crate::app_interface::{
    Bundle, Namespace, Promotion, ResourceTemplate, SaasFile, SloDocument, TargetDeclaration, Where,
};
use crate::domain::{Problem, ProblemCode, TargetIdentity, TargetUid, UidDigest};

/// All targets that have a `promotion` block and are not removed, and their channels.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Publishers in order: file path, resource template, static targets in
    /// file order, then those of selectors by namespace path.
    pub targets: Targets,
    /// Later declarations of an identity in `targets`. They neither publish nor subscribe.
    pub refused: Vec<Target>,
    /// Indexes into `targets` of the subscribers, in order.
    pub subscribers: Vec<TargetIx>,
    /// Publishers of each channel, as indexes into `targets`, in order.
    pub publishers: BTreeMap<String, Vec<TargetIx>>,
    /// Channels with at least one subscriber.
    pub subscribed: BTreeSet<String>,
    /// The edit sites, each of which is edited as a whole.
    pub sites: BTreeMap<SiteId, EditSite>,
    /// The edit site of each subscriber, by index into `targets`.
    pub site_of: BTreeMap<TargetIx, SiteId>,
    /// Problems found here, in addition to the bundle's.
    pub problems: Vec<Problem>,
    /// Findings that only `validate` reports: selectors that may not do what they are meant to.
    pub doubts: Vec<Problem>,
}

impl Inventory {
    /// The subscribers in order.
    pub fn subscribers(&self) -> impl Iterator<Item = (TargetIx, &Target)> {
        self.subscribers.iter().map(|&index| (index, &self.targets[index]))
    }

    /// Publishers of a channel, in order.
    pub fn publishers_of(&self, channel: &str) -> impl Iterator<Item = (TargetIx, &Target)> {
        let indexes = self.publishers.get(channel).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().map(|&index| (index, &self.targets[index]))
    }

    /// The key of a subscriber's edit site, named after the target that owns the text.
    pub fn place_key(&self, subscriber: TargetIx) -> &EditSiteKey {
        let site = self.site_of.get(&subscriber).and_then(|site| self.sites.get(site));
        site.and_then(|site| site.key.as_ref()).unwrap_or(&self.targets[subscriber].key)
    }

    /// All keys that the edit site of a subscriber may have had: as files and decisions change, it can
    /// share an edit site with others, or get a value of its own.
    pub fn place_keys(&self, subscriber: TargetIx) -> impl Iterator<Item = &EditSiteKey> {
        let target = &self.targets[subscriber];
        [self.place_key(subscriber), &target.key].into_iter().chain(&target.former_keys)
    }
}

/// Expands declarations to targets and joins them by channel.
pub fn build(bundle: &Bundle, digest: UidDigest) -> Inventory {
    expand(bundle, digest, false)
}

/// Like [`build`], but includes targets that are removed or have no `promotion` block. Only for explaining why
/// one of them is not in the inventory.
pub fn all_declared(bundle: &Bundle, digest: UidDigest) -> Inventory {
    expand(bundle, digest, true)
}

fn expand(bundle: &Bundle, digest: UidDigest, all: bool) -> Inventory {
    let keys = Keys::new(bundle);
    let mut builder = Builder {
        bundle,
        digest,
        keys,
        all,
        inventory: Inventory::default(),
        selectors: Selectors::new(bundle),
        reported: BTreeSet::new(),
        first: BTreeMap::new(),
        owners: Vec::new(),
    };
    // Selectors may add some.
    let templates = bundle.saas_files.iter().flat_map(|file| &file.resource_templates);
    builder.inventory.targets.reserve(templates.map(|template| template.targets.len()).sum());
    for file in &bundle.saas_files {
        for template in &file.resource_templates {
            builder.template(file, template);
        }
    }
    builder.finish()
}

struct Builder<'a> {
    bundle: &'a Bundle,
    digest: UidDigest,
    keys: Keys<'a>,
    /// Include targets that neither publish nor subscribe?
    all: bool,
    inventory: Inventory,
    selectors: Selectors<'a>,
    /// Problems of targets that are already among the inventory's.
    reported: BTreeSet<Problem>,
    /// The target with each identity.
    first: BTreeMap<TargetUid, TargetIx>,
    /// For each refused target, the target with the same identity.
    owners: Vec<TargetIx>,
}

impl Builder<'_> {
    fn template(&mut self, file: &SaasFile, template: &ResourceTemplate) {
        let all = self.all;
        let live = || template.targets.iter().filter(move |target| all || !target.removed);
        for declaration in live() {
            if let Where::Namespace(path) = &declaration.location
                && let Some(namespace) = self.bundle.namespaces.get(path)
            {
                self.target(file, template, declaration, namespace);
            }
        }
        for declaration in live() {
            let Where::Selector(selector) = &declaration.location else { continue };
            match self.selectors.select(selector) {
                Ok(selection) => {
                    for doubt in selection.doubts {
                        let below = doubt.path.clone().unwrap_or_default();
                        let doubt = place_below(doubt, declaration, &below);
                        self.inventory.doubts.push(doubt);
                    }
                    if selection.namespaces.is_empty() {
                        self.inventory.problems.push(report_selector_without_match(declaration));
                    }
                    for namespace in &selection.namespaces {
                        self.target(file, template, declaration, namespace);
                    }
                }
                Err(error) => {
                    let message = format!("{}: {}", declaration.used_at.path, error.message);
                    let problem = Problem::new(ProblemCode::InvalidSelector, message);
                    self.inventory.problems.push(place_below(problem, declaration, &error.below));
                }
            }
        }
    }

    fn target(
        &mut self,
        file: &SaasFile,
        template: &ResourceTemplate,
        declaration: &TargetDeclaration,
        namespace: &Arc<Namespace>,
    ) {
        let promotion = match &declaration.promotion {
            Some(promotion) => promotion.clone(),
            None if self.all => Promotion::default(),
            None => return,
        };
        let Some(app) = self.bundle.apps.get(&file.app) else { return };
        let uid = TargetIdentity {
            saas_file: &file.name,
            resource_template: &template.name,
            target: declaration.name.as_deref(),
            cluster: &namespace.cluster.name,
            namespace: &namespace.name,
        }
        .uid(self.digest);
        let slos = declaration
            .slos
            .iter()
            .map(|path| match self.bundle.slo_documents.get(path) {
                Some(document) => document.clone().map_err(|error| format!("{path}: {error}")),
                None => Err(self.bundle.dangling("slos", path, []).message),
            })
            .collect::<Vec<_>>();
        let (key, former_keys) =
            self.keys.collect_keys(file, template, declaration, (&uid, &namespace.name));
        let wrong = find_config_errors(declaration, &slos, self.bundle);
        let broken = wrong.iter().map(|problem| problem.message.clone()).collect();
        let target = Target {
            uid,
            app: Arc::clone(app),
            saas_file: file.name.clone(),
            file: file.path.clone(),
            pipelines_provider: file.pipelines_provider.clone(),
            resource_template: template.name.clone(),
            name: declaration.name.clone(),
            namespace: Arc::clone(namespace),
            repo_url: template.url.clone(),
            git_ref: declaration.git_ref.clone(),
            promotion,
            slos,
            declared_at: declaration.declared_at.clone(),
            used_at: declaration.used_at.clone(),
            node: declaration.node,
            lines: declaration.lines,
            key,
            former_keys,
            broken,
        };
        match self.first.get(&target.uid) {
            Some(&owner) if !self.all => self.refuse(target, owner),
            _ => {
                let uid = target.uid.clone();
                let index = self.inventory.targets.push(target);
                self.first.entry(uid).or_insert(index);
                self.report_broken(wrong);
            }
        }
    }

    /// Two declarations with one identity share their records, so a record could belong to either.
    /// The first one counts, so that adding a file cannot stop an existing target.
    fn refuse(&mut self, target: Target, owner: TargetIx) {
        let first = &self.inventory.targets[owner].used_at;
        let message = format!(
            "{}: {} in {} has the same identity and comes first, so this one is ignored",
            target.label(),
            first.path,
            first.file
        );
        self.inventory.problems.push(
            Problem::new(ProblemCode::DuplicateTarget, message)
                .in_file(&target.used_at.file)
                .at(&target.used_at.path)
                .at_line(target.used_at.line, target.used_at.column)
                .related("first declared here", &first.file, &first.path),
        );
        self.inventory.refused.push(target);
        self.owners.push(owner);
    }

    fn finish(mut self) -> Inventory {
        self.join_channels();
        self.subscribers();
        sites::find(self.bundle, &mut self.inventory, &self.owners);
        self.inventory
    }

    /// Reports the problems of the newest target under its label.
    fn report_broken(&mut self, wrong: Vec<Problem>) {
        let Some(target) = self.inventory.targets.last() else { return };
        for mut problem in wrong {
            problem.message = format!("{}: {}", target.label(), problem.message);
            if self.reported.insert(problem.clone()) {
                self.inventory.problems.push(problem);
            }
        }
    }

    fn join_channels(&mut self) {
        let inventory = &mut self.inventory;
        for (index, target) in inventory.targets.indexed() {
            for channel in &target.promotion.publish {
                inventory.publishers.entry(channel.clone()).or_default().push(index);
            }
            if target.is_subscriber() {
                inventory.subscribed.extend(target.promotion.subscribe.iter().cloned());
            }
        }
    }

    fn subscribers(&mut self) {
        let inventory = &mut self.inventory;
        let all = inventory.targets.indexed();
        inventory.subscribers =
            all.filter(|(_, target)| target.is_subscriber()).map(|(index, _)| index).collect();
        for &index in &inventory.subscribers {
            let target = &inventory.targets[index];
            if target.promotion.subscribe.is_empty() {
                inventory.problems.push(
                    Problem::new(
                        ProblemCode::AutoWithoutSubscribe,
                        format!("{}: auto without subscribe: it is never promoted", target.label()),
                    )
                    .in_file(&target.declared_at.file)
                    .at(target.declared_at.below("promotion.auto"))
                    .at_line(target.declared_at.line, target.declared_at.column),
                );
            }
        }
    }
}

/// Sets the source location of a problem to something below a declaration.
fn place_below(mut problem: Problem, declaration: &TargetDeclaration, below: &str) -> Problem {
    let place = &declaration.declared_at;
    problem.file = Some(place.file.clone());
    problem.at(place.below(below)).at_line(place.line, place.column)
}

/// A selector that matches nothing gives no target. If it publishes, its subscribers wait
/// for fewer deployments than intended.
fn report_selector_without_match(declaration: &TargetDeclaration) -> Problem {
    let publishes = declaration.promotion.iter().any(|promotion| !promotion.publish.is_empty());
    let message = format!("{}: the selector matches no namespace", declaration.used_at.path);
    let problem = if publishes {
        let message = format!("{message}, so its channels have fewer publishers than intended");
        Problem::new(ProblemCode::PublisherSelectorWithoutMatch, message)
    } else {
        Problem::new(ProblemCode::SelectorWithoutMatch, message)
    };
    place_below(problem, declaration, "namespaceSelector")
}

/// Problems of a target's fields and SLO documents.
fn find_config_errors(
    declaration: &TargetDeclaration,
    slos: &[Result<Arc<SloDocument>, String>],
    bundle: &Bundle,
) -> Vec<Problem> {
    let place = &declaration.declared_at;
    let fields = declaration.broken.iter().map(|error| {
        Problem::new(ProblemCode::BrokenTarget, error.text())
            .in_file(&place.file)
            .at(&error.path)
            .at_line(error.line, error.column)
    });
    let documents =
        slos.iter().zip(&declaration.slos).enumerate().filter_map(|(index, (slo, path))| {
            let error = slo.as_ref().err()?;
            let problem = match bundle.slo_documents.contains_key(path) {
                true => Problem::new(ProblemCode::BrokenTarget, error),
                false => bundle.dangling("slos", path, &bundle.slo_document_paths),
            };
            let at = place.below(&format!("slos[{index}]"));
            Some(problem.in_file(&place.file).at(at).at_line(place.line, place.column))
        });
    fields.chain(documents).collect()
}
