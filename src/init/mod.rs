//! Lays out a small config repo to start with: one app, in stage and production, with one channel.
//!
//! `names` checks what people choose, `render` makes the files, and `folder` writes them.

mod folder;
mod names;
mod render;

pub use folder::{WriteError, write_files};
pub use names::{
    parse_branch, parse_bucket, parse_commit, parse_image, parse_name, parse_project_path,
    parse_url,
};
pub use render::{File, render_files};

use serde::Serialize;

/// What the config repo is about. All texts are as the functions of `names` accept them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Name of the app. The saas file is `saas-APP`.
    pub app: String,
    /// URL of the code repository.
    pub code_url: String,
    /// The branch that stage follows.
    pub branch: String,
    /// The commit in production; `None` if nothing was deployed there yet.
    pub git_ref: Option<String>,
    /// The cluster of both namespaces.
    pub cluster: String,
    /// The namespace of stage.
    pub stage_namespace: String,
    /// The namespace of production.
    pub production_namespace: String,
    /// The channel from stage to production.
    pub channel: String,
    /// Days that stage must have run a commit.
    pub soak_days: u16,
    /// URL of GitLab.
    pub gitlab_url: String,
    /// Path of the config repo's project.
    pub gitlab_project: String,
    /// Path of the project with the templates of this program.
    pub sapm_project: String,
    /// Image of the jobs.
    pub image: String,
    /// Location of the deployment records.
    pub state: String,
}

impl Settings {
    /// Name of the saas file.
    pub fn saas_file(&self) -> String {
        format!("saas-{}", self.app)
    }
}
