//! Finds entries of `blockedVersions` or `hotfixVersions` that are not full commits. They are compared with
//! full commits and never match, so the commit they should block is promoted.

use super::super::{Repo, find_index};
use crate::domain::{Problem, ProblemCode, is_commit_sha};
use yaml11::{Limits, NodePath, Tree};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for app in repo.bundle.apps.values() {
        for component in &app.code_components {
            let lists = [
                ("blockedVersions", &component.blocked_versions),
                ("hotfixVersions", &component.hotfix_versions),
            ];
            for (key, versions) in lists {
                for version in versions.iter().filter(|version| !is_commit_sha(version)) {
                    let message = format!(
                        "{key} of {}: `{version}` is not a commit of 40 lower-case hex digits",
                        component.url
                    );
                    let problem = Problem::new(ProblemCode::UnusableVersion, message);
                    let list = format!("codeComponents[{}].{key}", component.index);
                    let index = index_in_file(repo, &app.path, &list, version);
                    let path = index.map_or(list.clone(), |index| format!("{list}[{index}]"));
                    problems.push(problem.in_file(&app.path).at(path));
                }
            }
        }
    }
}

// Apps are not kept as trees, so this one is parsed again.
fn index_in_file(repo: &Repo<'_>, file: &str, list: &str, text: &str) -> Option<usize> {
    let tree = Tree::parse(repo.bundle.texts.get(file)?, &Limits::default()).ok()?;
    find_index(tree.at_path(&NodePath::parse(list)?)?, text)
}
