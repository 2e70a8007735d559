//! Renders the files of a new config repo.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, UndefinedBehavior, context};
use yaml11::{Context, Quoting, write_scalar};

use super::Settings;
use crate::app_interface::datafile_schemas;
use crate::domain::NULL_COMMIT;

/// A file of the config repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path from the repo's root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The files in the order in which they are best read.
///
/// # Errors
/// If a template is broken, which tests rule out.
pub fn render_files(settings: &Settings) -> Result<Vec<File>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A name that YAML reads as another type, such as `on` or `1e3`, is quoted.
    environment
        .add_filter("yaml", |text: String| write_scalar(&text, Quoting::Plain, Context::Block));
    let values = describe_settings(settings);
    let folder = format!("data/services/{}", settings.app);
    let stage = context! { namespace => &settings.stage_namespace, environment => "stage" };
    let production =
        context! { namespace => &settings.production_namespace, environment => "production" };
    let file = |path: String, template: &str, more: &Value| {
        let values = context! { ..more.clone(), ..values.clone() };
        environment.render_str(template, values).map(|text| File { path, text: text + "\n" })
    };
    let none = context! {};
    let mut files = vec![
        file("README.md".to_owned(), include_str!("template/README.md"), &none)?,
        file(".gitlab-ci.yml".to_owned(), include_str!("template/gitlab-ci.yml"), &none)?,
        file(format!("{folder}/saas.yml"), include_str!("template/saas.yml"), &none)?,
        file(format!("{folder}/app.yml"), include_str!("template/app.yml"), &none)?,
    ];
    let environments = [("stage", &stage), ("production", &production)];
    let namespace = include_str!("template/namespace.yml");
    for (name, values) in environments {
        files.push(file(format!("{folder}/namespaces/{name}.yml"), namespace, values)?);
    }
    let cluster = include_str!("template/cluster.yml");
    files.push(file("data/clusters/cluster.yml".to_owned(), cluster, &none)?);
    let environment = include_str!("template/environment.yml");
    for (name, values) in environments {
        files.push(file(format!("data/environments/{name}.yml"), environment, values)?);
    }
    files.extend(datafile_schemas().into_iter().map(|(name, schema)| File {
        path: format!(".schemas/{name}"),
        text: format!("{schema:#}\n"),
    }));
    Ok(files)
}

/// The values of the templates: the settings, and what follows from them.
fn describe_settings(settings: &Settings) -> Value {
    let Settings { app, gitlab_url, sapm_project, .. } = settings;
    let version = env!("CARGO_PKG_VERSION");
    context! {
        saas_file => settings.saas_file(),
        folder => format!("/services/{app}"),
        no_commit => NULL_COMMIT,
        version => version,
        docs => format!("{gitlab_url}/{sapm_project}/-/blob/{version}/docs"),
        ..Value::from(Serde(settings))
    }
}
