//! What has to hold after every run, however it went.

use std::collections::{BTreeMap, BTreeSet};

use forge::{MergeRequest, MrState, ProjectHandle};

use super::driver::{LABEL, load_files};
use super::look::{Look, Marks, PREFIX, about, exact, moved as moved_by, taken_over_from};
use super::people::{Persons, Scene};

pub const CLOSING: &str = "<!-- sapm:closed-by-bot -->";
pub const TAKEN_OVER: &str = "<!-- sapm:taken-over -->";
const TARGETS: &str = "<!-- sapm:targets=";
pub const TAKEN_OVER_LABEL: &str = "sapm/taken-over";
pub const HOLD: &str = "sapm/hold";
pub const AGAIN: &str = "sapm/again";

/// The world when the run began, right before it wrote, and after it.
pub struct Views<'a> {
    pub began: &'a Look,
    pub before: &'a Look,
    pub after: &'a Look,
    /// Did nothing interfere with the run?
    pub is_undisturbed: bool,
    /// Merge requests that the run left as they are, as facts were missing.
    pub left: BTreeSet<u64>,
}

/// What the bot has said with this marker, oldest first.
fn said_by<'a>(mr: &'a MergeRequest, bot: u64, marker: &str) -> Vec<&'a str> {
    let own = mr.comments().filter(|note| note.author == bot);
    own.map(|note| note.body.trim_end()).filter(|body| body.ends_with(marker)).collect()
}

pub fn comments(mr: &MergeRequest, bot: u64, marker: &str) -> usize {
    said_by(mr, bot, marker).len()
}

/// What nobody but people may change of a merge request.
fn face(mr: &MergeRequest) -> (&str, &str, &BTreeSet<String>, MrState, Option<&String>) {
    (&mr.title, &mr.description, &mr.labels, mr.state, mr.sha.as_ref())
}

/// Everything that is wrong.
pub fn problems(scene: &Scene, views: &Views<'_>, max_new: usize, runs: usize) -> Vec<String> {
    let persons = scene.persons.lock().unwrap();
    let mut problems = persons.complaints.clone();
    others_untouched(scene, views, &persons, runs, &mut problems);
    let before = doubles(scene, views.before, &persons.pushed, &mut Vec::new());
    for double in doubles(scene, views.after, &persons.pushed, &mut problems) {
        // A person reopened one: the next run that nothing interferes with ends it, unless people keep that run away.
        let is_kept = |iid: &u64| {
            let mr = views.after.merge_requests.get(iid);
            mr.is_some_and(|mr| mr.labels.contains(HOLD))
        };
        // With facts missing it leaves a merge request as it is.
        let is_left = |iid: &u64| views.left.contains(iid);
        let excused = before.contains(&double)
            && (!views.is_undisturbed || double.0.iter().any(|it| is_kept(it) || is_left(it)));
        if !excused {
            problems.push(format!("{:?} promote {}", double.0, double.1));
        }
    }
    texts(scene, views.after, &mut problems);
    let new: Vec<&MergeRequest> = views
        .after
        .merge_requests
        .values()
        .filter(|new| new.author == scene.bot && !views.began.merge_requests.contains_key(&new.iid))
        .collect();
    if new.len() > max_new * runs {
        problems.push(format!("{} new requests, {max_new} are allowed", new.len()));
    }
    // What somebody pushed to after it was opened is for the next run.
    let pushed = |new: &&&MergeRequest| {
        views.after.tip(new).is_some_and(|tip| persons.pushed.contains(tip))
            && persons.touched_branches.contains(&new.source_branch)
    };
    // What another run opened, and somebody pushed to before this one wrote, is for the next run as well.
    let was_there = |new: &&&MergeRequest| {
        let before = views.before.merge_requests.get(&new.iid);
        before.is_some_and(|before| before.sha == new.sha && !views.is_undisturbed)
    };
    for new in new.iter().filter(|new| !pushed(new) && !was_there(new)) {
        problems.extend(against_a_person(scene, views, new));
        problems.extend(vouches_wrongly(scene, views.after, new));
    }
    for (iid, mr) in &views.after.merge_requests {
        for marker in [CLOSING, TAKEN_OVER] {
            let said = said_by(mr, scene.bot, marker);
            let before = views.began.merge_requests.get(iid);
            let before = before.map_or(Vec::new(), |old| said_by(old, scene.bot, marker));
            // GitLab cannot be asked to comment only once: of runs at the same moment each may look before the
            // other has written. No later run says the same again.
            let new = &said[before.len()..];
            let again = before.last().is_some_and(|last| new.first() == Some(last));
            if new.len() > runs || again {
                problems.push(format!("!{iid} has {} comments with {marker}", said.len()));
            }
        }
        let closed_by_bot = mr.closed.is_some_and(|(_, user)| user == scene.bot);
        let reason_given = comments(mr, scene.bot, CLOSING) >= 1;
        let own = mr.author == scene.bot;
        if own && mr.state == MrState::Closed && closed_by_bot && !reason_given {
            problems.push(format!("the bot closed !{iid} without a comment"));
        }
    }
    problems
}

