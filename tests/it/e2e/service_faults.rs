//! Every request of a run to a service other than GitLab's API fails once in each way:
//! later runs reach the same state as without the fault, and then write nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use forge::{Checkpoint, Entry, Fault, FaultKind, Service};

use super::resume::seen;
use super::support::*;
use crate::shop::{BUCKET, LEDGER_BLOCKED, ORDERS_NEW};

/// A request: its service, method, path, and its number among equal ones.
type Asked = (Service, String, String, u64);

/// How a request fails: with a status that is not retried, or without a response.
fn ways() -> [FaultKind; 2] {
    [FaultKind::Status(403, "<h1>Sorry</h1>".to_owned(), Vec::new()), FaultKind::DropBefore]
}

/// A world in which the next run creates, updates, holds and closes.
struct Scene {
    world: World,
    project: Checkpoint,
    export: Vec<u8>,
}

impl Scene {
    fn start(now: DateTime<Utc>) -> Self {
        let world = World::start_at(now);
        // One repository is on a host without an API.
        world.forge().set_git_ref("payments-ledger", "main", LEDGER_BLOCKED);
        let url = world.forge().git_url("payments-ledger");
        world.apply();
        let old =
            "- name: payments-ledger\n  url: https://github.com/example-shop/payments-ledger\n";
        world.edit(PAYMENTS_FILE, old, &format!("- name: payments-ledger\n  url: {url}\n"));
        let old = "    name: regional\n";
        world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
        world.shop.next_catalog();
        world.shop.deploy("orders-stage", ORDERS_NEW, false, now);
        let project = world.project().checkpoint();
        let export = world.forge().get_object(BUCKET, EXPORT).expect("the state export");
        Self { world, project, export }
    }

    fn begin_again(&self) {
        self.world.project().restore(&self.project);
        self.world.forge().put_object(BUCKET, EXPORT, &self.export);
    }

    /// Runs, whatever the result.
    fn run(&self) -> Ran {
        self.world.forge().settle();
        self.world.forge().clear_log();
        let ran = self.world.sapm("apply").run();
        self.world.forge().settle();
        ran
    }

    fn state(&self) -> Vec<String> {
        let mut state = seen(&self.world);
        let requests = self.world.project().merge_requests();
        let comments = |request: &forge::MergeRequest| request.comments().count();
        state.push(format!("{:?}", requests.iter().map(comments).collect::<Vec<_>>()));
        state.push(self.world.export().to_string());
        state
    }

    fn has_written(&self) -> bool {
        !self.world.writes().is_empty() || self.world.puts() > 0
    }

    /// The requests of a run without a fault to the other services, and of the clone.
    fn asked(&self) -> Vec<Asked> {
        let mut counts = BTreeMap::new();
        let log = self.world.forge().log();
        let api =
            |entry: &Entry| entry.service == Service::GitLab && entry.path.starts_with("/api/");
        let others = log.iter().filter(|entry| !api(entry));
        let mut asked: Vec<Asked> = others
            .map(|entry| {
                let path = entry.path.split('?').next().unwrap_or_default().to_owned();
                let key = (entry.service, entry.method.clone(), path);
                let nth = counts.entry(key.clone()).or_insert(0);
                *nth += 1;
                (key.0, key.1, key.2, *nth)
            })
            .collect();
        // They run concurrently.
        asked.sort();
        asked
    }

    fn case(&self, expected: &[String], asked: &Asked, kind: FaultKind) -> Result<(), String> {
        let (service, method, path, nth) = asked;
        self.begin_again();
        let what = format!("{kind:?} at {method} {path} ({nth})");
        let fault = Fault::new(kind).on(*service).method(method).path(path.as_str()).nth(*nth);
        self.world.forge().fault(fault);
        let faulty = self.run();
        let played = self.world.forge().faults_played();
        self.world.forge().clear_faults();
        let told = |why: &str, ran: &Ran| {
            Err(format!("{what}: {why}\n{}\n{}\n{}{}", faulty.out, faulty.err, ran.out, ran.err))
        };
        if played != 1 {
            return told("it was not asked for", &faulty);
        }
        let next = self.run();
        if next.code != Some(0) || self.state() != expected {
            return told("the next run comes to another state", &next);
        }
        if !self.has_written() {
            return Ok(()); // the next one would be this one again
        }
        let last = self.run();
        if last.code != Some(0) || self.has_written() {
            told("the last run writes", &last)
        } else {
            Ok(())
        }
    }
}

#[test]
fn after_a_fault_of_another_service_the_next_run_reaches_the_same_state() {
    let (next, cases, now) = (AtomicUsize::new(0), AtomicUsize::new(0), Utc::now());
    let worker = || {
        let scene = Scene::start(now);
        let ran = scene.run();
        let asked = scene.asked();
        let expected = scene.state();
        for word in ["1 create", "1 update", "1 hold", "1 close"] {
            assert!(ran.out.contains(word), "{word}: {}", ran.out);
        }
        for service in
            [Service::GitLab, Service::GitHub, Service::S3, Service::Prometheus, Service::Git]
        {
            assert!(asked.iter().any(|asked| asked.0 == service), "{service:?}: {asked:?}");
        }
        let all = asked.iter().flat_map(|asked| ways().map(|kind| (asked, kind)));
        let all: Vec<_> = all.collect();
        let mut failures = Vec::new();
        while let Some((asked, kind)) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
            cases.fetch_add(1, Ordering::SeqCst);
            failures.extend(scene.case(&expected, asked, kind.clone()).err());
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    println!("other services: {} pairs of request and fault", cases.load(Ordering::SeqCst));
    assert!(failures.is_empty(), "{} failures, among them:\n{}", failures.len(), failures[0]);
}
