//! How often each thing happened in the worlds that were played: what never
//! happens proves nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use forge::Forge;
use sapm::plan::Reason;

use super::driver::Ended;
use super::faults::Trouble;
use super::people::Deed;

/// What the usual worlds come to, all but what switches cause, and a second merge request for one target,
/// which is rare there: what never happens proves nothing.
pub const REASONS: [Reason; 21] = [
    Reason::Due,
    Reason::AsWanted,
    Reason::AutoMerge,
    Reason::BehindTargetBranch,
    Reason::ReadyAgain,
    Reason::Changed,
    Reason::TargetBranchMoved,
    Reason::HeldByGate,
    Reason::FactsMissing,
    Reason::NothingDue,
    Reason::TargetGone,
    Reason::CommitBlocked,
    Reason::WaitsForRequest,
    Reason::RunLimit,
    Reason::TakenOver,
    Reason::HandedBack,
    Reason::BeingMerged,
    Reason::HoldLabel,
    Reason::ClosedByPerson,
    Reason::RolledBack,
    Reason::NotOurs,
];

/// The same of worlds with batches, those that are about them.
pub const BATCH_REASONS: [Reason; 8] = [
    Reason::Due,
    Reason::TakesIn,
    Reason::MemberLeft,
    Reason::PipelineFailed,
    Reason::SplitAsked,
    Reason::HeldByGate,
    Reason::TargetBranchMoved,
    Reason::ClosedByPerson,
];

/// Shared by all worlds.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    fn note(&self, what: String) {
        *self.0.lock().unwrap().entry(what).or_default() += 1;
    }

    pub fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().contains_key(what)
    }

    /// What a run planned, whether it had to write for it, and what became of it.
    pub fn run(&self, ended: &Ended) {
        let Ok(run) = ended else { return self.note("run: ended early".to_owned()) };
        self.note("run: whole".to_owned());
        for mr in &run.plan.merge_requests {
            let writes = if mr.steps.is_empty() { "nothing written" } else { "writes" };
            self.note(format!("{:?} {:?}: {writes}", mr.action, mr.reason_code));
            self.note(format!("reason {:?}", mr.reason_code));
        }
        for outcome in run.outcomes.merge_requests.values() {
            self.note(format!("outcome: {:?}", outcome.outcome));
        }
        (0..run.plan.leftovers.len()).for_each(|_| self.note("left branch: deleted".to_owned()));
    }

    pub fn deed(&self, deed: &Deed) {
        let text = format!("{deed:?}");
        let kind = text.split('(').next().unwrap_or_default();
        let more = match deed {
            Deed::Label(_, label, on) => format!(" {label} {on}"),
            Deed::Draft(_, on) | Deed::Locked(_, on) => format!(" {on}"),
            Deed::Forge(forgery) => format!(" {:?} on {}", forgery.content, forgery.state),
            _ => String::new(),
        };
        self.note(format!("deed: {kind}{more}"));
    }

    /// A fault that the run was over before is none.
    pub fn faults(&self, forge: &Forge, trouble: Trouble) {
        for entry in forge.log().iter().filter(|entry| entry.fault.is_some()) {
            self.note(format!("fault: {trouble:?} at a {}", entry.method));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &*self.0.lock().unwrap() {
            writeln!(f, "{count:7} {what}")?;
        }
        Ok(())
    }
}