/// Does an open merge request carry the bot's labels while its tip is anything else than its base with the
/// declared values?
pub fn vouches_wrongly(scene: &Scene, look: &Look, mr: &MergeRequest) -> Option<String> {
    if mr.state != MrState::Opened || !mr.labels.contains(LABEL) {
        return None;
    }
    let tip = look.tip(mr)?;
    let error = honest(scene, tip).err()?;
    Some(format!("!{} has the label {LABEL}, and its tip {tip} {error}", mr.iid))
}

/// The same of a commit, looked at once in a world.
pub fn honest(scene: &Scene, tip: &str) -> Result<(), String> {
    let mut known = scene.honest.lock().unwrap();
    known.entry(tip.to_owned()).or_insert_with(|| check_honest(&scene.project, tip)).clone()
}

/// Is a commit its base on the target branch with the values that it declares, and nothing else?
fn check_honest(project: &ProjectHandle, tip: &str) -> Result<(), String> {
    let marks = Marks::all_of(project, tip);
    if marks.is_empty() {
        return Err("declares nothing".to_owned());
    }
    let [base] = &project.parents(tip)[..] else {
        return Err("has not one parent".to_owned());
    };
    if !project.contains("main", base) {
        return Err("stands on something that is not on the target branch".to_owned());
    }
    let old = project.files(base);
    exact(
        None,
        (&old, &load_files(&old).inventory),
        &project.files(tip),
        &marks.iter().collect::<Vec<_>>(),
    )
}

fn others_untouched(
    scene: &Scene,
    views: &Views<'_>,
    persons: &Persons,
    runs: usize,
    problems: &mut Vec<String>,
) {
    let (before, after) = (views.before, views.after);
    if before.main != after.main && !persons.touched_main {
        problems.push("the bot moved the target branch".to_owned());
    }
    for (branch, tip) in &before.branches {
        let theirs =
            !branch.starts_with(PREFIX) && branch != "main" || persons.pushed.contains(tip);
        let touched = persons.touched_branches.contains(branch);
        // GitLab deletes the branch of a merge request that was merged.
        let goes = before.merge_requests.values().any(|mr| {
            mr.state == MrState::Merged
                && mr.source_branch == *branch
                && mr.sha.as_ref() == Some(tip)
        });
        let gone = !after.branches.contains_key(branch) && !deleted_by_bot(scene, branch);
        let by_gitlab = goes || gone;
        if theirs && !touched && !by_gitlab && after.branches.get(branch) != Some(tip) {
            problems.push(format!("the bot changed {branch}, which was a person's"));
        }
    }
    for (iid, old) in &before.merge_requests {
        let Some(new) = after.merge_requests.get(iid) else { continue };
        if persons.touched_merge_requests.contains(iid) {
            continue;
        }
        let taken_over = before.tip(old).is_some_and(|tip| {
            persons.pushed.contains(tip) || stands_on_unreadable(&scene.project, tip)
        });
        // What the bot vouched with goes, whatever else it leaves alone.
        let own_labels = |mr: &MergeRequest| {
            let mut mr = mr.clone();
            if taken_over && old.state != MrState::Locked {
                mr.labels.remove(LABEL);
                mr.labels.remove(TAKEN_OVER_LABEL);
            }
            mr
        };
        let (old, new) = (&own_labels(old), &own_labels(new));
        let why = if old.author != scene.bot {
            "a person's"
        } else if old.state == MrState::Locked {
            "being merged"
        } else if old.labels.contains(HOLD) {
            "to be left alone by its label"
        } else if taken_over {
            "taken over"
        } else if old.state != MrState::Opened
            && views
                .began
                .merge_requests
                .get(iid)
                .is_some_and(|began| began.state != MrState::Opened)
        {
            "over"
        } else {
            continue;
        };
        // GitLab closes for the person who deleted a branch, and marks as merged what arrived.
        let by_bot = new.closed.is_some_and(|(_, user)| user == scene.bot);
        let mut is = face(new);
        if !by_bot && new.state != MrState::Opened {
            is.3 = old.state;
        }
        if !pushed_by_bot(scene, &old.source_branch) {
            is.4 = old.sha.as_ref(); // a rebase that a person asked for
        }
        if face(old) != is {
            problems.push(format!(
                "the bot changed !{iid}, which was {why}:\n{:#?}\n{:#?}",
                face(old),
                face(new)
            ));
        }
        let count =
            |mr: &MergeRequest| mr.comments().filter(|note| note.author == scene.bot).count();
        // Runs at the same moment may each say it.
        let allowed = if taken_over && old.state != MrState::Locked { runs } else { 0 };
        if count(new) > count(old) + allowed {
            problems.push(format!("the bot commented on !{iid}, which was {why}"));
        }
    }
}

