//! Whole plans as text: the life of a few merge requests, run by run.

use std::fmt::Write as _;

use sapm::plan::Step;

use super::config::{Config, Shape};
use super::driver::Run;
use super::lab::{Lab, block_on, sha, spread};

fn step(step: &Step) -> String {
    match step {
        Step::Commit(commit) => match commit.replaces {
            Some(_) => "commit in place of the branch's tip".to_owned(),
            None => "commit on a new branch".to_owned(),
        },
        Step::Open(_) => "open".to_owned(),
        Step::Change { change, .. } => {
            let parts = [
                change.title.as_ref().map(|title| format!("title {title:?}")),
                change.description.as_ref().map(|_| "description".to_owned()),
                (!change.add_labels.is_empty()).then(|| format!("+{:?}", change.add_labels)),
                (!change.remove_labels.is_empty()).then(|| format!("-{:?}", change.remove_labels)),
                change.close.then(|| "close".to_owned()),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Step::Comment { body, .. } => format!("comment {:?}", body.lines().next().unwrap_or("")),
        Step::DeleteBranch { .. } => "delete the branch".to_owned(),
    }
}

/// What a run plans, and in which order it writes.
fn plan_text(run: &Run) -> String {
    let mut text = String::new();
    for mr in &run.plan.merge_requests {
        let iid = mr.iid.map(|iid| format!(" {iid}")).unwrap_or_default();
        let _ = writeln!(text, "  {:?}{iid} ({:?}) {}", mr.action, mr.reason_code, mr.title);
        let _ = writeln!(text, "    {}", mr.reason);
        for planned in &mr.steps {
            let _ = writeln!(text, "    - {}", step(planned));
        }
    }
    for leftover in &run.plan.leftovers {
        let _ = writeln!(text, "  left over: {}", step(leftover));
    }
    if text.is_empty() { "  nothing\n".to_owned() } else { text }
}

/// A story: each thing that happens, and what the next run plans.
#[derive(Default)]
struct Story(String);

impl Story {
    async fn run(&mut self, lab: &Lab, what: &str) {
        let run = lab.run().await;
        let _ = writeln!(self.0, "{what}\n{}", plan_text(&run));
    }
}

/// Two targets with an SLO each, in files of their own.
fn two() -> Config {
    let mut config = spread(Shape::Block, &[1, 1]);
    for id in 0..2 {
        config.target_mut(id).slo = true;
    }
    config
}

#[test]
fn the_life_of_two_merge_requests() {
    block_on(async {
        let lab = Lab::new(two());
        (0..2).for_each(|id| lab.set_slo(id, 1.0));
        let mut story = Story::default();
        story.run(&lab, "Nothing is due.").await;
        (0..2).for_each(|id| lab.release_for(id, 1));
        story.run(&lab, "Both publishers deployed commit 1.").await;
        story.run(&lab, "Nothing happened since.").await;
        lab.release_for(0, 2);
        story.run(&lab, "The first publisher deployed commit 2.").await;
        lab.set_slo(0, 0.1);
        story.run(&lab, "The SLO of the first target is breached.").await;
        lab.rewrite("a line above its ref", |config| config.target_mut(0).note = Some(1));
        story.run(&lab, "The target branch changed around the first target.").await;
        lab.set_slo(0, 1.0);
        story.run(&lab, "The SLO is met again.").await;
        let second = lab.open(1).unwrap();
        lab.bot.project.set_auto_merge(second.iid, true);
        lab.release_for(0, 3);
        story
            .run(
                &lab,
                "Somebody set auto-merge on the second; the first publisher deployed commit 3.",
            )
            .await;
        let first = lab.open(0).unwrap();
        lab.bot.project.close("dev", first.iid);
        story.run(&lab, "A person closed the first.").await;
        lab.publish(1, 0, &sha(0));
        story.run(&lab, "The second publisher went back to the commit that the target has.").await;
        insta::assert_snapshot!(story.0);
    });
}

#[test]
fn what_a_run_leaves_to_people() {
    block_on(async {
        let lab = Lab::new(two());
        (0..2).for_each(|id| lab.set_slo(id, 1.0));
        let mut story = Story::default();
        lab.bot.settings.borrow_mut().max_new_merge_requests = 1;
        (0..2).for_each(|id| lab.release_for(id, 1));
        story.run(&lab, "Two are due, and a run opens one.").await;
        story.run(&lab, "The next run.").await;
        let (first, second) = (lab.open(0).unwrap(), lab.open(1).unwrap());
        let change = [("data/services/app/cicd/saas0.yml", Some("pushed: by a person\n"))];
        lab.bot.project.commit("dev", &first.source_branch, "mine", change);
        lab.bot.project.set_labels("dev", second.iid, &["sapm/hold"], &[]);
        lab.release_for(1, 2);
        story
            .run(&lab, "A person pushed to the first, and put sapm/hold on the second, whose publisher deployed commit 2.")
            .await;
        story.run(&lab, "Nothing happened since.").await;
        insta::assert_snapshot!(story.0);
    });
}
