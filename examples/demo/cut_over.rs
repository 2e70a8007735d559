//! The cut-over, played on the fakes: days beside the old promoter, the gate, the first run, and the way back.
//!
//! Everything runs in this process, by a clock of its own: days take seconds.

use ::cut_over::{Lab, World};
use forge::MrState;

use crate::headline;

/// Apps of the shop.
const APPS: usize = 6;
/// What an old promoter takes for its own.
const OLD_LABEL: &str = "SAPM";
/// Ours.
const LABEL: &str = "AutoPromoterV2";

/// Plays all of it.
pub fn play() {
    let lab = Lab::start(APPS);
    days_beside(&lab);
    switch_over(&lab);
    go_back(&lab);
}

/// A day in which every app gets a commit, and the old promoter promotes it.
fn day(lab: &Lab, number: usize) {
    (0..APPS).for_each(|app| lab.world.release(app, number));
    lab.run();
    for apps in [0..5, 5..APPS] {
        let batch: Vec<_> = apps.map(|app| World::promotion(app, number - 1, number)).collect();
        lab.promote(&batch);
    }
    lab.idle(23 * 60);
    lab.run();
}

fn days_beside(lab: &Lab) {
    headline("1. Days before: sapm shadow runs beside the old promoter, every ten minutes");
    for number in 1..=3 {
        day(lab, number);
    }
    print!("{}", lab.run().text);
}

fn switch_over(lab: &Lab) {
    headline("2. sapm preflight, while the old promoter still runs");
    (0..2).for_each(|app| lab.world.release(app, 4));
    let last = lab.open(&[World::promotion(0, 3, 4)]);
    lab.run();
    let folder = lab.folder.path().display().to_string();
    let args = ["--shadow-dir", &folder, "--require-green", "2"];
    print!("{}", lab.world.preflight(&args).text);

    headline(
        "3. The old promoter is switched off, the last merge request is merged, half an hour goes by",
    );
    *lab.alive.borrow_mut() = false;
    lab.world.project.merge("alice", last).expect("a clean merge");
    lab.world.pass(35);
    print!("{}", lab.world.preflight(&args).text);

    headline("4. The first run opens what was missed");
    lab.world.apply(&[LABEL]);
    show_open(lab);

    headline("5. The schedule is on, and people merge: sapm preflight --phase after");
    lab.world.project.change_schedules(|schedule| schedule.active = true);
    lab.world.pass(30);
    for open in lab.world.project.open_merge_requests() {
        lab.world.project.merge("alice", open.iid).expect("a clean merge");
    }
    lab.world.apply(&[LABEL]);
    print!("{}", lab.world.preflight(&["--phase", "after"]).text);
}

fn go_back(lab: &Lab) {
    headline("6. The way back: the schedule is off, and the old promoter runs again");
    lab.world.project.change_schedules(|schedule| schedule.active = false);
    lab.world.release(2, 5);
    lab.world.apply(&[OLD_LABEL]);
    show_open(lab);
    let wanted = [World::promotion(2, 3, 5)];
    let export = lab.world.export();
    let done = lab.sapm.borrow_mut().run(&wanted, &export);
    for (iid, comment) in &done.closed {
        println!("the old promoter closes !{iid}: {comment}");
    }
    for iid in &done.opened {
        println!("the old promoter opens !{iid}");
    }

    headline("7. Before the next attempt: what would be lost?");
    let asked = lab.world.preflight(&[]);
    for id in ["requests_closed_by_others", "suppressed"] {
        println!("  {id}: {}\n      what to do: {}", asked.summary(id), asked.advice(id));
    }
    for (iid, _) in &done.closed {
        lab.world.project.set_labels("alice", *iid, &["sapm/again"], &[]);
    }
    let asked = lab.world.preflight(&[]);
    println!("\nwith the label sapm/again: suppressed {}", asked.outcome("suppressed"));
}

fn show_open(lab: &Lab) {
    for one in lab.world.project.merge_requests() {
        if one.state == MrState::Opened {
            println!("!{} {}", one.iid, one.title);
        }
    }
}
