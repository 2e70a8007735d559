//! The bot: whole runs of the real one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sapm::app_interface::{Entry, FileTree, TreeError, is_datafile};
use sapm::apply::{Bounds, apply};
use sapm::clients::git::GitMerge;
use sapm::domain::{CommitSha, UserId};
use sapm::plan::{BatchBy, Settings};
use sapm::ports::{Deadline, NoProgress};
use sapm::run::{self, ConfigRepo, Options, ReadOptions, Services};
use sapm::snapshot::{BotUser, ConfigRepoFacts, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::ports::{BOT, Forge};
use crate::reference::Reference;

/// Which bot.
#[derive(Debug, Clone)]
pub enum Kind {
    /// This one, with settings of its planner.
    Planner(Box<Settings>),
    /// The reference: batches of five channel sets.
    Reference,
}

/// A bot that is compared with others.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name in tables.
    pub name: &'static str,
    /// Which bot it is.
    pub kind: Kind,
}

impl Policy {
    /// All policies that are compared.
    pub fn all() -> Vec<Self> {
        vec![
            Self { name: "reference: batches of 5", kind: Kind::Reference },
            Self::planner("one for each target", |_| {}),
            Self::planner("batches of 10 by app", |settings| settings.batch_by = BatchBy::App),
            Self::planner("batches of 10", |settings| settings.batch_by = BatchBy::All),
        ]
    }

    /// The planner, with the usual settings and a change of them.
    fn planner(name: &'static str, change: impl FnOnce(&mut Settings)) -> Self {
        let labels = ["bot/approved: progressive-delivery".to_owned()].into();
        let mut settings =
            Settings { target_branch: "main".to_owned(), labels, ..Settings::default() };
        change(&mut settings);
        Self { name, kind: Kind::Planner(Box::new(settings)) }
    }
}

/// Files as the loader wants them.
struct Tree(BTreeMap<String, Vec<u8>>);

impl FileTree for Tree {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, bytes) in &self.0 {
            match path.strip_prefix("data") {
                Some(path) if is_datafile(path) => visitor(Entry::File(path, bytes)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The bot, with what it read of the config repo last.
pub(crate) struct Bot {
    pub forge: Forge,
    options: Options,
    reference: Option<Reference>,
    read: Option<(String, ConfigRepo)>,
    runtime: tokio::runtime::Runtime,
}

impl Bot {
    pub fn new(forge: Forge, kind: &Kind, apps: usize) -> Self {
        let (settings, reference) = match kind {
            Kind::Planner(settings) => (Settings::clone(settings), None),
            Kind::Reference => (Settings::default(), Some(Reference::new(apps))),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { forge, options: Options::offline(settings), reference, read: None, runtime }
    }

    /// A whole run.
    pub fn run(&mut self, now: DateTime<Utc>) {
        match &mut self.reference {
            Some(reference) => reference.run(&self.forge),
            None => self.plan_and_apply(now),
        }
    }

    fn plan_and_apply(&mut self, now: DateTime<Utc>) {
        let base = self.forge.project.tip("main").unwrap();
        let known = self.read.take().filter(|(commit, _)| *commit == base);
        let (_, repo) = &*self.read.insert(known.unwrap_or_else(|| {
            let tree = Tree(self.forge.project.files(&base));
            (base.clone(), ConfigRepo::read(&tree, &ReadOptions::default()).unwrap())
        }));
        let forge = &self.forge;
        let facts = facts(forge, &base);
        let services = Services {
            commits: forge,
            state: forge,
            slos: forge,
            forge: Some(run::Forge {
                reader: forge,
                branches: forge,
                repo: facts,
                optional: false,
            }),
            merger: &GitMerge,
            progress: &NoProgress,
        };
        let deadline = Deadline::new(std::time::Duration::from_secs(600));
        let options = Options { deadline, ..self.options.clone() };
        let stop = CancellationToken::new();
        self.runtime.block_on(async {
            let mut snapshot = Snapshot::new(now);
            let planned =
                run::live(&options, &services, repo, &mut snapshot, &mut ()).await.unwrap();
            assert_eq!(repo.bundle.problems, Vec::new(), "the config repo of the simulation");
            // One after the other: the numbers of merge requests follow the plan.
            let bounds = Bounds { stop: &stop, deadline: &options.deadline, at_once: 1 };
            let outcomes = apply(&planned.plan, forge, forge, bounds, &NoProgress).await;
            assert_eq!(outcomes.problems, Vec::new());
        });
    }
}

fn facts(forge: &Forge, base: &str) -> ConfigRepoFacts {
    let (username, name) = (BOT.to_owned(), BOT.to_owned());
    ConfigRepoFacts {
        project_id: forge.project.id(),
        project_path: forge.project.path(),
        web_url: "https://gitlab.example".to_owned(),
        target_branch: "main".to_owned(),
        base_commit: CommitSha::parse(base).unwrap(),
        is_outdated: false,
        merge_method: Default::default(),
        bot: BotUser { id: UserId(forge.bot), username, name, emails: Default::default() },
        former_bots: Vec::new(),
        other_bots: Vec::new(),
    }
}
