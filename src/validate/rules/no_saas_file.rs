//! Finds folders without a saas file: probably the wrong folder or branch.

use super::super::Repo;
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let counts = repo.bundle.counts;
    if counts.saas_files == 0 {
        let message = format!("no saas file among {} datafiles: nothing was checked", counts.files);
        problems.push(Problem::new(ProblemCode::NoSaasFile, message));
    }
}
