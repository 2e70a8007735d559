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
    /// By a selector that expands to two namespaces.
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
}

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
        }
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

fn quoted(text: &str) -> String {
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
        for target in self.saas.iter_mut().flat_map(|saas| &mut saas.targets) {
            // What stands in a broken file is as it was.
            let path = format!("/services/app/ns{}", target.id);
            let found = inventory.targets.iter().find(|known| {
                let rest = known.namespace.path.strip_prefix(&path);
                rest.is_some_and(|rest| matches!(rest, ".yml" | "a.yml"))
            });
            if let Some(found) = found {
                target.git_ref = found.git_ref.clone().unwrap_or_default();
                target.hashes.clone_from(&found.promotion.current_hashes);
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
                for part in if target.shape == Shape::Selector { &["a", "b"][..] } else { &[""] } {
                    let name = format!("ns{id}{part}{}", self.suffix);
                    put(
                        format!("services/app/ns{id}{part}.yml"),
                        namespace(&name, "prod", &format!("g{id}")),
                    );
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
                if target.shape == Shape::Shared && target.present {
                    let body = saas.block(target, "");
                    put(
                        format!("services/app/shared{id}.yml"),
                        format!("$schema: /app-sre/saas-file-target-1.yml\n{body}"),
                    );
                }
            }
            put(saas.path()["data/".len()..].to_owned(), saas.render());
        }
        files
    }
}

impl Saas {
    fn render(&self) -> String {
        let mut text = format!(
            "---\n$schema: /app-sre/saas-file-2.yml\n# note {}\nname: {}\n\
             app: {{$ref: /services/app/app.yml}}\nresourceTemplates:\n\
             - name: publishers\n  url: {}\n  targets:\n",
            self.note,
            quoted(&self.name),
            self.url()
        );
        if self.broken {
            text.push_str("}{\n");
        }
        for channel in &self.channels {
            let _ = writeln!(
                text,
                "  - namespace: {{$ref: /services/app/pub{}.yml}}\n    ref: {}\n    promotion: {{publish: [{}]}}",
                channel.number,
                channel.git_ref,
                quoted(&channel.name)
            );
        }
        let _ = writeln!(text, "- name: service\n  url: {}\n  targets:", self.url());
        for target in self.targets.iter().filter(|target| target.present) {
            match target.shape {
                Shape::Shared => {
                    let _ = writeln!(text, "  - $ref: /services/app/shared{}.yml", target.id);
                }
                Shape::Line => text.push_str(&self.line(target)),
                Shape::Block | Shape::Selector => {
                    let body = self.block(target, "    ");
                    text.push_str("  - ");
                    text.push_str(body.strip_prefix("    ").unwrap());
                }
            }
        }
        let shared: Vec<_> =
            self.targets.iter().filter(|t| t.present && t.shape == Shape::Shared).collect();
        if !shared.is_empty() {
            let _ = writeln!(text, "- name: twin\n  url: {}\n  targets:", self.url());
            for target in shared {
                let _ = writeln!(text, "  - $ref: /services/app/shared{}.yml", target.id);
            }
        }
        text
    }

    fn subscribe(&self, target: &Target) -> String {
        let names: Vec<_> =
            target.channels.iter().map(|&at| quoted(&self.channels[at].name)).collect();
        names.join(", ")
    }

    fn line(&self, target: &Target) -> String {
        let mut text = format!(
            "  - {{namespace: {{$ref: /services/app/ns{}.yml}}, ref: {}, promotion: {{auto: {}",
            target.id, target.git_ref, target.auto
        );
        if let Some(schedule) = &target.schedule {
            let _ = write!(text, ", schedule: {}", quoted(schedule));
        }
        if target.soak_days > 0 {
            let _ = write!(text, ", soakDays: {}", target.soak_days);
        }
        let _ = write!(text, ", subscribe: [{}]}}", self.subscribe(target));
        if target.disabled {
            text.push_str(", disable: true");
        }
        text.push_str("}\n");
        text
    }

    /// The target's ref, with its anchor or as an alias.
    fn ref_of(&self, target: &Target) -> String {
        let at = self.targets.iter().position(|other| other.id == target.id).unwrap();
        let equal = |other: &&Target| other.present && other.git_ref == target.git_ref;
        // An anchor stands before its aliases.
        let mut earlier = self.targets[..at].iter().filter(equal);
        if let Some(owner) = earlier.find(|other| Some(other.id) == target.alias_of) {
            return format!("*r{}", owner.id);
        }
        let mut later = self.targets[at + 1..].iter().filter(equal);
        let used = later.any(|other| other.alias_of == Some(target.id));
        if used { format!("&r{} {}", target.id, target.git_ref) } else { target.git_ref.clone() }
    }

    fn block(&self, target: &Target, indent: &str) -> String {
        let id = target.id;
        let mut lines = Vec::new();
        if target.shape == Shape::Selector {
            lines.push("provider: dynamic".to_owned());
            lines.push("namespaceSelector:".to_owned());
            lines.push("  jsonPathSelectors:".to_owned());
            lines.push("    include:".to_owned());
            lines.push(format!("    - namespace[?(@.labels.group==\"g{id}\")]"));
        } else {
            lines.push("namespace:".to_owned());
            lines.push(format!("  $ref: /services/app/ns{id}.yml"));
        }
        if let Some(note) = target.note {
            lines.push(format!("# note {note}"));
        }
        lines.push(format!("ref: {}", self.ref_of(target)));
        if target.disabled {
            lines.push("disable: true".to_owned());
        }
        if target.slo {
            lines.push("slos:".to_owned());
            lines.push(format!("- $ref: /services/app/slo{id}.yml"));
        }
        lines.push("promotion:".to_owned());
        lines.push(format!("  auto: {}", target.auto));
        if let Some(schedule) = &target.schedule {
            lines.push(format!("  schedule: {}", quoted(schedule)));
        }
        if target.soak_days > 0 {
            lines.push(format!("  soakDays: {}", target.soak_days));
        }
        if target.redeploy {
            lines.push("  redeployOnPublisherConfigChange: true".to_owned());
        }
        lines.push(format!("  subscribe: [{}]", self.subscribe(target)));
        if !target.hashes.is_empty() {
            lines.push("  promotion_data:".to_owned());
        }
        for hash in &target.hashes {
            lines.push(format!("  - channel: {}", quoted(&hash.channel)));
            lines.push("    data:".to_owned());
            lines.push("    - type: parent_saas_config".to_owned());
            lines.push(format!("      parent_saas: {}", quoted(&hash.parent_saas)));
            lines.push(format!("      target_config_hash: {}", quoted(&hash.target_config_hash)));
        }
        lines.iter().map(|line| format!("{indent}{line}\n")).collect()
    }
}
