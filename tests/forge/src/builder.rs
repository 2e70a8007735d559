//! Starting and stopping.

use std::net::TcpListener;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::log::Service;
use crate::settings::Settings;
use crate::shared::{Shared, Urls};
use crate::state::{Clock, State};
use crate::world::World;

/// What the fakes are started with.
pub struct Builder {
    settings: Settings,
    latency: Duration,
    threads: usize,
    time: Option<DateTime<Utc>>,
    s3_key: String,
    s3_secret: String,
    buckets: Vec<String>,
    folder: Option<PathBuf>,
}

impl Builder {
    /// GitLab's settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// A wait before every answer, as a network has it.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Threads of the servers; 2 by default.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// A clock that only the test moves.
    pub fn time(mut self, time: DateTime<Utc>) -> Self {
        self.time = Some(time);
        self
    }

    /// The one pair of keys that S3 takes; `forge-key` and `forge-secret` by default.
    pub fn s3_credentials(mut self, key: &str, secret: &str) -> Self {
        self.s3_key = key.to_owned();
        self.s3_secret = secret.to_owned();
        self
    }

    /// Makes a bucket.
    pub fn bucket(mut self, name: &str) -> Self {
        self.buckets.push(name.to_owned());
        self
    }

    /// Where the temporary folder is made, instead of the system's place for such. In memory (`/dev/shm`) is several
    /// times faster for tests that start many worlds.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Starts everything. The servers have threads of their own: a test may block as it likes.
    pub async fn start(self) -> Forge {
        self.start_blocking()
    }

    /// As [`Builder::start`], for code that is not async.
    pub fn start_blocking(self) -> Forge {
        let parent = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new()
            .prefix("forge-")
            .tempdir_in(parent)
            .expect("a temporary folder");
        let (gitlab_dir, s3_dir) = (dir.path().join("gitlab"), dir.path().join("s3"));
        std::fs::create_dir_all(&gitlab_dir).unwrap();
        std::fs::create_dir_all(&s3_dir).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(self.threads)
            .thread_name("forge")
            .enable_all()
            .build()
            .expect("a runtime");
        let bind = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.set_nonblocking(true).unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            (listener, url)
        };
        let ((gitlab, gitlab_url), (github, github_url)) = (bind(), bind());
        let ((s3, s3_url), (prometheus, prometheus_url), (git, git_url)) = (bind(), bind(), bind());
        let urls = Urls {
            gitlab: gitlab_url,
            github: github_url,
            s3: s3_url,
            prometheus: prometheus_url,
            git: git_url,
        };
        let clock = self.time.map_or(Clock::Real, Clock::Fixed);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { settings: self.settings, clock, ..State::default() }),
            log: Mutex::default(),
            faults: Mutex::default(),
            latency_micros: AtomicU64::new(self.latency.as_micros() as u64),
            gitlab_dir,
            s3: crate::s3::service(&s3_dir, &self.s3_key, &self.s3_secret),
            s3_dir,
            urls,
        });
        let services = [
            (Service::GitLab, gitlab),
            (Service::GitHub, github),
            (Service::S3, s3),
            (Service::Prometheus, prometheus),
            (Service::Git, git),
        ];
        for (service, listener) in services {
            let shared = shared.clone();
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                crate::server::serve(shared, service, listener).await;
            });
        }
        let world = World { shared };
        world.add_user("root");
        for bucket in &self.buckets {
            world.create_bucket(bucket);
        }
        Forge { world, runtime: Some(runtime), keys: (self.s3_key, self.s3_secret), dir: Some(dir) }
    }
}

/// The running fakes. Dropping it stops them and removes their folder.
pub struct Forge {
    world: World,
    runtime: Option<Runtime>,
    keys: (String, String),
    dir: Option<TempDir>,
}

impl Forge {
    /// Everything at its default.
    pub fn builder() -> Builder {
        Builder {
            settings: Settings::default(),
            latency: Duration::ZERO,
            threads: 2,
            time: None,
            s3_key: "forge-key".to_owned(),
            s3_secret: "forge-secret".to_owned(),
            buckets: Vec::new(),
            folder: None,
        }
    }

    /// A handle that outlives nothing: for hooks and threads of a test.
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// The access key and the secret that S3 takes.
    pub fn s3_keys(&self) -> (&str, &str) {
        (&self.keys.0, &self.keys.1)
    }
}

impl Deref for Forge {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.world.clear_faults();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        drop(self.dir.take());
    }
}
