//! A config repo that includes the template as in docs/set-up.md, and its pipelines on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::e2e::support::World;
use crate::optional::skipped;
use crate::shop::{BUCKET, PROJECT};

/// A file of this project.
pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines that docs/set-up.md adds to `.gitlab-ci.yml`.
pub fn ten_lines() -> String {
    block("include:\n")
}

/// The job in docs/set-up.md that uses the counts.
pub fn job_with_counts() -> String {
    block("tell-the-team:\n")
}

/// The job in docs/set-up.md that sets auto-merge.
pub fn auto_merge_job() -> String {
    block("auto-merge:\n")
}

/// The rules in docs/set-up.md for a repo that already has a pipeline.
pub fn own_pipeline() -> String {
    block("workflow:\n")
}

/// The YAML block in docs/set-up.md that begins with this text.
fn block(beginning: &str) -> String {
    let page = read("docs/set-up.md");
    let mut blocks = page.split("```yaml\n").skip(1);
    let found = blocks.find(|block| block.starts_with(beginning)).expect("a block of YAML");
    found.split_once("```").expect("its end").0.to_owned()
}

/// gitlab-ci-local, or `None` after a message that says what is missing. CI must have it.
pub fn gitlab_ci_local() -> Option<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(install) {
        Ok(path) => Some(path),
        Err(missing) => {
            let missing = format!("gitlab-ci-local cannot run: {missing}");
            skipped("SAPM_REQUIRE_GITLAB_CI_LOCAL", &missing);
            None
        }
    }
}

