//! A config repo with apps, their code, and the records of their deployments.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use datafiles::{Datafiles, Place, SaasFile, Target};
use forge::old_bots::Promotion;
use forge::{Access, CommitInfo, Forge, ProjectHandle};
use sapm::domain::{TargetIdentity, TargetUid, UidDigest};
use serde_json::{Value, json};

/// Path of the config repo's project.
pub const PROJECT: &str = "platform/app-interface";
/// The bot's token.
pub const TOKEN: &str = "glpat-of-the-new-promoter";
/// The bot's user.
pub const BOT: &str = "sapm-bot";
/// The user of the old promoters.
pub const OLD_BOT: &str = "devtools-bot";
/// Bucket with the deployment records.
pub const BUCKET: &str = "state";
/// Key of the state export.
pub const EXPORT: &str = "state/saas-auto-promotions-manager/publisher-data.json";
/// When it begins.
pub const NOW: &str = "2026-03-02T10:00:00Z";

/// A commit of an app's code, by number: 0 is in production.
pub fn sha(app: usize, number: usize) -> String {
    format!("a{app:03x}b{number:03x}{:032x}", 0xfeed_0000_u64 + (app * 16 + number) as u64)
}

/// The fakes with a config repo of some apps, of which commit 0 is everywhere.
pub struct World {
    /// The fakes.
    pub forge: Forge,
    /// The config repo's project.
    pub project: ProjectHandle,
    /// How many apps there are.
    pub apps: usize,
    /// Newest commit by app.
    pub(crate) released: Mutex<BTreeMap<usize, usize>>,
}

impl World {
    /// Starts with these apps.
    pub fn start(apps: usize) -> Self {
        let mut builder = Forge::builder().time(NOW.parse().unwrap()).threads(1).bucket(BUCKET);
        if std::path::Path::new("/dev/shm").is_dir() {
            builder = builder.folder("/dev/shm");
        }
        let forge = builder.start_blocking();
        let files: Vec<(String, String)> = files(&forge.gitlab_url(), apps)
            .0
            .into_iter()
            .map(|(path, text)| (format!("data{path}"), text))
            .collect();
        let project = forge.create_project(PROJECT, files);
        project.add_bot(BOT, TOKEN, Access::Developer, &["api"]);
        project.add_member("alice", Access::Maintainer);
        let world = Self { forge, project, apps, released: Mutex::default() };
        (0..apps).for_each(|app| world.release(app, 0));
        world.project.add_schedule("alice", "main", false);
        world
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.forge.now()
    }

    /// Time goes by.
    pub fn pass(&self, minutes: i64) {
        self.forge.advance(TimeDelta::minutes(minutes));
    }

    /// Does something as of some minutes ago.
    pub fn ago<T>(&self, minutes: i64, what: impl FnOnce(&Self) -> T) -> T {
        self.pass(-minutes);
        let done = what(self);
        self.pass(minutes);
        done
    }

    /// A new commit of an app's code, deployed well in stage.
    pub fn release(&self, app: usize, number: usize) {
        self.forge.set_gitlab_ref(
            &format!("code/app{app}"),
            "main",
            CommitInfo::new(sha(app, number)),
        );
        self.forge.put_object(BUCKET, &Self::record_key(app, number), self.record(app).to_string());
        self.released.lock().unwrap().insert(app, number);
    }

    /// The record of a good deployment, an hour ago.
    pub fn record(&self, app: usize) -> Value {
        json!({
            "success": true, "saas_file": format!("saas-app{app}"), "target_config_hash": format!("c0ffee{app:02x}"),
            "check_in": (self.now() - TimeDelta::hours(1)).format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string(),
            "has_succeeded_once": true,
        })
    }

    /// Key of that record.
    pub fn record_key(app: usize, number: usize) -> String {
        let uid = Self::uid(app, "stage", UidDigest::Blake2s);
        format!(
            "state/openshift-saas-deploy/promotions_v2/app{app}-stage/{uid}/{}",
            sha(app, number)
        )
    }

