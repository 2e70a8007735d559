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

/// Settings of the fakes.
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

    /// Delay of every response, as on a network.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Threads of the servers; 2 by default.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Uses a clock that only the test moves.
    pub fn time(mut self, time: DateTime<Utc>) -> Self {
        self.time = Some(time);
        self
    }

    /// The only key pair that S3 accepts; `forge-key` and `forge-secret` by default.
    pub fn s3_credentials(mut self, key: &str, secret: &str) -> Self {
        self.s3_key = key.to_owned();
        self.s3_secret = secret.to_owned();
        self
    }

    /// Creates a bucket.
    pub fn bucket(mut self, name: &str) -> Self {
        self.buckets.push(name.to_owned());
        self
    }

    /// Parent of the temporary folder, instead of the system's. In memory (`/dev/shm`), tests that start many worlds
    /// are several times faster.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Starts everything. The servers have their own threads, so a test may block.
    pub async fn start(self) -> Forge {
        self.start_blocking()
    }

    /// Like [`Builder::start`], for code that is not async.
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
            s3_access: tokio::sync::RwLock::default(),
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
    /// Everything with the defaults.
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

    /// A handle for hooks and threads of a test, which does not keep the fakes running.
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// The access key and secret that S3 accepts.
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
