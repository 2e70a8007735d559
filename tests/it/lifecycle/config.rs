//! A config repo as a value: rendered to files, changed, and rendered again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sapm::app_interface::CurrentHash;
use sapm::domain::{TargetIdentity, UidDigest};
use sapm::inventory::Inventory;

/// Files from the repository's root.
pub type Files = BTreeMap<String, Vec<u8>>;

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

pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
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
                target.git_ref = found.git_ref.clone().unwrap_or_default();
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
        let mut files = BTreeMap::new();
        let mut put = |path: String, text: String| {
            files.insert(format!("data/{path}"), text.into_bytes());
        };
        let mut app = "$schema: /app-sre/app-1.yml\nname: app\ncodeComponents:\n".to_owned();
        for saas in &self.saas {
            let _ = writeln!(app, "- name: s{0}\n  url: {1}", saas.number, saas.url());
            if !self.blocked.is_empty() {
                let _ = writeln!(app, "  blockedVersions: [{}]", self.blocked.join(", "));
            }
        }
        put("services/app/app.yml".into(), app);
        put(
            "env.yml".into(),
            "$schema: /app-sre/environment-1.yml\nname: production\nproduct: {$ref: /p.yml}\n"
                .into(),
        );
        for cluster in ["stage", "prod"] {
            put(
                format!("{cluster}.yml"),
                format!(
                    "$schema: /openshift/cluster-1.yml\nname: {cluster}\nprometheusUrl: https://prom.example\n"
                ),
            );
        }
        let note = format!("$schema: /app-sre/team-1.yml\nnote: {}\n", self.elsewhere);
        put("team.yml".into(), note);
        let namespace = |name: &str, cluster: &str, label: &str| {
            format!(
                "$schema: /openshift/namespace-1.yml\nname: {}\nlabels: {{group: {label}}}\n\
                 cluster: {{$ref: /{cluster}.yml}}\napp: {{$ref: /services/app/app.yml}}\n\
                 environment: {{$ref: /env.yml}}\n",
                quoted(name)
            )
        };
        for number in 0..self.crowd {
            let name = format!("ns0-{number}{}", self.suffix);
            put(format!("services/app/crowd{number}.yml"), namespace(&name, "prod", "g0"));
        }
        for saas in &self.saas {
            for channel in &saas.channels {
                put(
                    format!("services/app/pub{}.yml", channel.number),
                    namespace(&channel.namespace, "stage", "publisher"),
                );
            }
            for target in &saas.targets {
                let id = target.id;
                for part in if target.shape == Shape::Selector { &PARTS[..] } else { &[""] } {
                    let name = format!("ns{id}{part}{}", self.suffix);
                    let out = target.shape == Shape::Selector && !target.parts.contains(part);
                    let group = if out { "out".to_owned() } else { format!("g{id}") };
                    put(format!("services/app/ns{id}{part}.yml"), namespace(&name, "prod", &group));
                }
                if target.slo {
                    put(
                        format!("services/app/slo{id}.yml"),
                        format!(
                            "$schema: /app-sre/slo-document-1.yml\nname: slo{id}\nnamespaces:\n\
                             - namespace: {{$ref: /services/app/ns{id}.yml}}\nslos:\n\
                             - name: quick\n  SLOTarget: 0.9\n  expr: quick{id}\n"
                        ),
                    );
                }
                if target.shape == Shape::Shared {
                    put(format!("services/app/cicd/other{id}.yml"), saas.other(target));
                }
                if let Some(file) = target.target_file().filter(|_| target.present) {
                    let body = saas.block(target, "");
                    put(file, format!("$schema: /app-sre/saas-file-target-1.yml\n{body}"));
                }
            }
            put(saas.path()["data/".len()..].to_owned(), saas.render());
        }
        files
    }
}
