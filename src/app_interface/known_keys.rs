//! The known keys of saas files, targets, apps and SLO documents. A misspelt key would otherwise
//! disable a gate without anybody noticing.

use std::collections::BTreeSet;

use super::batch::Schema;
use super::fields::Field;
use crate::domain::{Problem, ProblemCode, near};
use yaml11::{Kind, NodeId, NodePath};

/// The keys that a mapping may have.
#[derive(Debug)]
pub(super) struct Table(&'static [Key]);

/// A key of a mapping.
#[derive(Debug)]
struct Key {
    name: &'static str,
    /// Does this program read it? Other programs read the rest.
    ours: bool,
    below: Below,
}

/// What the value of a key is.
#[derive(Debug)]
enum Below {
    /// A value that is not checked.
    Value,
    Mapping(&'static Table),
    List(&'static Table),
}

const fn ours(name: &'static str) -> Key {
    Key { name, ours: true, below: Below::Value }
}

const fn theirs(name: &'static str) -> Key {
    Key { name, ours: false, below: Below::Value }
}

const fn mapping(name: &'static str, table: &'static Table) -> Key {
    Key { name, ours: true, below: Below::Mapping(table) }
}

const fn list(name: &'static str, table: &'static Table) -> Key {
    Key { name, ours: true, below: Below::List(table) }
}

/// `/app-sre/saas-file-2.yml`.
const SAAS_FILE: Table = Table(&[
    ours("name"),
    ours("app"),
    list("resourceTemplates", &RESOURCE_TEMPLATE),
    theirs("displayName"),
    theirs("description"),
    theirs("labels"),
    theirs("pipelinesProvider"),
    theirs("slack"),
    theirs("managedResourceTypes"),
    theirs("managedResourceNames"),
    theirs("authentication"),
    theirs("parameters"),
    theirs("allowedSecretParameterPaths"),
    theirs("secretParameters"),
    theirs("validateTargetsInApp"),
    theirs("takeover"),
    theirs("deprecated"),
    theirs("compare"),
    theirs("timeout"),
    theirs("skipSuccessfulDeployNotifications"),
    theirs("publishJobLogs"),
    theirs("clusterAdmin"),
    theirs("imagePatterns"),
    theirs("validatePlannedData"),
    theirs("selfServiceRoles"),
    theirs("use_channel_in_image_tag"),
    theirs("deployResources"),
    theirs("instance"),
]);

const RESOURCE_TEMPLATE: Table = Table(&[
    ours("name"),
    ours("url"),
    list("targets", &TARGET),
    theirs("path"),
    theirs("provider"),
    theirs("hash_length"),
    theirs("parameters"),
    theirs("secretParameters"),
]);

/// A target, in a saas file or as `/app-sre/saas-file-target-1.yml`.
const TARGET: Table = Table(&[
    ours("name"),
    ours("provider"),
    ours("namespace"),
    mapping("namespaceSelector", &NAMESPACE_SELECTOR),
    ours("ref"),
    mapping("promotion", &PROMOTION),
    ours("slos"),
    ours("disable"),
    ours("delete"),
    theirs("parameters"),
    theirs("secretParameters"),
    theirs("upstream"),
    theirs("image"),
    theirs("images"),
    theirs("labels"),
    theirs("description"),
]);

const NAMESPACE_SELECTOR: Table = Table(&[mapping("jsonPathSelectors", &JSON_PATH_SELECTORS)]);

const JSON_PATH_SELECTORS: Table = Table(&[ours("include"), ours("exclude")]);

const PROMOTION: Table = Table(&[
    ours("auto"),
    ours("publish"),
    ours("subscribe"),
    ours("soakDays"),
    ours("schedule"),
    ours("redeployOnPublisherConfigChange"),
    list("promotion_data", &PROMOTION_DATA),
]);

const PROMOTION_DATA: Table = Table(&[ours("channel"), list("data", &PROMOTION_HASH)]);

const PROMOTION_HASH: Table =
    Table(&[ours("type"), ours("parent_saas"), ours("target_config_hash")]);

/// `/app-sre/app-1.yml`. Promotions do not depend on its other keys.
const APP: Table = Table(&[ours("name"), list("codeComponents", &CODE_COMPONENT)]);

const CODE_COMPONENT: Table = Table(&[
    ours("url"),
    ours("blockedVersions"),
    ours("hotfixVersions"),
    theirs("name"),
    theirs("description"),
    theirs("resource"),
    theirs("showInReviewQueue"),
    theirs("gitlabSync"),
    theirs("gitlabRepoOwners"),
    theirs("gitlabHousekeeping"),
    theirs("jira"),
    theirs("mirror"),
    theirs("imageBuildUrl"),
    theirs("managePermissions"),
]);

/// `/app-sre/slo-document-1.yml`.
const SLO_DOCUMENT: Table = Table(&[
    ours("name"),
    list("namespaces", &SLO_NAMESPACE),
    list("slos", &SLO),
    theirs("app"),
    theirs("labels"),
    theirs("description"),
]);

const SLO_NAMESPACE: Table = Table(&[
    ours("namespace"),
    mapping("prometheusAccess", &PROMETHEUS_ACCESS),
    theirs("SLONamespace"),
]);

const PROMETHEUS_ACCESS: Table = Table(&[ours("url"), theirs("username"), theirs("password")]);

const SLO: Table = Table(&[
    ours("name"),
    ours("SLOTarget"),
    ours("SLOParameters"),
    ours("expr"),
    theirs("SLIType"),
    theirs("SLISpecification"),
    theirs("SLODetails"),
    theirs("SLOTargetUnit"),
    theirs("prometheusRules"),
    theirs("prometheusRulesTests"),
    theirs("dashboard"),
]);

/// The known keys of a datafile; `None` for kinds in which a misspelt key disables no gate.
pub(super) fn find_table(schema: Schema) -> Option<&'static Table> {
    match schema {
        Schema::SaasFile => Some(&SAAS_FILE),
        Schema::TargetFile => Some(&TARGET),
        Schema::App => Some(&APP),
        Schema::SloDocument => Some(&SLO_DOCUMENT),
        Schema::Namespace | Schema::Cluster | Schema::Environment | Schema::Role => None,
    }
}

/// Number of keys per file that are compared with the known ones.
const MAX_COMPARED: usize = 200;

/// Unknown keys that resemble a known one, or that belong a level higher or lower.
pub(super) fn misspelt_keys(file: &str, root: &Field<'_>, table: &'static Table) -> Vec<Problem> {
    let mut search = Search { file, compared: 0, seen: BTreeSet::new(), found: Vec::new() };
    search.mapping(root, table, None);
    search.found
}

struct Search<'a> {
    file: &'a str,
    compared: usize,
    /// Mappings checked so far. With aliases, one mapping can occur in several locations.
    seen: BTreeSet<NodeId>,
    found: Vec<Problem>,
}

impl Search<'_> {
    fn mapping(
        &mut self,
        field: &Field<'_>,
        table: &'static Table,
        around: Option<(&'static str, &'static Table)>,
    ) {
        if field.node.kind() != Kind::Mapping || !self.seen.insert(field.node.id()) {
            return;
        }
        for (name, _) in field.node.entries() {
            match table.0.iter().find(|key| key.name == name) {
                Some(key) => self.search_below(field, key, table),
                None if name.starts_with('$') || self.compared == MAX_COMPARED => {}
                None => {
                    self.compared += 1;
                    if let Some(meant) = find_meant_key(&name, table, around) {
                        self.report(field, &name, &meant);
                    }
                }
            }
        }
    }

    fn search_below(&mut self, field: &Field<'_>, key: &'static Key, table: &'static Table) {
        let Some(value) = field.get(key.name) else { return };
        let around = Some((key.name, table));
        match key.below {
            Below::Value => {}
            Below::Mapping(below) => self.mapping(&value, below, around),
            Below::List(below) => {
                for item in value.items().unwrap_or_default() {
                    self.mapping(&item, below, around);
                }
            }
        }
    }

    fn report(&mut self, field: &Field<'_>, name: &str, meant: &str) {
        let message = format!("unknown key `{name}`: it has no effect");
        let place = NodePath::parse(&field.path).unwrap_or_default().key(name);
        let at = field.node.get(name).unwrap_or(field.node).position();
        self.found.push(
            Problem::new(ProblemCode::MisspeltKey, message)
                .in_file(self.file)
                .at(place.to_string())
                .at_line(at.line, at.column)
                .help(format!("did you mean {meant}?")),
        );
    }
}

