//! How a run ends on GitLab's SIGTERM and on Ctrl-C. The signal is sent while the fake serves a certain
//! request, and the request continues after the program has logged the signal.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forge::{Fault, FaultKind, Service};

use super::support::*;

type Running = (Child, BufReader<ChildStderr>);

/// A run that gets signals while the fake serves a request.
struct Signalled {
    running: Arc<Mutex<Option<Running>>>,
    sent: Receiver<()>,
}

impl Signalled {
    /// Starts it; sends these signals one after the other at the request of the fault.
    fn start(world: &World, sapm: Sapm, fault: Fault, signals: &'static [&'static str]) -> Self {
        let running: Arc<Mutex<Option<Running>>> = Arc::default();
        let (done, sent) = channel();
        let mut starting = running.lock().unwrap();
        let told = Arc::clone(&running);
        world.forge().fault(fault.calling(move |_| {
            let mut running = told.lock().unwrap();
            let (child, stderr) = running.as_mut().unwrap();
            for (number, signal) in signals.iter().enumerate() {
                let kill = format!("kill -{signal} {}", child.id());
                assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
                if number == 0 {
                    until(stderr, &format!("SIG{signal}"));
                }
            }
            done.send(()).unwrap();
        }));
        let mut child = sapm.start_with_log();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        *starting = Some((child, stderr));
        drop(starting);
        Self { running, sent }
    }

    /// Its exit code, and its log after the first signal.
    fn end(self) -> (Option<i32>, String) {
        self.sent.recv_timeout(Duration::from_secs(60)).expect("it came to the request");
        let (mut child, mut stderr) = self.running.lock().unwrap().take().unwrap();
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        (child.wait().unwrap().code(), said)
    }
}

/// Reads lines until one holds the word.
fn until(stderr: &mut BufReader<ChildStderr>, word: &str) {
    let mut said = String::new();
    loop {
        let read = stderr.read_line(&mut said).unwrap();
        assert!(read > 0, "it never said {word}: {said}");
        if said.lines().last().unwrap_or_default().contains(word) {
            return;
        }
    }
}

/// The fault for the first commit, which is the first write of a run.
fn commit(kind: FaultKind) -> Fault {
    Fault::new(kind).on(Service::GitLab).method("POST").path("/repository/commits").nth(1)
}

fn apply(world: &World) -> Sapm {
    world.sapm("apply").args(["--report-dir", "report"])
}

fn report(world: &World) -> Plan {
    Plan::read(&world.path("report/plan.json"))
}

fn outcomes(plan: &Plan) -> Vec<String> {
    plan.list("merge_requests").iter().map(|r| text(&r["outcome"]["outcome"])).collect()
}

/// Sends a signal during the first write of a run.
fn told_while_writing(signal: &'static [&'static str], code: i32) {
    let world = World::start();
    let first_write = commit(FaultKind::Pass);
    let run = Signalled::start(&world, apply(&world), first_write, signal);
    let (ended, said) = run.end();
    assert_eq!(ended, Some(code), "{said}");
    assert_eq!(world.writes().len(), 1, "no other write was started: {:?}", world.writes());
    assert_eq!((world.branches().len(), world.project().open_merge_requests().len()), (1, 0));
    assert_eq!(world.puts(), 0, "nor was the state export written");
    assert!(said.contains(signal[0]) && said.contains("run it again"), "{said}");

    let plan = report(&world);
    assert_eq!(outcomes(&plan), ["interrupted"; 4]);
    assert!(plan.problems().contains(&"error run_interrupted".to_owned()), "{:?}", plan.problems());
    for file in ["snapshot.json", "report.html", "report.md", "junit.xml", "metrics.txt"] {
        assert!(world.path("report").join(file).is_file(), "{file}");
    }
    let counts = std::fs::read_to_string(world.path("report/counts.env")).unwrap();
    assert!(counts.contains(&format!("SAPM_EXIT_CODE={code}\n")), "{counts}");
    assert!(counts.contains("SAPM_OPENED=0\n"), "{counts}");
    let metrics = std::fs::read_to_string(world.path("report/metrics.txt")).unwrap();
    assert!(metrics.contains("sapm_run_success 0\n"), "{metrics}");

    world.forge().clear_faults();
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 4, "the next run goes on");
}

#[test]
fn sigterm_finishes_the_current_write_and_starts_no_other() {
    told_while_writing(&["TERM"], 143);
}

#[test]
fn ctrl_c_finishes_the_current_write_and_starts_no_other() {
    told_while_writing(&["INT"], 130);
}

#[test]
fn sigterm_finishes_all_current_writes() {
    let world = World::start();
    // The first merge request is written alone, then the others in parallel: their progress is random, except
    // that of the one whose commit is running when the signal comes.
    let second = Fault::new(FaultKind::Pass).method("POST").path("/repository/commits").nth(2);
    let (ended, said) = Signalled::start(&world, apply(&world), second, &["TERM"]).end();
    assert_eq!(ended, Some(143), "{said}");
    let writes = world.writes();
    let commits = writes.iter().filter(|write| write.contains("/repository/commits")).count();
    let opened = writes.len() - commits;
    assert_eq!(
        (world.branches().len(), world.project().open_merge_requests().len()),
        (commits, opened)
    );
    let outcomes = outcomes(&report(&world));
    let count = |wanted: &str| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!((count("done"), count("interrupted")), (opened, 4 - opened), "{outcomes:?}");
    assert!(commits >= 2 && opened < commits, "{writes:?}");
    world.forge().clear_faults();
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 4, "the next run goes on");
}

