//! Pushes metrics to a Pushgateway.

use secrecy::{ExposeSecret, SecretString};

use super::config::Config;
use super::pipeline::Run;
use super::secrets::redactor;
use crate::clients::pushgateway::{GroupingKey, push};
use crate::domain::{Problem, ProblemCode};
use crate::report::pushed_metrics;

/// Pushes the metrics of the run. A failure is a warning.
pub async fn push_metrics(config: &Config, address: &SecretString, run: &mut Run) {
    let configured = config.gitlab.as_ref().and_then(|gitlab| gitlab.project.clone());
    let facts = run.snapshot.as_ref().and_then(|snapshot| snapshot.config_repo.as_ref());
    let key = GroupingKey {
        project: configured.or_else(|| facts.map(|facts| facts.project_path.clone())),
        scope: config.filter.named(),
        node: config.node.clone(),
    };
    let text = pushed_metrics(&run.report, run.stopwatch.measured());
    // An unreadable file has already ended the run.
    let credentials = config.credentials().unwrap_or_default();
    let http = (config.http.clone(), redactor().clone());
    if let Err(error) = push(http, address.expose_secret(), &key, &credentials, text).await {
        let message = format!("the metrics could not be pushed: {error}");
        tracing::warn!("{message}");
        run.report.problems.push(
            Problem::new(ProblemCode::MetricsNotPushed, message)
                .help("check SAPM_PUSHGATEWAY_URL; the run itself is not affected"),
        );
    }
}
