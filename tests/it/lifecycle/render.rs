//! Saas files as text.

use std::fmt::Write as _;

use super::config::{Saas, Shape, Target, quoted};

impl Saas {
    pub fn render(&self) -> String {
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
            if let Some(file) = target.target_file() {
                let _ = writeln!(text, "  - $ref: /{file}");
                continue;
            }
            match target.shape {
                Shape::Shared => {}
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
            for file in shared.into_iter().filter_map(Target::target_file) {
                let _ = writeln!(text, "  - $ref: /{file}");
            }
        }
        text
    }

    /// Another saas file, which uses the shared target file, or does not. Its path comes first.
    pub fn other(&self, target: &Target) -> String {
        let id = target.id;
        let file = target.target_file().filter(|_| target.in_other && target.present);
        let uses = file.map(|file| format!("{{$ref: /{file}}}")).unwrap_or_default();
        format!(
            "$schema: /app-sre/saas-file-2.yml\nname: other-{id}\n\
             app: {{$ref: /services/app/app.yml}}\nresourceTemplates:\n\
             - name: other\n  url: {}\n  targets: [{uses}]\n",
            self.url()
        )
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

    /// Is its ref written as an alias?
    pub fn is_alias(&self, target: &Target) -> bool {
        self.ref_of(target).starts_with('*')
    }

    /// The target's ref, with its anchor or as an alias.
    fn ref_of(&self, target: &Target) -> String {
        let at = self.targets.iter().position(|other| other.id == target.id).unwrap();
        // An alias does not lead out of its file.
        let inline = |target: &Target| target.target_file().is_none();
        let equal = |other: &&Target| {
            other.present && other.git_ref == target.git_ref && inline(other) && inline(target)
        };
        // An anchor stands before its aliases.
        let mut earlier = self.targets[..at].iter().filter(equal);
        if let Some(owner) = earlier.find(|other| Some(other.id) == target.alias_of) {
            return format!("*r{}", owner.id);
        }
        let mut later = self.targets[at + 1..].iter().filter(equal);
        let used = later.any(|other| other.alias_of == Some(target.id));
        if used { format!("&r{} {}", target.id, target.git_ref) } else { target.git_ref.clone() }
    }

    pub fn block(&self, target: &Target, indent: &str) -> String {
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