#[test]
fn a_completed_merge_request_counts_as_opened() {
    let world = World::start();
    let opening = Fault::new(FaultKind::Pass).method("POST").path("/merge_requests").nth(1);
    let (ended, said) = Signalled::start(&world, apply(&world), opening, &["TERM"]).end();
    assert_eq!(ended, Some(143), "{said}");
    assert_eq!(world.project().open_merge_requests().len(), 1);
    let mut outcomes = outcomes(&report(&world));
    outcomes.sort();
    assert_eq!(outcomes, ["done", "interrupted", "interrupted", "interrupted"]);
    let counts = std::fs::read_to_string(world.path("report/counts.env")).unwrap();
    assert!(counts.contains("SAPM_OPENED=1\n"), "{counts}");
}

#[test]
fn an_option_limits_pipelines_per_minute() {
    let world = World::start();
    let run = apply(&world).args(["--pipelines-per-minute", "1"]).env("SAPM_LOG", "sapm=debug");
    let mut child = run.start_with_log();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    until(&mut stderr, "waiting for the write limit");
    let kill = format!("kill -TERM {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{said}");
    let mut outcomes = outcomes(&report(&world));
    outcomes.sort();
    assert_eq!(outcomes, ["done", "interrupted", "interrupted", "interrupted"], "{said}");
    assert_eq!(world.project().open_merge_requests().len(), 1);
}

#[test]
fn sigterm_while_observing_ends_the_run_with_its_reports() {
    for (service, path) in [
        (Service::S3, "promotions_v2"),
        (Service::GitLab, "/merge_requests"),
        (Service::GitLab, "/info/refs"),
    ] {
        let world = World::start();
        let silent = Fault::new(FaultKind::Hang).on(service).path(path).nth(1);
        let (ended, said) = Signalled::start(&world, apply(&world), silent, &["TERM"]).end();
        assert_eq!(ended, Some(143), "{service:?}: {said}");
        world.assert_nothing_written();
        let plan = report(&world);
        assert_eq!(plan.problems(), ["error run_interrupted"]);
        let message = text(&plan.problem("run_interrupted")["message"]);
        assert!(message.contains("SIGTERM"), "{message}");
        assert!(world.path("report/report.html").is_file());
    }
}

#[test]
fn a_signal_also_ends_plan_and_explain() {
    for (command, target) in [("plan", None), ("explain", Some(CANARY))] {
        let world = World::start();
        let silent = Fault::new(FaultKind::Hang).on(Service::S3).path("promotions_v2").nth(1);
        let sapm = world.sapm(command).args(target).args(["--report-dir", "report"]);
        let (ended, said) = Signalled::start(&world, sapm, silent, &["INT"]).end();
        assert_eq!(ended, Some(130), "{command}: {said}");
        assert_eq!(report(&world).problems(), ["error run_interrupted"]);
    }
}

#[test]
fn a_second_signal_ends_the_run_immediately() {
    let world = World::start();
    // The write never gets a response: only the second signal ends this run.
    let silent = commit(FaultKind::HangAfter);
    let (ended, said) = Signalled::start(&world, apply(&world), silent, &["TERM", "TERM"]).end();
    assert_eq!(ended, Some(143), "{said}");
    assert!(!world.path("report/plan.json").exists(), "it wrote no report any more");
}

#[test]
fn a_run_that_a_signal_ends_pushes_no_metrics() {
    let world = World::start();
    let gateway = format!("{}/gateway", world.forge().prometheus_url());
    let sapm = apply(&world).env("SAPM_PUSHGATEWAY_URL", gateway);
    let first_write = commit(FaultKind::Pass);
    let (ended, said) = Signalled::start(&world, sapm, first_write, &["TERM"]).end();
    assert_eq!(ended, Some(143), "{said}");
    assert_eq!(world.count(|entry| entry.path.contains("/metrics/job/")), 0);
}

/// A report that cannot be written is detected before any request.
#[test]
fn unwritable_reports_are_detected_first() {
    let world = World::start();
    std::fs::write(world.path("file"), "").unwrap();
    std::fs::create_dir_all(world.path("taken/plan.json")).unwrap();
    for (command, option, value) in [
        ("apply", "--report-dir", "file"),
        ("apply", "--report-dir", "file/below"),
        ("apply", "--report-dir", "taken"),
        ("apply", "--save-snapshot", "taken"),
        ("apply", "--save-snapshot", "gone/snapshot.json"),
        ("plan", "--report-dir", "file"),
        ("validate", "--report-dir", "file"),
    ] {
        world.forge().clear_log();
        let ran = world.sapm(command).args([option, value]).expect(2);
        assert!(ran.err.contains(option) && ran.err.contains(value), "{}", ran.err);
        assert_eq!(world.count(|_| true), 0, "{command} {option} {value} asked somebody");
        assert_eq!(ran.out, "");
    }
    let ran = world.sapm("apply").args(["--report-dir", "new/folder"]).expect(0);
    assert!(world.path("new/folder/plan.json").is_file(), "{}", ran.err);
    let left = files_below(&world.path("new"));
    assert!(left.iter().all(|path| !path.to_string_lossy().contains("unfinished")), "{left:?}");
}

/// `record` finishes the write under way, and begins no other.
#[test]
fn a_report_ends_after_the_write_under_way() {
    let world = World::start();
    let sapm = super::record::record(&world, "--succeeded").arg("catalog-canary");
    let write = Fault::new(FaultKind::Pass).on(Service::S3).method("PUT").nth(1);
    let (code, said) = Signalled::start(&world, sapm, write, &["TERM"]).end();
    assert_eq!(code, Some(143), "{said}");
    assert_eq!(world.puts(), 1);
    assert_eq!(super::record::stored(&world, super::record::CHANNEL)["success"], true);
    assert!(said.contains("SIGTERM ended the run before it had written all records"), "{said}");
}
