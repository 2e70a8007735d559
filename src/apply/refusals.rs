//! Refused writes by their cause: one problem for each cause.

use super::executor::Stop;
use crate::domain::{MrIid, Problem, ProblemCode, count};
use crate::plan::PlannedMergeRequest;
use crate::snapshot::Failure;

/// A cause, and what could not be written because of it.
struct Refusal<'a> {
    /// Its words, without the names of one branch or merge request.
    cause: String,
    /// The first write that met it: what could not be done, and why.
    first: (String, String),
    merge_requests: Vec<&'a PlannedMergeRequest>,
    branches: Vec<&'a str>,
}

/// All causes, in the order of the plan.
#[derive(Default)]
pub(super) struct Refusals<'a> {
    refusals: Vec<Refusal<'a>>,
}

impl<'a> Refusals<'a> {
    /// Notes why the steps of a merge request ended.
    pub fn note_mr(&mut self, mr: &'a PlannedMergeRequest, stop: &Stop) {
        let Some(failure) = refused(stop) else { return };
        let what = match mr.iid {
            Some(iid) => format!("merge request {iid} could not be written"),
            None => format!("a merge request from {} could not be written", mr.branch),
        };
        let cause = cause_of(failure, &mr.branch, mr.iid);
        self.entry(cause, || (what, failure.error.clone())).merge_requests.push(mr);
    }

    /// Notes a merge request that was not attempted because of a cause that another one met.
    pub fn note_unattempted(&mut self, mr: &'a PlannedMergeRequest, cause: &str) {
        if let Some(known) = self.refusals.iter_mut().find(|refusal| refusal.cause == cause) {
            known.merge_requests.push(mr);
        }
    }

    /// Notes why a branch could not be deleted.
    pub fn note_branch(&mut self, branch: &'a str, stop: &Stop) {
        let Some(failure) = refused(stop) else { return };
        let cause = cause_of(failure, branch, None);
        let what = format!("branch {branch} could not be deleted");
        self.entry(cause, || (what, failure.error.clone())).branches.push(branch);
    }

    fn entry(
        &mut self,
        cause: String,
        first: impl FnOnce() -> (String, String),
    ) -> &mut Refusal<'a> {
        let known = self.refusals.iter().position(|refusal| refusal.cause == cause);
        let at = known.unwrap_or_else(|| {
            let (merge_requests, branches) = (Vec::new(), Vec::new());
            self.refusals.push(Refusal { cause, first: first(), merge_requests, branches });
            self.refusals.len() - 1
        });
        &mut self.refusals[at]
    }

    /// One problem for each cause.
    pub fn into_problems(self) -> Vec<Problem> {
        self.refusals.into_iter().map(|refusal| refusal.problem()).collect()
    }
}

impl Refusal<'_> {
    fn problem(self) -> Problem {
        let (what, why) = self.first;
        match (self.merge_requests.as_slice(), self.branches.as_slice()) {
            ([mr], []) => {
                let problem = Problem::new(ProblemCode::WriteRefused, format!("{what}: {why}"))
                    .at(&mr.branch);
                match mr.files.first().and_then(|file| file.path.datafile()) {
                    Some(file) => problem.in_file(file),
                    None => problem,
                }
            }
            ([], [branch]) => {
                Problem::new(ProblemCode::WriteRefused, format!("{what}: {why}")).at(*branch)
            }
            ([], branches) => {
                let message = format!("{} branches could not be deleted", branches.len());
                Problem::new(ProblemCode::WriteRefused, format!("{message}: {}", self.cause))
            }
            (merge_requests, _) => {
                let targets: usize = merge_requests.iter().map(|mr| mr.targets.len()).sum();
                let message = format!(
                    "{} ({}) could not be written",
                    count(merge_requests.len(), "merge request"),
                    count(targets, "target")
                );
                Problem::new(ProblemCode::WriteRefused, format!("{message}: {}", self.cause))
            }
        }
    }
}

fn refused(stop: &Stop) -> Option<&Failure> {
    match stop {
        Stop::Failed(failure) | Stop::NoCommits(failure) => Some(failure),
        Stop::SomebodyWasFirst(_) | Stop::Interrupted => None,
    }
}

/// What refusals of one cause have in common: their words without the branch or merge request at hand.
fn cause_of(failure: &Failure, branch: &str, iid: Option<MrIid>) -> String {
    if let Some(cause) = &failure.shared_cause {
        return cause.clone();
    }
    let mut words = failure.error.replace(branch, "<branch>");
    words = words.replace(&branch.replace('/', "%2F"), "<branch>");
    if let Some(iid) = iid {
        words = words.replace(&format!("{iid}"), "!<number>");
        words =
            words.replace(&format!("/merge_requests/{}", iid.number()), "/merge_requests/<number>");
    }
    words
}
