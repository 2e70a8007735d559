//! Who merges, as the config repo itself says: gitlab-housekeeping, roles, change types (schemas: qontract-schemas).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app_interface::{Sniff, sniff_schema};
use crate::domain::RepoUrl;
use yaml11::{Limits, Tree};

const ROLE: &str = "/access/role-1.yml";
const USER: &str = "/access/user-1.yml";
const BOT: &str = "/access/bot-1.yml";
const APP: &str = "/app-sre/app-1.yml";
/// Under both of its names.
const CHANGE_TYPES: [&str; 2] = ["/app-sre/change-type-1.yml", "/app-interface/change-type-1.yml"];
/// Only apps with this key matter.
const HOUSEKEEPING: &[u8] = b"gitlabHousekeeping";

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// User names of the people in it.
    pub users: BTreeSet<String>,
    /// User names of the bots in it.
    pub bots: BTreeSet<String>,
    /// What its members may approve: path of the change type, and paths of the datafiles.
    pub self_service: Vec<(String, BTreeSet<String>)>,
}

/// A kind of change that somebody may approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeType {
    /// Its name.
    pub name: String,
    /// The priority that its merge requests get.
    pub priority: Option<String>,
    /// Is it switched off?
    pub disabled: bool,
}

/// What gitlab-housekeeping is told about the config repo's project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Housekeeping {
    /// Paths of the roles whose users may put labels on; `None`: everybody may.
    pub labels_allowed: Option<BTreeSet<String>>,
    /// The app that says so.
    pub app: String,
}

/// Who merges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueConfig {
    /// What housekeeping is told; `None`: it does not look after this project.
    pub housekeeping: Option<Housekeeping>,
    /// Roles by path.
    pub roles: BTreeMap<String, Role>,
    /// Change types by path.
    pub change_types: BTreeMap<String, ChangeType>,
    /// Datafiles of these kinds that could not be read.
    pub unreadable: BTreeSet<String>,
}

/// Is it a datafile that says who merges?
pub fn is_kept(bytes: &[u8]) -> bool {
    let Sniff::Found(schema) = sniff_schema(bytes) else { return false };
    let schema = schema.as_ref();
    [ROLE, USER, BOT].contains(&schema)
        || CHANGE_TYPES.contains(&schema)
        || (schema == APP && bytes.windows(HOUSEKEEPING.len()).any(|part| part == HOUSEKEEPING))
}

impl QueueConfig {
    /// Reads datafiles by path. `project` is the path of the config repo's project.
    pub fn read(files: &BTreeMap<String, Vec<u8>>, project: &str) -> Self {
        let mut config = Self::default();
        let mut members = Vec::new();
        for (path, bytes) in files {
            let Ok(tree) = Tree::parse(bytes, &Limits::default()) else {
                config.unreadable.insert(path.clone());
                continue;
            };
            let file = tree.root().to_json();
            match text(&file, "$schema").unwrap_or_default() {
                ROLE => {
                    config.role(path, &file);
                }
                kind @ (USER | BOT) => members.push((kind == BOT, file)),
                APP => config.app(&file, project),
                schema if CHANGE_TYPES.contains(&schema) => config.change_type(path, &file),
                _ => {}
            }
        }
        for (is_bot, member) in members {
            config.member(is_bot, &member);
        }
        config
    }

    fn role(&mut self, path: &str, file: &Value) {
        let role = self.roles.entry(path.to_owned()).or_default();
        role.name = text(file, "name").unwrap_or(path).to_owned();
        role.self_service = list(file, "self_service")
            .filter_map(|item| {
                let datafiles = list(item, "datafiles").filter_map(reference).collect();
                Some((reference(item.get("change_type")?)?, datafiles))
            })
            .collect();
    }

    /// Users and bots name their roles; a role names nobody.
    fn member(&mut self, is_bot: bool, file: &Value) {
        let Some(name) = text(file, "org_username") else { return };
        for path in list(file, "roles").filter_map(reference) {
            let Some(role) = self.roles.get_mut(&path) else { continue };
            let names = if is_bot { &mut role.bots } else { &mut role.users };
            names.insert(name.to_owned());
        }
    }

    fn change_type(&mut self, path: &str, file: &Value) {
        let change_type = ChangeType {
            name: text(file, "name").unwrap_or(path).to_owned(),
            priority: text(file, "priority").map(str::to_owned),
            disabled: file.get("disabled") == Some(&Value::Bool(true)),
        };
        self.change_types.insert(path.to_owned(), change_type);
    }

    fn app(&mut self, file: &Value, project: &str) {
        for component in list(file, "codeComponents") {
            let url = text(component, "url").unwrap_or_default();
            let path = RepoUrl::new(url).project_path();
            let is_this = path.is_some_and(|path| path.eq_ignore_ascii_case(project));
            let Some(settings) = component.get("gitlabHousekeeping").filter(|_| is_this) else {
                continue;
            };
            let allowed = settings.get("labels_allowed").filter(|allowed| !allowed.is_null());
            self.housekeeping = Some(Housekeeping {
                labels_allowed: allowed.map(|_| {
                    list(settings, "labels_allowed")
                        .filter_map(|item| reference(item.get("role")?))
                        .collect()
                }),
                app: text(file, "name").unwrap_or_default().to_owned(),
            });
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn reference(value: &Value) -> Option<String> {
    text(value, "$ref").map(str::to_owned)
}
