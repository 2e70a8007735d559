//! GitLab's limits by the minute are kept, and what people do while a write waits comes first.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use forge::{Fault, FaultKind, MergeRequest, ProjectHandle, World};
use sapm::apply::Verdict;
use sapm::clients::gitlab::WriterConfig;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::config::Shape;
use super::driver::Run;
use super::lab::{Lab, block_on, sha, simple, story};
use super::safety::{CLOSING, HOLD, comments};

const MINUTE: Duration = Duration::from_secs(60);

/// A lab whose GitLab takes `limit` pipelines and comments a minute, which the program knows.
fn limited(targets: usize, limit: usize) -> Lab {
    let lab = Lab::new(simple(Shape::Block, targets));
    lab.bot.forge.configure(|settings| {
        settings.pipelines_created_per_user = Some(limit);
        settings.notes_per_minute = Some(limit);
    });
    lab.bot.pacing.set(Some((limit, MINUTE)));
    lab
}

/// Winds the clocks of the program and of GitLab on where a write waits for its place: time passes then, and nowhere
/// else.
struct WindOn {
    world: World,
    /// What happens when the first one waits.
    deed: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl<S: tracing::Subscriber> Layer<S> for WindOn {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "sapm::clients::http::window" {
            return;
        }
        if let Some(deed) = self.deed.lock().unwrap().take() {
            deed();
        }
        self.world.settle();
        self.world.advance(chrono::TimeDelta::seconds(61));
        // The program does nothing else meanwhile.
        tokio::time::pause();
        tokio::spawn(async {
            tokio::time::advance(MINUTE).await;
            tokio::time::resume();
        });
    }
}

/// From now on, as long as the guard lives, no write waits in real time.
fn wind_on(lab: &Lab, deed: impl FnOnce() + Send + 'static) -> DefaultGuard {
    // Whatever else is under way would run out of time when the clock is wound on.
    lab.bot.at_once.set(1);
    let layer = WindOn { world: lab.bot.forge.world(), deed: Mutex::new(Some(Box::new(deed))) };
    tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
}

/// Every target moves to this commit.
fn release_all(lab: &Lab, targets: usize, number: usize) {
    (0..targets).for_each(|id| lab.release_for(id, number));
}

#[test]
fn nothing_is_dropped_or_refused_by_a_limit() {
    block_on(async {
        let lab = limited(10, 3);
        let waited = Arc::new(Mutex::new(false));
        let flag = waited.clone();
        let _guard = wind_on(&lab, move || *flag.lock().unwrap() = true);
        let refused = || lab.bot.forge.log().iter().any(|entry| entry.status == Some(429));
        for number in [1, 2] {
            release_all(&lab, 10, number);
            lab.run().await;
            assert!(!refused());
            assert!((0..10).all(|id| lab.open(id).unwrap().title.contains(&sha(number)[..8])));
            // A run knows of its own writes alone: the next one comes a minute later at least.
            lab.bot.forge.advance(chrono::TimeDelta::seconds(61));
        }
        let pipelines = lab.bot.project.pipelines();
        let of_merge_requests =
            || pipelines.iter().filter(|pipeline| pipeline.merge_request.is_some());
        assert_eq!(
            (of_merge_requests().count(), of_merge_requests().filter(|p| p.dropped).count()),
            (20, 0)
        );
        lab.rewrite("off", |config| (0..10).for_each(|id| config.target_mut(id).disabled = true));
        lab.run().await;
        assert!(!refused());
        assert!(*waited.lock().unwrap());
        let closed = lab.bot.project.merge_requests();
        assert!(closed.iter().all(|mr| comments(mr, lab.bot.id, CLOSING) == 1));
    });
}

#[test]
fn a_program_without_pacing_would_be_seen() {
    block_on(async {
        let lab = limited(4, 3);
        lab.bot.pacing.set(None);
        release_all(&lab, 4, 1);
        lab.run().await;
        assert!(lab.bot.project.pipelines().iter().any(|pipeline| pipeline.dropped));
        lab.rewrite("off", |config| (0..4).for_each(|id| config.target_mut(id).disabled = true));
        lab.run().await;
        assert!(lab.bot.forge.log().iter().any(|entry| entry.status == Some(429)));
    });
}

/// GitLab's limit of 25 is for one commit: what is opened or updated has a commit of its own each.
#[test]
fn a_hundred_updates_wait_for_nothing_and_lose_no_pipeline_with_the_limits_of_gitlab_com() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 100));
        lab.bot.settings.borrow_mut().max_new_merge_requests = 100;
        let usual = WriterConfig::default();
        lab.bot.pacing.set(Some((usual.pipelines_per_minute, usual.minute)));
        // The clock stands still: all of it happens within one minute.
        for number in [1, 2] {
            release_all(&lab, 100, number);
            let run = lab.run().await;
            assert_eq!(run.waited, Duration::ZERO);
            assert!((0..100).all(|id| lab.open(id).unwrap().title.contains(&sha(number)[..8])));
        }
        let pipelines = lab.bot.project.pipelines();
        let of_merge_requests =
            pipelines.iter().filter(|pipeline| pipeline.merge_request.is_some());
        let dropped = pipelines.iter().filter(|pipeline| pipeline.dropped).count();
        assert_eq!((of_merge_requests.count(), dropped), (200, 0));
    });
}