/// Finds the key that was probably meant.
fn find_meant_key(
    name: &str,
    table: &'static Table,
    around: Option<(&'static str, &'static Table)>,
) -> Option<String> {
    if let Some(nearest) = near(table.0.iter().map(|key| key.name), name).first() {
        return Some(format!("`{nearest}`"));
    }
    for key in table.0 {
        if let Below::Mapping(below) = key.below
            && below.0.iter().any(|inner| inner.name == name)
        {
            return Some(format!("`{name}` below `{}`", key.name));
        }
    }
    let (own, outer) = around?;
    let belongs_there = outer.0.iter().any(|key| key.ours && key.name == name);
    belongs_there.then(|| format!("`{name}` next to `{own}`"))
}

#[cfg(test)]
mod tests {
    use super::super::{fields, resource_reader, saas_reader};
    use super::*;
    use yaml11::{Limits, Tree};

    /// The keys of a table that this program reads, by their path from the root.
    fn read_here(table: &Table, way: &str, into: &mut BTreeSet<String>) {
        for key in table.0.iter().filter(|key| key.ours) {
            let name = format!("{way}{}", key.name);
            match key.below {
                Below::Value => {}
                Below::Mapping(below) => read_here(below, &format!("{name}."), into),
                Below::List(below) => read_here(below, &format!("{name}[]."), into),
            }
            into.insert(name);
        }
    }

