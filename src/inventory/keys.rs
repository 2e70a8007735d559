//! Permanent keys of edit sites.
//!
//! Branches are named after the key, so it depends only on how a target is declared, not
//! on how many namespaces or saas files share the declaration, on its values, or on
//! the decision for it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app_interface::{Bundle, ResourceTemplate, SaasFile, TargetDeclaration, Where};
use crate::domain::TargetUid;

/// The key of an edit site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditSiteKey {
    /// Unique per edit site.
    pub key: String,
    /// Two names that identify the edit site for people.
    pub names: [String; 2],
}

type Named<'a> = (&'a str, &'a str, Option<&'a str>);

/// Assigns keys to declarations.
#[derive(Default)]
pub(super) struct Keys<'a> {
    /// Number of selectors per saas file name, resource template and target name.
    selectors: BTreeMap<Named<'a>, usize>,
}

impl<'a> Keys<'a> {
    /// Disabled targets count too, because the key must not depend on that.
    pub(super) fn new(bundle: &'a Bundle) -> Self {
        let mut keys = Self::default();
        for file in &bundle.saas_files {
            for template in &file.resource_templates {
                for declaration in &template.targets {
                    if matches!(declaration.location, Where::Selector(_)) {
                        *keys.selectors.entry(named(file, template, declaration)).or_default() += 1;
                    }
                }
            }
        }
        keys
    }

    /// The key of a declaration, then the other keys that it may have had: any target may have been
    /// declared in its saas file with its one namespace.
    ///
    /// | a target … | has as key |
    /// | --- | --- |
    /// | in a shared target file | that file |
    /// | with one namespace | its uid |
    /// | with a selector | its names; if several targets have the same names, also its file and expressions |
    pub(super) fn collect_keys(
        &self,
        file: &SaasFile,
        template: &ResourceTemplate,
        declaration: &TargetDeclaration,
        (uid, namespace): (&TargetUid, &str),
    ) -> (EditSiteKey, Vec<EditSiteKey>) {
        let path = &declaration.declared_at.file;
        let own =
            EditSiteKey { key: uid.to_string(), names: [file.name.clone(), namespace.to_owned()] };
        if *path != declaration.used_at.file {
            let (folder, name) = path.rsplit_once('/').unwrap_or_default();
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            let names = [folder.to_owned(), stem.to_owned()];
            return (EditSiteKey { key: format!("file:{path}"), names }, vec![own]);
        }
        let Where::Selector(selector) = &declaration.location else { return (own, Vec::new()) };
        let named = named(file, template, declaration);
        let second = declaration.name.as_ref().unwrap_or(&template.name);
        let key = |identity: serde_json::Value| EditSiteKey {
            key: format!("selector:{identity}"),
            names: [file.name.clone(), second.clone()],
        };
        let short = key(json!(named));
        let long = key(json!([named, path, selector.include, selector.exclude]));
        let alone = self.selectors.get(&named).is_none_or(|count| *count < 2);
        if alone { (short, vec![long, own]) } else { (long, vec![short, own]) }
    }
}

fn named<'a>(
    file: &'a SaasFile,
    template: &'a ResourceTemplate,
    declaration: &'a TargetDeclaration,
) -> Named<'a> {
    (&file.name, &template.name, declaration.name.as_deref())
}
