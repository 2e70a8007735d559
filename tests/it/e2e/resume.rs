//! The next run completes a run that was killed.

use std::process::Child;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use forge::{Fault, FaultKind};

use super::support::*;

/// Starts `apply` and kills it at the request of the fault.
fn kill_at(world: &World, fault: Fault) {
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let (done, killed) = channel();
    let mut starting = child.lock().unwrap();
    let victim = Arc::clone(&child);
    world.forge().fault(fault.calling(move |_| {
        if let Some(child) = victim.lock().unwrap().as_mut() {
            child.kill().unwrap();
            let status = child.wait().unwrap();
            done.send(status.code()).unwrap();
        }
    }));
    *starting = Some(world.sapm("apply").env("SAPM_CONCURRENCY", "1").start());
    drop(starting);
    let code = killed.recv_timeout(Duration::from_secs(60)).expect("it came to the request");
    assert_eq!(code, None, "it was killed, and did not end by itself");
    world.forge().clear_faults();
}

/// The visible state of the bot: its branches' files and its merge requests.
pub(super) fn seen(world: &World) -> Vec<String> {
    let mut seen = Vec::new();
    for branch in world.branches() {
        for (path, bytes) in world.project().files(&branch) {
            seen.push(format!("{branch} {path}\n{}", String::from_utf8_lossy(&bytes)));
        }
    }
    for request in world.project().merge_requests() {
        seen.push(format!(
            "!{} {:?} {} -> {}\n{}\n{:?} {}\n{}",
            request.iid,
            request.state,
            request.source_branch,
            request.target_branch,
            request.title,
            request.labels,
            request.remove_source_branch,
            request.description
        ));
    }
    seen.iter().map(|text| normalise(text, world.forge())).collect()
}

/// Kills a run at a request, runs again, and compares to a world without the kill.
fn ends_as_if_nothing_had_happened(fault: Fault, branches: usize, requests: usize) {
    let now = Utc::now();
    let (world, undisturbed) = (World::start_at(now), World::start_at(now));
    kill_at(&world, fault);
    let half_way = (world.branches().len(), world.project().open_merge_requests().len());
    assert_eq!(half_way, (branches, requests));
    world.apply();
    undisturbed.apply();
    assert_eq!(seen(&world), seen(&undisturbed));
    assert_eq!(world.export(), undisturbed.export());
    world.apply();
    world.assert_nothing_written();
    world.forge().assert_no_unknown_routes();
}

fn opening() -> Fault {
    Fault::new(FaultKind::DropBefore).method("POST").path("/merge_requests")
}

#[test]
fn killed_between_a_commit_and_its_merge_request() {
    ends_as_if_nothing_had_happened(opening().nth(1), 1, 0);
}

#[test]
fn killed_between_the_last_commit_and_its_merge_request() {
    ends_as_if_nothing_had_happened(opening().nth(4), 4, 3);
}

#[test]
fn killed_after_a_commit_before_its_answer() {
    let fault = Fault::new(FaultKind::DropAfter).method("POST").path("/repository/commits");
    ends_as_if_nothing_had_happened(fault.nth(2), 2, 1);
}

#[test]
fn killed_after_a_merge_request_before_its_answer() {
    let fault = Fault::new(FaultKind::DropAfter).method("POST").path("/merge_requests");
    ends_as_if_nothing_had_happened(fault.nth(3), 3, 3);
}

#[test]
fn killed_before_the_state_export() {
    let fault = Fault::new(FaultKind::DropBefore).method("PUT").path("/publisher-data.json");
    ends_as_if_nothing_had_happened(fault, 4, 4);
}

#[test]
fn killed_between_the_new_commit_and_the_new_title() {
    let now = Utc::now();
    let (world, undisturbed) = (World::start_at(now), World::start_at(now));
    for world in [&world, &undisturbed] {
        world.apply();
        world.shop.next_catalog();
    }
    kill_at(&world, Fault::new(FaultKind::DropBefore).method("PUT").path("/merge_requests/"));
    world.apply();
    undisturbed.apply();
    assert_eq!(seen(&world), seen(&undisturbed));
    world.apply();
    world.assert_nothing_written();
}

#[test]
fn killed_between_the_comment_and_the_closing() {
    let world = World::start();
    world.apply();
    let iid = world.request(REGIONAL).iid;
    world.edit(PAYMENTS_FILE, "    name: regional\n", "    name: regional\n    delete: true\n");
    kill_at(&world, Fault::new(FaultKind::DropBefore).method("PUT").path("/merge_requests/"));
    assert_eq!(world.request(REGIONAL).comments().count(), 1);
    world.apply();
    let request = world.project().merge_request(iid).unwrap();
    assert_eq!(request.state, forge::MrState::Closed);
    assert_eq!(request.comments().count(), 1, "one comment, however often it was tried");
    assert!(!world.branches().contains(&request.source_branch));
    world.apply();
    world.assert_nothing_written();
}
