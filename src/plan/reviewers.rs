//! Whom a merge request asks to review when it is opened.
//!
//! Later writes never touch reviewers: what people change stays, and nobody is asked twice.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::desired::Desired;
use super::model::{PlannedMergeRequest, Step};
use super::planner::Planner;
use super::settings::ReviewersFrom;
use crate::domain::{Person, Problem, ProblemCode, UserId, count, name_first, sha256_hex};
use crate::inventory::Target;
use crate::snapshot::{Failure, Lookup, Snapshot, UserFact};

/// Reviewers of a merge request at most.
const MAX_REVIEWERS: usize = 3;
/// People who are considered for a merge request at most, in case that GitLab does not know the first ones.
const MAX_CANDIDATES: usize = 10;
/// People who are looked up in a run at most.
const MAX_LOOKUPS: usize = 100;
/// People whom a problem names.
const NAMED: usize = 5;

/// What is known of people, and what was found out while merge requests were planned.
pub(super) struct Reviewers<'a> {
    known: &'a BTreeMap<String, Lookup<Option<UserFact>>>,
    /// Users who are never asked; `None` if GitLab is not asked at all.
    bots: Option<BTreeSet<UserId>>,
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    /// People to look up.
    missing: BTreeSet<Person>,
    /// People whom GitLab does not know as active users.
    unknown: BTreeSet<Person>,
    /// Why others could not be looked up.
    failed: BTreeMap<Person, Failure>,
    /// People above the limit of lookups.
    left_out: BTreeSet<Person>,
}

/// Who could be asked: those who can approve, or whose approval is required, before the others.
type Tiers = [BTreeSet<Person>; 2];

impl<'a> Reviewers<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let repo = snapshot.config_repo.as_ref();
        let bots = repo.map(|repo| &repo.bot_ids() | &repo.other_bot_ids());
        Self { known: &snapshot.users, bots, notes: RefCell::default() }
    }

    /// People to look up.
    pub(super) fn take_missing(&self) -> BTreeSet<Person> {
        std::mem::take(&mut self.notes.borrow_mut().missing)
    }

    /// The users to ask among these people. What keeps others from being asked is noted.
    fn choose(
        &self,
        people: Vec<Person>,
        may_ask: impl Fn(&UserFact) -> bool,
    ) -> Vec<&'a UserFact> {
        let mut notes = self.notes.borrow_mut();
        let mut chosen: Vec<&UserFact> = Vec::new();
        // Places of people who are not looked up yet, or in vain: a GitLab that does not respond is not asked for more.
        let mut kept = 0;
        for person in people {
            if chosen.len() + kept >= MAX_REVIEWERS {
                break;
            }
            match self.known.get(&person.to_string()).map(Lookup::as_result) {
                None => {
                    kept += 1;
                    notes.add_missing(person, self.known.len());
                }
                Some(Err(failure)) => {
                    kept += 1;
                    notes.failed.insert(person, failure.clone());
                }
                Some(Ok(Some(user))) if user.is_active => {
                    let is_asked = chosen.iter().any(|other| other.id == user.id);
                    if !is_asked && may_ask(user) {
                        chosen.push(user);
                    }
                }
                Some(Ok(_)) => {
                    notes.unknown.insert(person);
                }
            }
        }
        chosen
    }

    /// One problem for each cause, however many merge requests it affects.
    fn problems(&self) -> Vec<Problem> {
        let notes = self.notes.borrow();
        let mut problems = Vec::new();
        if !notes.unknown.is_empty() {
            let message = format!(
                "nobody is asked to review for {}: GitLab shows the bot no active user for {}",
                count(notes.unknown.len(), "name"),
                name_people(&notes.unknown)
            );
            problems.push(Problem::new(ProblemCode::ReviewerNotFound, message));
        }
        let mut causes: BTreeMap<&str, BTreeSet<Person>> = BTreeMap::new();
        for (person, failure) in &notes.failed {
            let cause = failure.shared_cause.as_deref().unwrap_or_default();
            causes.entry(cause).or_default().insert(person.clone());
        }
        for people in causes.values() {
            let why = people.first().and_then(|first| notes.failed.get(first));
            let why = why.map_or("", |failure| failure.error.as_str());
            let message =
                format!("{} could not be looked up as reviewers: {why}", name_people(people));
            problems.push(Problem::new(ProblemCode::ReviewersNotLookedUp, message));
        }
        if !notes.left_out.is_empty() {
            let message = format!(
                "{} were not looked up as reviewers: a run looks up {MAX_LOOKUPS} people at most",
                name_people(&notes.left_out)
            );
            problems.push(Problem::new(ProblemCode::ReviewersNotLookedUp, message));
        }
        problems
    }
}

impl Notes {
    fn add_missing(&mut self, person: Person, known: usize) {
        let has_room = known + self.missing.len() < MAX_LOOKUPS || self.missing.contains(&person);
        let into = if has_room { &mut self.missing } else { &mut self.left_out };
        into.insert(person);
    }
}

