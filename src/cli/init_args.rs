//! The arguments of `init`; their doc comments are the manual that `--help` prints.

use std::path::PathBuf;

use clap::Args;

use super::values::path;
use crate::init::{
    Settings, parse_branch, parse_bucket, parse_commit, parse_image, parse_name,
    parse_project_path, parse_url,
};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Folder to write to: empty or new
    #[arg(value_name = "DIR", value_parser = path())]
    pub folder: PathBuf,

    /// Name of the app
    #[arg(long, value_name = "NAME", default_value = "shop", value_parser = parse_name, help_heading = "Names")]
    pub app: String,

    /// URL of the code repository that is deployed [default: GITLAB_URL/APP/APP]
    #[arg(long, value_name = "URL", value_parser = parse_url, help_heading = "Names")]
    pub code_url: Option<String>,

    /// Branch of the code repository that stage follows
    #[arg(long, value_name = "BRANCH", default_value = "main", value_parser = parse_branch, help_heading = "Names")]
    pub branch: String,

    /// Commit that runs in production now, 40 hex digits [default: none, written as 40 zeros]
    #[arg(long = "ref", value_name = "COMMIT", value_parser = parse_commit, help_heading = "Names")]
    pub git_ref: Option<String>,

    /// Name of the cluster
    #[arg(long, value_name = "NAME", default_value = "main", value_parser = parse_name, help_heading = "Names")]
    pub cluster: String,

    /// Namespace of stage [default: APP-stage]
    #[arg(long, value_name = "NAME", value_parser = parse_name, help_heading = "Names")]
    pub stage_namespace: Option<String>,

    /// Namespace of production [default: APP-production]
    #[arg(long, value_name = "NAME", value_parser = parse_name, help_heading = "Names")]
    pub production_namespace: Option<String>,

    /// Channel that stage publishes to [default: APP-stage]
    #[arg(long, value_name = "NAME", value_parser = parse_name, help_heading = "Names")]
    pub channel: Option<String>,

    /// Days that stage must have run a commit before production gets it
    #[arg(long, value_name = "DAYS", default_value_t = 1, help_heading = "Names")]
    pub soak_days: u16,

    /// GitLab's URL [default: `https://gitlab.example.com`]
    #[arg(long, env = "SAPM_GITLAB_URL", value_name = "URL", value_parser = parse_url, help_heading = "Services")]
    pub gitlab_url: Option<String>,

    /// Path of the config repo's project [default: APP/config-repo]
    #[arg(long, env = "SAPM_GITLAB_PROJECT", value_name = "PROJECT", value_parser = parse_project_path, help_heading = "Services")]
    pub gitlab_project: Option<String>,

    /// Path of the project with sapm's templates [default: platform/saas-auto-promotions-manager]
    #[arg(long, value_name = "PROJECT", value_parser = parse_project_path, help_heading = "Services")]
    pub sapm_project: Option<String>,

    /// Image of the jobs [default: that of the project with the templates, in its registry]
    #[arg(long, value_name = "IMAGE", value_parser = parse_image, help_heading = "Services")]
    pub image: Option<String>,

    /// Where deployment records are: s3://BUCKET[/PREFIX] [default: s3://sapm-state]
    #[arg(long, env = "SAPM_STATE", value_name = "URL", value_parser = parse_bucket, help_heading = "Services")]
    pub state: Option<String>,
}

impl InitArgs {
    /// The settings, and the flags whose values are examples, because they were not given.
    pub fn resolve(&self) -> (Settings, Vec<(&'static str, String)>) {
        let mut examples = Vec::new();
        let mut choose = |flag: &'static str, given: &Option<String>, example: String| {
            given.clone().unwrap_or_else(|| {
                examples.push((flag, example.clone()));
                example
            })
        };
        let app = self.app.clone();
        let gitlab_url =
            choose("--gitlab-url", &self.gitlab_url, "https://gitlab.example.com".to_owned());
        let gitlab_project =
            choose("--gitlab-project", &self.gitlab_project, format!("{app}/config-repo"));
        let code_url = choose("--code-url", &self.code_url, format!("{gitlab_url}/{app}/{app}"));
        let sapm_project = choose(
            "--sapm-project",
            &self.sapm_project,
            "platform/saas-auto-promotions-manager".to_owned(),
        );
        let image = choose("--image", &self.image, find_image(&gitlab_url, &sapm_project));
        let state = choose("--state", &self.state, "s3://sapm-state".to_owned());
        let or_named = |given: &Option<String>, end: &str| {
            given.clone().unwrap_or_else(|| format!("{app}-{end}"))
        };
        let settings = Settings {
            code_url,
            branch: self.branch.clone(),
            git_ref: self.git_ref.clone(),
            cluster: self.cluster.clone(),
            stage_namespace: or_named(&self.stage_namespace, "stage"),
            production_namespace: or_named(&self.production_namespace, "production"),
            channel: or_named(&self.channel, "stage"),
            soak_days: self.soak_days,
            gitlab_url,
            gitlab_project,
            sapm_project,
            image,
            state,
            app: app.clone(),
        };
        (settings, examples)
    }
}

/// The image that the pipeline of the project pushes, if GitLab's registry is at `registry.` of its host.
fn find_image(gitlab_url: &str, project: &str) -> String {
    let host = url::Url::parse(gitlab_url).ok();
    let host = host.as_ref().and_then(url::Url::host_str).unwrap_or("gitlab.example.com");
    let domain = host.strip_prefix("gitlab.").unwrap_or(host);
    format!("registry.{domain}/{}:{}", project.to_lowercase(), env!("CARGO_PKG_VERSION"))
}
