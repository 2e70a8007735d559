//! `--app-name`, `--env-name` and `--saas-file-name` that match nothing: a slip of the keyboard that
//! would look like a run with nothing to do.

use std::collections::BTreeSet;

use super::{ConfigRepo, RunError};
use crate::app_interface::Where;
use crate::domain::{UidDigest, near, quoted};
use crate::inventory::all_declared;
use crate::plan::TargetFilter;

/// How many names a message lists where none comes near.
const NAMED: usize = 10;

/// App, environment and saas file of a target.
type Names<'a> = [&'a str; 3];

/// Fails when a run is narrowed to what no target of the config repo is, promoted or not, and to no
/// app, environment or saas file that has none.
///
/// # Errors
/// With exit code 2, and the names that come near.
pub fn check_filter(
    filter: &TargetFilter,
    repo: &ConfigRepo,
    digest: UidDigest,
) -> Result<(), RunError> {
    let wanted = [&filter.app, &filter.environment, &filter.saas_file];
    let fits = |names: &Names<'_>| {
        wanted.iter().zip(names).all(|(wanted, name)| wanted.as_deref().is_none_or(|w| w == *name))
    };
    if wanted.iter().all(|wanted| wanted.is_none())
        || repo.inventory.targets.iter().any(|target| filter.names(target))
    {
        return Ok(());
    }
    let declared = all_declared(&repo.bundle, digest);
    let mut names: BTreeSet<Names<'_>> = declared
        .targets
        .iter()
        .map(|target| -> Names<'_> {
            [&target.app.name, &target.namespace.environment, &target.saas_file]
        })
        .collect();
    names.extend(behind_selectors(repo));
    if names.iter().any(fits) || is_there_without_targets(wanted, repo) {
        return Ok(());
    }
    Err(no_target(wanted, &names, repo))
}

/// Is it the one name of something that is there and has no targets? That is no slip.
fn is_there_without_targets(wanted: [&Option<String>; 3], repo: &ConfigRepo) -> bool {
    let bundle = &repo.bundle;
    match wanted.map(Option::as_deref) {
        [Some(app), None, None] => bundle.apps.values().any(|known| known.name == app),
        [None, Some(environment), None] => {
            bundle.namespaces.values().any(|namespace| namespace.environment == environment)
        }
        [None, None, Some(file)] => bundle.saas_files.iter().any(|known| known.name == file),
        _ => false,
    }
}

/// Targets behind selectors, which are expanded no more: they may be in any environment.
fn behind_selectors(repo: &ConfigRepo) -> Vec<Names<'_>> {
    let bundle = &repo.bundle;
    let environments: BTreeSet<&str> =
        bundle.namespaces.values().map(|namespace| namespace.environment.as_str()).collect();
    let has_selector = |file: &&crate::app_interface::SaasFile| {
        let targets = file.resource_templates.iter().flat_map(|template| &template.targets);
        targets.into_iter().any(|target| matches!(target.location, Where::Selector(_)))
    };
    let files = bundle.saas_files.iter().filter(has_selector);
    files
        .filter_map(|file| Some((bundle.apps.get(&file.app)?.name.as_str(), file.name.as_str())))
        .flat_map(|(app, file)| {
            environments.iter().map(move |environment| [app, environment, file])
        })
        .collect()
}

fn no_target(
    wanted: [&Option<String>; 3],
    names: &BTreeSet<Names<'_>>,
    repo: &ConfigRepo,
) -> RunError {
    let flags = ["--app-name", "--env-name", "--saas-file-name"];
    let given: Vec<String> = flags
        .into_iter()
        .zip(wanted)
        .filter_map(|(flag, wanted)| Some(format!("{flag} {}", quoted(wanted.as_ref()?))))
        .collect();
    let error = RunError::usage(format!("no target matches {}", given.join(" with ")));
    let mut hints = Vec::new();
    for (index, flag) in flags.into_iter().enumerate() {
        let known: BTreeSet<&str> = names.iter().map(|names| names[index]).collect();
        let Some(wanted) = wanted[index].as_deref().filter(|wanted| !known.contains(wanted)) else {
            continue;
        };
        let shown = near(known.iter().copied(), wanted);
        hints.push(match shown.as_slice() {
            [] => format!("{flag} may be {}", some_of(&known)),
            shown => format!("{flag}: did you mean {}?", shown.join(", ")),
        });
    }
    if hints.is_empty() {
        hints.push("there are targets of each, but none of all together".to_owned());
    }
    if !repo.bundle.broken_files.is_empty() {
        let files: Vec<&str> =
            repo.bundle.broken_files.iter().take(3).map(String::as_str).collect();
        hints.push(format!(
            "it may be in a file that cannot be read in full (`sapm validate` says why): {}",
            files.join(", ")
        ));
    }
    error.hint(hints.join("\n  "))
}

fn some_of(known: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = known.iter().take(NAMED).copied().collect();
    let more = if known.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