    /// A file that has every key of a table.
    fn sample(table: &Table, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let lines = table.0.iter().map(|key| match key.below {
            Below::Mapping(below) => format!("{pad}{}:\n{}", key.name, sample(below, indent + 2)),
            Below::List(below) => {
                let item = sample(below, indent + 2);
                let item = item.trim_start();
                format!("{pad}{}:\n{pad}- {item}", key.name)
            }
            Below::Value => format!("{pad}{}: {}\n", key.name, value(key.name)),
        });
        lines.collect()
    }

    fn value(key: &str) -> &'static str {
        match key {
            "app" | "namespace" => "{$ref: /a.yml}",
            "slos" => "[{$ref: /a.yml}]",
            // The reader does not check `delete` on a target that is disabled.
            "disable" => "false",
            "auto" | "delete" | "redeployOnPublisherConfigChange" => "true",
            "soakDays" | "SLOTarget" => "1",
            "SLOParameters" => "{window: 1d}",
            "provider" => "dynamic",
            "type" => "parent_saas_config",
            "publish" | "subscribe" | "include" | "exclude" => "[a]",
            "blockedVersions" | "hotfixVersions" => "[a]",
            _ => "a",
        }
    }

    /// The keys that the readers look up, by their path from the root.
    fn asked(text: &str, read: impl Fn(&Field<'_>)) -> BTreeSet<String> {
        let tree = Tree::parse(text.as_bytes(), &Limits::default()).unwrap();
        fields::note_keys();
        read(&Field::root(tree.root()));
        fields::noted_keys()
    }

    fn known(table: &Table) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        read_here(table, "", &mut known);
        known
    }

    #[test]
    fn the_readers_use_exactly_the_keys_of_the_tables() {
        let text = sample(&SAAS_FILE, 0);
        let read = |root: &Field<'_>| {
            saas_reader::saas_file("/a.yml", root, &mut Vec::new()).unwrap();
        };
        // namespace and namespaceSelector exclude each other: a file with the first, and one with the second.
        let static_target = asked(&text.replace("namespaceSelector:", "parameters:"), read);
        let selected = asked(&text.replace("namespace: {$ref: /a.yml}", "provider: dynamic"), read);
        assert_eq!(&static_target | &selected, known(&SAAS_FILE), "{text}");

        let text = sample(&APP, 0);
        let app = asked(&text, |root| drop(resource_reader::app("/a.yml", root).unwrap()));
        assert_eq!(app, known(&APP), "{text}");

        let text = sample(&SLO_DOCUMENT, 0);
        let document = asked(&text, |root| drop(resource_reader::slo_document(root).unwrap()));
        assert_eq!(document, known(&SLO_DOCUMENT), "{text}");
    }
}
