//! Pipelines: how long they take, and whose fail.

use super::{Day, Event, HOUR, MINUTE, Target};
use crate::estate;
use crate::load::Time;
use crate::queue::{Pipeline, Who};

/// How long a pipeline takes on average.
const AVERAGE: f64 = 8.0 * MINUTE as f64;

impl Day<'_> {
    pub(super) fn set_pipeline(&mut self, who: Who, pipeline: Pipeline) {
        let waiting = self.waiting.get_mut(&who).unwrap();
        waiting.pipeline = pipeline;
        match pipeline {
            Pipeline::Running => waiting.run += 1,
            Pipeline::Passed => waiting.failures = 0,
            Pipeline::Failed => waiting.failures += 1,
        }
        if let Who::Bot(iid) = who {
            self.bot.forge.pipelines.lock().unwrap().insert(iid, pipeline.as_str());
            self.news |= pipeline != Pipeline::Running;
            self.outcome.pipelines += usize::from(pipeline == Pipeline::Running);
        }
    }

    pub(super) fn duration(&mut self) -> Time {
        (AVERAGE * (0.6 + 0.8 * self.rng.f64())) as Time
    }

    pub(super) fn start_pipeline(&mut self, who: Who) {
        self.set_pipeline(who, Pipeline::Running);
        let (ends, run) = (self.now + self.duration(), self.waiting[&who].run);
        self.schedule(ends, Event::PipelineEnds(who, run));
    }

    pub(super) fn pipeline_ends(&mut self, who: Who, run: u64) {
        if self.waiting.get(&who).is_none_or(|waiting| waiting.run != run) {
            return;
        }
        if self.fails(who) {
            self.failed(who);
        } else {
            self.set_pipeline(who, Pipeline::Passed);
        }
    }

    /// What a merge request promotes: the targets, and to which release.
    pub(super) fn members(&self, who: Who) -> Vec<(Target, usize)> {
        let Who::Bot(iid) = who else { return Vec::new() };
        let (project, tip) = (&self.bot.forge.project, &self.tips[&iid]);
        let parent = project.parents(tip).remove(0);
        let mut found = Vec::new();
        for path in project.changed(&parent, tip) {
            let app = estate::app_of(&path).unwrap();
            let text = |commit| String::from_utf8(project.file(commit, &path).unwrap()).unwrap();
            let (before, after) = (text(&parent), text(tip));
            let pairs = estate::refs(&before).into_iter().zip(estate::refs(&after)).enumerate();
            let changed = pairs.filter(|(_, (before, after))| before != after);
            found.extend(changed.map(|(at, (_, to))| ((app, at), estate::release_of(to))));
        }
        found
    }

    pub(super) fn fails(&mut self, who: Who) -> bool {
        let is_flaky = self.rng.f64() < self.load.flaky;
        is_flaky || self.members(who).iter().any(|member| self.bad.contains(member))
    }

    pub(super) fn failed(&mut self, who: Who) {
        self.set_pipeline(who, Pipeline::Failed);
        let members = self.members(who);
        let (bad, good): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| self.bad.contains(member));
        if bad.is_empty() {
            let (later, run) = (self.now + 30 * MINUTE, self.waiting[&who].run);
            self.schedule(later, Event::Retried(who, run));
            return;
        }
        for promotion in &mut self.promotions {
            promotion.behind_bad |= good.contains(&(promotion.target, promotion.release));
        }
        for ((app, _), release) in bad {
            if self.mended.insert((app, release)) {
                let later = self.now + HOUR + self.rng.u64(..3 * HOUR);
                self.schedule(later, Event::Mended(app));
            }
        }
    }
}
