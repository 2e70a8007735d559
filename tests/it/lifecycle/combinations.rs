//! Do the open merge requests merge cleanly, in any order?

use forge::ProjectHandle;

use super::judge::{Case, Judge, Own};
use super::look::{Marks, exact};

impl Judge {
    /// Any subset of the open ones merges cleanly in any order: subsets are beginnings of orders.
    pub fn combinations(&self, case: &mut Case<'_>, own: &[Own<'_>]) {
        let project = &case.bot.project;
        let open: Vec<&Own<'_>> = own.iter().filter(|own| !own.untouchable()).collect();
        for own in own.iter().filter(|own| !own.to_be_left_alone()) {
            if !project.merges_cleanly(own.mr.iid) {
                case.problems.push(format!("!{} conflicts with main", own.mr.iid));
            }
        }
        let mut tips: Vec<&str> = open.iter().map(|own| own.tip).collect();
        let (current, older): (Vec<&str>, Vec<&str>) =
            beside(project, own).into_iter().partition(|tip| is_on_current_text(project, tip));
        tips.extend(current);
        tips.sort_unstable();
        if !self.tried.borrow_mut().insert(format!("{} {tips:?}", case.after.main)) {
            return;
        }
        // What nobody may change and was made on an older text fits beside each of the others. After
        // several of them it may need a person: where blocks of the file have changed places, git
        // finds its lines only as long as what is around them is there.
        let with_older = older.iter().flat_map(|older| {
            tips.iter().flat_map(|tip| [vec![*older, *tip], vec![*tip, *older]]).collect::<Vec<_>>()
        });
        for order in orders(&tips).into_iter().chain(with_older) {
            if let Err(error) = project.try_merge("main", &order) {
                let number = |tip: &str| own.iter().find(|own| own.tip == tip).map(|o| o.mr.iid);
                let numbers: Vec<_> = order.iter().filter_map(|tip| number(tip)).collect();
                case.problems.push(format!("merging {numbers:?} one after the other: {error}"));
                return;
            }
        }
        let ready = open.iter().filter(|own| !case.waits(own.mr.iid));
        let wanted: Vec<(&str, Marks)> =
            ready.filter_map(|own| Some((own.tip, own.wanted()?))).collect();
        let tips: Vec<&str> = wanted.iter().map(|(tip, _)| *tip).collect();
        let marks: Vec<&Marks> = wanted.iter().map(|(_, marks)| marks).collect();
        if let Ok(files) = project.try_merge("main", &tips) {
            let old = (&project.files("main"), &case.run.loaded.inventory);
            if let Err(error) = exact(None, old, &files, &marks) {
                case.problems.push(format!("all ready requests merged: {error}"));
            }
        }
    }
}

/// Merge requests that nobody may change, where they merge by themselves and beside each other: the
/// others have to fit beside them.
fn beside<'a>(project: &ProjectHandle, own: &[Own<'a>]) -> Vec<&'a str> {
    let left = own.iter().filter(|own| own.untouchable()).map(|own| own.tip);
    let merging: Vec<&str> = left.filter(|tip| project.try_merge("main", &[tip]).is_ok()).collect();
    let fits = |one: &&str| {
        let others = merging.iter().filter(|other| *other != one);
        let mut orders = others.flat_map(|other| [[*one, *other], [*other, *one]]);
        orders.all(|order| project.try_merge("main", &order).is_ok())
    };
    merging.iter().filter(|tip| fits(tip)).copied().collect()
}

/// Was a commit made on the text that the target branch has of its file?
fn is_on_current_text(project: &ProjectHandle, tip: &str) -> bool {
    let Some(marks) = Marks::of(project, tip) else { return false };
    let parents = project.parents(tip);
    let base = parents.first().and_then(|base| project.file(base, &marks.path));
    base.is_some() && base == project.file("main", &marks.path)
}

/// All orders of up to four; of more all pairs both ways, and some orders of all.
pub fn orders<'a>(tips: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut all = Vec::new();
    if tips.len() <= 4 {
        permute(tips.to_vec(), 0, &mut all);
        return all;
    }
    for (at, one) in tips.iter().enumerate() {
        for two in &tips[at + 1..] {
            all.push(vec![*one, *two]);
            all.push(vec![*two, *one]);
        }
    }
    let mut rng = fastrand::Rng::with_seed(tips.len() as u64);
    for _ in 0..6 {
        let mut order = tips.to_vec();
        rng.shuffle(&mut order);
        all.push(order);
    }
    all
}

fn permute<'a>(mut items: Vec<&'a str>, from: usize, all: &mut Vec<Vec<&'a str>>) {
    if from + 1 >= items.len() {
        all.push(items);
        return;
    }
    for at in from..items.len() {
        items.swap(from, at);
        permute(items.clone(), from + 1, all);
    }
}