/// Was it rebased to a text that is no YAML? Then nobody can tell whether it changes only what it declares.
fn stands_on_unreadable(project: &ProjectHandle, tip: &str) -> bool {
    let unreadable = |path: &str| {
        let base = project.parents(tip).into_iter().next();
        let text = base.and_then(|base| project.file(&base, path));
        text.is_some_and(|text| yaml11::Tree::parse(&text, &yaml11::Limits::default()).is_err())
    };
    Marks::all_of(project, tip).iter().any(|marks| unreadable(&marks.path))
}

fn pushed_by_bot(scene: &Scene, branch: &str) -> bool {
    let name = branch.replace('/', "%2F");
    scene.world.log().iter().any(|entry| {
        let body = entry.body.as_deref().unwrap_or_default();
        entry.path.ends_with("/repository/commits") && String::from_utf8_lossy(body).contains(&name)
    })
}

fn deleted_by_bot(scene: &Scene, branch: &str) -> bool {
    let name = branch.replace('/', "%2F");
    scene.world.log().iter().any(|entry| entry.method == "DELETE" && entry.path.ends_with(&name))
}

/// Targets that several open merge requests promote, with the numbers of these.
fn doubles(
    scene: &Scene,
    after: &Look,
    pushed: &BTreeSet<String>,
    problems: &mut Vec<String>,
) -> Vec<(Vec<u64>, String)> {
    let mut by_target: BTreeMap<String, Vec<(&MergeRequest, bool, Marks)>> = BTreeMap::new();
    let mut by_branch: BTreeMap<&str, u64> = BTreeMap::new();
    for mr in after.open_of(scene.bot) {
        if let Some(other) = by_branch.insert(&mr.source_branch, mr.iid) {
            problems.push(format!("!{other} and !{} have one branch", mr.iid));
        }
        // The trailers of a forger tell nothing.
        let tip = after.tip(mr).filter(|tip| !pushed.contains(*tip) && honest(scene, tip).is_ok());
        let own = tip.map_or(Vec::new(), |tip| Marks::all_of(&scene.project, tip));
        let is_own = !own.is_empty();
        let all = if is_own { own } else { taken_over_from(&scene.project, mr) };
        for marks in all {
            for target in &marks.targets {
                by_target.entry(target.clone()).or_default().push((mr, is_own, marks.clone()));
            }
        }
    }
    by_target.retain(|_, merge_requests| merge_requests.len() > 1);
    let mut found = Vec::new();
    if by_target.is_empty() {
        return found;
    }
    let inventory = load_files(&scene.project.files("main")).inventory;
    for (target, mut merge_requests) in by_target {
        // One that no longer moves a target, which is elsewhere now, does not count; of one that was
        // taken over nobody knows, as long as its description tells what it was about.
        merge_requests.retain(|(mr, is_own, marks)| {
            // The branch of a batch does not tell it either.
            let is_batch = mr.source_branch.starts_with(&format!("{PREFIX}batch-"));
            if is_batch && !is_own && !mr.description.contains(sapm::plan::MENTION) {
                return false;
            }
            if !is_own && mr.description.contains(TARGETS) {
                return mr.description.contains(target.as_str());
            }
            let moved = after.tip(mr).filter(|_| *is_own);
            let moved = moved.and_then(|tip| moved_by(&scene.project, &inventory, tip));
            about(&inventory, marks, moved.as_ref()).contains(&target)
        });
        if merge_requests.len() > 1 {
            let iids: Vec<_> = merge_requests.iter().map(|(mr, ..)| mr.iid).collect();
            found.push((iids, target));
        }
    }
    found
}

/// Does what a run pushed conflict with something that was open already?
pub fn pushed_beside(scene: &Scene, began: &Look, after: &Look) -> Vec<String> {
    let project = &scene.project;
    let persons = scene.persons.lock().unwrap();
    let open = after.open_of(scene.bot).filter_map(|mr| Some((mr.iid, after.tip(mr)?)));
    let own = open.filter(|(_, tip)| !persons.pushed.contains(*tip));
    let (old, new): (Vec<_>, Vec<_>) =
        own.partition(|(_, tip)| began.branches.values().any(|old| old == *tip));
    let merges = |tips: &[&str]| project.try_merge("main", tips).is_ok();
    let mut problems = Vec::new();
    for (iid, tip) in &new {
        if !merges(&[tip]) {
            problems.push(format!("!{iid} was pushed, and conflicts with main"));
        }
        for (other, there) in old.iter().filter(|(_, tip)| merges(&[tip])) {
            if !merges(&[tip, there]) || !merges(&[there, tip]) {
                problems.push(format!("!{iid} was pushed, and conflicts with !{other}"));
            }
        }
    }
    problems
}