    /// Uid of an app's target in `stage` or `production`.
    pub fn uid(app: usize, environment: &str, digest: UidDigest) -> TargetUid {
        TargetIdentity {
            saas_file: &format!("saas-app{app}"),
            resource_template: "api",
            target: None,
            cluster: if environment == "stage" { "stage01" } else { "prod01" },
            namespace: &format!("app{app}-{environment}"),
        }
        .uid(digest)
    }

    /// Path of an app's saas file.
    pub fn path(app: usize) -> String {
        format!("data/services/app{app}/saas.yml")
    }

    /// What an old promoter does for the production of an app.
    pub fn promotion(app: usize, from: usize, to: usize) -> Promotion {
        Promotion::new(&format!("app{app}-stage"), &Self::path(app), &sha(app, from), &sha(app, to))
    }

    /// A file's text on the target branch.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.project.file("main", path).unwrap()).unwrap()
    }

    /// A person commits to the target branch.
    pub fn commit(&self, path: &str, text: &str) {
        self.project.commit("alice", "main", "A change\n", [(path, Some(text))]);
    }

    /// A person replaces a text that is there once.
    #[track_caller]
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.text(path);
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {path}:\n{text}");
        self.commit(path, &text.replace(old, new));
    }

    /// What the old promoter's export says of all publishers: the truth.
    pub fn export(&self) -> Value {
        let of = |app: usize, environment: &str, number: usize| {
            let (cluster, namespace) = match environment {
                "stage" => ("stage01", format!("app{app}-stage")),
                _ => ("prod01", format!("app{app}-production")),
            };
            let key = format!("app{app}/saas-app{app}/api/None/{cluster}/{namespace}/False");
            (key, json!({ "commit_sha": sha(app, number), "deployment_state": "success" }))
        };
        let released = self.released.lock().unwrap();
        let mut all = serde_json::Map::new();
        for app in 0..self.apps {
            let text = self.text(&Self::path(app));
            let deployed = (0..16).find(|number| text.contains(&sha(app, *number)));
            all.extend([
                of(app, "stage", released[&app]),
                of(app, "production", deployed.unwrap()),
            ]);
        }
        Value::Object(all)
    }

    /// Requests of all users that people merged, spread over the last hours.
    pub fn merged_by_people(&self, count: usize, hours: i64) {
        let minutes = hours * 60;
        for number in 0..count {
            let back = minutes - minutes * number as i64 / count as i64;
            self.ago(back, |world| {
                let (branch, path) = (format!("work-{number}"), format!("docs/{number}.md"));
                world.project.commit("alice", &branch, "Work", [(path, Some("text"))]);
                let opened = world
                    .project
                    .open_merge_request("alice", &branch, "main", &branch, "")
                    .unwrap();
                world.project.merge("alice", opened).unwrap();
            });
        }
    }
}

fn files(gitlab: &str, apps: usize) -> Datafiles {
    let mut files = Datafiles::default();
    for (cluster, environment) in [("stage01", "stage"), ("prod01", "production")] {
        files.cluster(&format!("/clusters/{cluster}.yml"), cluster);
        files.environment(&format!("/environments/{environment}.yml"), environment);
    }
    for app in 0..apps {
        let folder = format!("/services/app{app}");
        let app_file = format!("{folder}/app.yml");
        files.app(&app_file, &format!("app{app}"));
        for (cluster, environment) in [("stage01", "stage"), ("prod01", "production")] {
            let (cluster, environment_file) =
                (format!("/clusters/{cluster}.yml"), format!("/environments/{environment}.yml"));
            let place = Place { app: &app_file, cluster: &cluster, environment: &environment_file };
            let name = format!("app{app}-{environment}");
            files.namespace(&format!("{folder}/{environment}.yml"), &name, place);
        }
        let channel = format!("app{app}-stage");
        let stage = Target::new(&format!("{folder}/stage.yml"), "main").publishes(&channel);
        let production = Target::new(&format!("{folder}/production.yml"), &sha(app, 0));
        let saas = SaasFile::new(&format!("saas-app{app}"), &app_file)
            .template("api", &format!("{gitlab}/code/app{app}"))
            .target(&stage)
            .target(&production.subscribes(&channel, ""));
        files.saas(&format!("{folder}/saas.yml"), &saas);
    }
    files
}