fn install() -> Result<PathBuf, String> {
    for program in ["npm", "rsync", "git", "bash"] {
        let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
        found.map_err(|_| format!("no `{program}` on PATH"))?;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-gitlab-ci-local");
    let output = Command::new(script).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("it cannot be installed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(PathBuf::from(path))
}

/// A checkout of the shop's config repo with the template included.
pub struct ConfigRepo<'a> {
    pub world: &'a World,
    pub folder: PathBuf,
    program: &'static Path,
}

impl<'a> ConfigRepo<'a> {
    /// `None` where gitlab-ci-local cannot run.
    pub fn new(world: &'a World) -> Option<Self> {
        Self::with_inputs(world, &[])
    }

    /// With additional inputs.
    pub fn with_inputs(world: &'a World, inputs: &[&str]) -> Option<Self> {
        let program = gitlab_ci_local()?;
        let lines = ten_lines();
        let inputs: String = inputs.iter().map(|input| format!("      {input}\n")).collect();
        let (forge, stand_ins) = (world.forge(), Self::stand_ins(world));
        let mut pipeline = lines;
        for (place, here) in [
            ("s3://app-sre-state\n", format!("s3://{BUCKET}\n{stand_ins}{inputs}")),
            ("only-in-project: service/app-interface\n", format!("only-in-project: {PROJECT}\n")),
            (
                "gitlab-url: https://gitlab.example.com\n",
                format!("gitlab-url: {}\n", forge.gitlab_url()),
            ),
        ] {
            assert_eq!(pipeline.matches(place).count(), 1, "{place} is not in the ten lines");
            pipeline = pipeline.replace(place, &here);
        }
        world.project().commit("alice", "main", "CI", [(".gitlab-ci.yml", Some(pipeline))]);
        let folder = world.checkout();
        let repo = Self { world, folder, program };
        repo.lay_includes();
        repo.lay_variables();
        Some(repo)
    }

    /// Inputs that point the jobs to the fakes.
    pub fn stand_ins(world: &World) -> String {
        format!(
            "      command: {}\n      options: --github-url {} --allowed-hosts 127.0.0.1\n      \
             environment: AWS_ENDPOINT_URL_S3={} AWS_EC2_METADATA_DISABLED=true\n",
            env!("CARGO_BIN_EXE_sapm"),
            world.forge().github_url(),
            world.forge().s3_endpoint()
        )
    }

    /// A folder that is there. `None` as above.
    pub fn open(world: &'a World, folder: PathBuf) -> Option<Self> {
        Some(Self { world, folder, program: gitlab_ci_local()? })
    }

    /// This project itself, with a config repo to promote in, if given. `None` as above.
    pub fn this_project(world: &'a World, config_repo: Option<&str>) -> Option<Self> {
        let program = gitlab_ci_local()?;
        let folder = world.path("this-project");
        std::fs::create_dir_all(folder.join("ci-templates")).unwrap();
        for file in [".gitlab-ci.yml", "ci-templates/promotions.yml", "ci-templates/manual-run.yml"]
        {
            std::fs::write(folder.join(file), read(file)).unwrap();
        }
        let variables = config_repo.map(|url| format!("SAPM_APP_INTERFACE: {url}\n"));
        let path = folder.join(".gitlab-ci-local-variables.yml");
        std::fs::write(path, variables.unwrap_or_default()).unwrap();
        let project = Self { world, folder, program };
        project.commit_all("https://gitlab.example.com/platform/saas-auto-promotions-manager.git");
        std::fs::create_dir_all(world.path("home")).unwrap();
        Some(project)
    }

    /// A project of code that deploys it and reports that, with this pipeline. `None` as above.
    pub fn of_code(world: &'a World, pipeline: &str) -> Option<Self> {
        let program = gitlab_ci_local()?;
        let folder = world.path("code");
        let repo = Self { world, folder, program };
        std::fs::create_dir_all(repo.folder.join("ci-templates")).unwrap();
        std::fs::write(repo.folder.join(".gitlab-ci.yml"), pipeline).unwrap();
        let template = read("ci-templates/record.yml");
        std::fs::write(repo.folder.join("ci-templates/record.yml"), template).unwrap();
        repo.commit_all("https://gitlab.example.com/shop/orders-db.git");
        repo.lay_variables();
        Some(repo)
    }

    /// Makes the folder a repository with one commit.
    pub fn commit_all(&self, origin: &str) {
        for arguments in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["remote", "add", "origin", origin],
            &["add", "."],
            &["-c", "user.name=ci", "-c", "user.email=ci@example.com", "commit", "-qm", "CI"],
        ] {
            let git = Command::new("git").args(arguments).current_dir(&self.folder).status();
            assert!(git.unwrap().success(), "{arguments:?}");
        }
    }

    /// The commit that is checked out.
    pub fn head(&self) -> String {
        let repo = git2::Repository::open(&self.folder).unwrap();
        repo.head().unwrap().target().unwrap().to_string()
    }

    /// Adds jobs to the config repo's own pipeline.
    pub fn add_jobs(&self, jobs: &str) {
        let path = self.folder.join(".gitlab-ci.yml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text + jobs).unwrap();
    }

    /// Where gitlab-ci-local stores the files that it fetched from another project.
    pub fn lay_includes(&self) {
        let project = "127.0.0.1/platform/saas-auto-promotions-manager";
        let folder = self.folder.join(".gitlab-ci-local/includes").join(project);
        let folder = folder.join(env!("CARGO_PKG_VERSION")).join("ci-templates");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["promotions.yml", "manual-run.yml"] {
            std::fs::write(folder.join(name), read(&format!("ci-templates/{name}"))).unwrap();
        }
    }

    /// Writes the project's CI/CD variables where gitlab-ci-local finds them. Not as arguments: they contain tokens.
    pub fn lay_variables(&self) {
        let mut variables = self.world.shop.environment();
        // Destinations come from the inputs.
        variables.retain(|name, _| {
            name.contains("TOKEN") || name.contains("KEY") || name == "AWS_REGION"
        });
        let home = self.home().join(".gitlab-ci-local");
        std::fs::create_dir_all(&home).unwrap();
        let text = serde_json::json!({ "global": variables }).to_string();
        std::fs::write(home.join("variables.yml"), text).unwrap();
    }

    fn home(&self) -> PathBuf {
        self.world.path("home")
    }

    fn call(&self, arguments: &[&str], situation: &Situation) -> (Option<i32>, String, String) {
        let mut call = Command::new("node");
        call.arg(self.program)
            .args(arguments)
            .args(situation.arguments())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("TMPDIR", self.world.path("tmp"))
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        let output = call.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// The jobs of a pipeline, in alphabetical order.
    pub fn jobs(&self, situation: &Situation) -> Vec<String> {
        self.such_jobs(situation, |_| true)
    }

    /// The jobs that may fail without stopping others.
    pub fn jobs_that_may_fail(&self, situation: &Situation) -> Vec<String> {
        self.such_jobs(situation, |job| job["allow_failure"] == true)
    }

    fn such_jobs(&self, situation: &Situation, such: impl Fn(&Value) -> bool) -> Vec<String> {
        let (code, out, err) =
            self.call(&["--list-json", "--no-json-schema-validation"], situation);
        assert_eq!(code, Some(0), "{out}\n{err}");
        // Warnings come first on the same stream.
        let list = out.find("\n[").map_or(out.as_str(), |at| &out[at..]);
        let list: Value = serde_json::from_str(list).unwrap_or_else(|e| panic!("{e}: {out}"));
        let name = |job: &Value| job["name"].as_str().unwrap().to_owned();
        let runs = |job: &&Value| job["when"].as_str().expect("when it runs") != "never";
        let found = list.as_array().unwrap().iter().filter(runs).filter(|job| such(job));
        let mut names: Vec<_> = found.map(name).collect();
        names.sort();
        names
    }

    /// The jobs as GitLab sees them, with all includes and extensions.
    pub fn expanded(&self) -> serde_yaml::Value {
        let (code, out, err) = self.call(&["--preview"], &Situation::of("schedule"));
        assert_eq!(code, Some(0), "{out}\n{err}");
        let yaml = out.find("---\n").map(|at| &out[at..]).expect("a document");
        serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Runs a pipeline; returns whether it passed, and the output of its jobs.
    pub fn run(&self, situation: &Situation) -> (bool, String) {
        let arguments = ["--force-shell-executor", "--shell-isolation"];
        let (code, out, err) = self.call(&arguments, situation);
        (code == Some(0), out + &err)
    }

    /// A file of the report that the jobs left as artifacts.
    pub fn report(&self, name: &str) -> String {
        let path = self.folder.join("sapm-report").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// The properties of a pipeline that decide which jobs it gets.
#[derive(Clone)]
pub struct Situation {
    variables: BTreeMap<String, String>,
    unset: Vec<&'static str>,
}

impl Situation {
    /// A pipeline of this source on the protected default branch.
    pub fn of(source: &str) -> Self {
        let situation = Self { variables: BTreeMap::new(), unset: Vec::new() };
        situation.with("CI_PIPELINE_SOURCE", source).with("CI_COMMIT_REF_PROTECTED", "true")
    }

    /// The pipeline of a merge request in the project itself, from an unprotected branch: it does not
    /// get the project's protected variables.
    pub fn merge_request() -> Self {
        let mut situation = Self::of("merge_request_event")
            .with("CI_COMMIT_REF_PROTECTED", "false")
            .with("SAPM_GITLAB_TOKEN", "")
            .with("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "a-change")
            .with("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .with("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", crate::shop::PROJECT)
            .with("CI_MERGE_REQUEST_PROJECT_PATH", crate::shop::PROJECT);
        situation.unset.push("CI_COMMIT_BRANCH");
        situation
    }

    /// A pipeline with this source for a protected tag.
    pub fn of_tag(source: &str, tag: &str) -> Self {
        let mut situation = Self::of(source).with("CI_COMMIT_TAG", tag);
        situation.unset.push("CI_COMMIT_BRANCH");
        situation
    }

    /// With one variable set.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.variables.insert(key.to_owned(), value.to_owned());
        self
    }

    fn arguments(&self) -> Vec<String> {
        let set =
            self.variables.iter().flat_map(|(k, v)| ["--variable".to_owned(), format!("{k}={v}")]);
        let unset =
            self.unset.iter().flat_map(|k| ["--unset-variable".to_owned(), (*k).to_owned()]);
        set.chain(unset).collect()
    }
}