/// What a person may do to a merge request.
const DEEDS: [fn(&ProjectHandle, u64); 3] = [
    |project, iid| project.set_labels("dev", iid, &[HOLD], &[]),
    |project, iid| project.set_title("dev", iid, "Draft: let me look"),
    |project, iid| {
        project.set_branch("dev", "stable", "main").unwrap();
        project.retarget("dev", iid, "stable").unwrap();
    },
];

/// Nothing that the bot writes has changed since.
#[track_caller]
fn is_untouched(lab: &Lab, before: &MergeRequest, run: &Run) {
    let after = lab.bot.project.merge_request(before.iid).unwrap();
    let face = |r: &MergeRequest| (r.title.clone(), r.description.clone(), r.sha.clone(), r.state);
    assert_eq!(face(before), face(&after), "{:#?}", story(run));
    assert_eq!(comments(before, lab.bot.id, CLOSING), comments(&after, lab.bot.id, CLOSING));
    let outcome = &run.outcomes.merge_requests[&before.source_branch];
    assert_eq!(outcome.outcome, Verdict::SomebodyWasFirst, "{:#?}", story(run));
}

#[test]
fn what_a_person_does_while_a_write_waits_for_its_place_comes_first() {
    block_on(async {
        for deed in DEEDS {
            let lab = limited(3, 2);
            release_all(&lab, 3, 1);
            lab.bot.pacing.set(None);
            lab.run().await;
            lab.bot.pacing.set(Some((2, MINUTE)));
            release_all(&lab, 3, 2);
            lab.bot.forge.settle();
            let (project, before) = (lab.bot.project.clone(), Arc::new(Mutex::new(None)));
            let seen = before.clone();
            let _guard = wind_on(&lab, move || {
                deed(&project, 3);
                *seen.lock().unwrap() = project.merge_request(3);
            });
            let run = lab.bot.run().await.unwrap();
            let before = before.lock().unwrap().take().expect("a write waited for its place");
            is_untouched(&lab, &before, &run);
        }
    });
}

/// A run whose write of this kind is told to come again in a second, while a person does something.
async fn told_to_wait(lab: &Lab, method: &str, path: &str, deed: fn(&ProjectHandle, u64)) {
    let project = lab.bot.project.clone();
    let before = Arc::new(Mutex::new(None));
    let seen = before.clone();
    let headers = vec![("retry-after".to_owned(), "1".to_owned())];
    let fault = Fault::new(FaultKind::Status(429, "Retry later\n".to_owned(), headers));
    let fault = fault.method(method).path(path).nth(1).calling(move |_| {
        deed(&project, 1);
        *seen.lock().unwrap() = project.merge_request(1);
    });
    lab.bot.forge.fault(fault);
    let run = lab.bot.run().await.unwrap();
    lab.bot.forge.clear_faults();
    let before = before.lock().unwrap().take().expect("a write was told to wait");
    is_untouched(lab, &before, &run);
}

#[test]
fn what_a_person_does_while_gitlab_asks_to_wait_comes_first() {
    block_on(async {
        for (at, deed) in DEEDS.into_iter().enumerate() {
            for (method, path) in [("POST", "/commits"), ("PUT", "/merge_requests/")] {
                let lab = Lab::new(simple(Shape::Block, 1));
                lab.release_for(0, 1);
                lab.run().await;
                lab.release_for(0, 2);
                told_to_wait(&lab, method, path, deed).await;
                if at == 0 {
                    lab.bot.project.set_labels("dev", 1, &[], &[HOLD]);
                    lab.run().await;
                    assert!(lab.open(0).unwrap().title.contains(&sha(2)[..8]), "{method}");
                    lab.quiet().await;
                }
            }
        }
    });
}

#[test]
fn what_a_person_does_while_a_comment_waits_comes_first() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        lab.release_for(0, 1);
        lab.run().await;
        lab.rewrite("off", |config| config.target_mut(0).disabled = true);
        told_to_wait(&lab, "POST", "/notes", DEEDS[0]).await;
    });
}

#[test]
fn what_gitlab_asks_to_come_later_with_is_written_later() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 1));
        for (number, path) in [(1, "/commits"), (2, "/merge_requests"), (3, "/notes")] {
            if path == "/notes" {
                lab.rewrite("off", |config| config.target_mut(0).disabled = true);
            } else {
                lab.release_for(0, number);
            }
            // With the time to wait, and without.
            let told = vec![("retry-after".to_owned(), "1".to_owned())];
            for (nth, headers) in [(1, told), (2, Vec::new())] {
                let kind = FaultKind::Status(429, "Retry later\n".to_owned(), headers);
                lab.bot.forge.fault(Fault::new(kind).writes().path(path).nth(nth));
            }
            let run = lab.run().await;
            assert_eq!(lab.bot.forge.faults_played(), 2, "{:#?}", story(&run));
            lab.bot.forge.clear_faults();
            lab.quiet().await;
        }
        assert_eq!(comments(&lab.bot.project.merge_request(1).unwrap(), lab.bot.id, CLOSING), 1);
    });
}
