//! A config repo as a value: rendered to files, changed, and rendered again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use datafiles::quoted;
use datafiles::{Datafiles, Place};
use sapm::app_interface::CurrentHash;
use sapm::domain::{TargetIdentity, UidDigest};
use sapm::inventory::Inventory;

/// Files from the repository's root.
pub type Files = BTreeMap<String, Vec<u8>>;

const APP: &str = "/services/app/app.yml";

/// How a target is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// On one line: its neighbours' refs stand on the lines next to it.
    Line,
    /// As a block.
    Block,
    /// In a shared target file, used by two templates.
    Shared,
    /// By a selector that expands to some namespaces, two unless said otherwise.
    Selector,
}

/// A subscriber.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: usize,
    pub shape: Shape,
    /// Indexes into the saas file's channels.
    pub channels: Vec<usize>,
    pub git_ref: String,
    /// Its ref is an alias of this target's, as long as they are equal.
    pub alias_of: Option<usize>,
    pub hashes: Vec<CurrentHash>,
    pub redeploy: bool,
    pub schedule: Option<String>,
    pub soak_days: u64,
    pub slo: bool,
    pub auto: bool,
    pub disabled: bool,
    /// Written down at all?
    pub present: bool,
    /// A line of a person next to its ref.
    pub note: Option<u32>,
    /// Of [`PARTS`], the namespaces that a selector matches.
    pub parts: Vec<&'static str>,
    /// Does a second saas file use the shared target file?
    pub in_other: bool,
    /// The target file that it stands in, if it is a block; a shared one has a file in any case.
    pub file: Option<u32>,
}

/// Namespaces that a selector can match.
pub const PARTS: [&str; 3] = ["a", "b", "c"];

impl Target {
    pub fn new(id: usize, shape: Shape, git_ref: String) -> Self {
        Self {
            id,
            shape,
            channels: vec![0],
            git_ref,
            alias_of: None,
            hashes: Vec::new(),
            redeploy: false,
            schedule: None,
            soak_days: 0,
            slo: false,
            auto: true,
            disabled: false,
            present: true,
            note: None,
            parts: vec!["a", "b"],
            in_other: false,
            file: None,
        }
    }

    /// Its target file, if it stands in one.
    pub fn target_file(&self) -> Option<String> {
        let number = self.file.map(|number| format!("-{number}")).unwrap_or_default();
        let in_file =
            self.shape == Shape::Shared || self.shape == Shape::Block && self.file.is_some();
        in_file.then(|| format!("services/app/shared{}{number}.yml", self.id))
    }
}

/// A channel with its one publisher, which stands at a moving ref.
#[derive(Debug, Clone)]
pub struct Channel {
    pub name: String,
    pub git_ref: String,
    /// Name of the publisher's namespace.
    pub namespace: String,
    /// Number of the publisher's namespace file.
    pub number: usize,
}

/// A saas file.
#[derive(Debug, Clone)]
pub struct Saas {
    pub number: usize,
    pub name: String,
    pub channels: Vec<Channel>,
    pub targets: Vec<Target>,
    /// A line of a person at its top.
    pub note: u32,
    /// Written so that it is no YAML.
    pub broken: bool,
}

impl Saas {
    pub fn url(&self) -> String {
        format!("https://code.example/s{}", self.number)
    }

    pub fn path(&self) -> String {
        format!("data/services/app/cicd/saas{}.yml", self.number)
    }

    /// Key of a publisher's record in the bucket.
    pub fn record_key(&self, channel: &Channel, commit: &str) -> String {
        let identity = TargetIdentity {
            saas_file: &self.name,
            resource_template: "publishers",
            target: None,
            cluster: "stage",
            namespace: &channel.namespace,
        };
        let uid = identity.uid(UidDigest::Blake2s);
        format!("state/openshift-saas-deploy/promotions_v2/{}/{uid}/{commit}", channel.name)
    }
}

/// The config repo.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub saas: Vec<Saas>,
    /// Blocked commits, for every code repository.
    pub blocked: Vec<String>,
    /// A line of a person in a file of no concern.
    pub elsewhere: u32,
    /// Added to the names of namespaces.
    pub suffix: String,
    /// More namespaces for the selector of the first target.
    pub crowd: usize,
}