impl Planner<'_> {
    /// Sets the reviewers of a merge request that is opened for these promotions. Without GitLab, those are shown whom the
    /// config repo declares.
    pub(super) fn ask_reviewers(&self, planned: &mut PlannedMergeRequest, parts: &[&Desired]) {
        let people = self.candidates(parts);
        let Some(bots) = &self.reviewers.bots else {
            let names = people.iter().take(MAX_REVIEWERS).map(ToString::to_string);
            planned.reviewers = names.collect();
            return;
        };
        let is_silent = |user: &UserFact| self.bundle.approvers.is_not_tagged(&user.username);
        let may_ask = |user: &UserFact| !bots.contains(&user.id) && !is_silent(user);
        let users = self.reviewers.choose(people, may_ask);
        planned.reviewers = users.iter().map(|user| format!("@{}", user.username)).collect();
        if let Some(Step::Open(new)) = planned.steps.last_mut() {
            new.reviewers = users.iter().map(|user| user.id).collect();
        }
    }

    pub(super) fn report_reviewers(&mut self) {
        let problems = self.reviewers.problems();
        self.plan.problems.extend(problems);
    }

    /// Whom to consider, in the order in which they are asked. Each promotion begins at another person, so that not always
    /// the same are asked; the same promotion always begins at the same one.
    fn candidates(&self, parts: &[&Desired]) -> Vec<Person> {
        let tiers = match self.settings.reviewers {
            ReviewersFrom::None => return Vec::new(),
            ReviewersFrom::Owners => self.owners(parts),
            ReviewersFrom::CodeOwners => self.code_owners(parts),
        };
        let start = start_of(parts);
        let mut people: Vec<Person> = Vec::new();
        for tier in tiers {
            let mut tier: Vec<Person> =
                tier.into_iter().filter(|person| !people.contains(person)).collect();
            if !tier.is_empty() {
                let by = usize::try_from(start % tier.len() as u64).unwrap_or_default();
                tier.rotate_left(by);
            }
            people.extend(tier);
        }
        people.truncate(MAX_CANDIDATES);
        people
    }

    /// Users of the roles that may change the files or the app, before the app's owners.
    fn owners(&self, parts: &[&Desired]) -> Tiers {
        let [mut approvers, mut owners] = Tiers::default();
        for desired in parts {
            for &member in &desired.members {
                let target: &Target = &self.inventory.targets[member];
                let file = desired.path.datafile().unwrap_or_default();
                for datafile in [target.declared_at.file.as_str(), file, &target.app.path] {
                    approvers.extend(self.bundle.approvers.of(datafile).cloned());
                }
                owners.extend(target.app.service_owners.iter().cloned());
            }
        }
        [approvers, owners]
    }

    /// Owners of the files in sections that can be required, before those of optional ones.
    fn code_owners(&self, parts: &[&Desired]) -> Tiers {
        let mut tiers = Tiers::default();
        let Some(code_owners) = &self.bundle.code_owners else { return tiers };
        let paths: BTreeSet<_> = parts.iter().map(|desired| &desired.path).collect();
        for path in paths {
            let found = code_owners.owners_of(path);
            tiers[0].extend(found.required);
            tiers[1].extend(found.optional);
        }
        tiers
    }
}

/// A number that depends on the targets and on what they are promoted to.
fn start_of(parts: &[&Desired]) -> u64 {
    let mut key = String::new();
    for desired in parts {
        for uid in &desired.targets {
            key.push_str(uid.as_str());
        }
        key.push_str(&desired.values.git_ref);
    }
    u64::from_str_radix(&sha256_hex(key.as_bytes())[..15], 16).unwrap_or_default()
}

fn name_people(people: &BTreeSet<Person>) -> String {
    name_first(NAMED, people)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(numbers: std::ops::Range<usize>) -> Vec<Person> {
        numbers.filter_map(|number| Person::named(&format!("user-{number}"))).collect()
    }

    fn user(id: u64) -> Lookup<Option<UserFact>> {
        let username = format!("u{id}");
        Lookup::Found(Some(UserFact { id: UserId(id), username, is_active: true }))
    }

    fn reviewers(known: &BTreeMap<String, Lookup<Option<UserFact>>>) -> Reviewers<'_> {
        Reviewers { known, bots: None, notes: RefCell::default() }
    }

    #[test]
    fn a_run_looks_up_a_hundred_people_at_most() {
        let known = BTreeMap::from([("@known".to_owned(), user(1))]);
        let reviewers = reviewers(&known);
        for start in 0..40 {
            assert!(reviewers.choose(people(3 * start..3 * start + 10), |_| true).is_empty());
        }
        let problems = reviewers.problems();
        assert_eq!(reviewers.take_missing().len(), MAX_LOOKUPS - 1);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.code, ProblemCode::ReviewersNotLookedUp);
        assert!(problem.message.contains(" and 16 more were not looked up"), "{}", problem.message);
    }

    #[test]
    fn a_user_with_two_names_is_asked_once() {
        let names =
            [("@user-0", 7), ("@user-1", 7), ("@user-2", 8), ("@user-3", 9), ("@user-4", 6)];
        let known = names.map(|(name, id)| (name.to_owned(), user(id))).into();
        let chosen = reviewers(&known).choose(people(0..5), |user| user.id != UserId(8));
        assert_eq!(chosen.iter().map(|user| user.id.0).collect::<Vec<_>>(), [7, 9, 6]);
    }

    #[test]
    fn a_cause_that_lookups_share_is_one_problem() {
        let failed = |name: &str, failure| (name.to_owned(), Lookup::Failed(failure));
        let known = BTreeMap::from([
            failed("@user-0", Failure::shared("GitLab refuses the token")),
            failed("@user-1", Failure::shared("GitLab refuses the token")),
            failed("@user-2", Failure::new("GET /users?username=user-2: 500")),
            failed("@user-3", Failure::new("GET /users?username=user-3: 500")),
        ]);
        let reviewers = reviewers(&known);
        assert!(reviewers.choose(people(0..3), |_| true).is_empty());
        assert!(reviewers.choose(people(3..4), |_| true).is_empty());
        let messages: Vec<String> =
            reviewers.problems().into_iter().map(|problem| problem.message).collect();
        assert_eq!(
            messages,
            [
                "@user-2, @user-3 could not be looked up as reviewers: GET /users?username=user-2: 500",
                "@user-0, @user-1 could not be looked up as reviewers: GitLab refuses the token",
            ]
        );
    }
}