fn texts(scene: &Scene, after: &Look, problems: &mut Vec<String>) {
    for action in scene.world.quick_actions() {
        if action.user == scene.bot {
            problems.push(format!("a quick action: {action:?}"));
        }
    }
    for mention in scene.world.mentions() {
        if mention.user == scene.bot {
            problems.push(format!("a mention: {mention:?}"));
        }
    }
    for reference in scene.world.references() {
        if reference.user == scene.bot {
            problems.push(format!("a reference: {reference:?}"));
        }
    }
    for branch in after.branches.keys().filter(|branch| branch.starts_with(PREFIX)) {
        if branch.len() > 200 {
            problems.push(format!("{branch} has more than 200 bytes"));
        }
    }
    for mr in after.merge_requests.values().filter(|mr| mr.author == scene.bot) {
        if mr.description.len() >= 1_048_576 {
            problems.push(format!("!{} has a description beyond GitLab's limit", mr.iid));
        }
        if mr.title.contains('\n') {
            problems.push(format!("!{} has a title of two lines", mr.iid));
        }
    }
}

/// The branch of a place that is no more, as the target file has another name now, or the target is no
/// alias any more: once nothing of it is left, nobody can know that a merge request came from it.
fn is_forgotten(
    (project, began): (&ProjectHandle, &Look),
    old: &MergeRequest,
    new: &MergeRequest,
) -> bool {
    let named = old.source_branch.strip_prefix(PREFIX);
    let is_batch = named.is_some_and(|name| name.starts_with("batch-"));
    let has_branch = began.branches.get(&old.source_branch) == old.sha.as_ref();
    // The branch of a batch does not tell what it was about, so without it only the description does.
    if is_batch && !has_branch && !old.description.contains(sapm::plan::MENTION) {
        return true;
    }
    let marks = Marks::all_of(project, old.sha.as_deref().unwrap_or("none"));
    (named.is_some_and(|name| name.starts_with("services-app-shared"))
        || marks.iter().any(|marks| marks.targets.len() > 1))
        && old.source_branch != new.source_branch
        && !has_branch
}

/// Was it opened although a person had said no to just these values?
fn against_a_person(scene: &Scene, views: &Views<'_>, new: &MergeRequest) -> Option<String> {
    let of = |mr: &MergeRequest| Marks::all_of(&scene.project, mr.sha.as_deref().unwrap_or("none"));
    of(new).iter().find_map(|values| against_values(scene, views, new, values))
}

/// The same for what it writes at one place.
fn against_values(
    scene: &Scene,
    views: &Views<'_>,
    new: &MergeRequest,
    values: &Marks,
) -> Option<String> {
    let again = |iid: &u64| {
        let now = views.after.merge_requests.get(iid);
        now.is_some_and(|mr| mr.labels.contains(AGAIN))
    };
    let marks = |mr: &MergeRequest| {
        let all = Marks::all_of(&scene.project, mr.sha.as_deref().unwrap_or("none"));
        let about = all.iter().find(|old| !old.targets.is_disjoint(&values.targets));
        about.cloned().or(all.into_iter().next())
    };
    let mut past: Vec<_> = views
        .began
        .merge_requests
        .values()
        .filter(|old| {
            old.author == scene.bot && !is_forgotten((&scene.project, views.began), old, new)
        })
        .filter(|old| match marks(old) {
            Some(old) => !old.targets.is_disjoint(&values.targets),
            None => old.source_branch == new.source_branch,
        })
        .collect();
    past.sort_by_key(|mr| std::cmp::Reverse(mr.iid));
    // The newest word on these values counts; of those that were merged the newest at all.
    let mut merged = false;
    for old in past {
        if old.state == MrState::Merged && std::mem::replace(&mut merged, true) {
            continue;
        }
        if !marks(old).is_some_and(|old| old.same_values(values)) {
            continue;
        }
        let by_person = old.closed.is_some_and(|(_, user)| user != scene.bot);
        let (said_no, how) = match old.state {
            MrState::Closed => (by_person, "closed by a person"),
            MrState::Merged => (true, "merged and reverted"),
            MrState::Opened | MrState::Locked => (false, ""),
        };
        if said_no && !old.labels.contains(AGAIN) && !again(&old.iid) {
            return Some(format!(
                "!{} was opened, but !{} with its values was {how}",
                new.iid, old.iid
            ));
        }
        if said_no {
            return None;
        }
    }
    None
}