impl Config {
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.saas.iter().flat_map(|saas| &saas.targets)
    }

    pub fn target_mut(&mut self, id: usize) -> &mut Target {
        self.saas.iter_mut().flat_map(|saas| &mut saas.targets).find(|t| t.id == id).unwrap()
    }

    /// The world in short, for stories.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for saas in &self.saas {
            lines.push(format!(
                "saas {} {:?}, {} channels",
                saas.number,
                saas.name,
                saas.channels.len()
            ));
            lines.extend(saas.targets.iter().map(|target| {
                format!(
                    "  target {} {:?} of channels {:?}: alias of {:?}, redeploy {}, schedule {:?}, soak {}, slo {}",
                    target.id,
                    target.shape,
                    target.channels,
                    target.alias_of,
                    target.redeploy,
                    target.schedule,
                    target.soak_days,
                    target.slo
                )
            }));
        }
        lines
    }

    /// Takes over the refs and hashes that the target branch has now.
    pub fn sync(&mut self, inventory: &Inventory) {
        let site = |id: usize| {
            let path = format!("/services/app/ns{id}.yml");
            let mut subscribers = inventory.subscribers();
            let (index, _) = subscribers.find(|(_, known)| known.namespace.path == path)?;
            inventory.site_of.get(&index)
        };
        for target in self.saas.iter_mut().flat_map(|saas| &mut saas.targets) {
            // An alias that the bot gave a value of its own is none any more.
            let own = target.alias_of.and_then(site).zip(site(target.id));
            target.alias_of = target.alias_of.filter(|_| own.is_none_or(|(one, two)| one == two));
            // What stands in a broken file is as it was.
            let path = format!("/services/app/ns{}", target.id);
            let found = inventory.targets.iter().find(|known| {
                let rest = known.namespace.path.strip_prefix(&path);
                rest.is_some_and(|rest| matches!(rest, ".yml" | "a.yml" | "b.yml" | "c.yml"))
            });
            if let Some(found) = found {
                target.git_ref = found.current_ref().to_owned();
                target.hashes.clone_from(&found.promotion.current_hashes);
            }
        }
    }

    /// An alias that became a value of its own stays one.
    pub fn forget_broken_aliases(&mut self) {
        for saas in &mut self.saas {
            let aliases: Vec<bool> = saas.targets.iter().map(|t| saas.is_alias(t)).collect();
            for (target, alias) in saas.targets.iter_mut().zip(aliases) {
                target.alias_of = target.alias_of.filter(|_| alias);
            }
        }
    }

    pub fn files(&self) -> Files {
        let mut files = Datafiles::default();
        self.add_app(&mut files);
        for number in 0..self.crowd {
            let name = format!("ns0-{number}{}", self.suffix);
            add_namespace(&mut files, &format!("crowd{number}"), &name, "prod", "g0");
        }
        for saas in &self.saas {
            for channel in &saas.channels {
                let file = format!("pub{}", channel.number);
                add_namespace(&mut files, &file, &channel.namespace, "stage", "publisher");
            }
            for target in &saas.targets {
                self.add_target(&mut files, saas, target);
            }
            files.0.insert(saas.path()["data".len()..].to_owned(), saas.render());
        }
        let from_root = |(path, text): (String, String)| (format!("data{path}"), text.into_bytes());
        files.0.into_iter().map(from_root).collect()
    }

    /// The app, and what is there once.
    fn add_app(&self, files: &mut Datafiles) {
        let mut app = "name: app\ncodeComponents:\n".to_owned();
        for saas in &self.saas {
            let _ = writeln!(app, "- name: s{0}\n  url: {1}", saas.number, saas.url());
            if !self.blocked.is_empty() {
                let _ = writeln!(app, "  blockedVersions: [{}]", self.blocked.join(", "));
            }
        }
        files.put(APP, "/app-sre/app-1.yml", app);
        let environment = "name: production\nproduct: {$ref: /p.yml}\n";
        files.put("/env.yml", "/app-sre/environment-1.yml", environment);
        for cluster in ["stage", "prod"] {
            let body = format!("name: {cluster}\nprometheusUrl: https://prom.example\n");
            files.put(format!("/{cluster}.yml"), "/openshift/cluster-1.yml", body);
        }
        let note = format!("note: {}\n", self.elsewhere);
        files.put("/team.yml", "/app-sre/team-1.yml", note);
    }

    /// A target's namespaces, and what else stands in files of its own.
    fn add_target(&self, files: &mut Datafiles, saas: &Saas, target: &Target) {
        let id = target.id;
        for part in if target.shape == Shape::Selector { &PARTS[..] } else { &[""] } {
            let name = format!("ns{id}{part}{}", self.suffix);
            let out = target.shape == Shape::Selector && !target.parts.contains(part);
            let group = if out { "out".to_owned() } else { format!("g{id}") };
            add_namespace(files, &format!("ns{id}{part}"), &name, "prod", &group);
        }
        if target.slo {
            let body = format!(
                "name: slo{id}\nnamespaces:\n- namespace: {{$ref: /services/app/ns{id}.yml}}\nslos:\n\
                 - name: quick\n  SLOTarget: 0.9\n  expr: quick{id}\n"
            );
            let path = format!("/services/app/slo{id}.yml");
            files.put(path, "/app-sre/slo-document-1.yml", body);
        }
        if target.shape == Shape::Shared {
            files.0.insert(format!("/services/app/cicd/other{id}.yml"), saas.other(target));
        }
        if let Some(file) = target.target_file().filter(|_| target.present) {
            let body = saas.block(target, "");
            files.put(format!("/{file}"), "/app-sre/saas-file-target-1.yml", body);
        }
    }
}

fn add_namespace(files: &mut Datafiles, file: &str, name: &str, cluster: &str, group: &str) {
    let cluster = format!("/{cluster}.yml");
    let place = Place { app: APP, cluster: &cluster, environment: "/env.yml" };
    let label = format!("labels: {{group: {group}}}\n");
    files.namespace_with(&format!("/services/app/{file}.yml"), name, place, &label);
}
