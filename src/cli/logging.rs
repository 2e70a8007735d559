//! Logs go to standard error; standard output carries only the result.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::domain::printable;

use super::secrets::Redacted;

/// The default filter. The AWS SDK logs its errors in debug form, which adds nothing to our messages. After a
/// transient error, it also tries to close its connection, and logs an error because there is none: our HTTP client
/// manages connections.
const USUAL: &str = "warn,sapm=info,aws_config=error,aws_runtime=error,aws_smithy_runtime=error,\
                     aws_smithy_runtime::client::http::connection_poisoning=off";

/// Starts logging. `SAPM_LOG` sets the filter, e.g. `debug` or `sapm=trace`.
pub fn start(environment: &BTreeMap<String, String>) {
    let filter = environment.get("SAPM_LOG").filter(|text| !text.is_empty());
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(USUAL));
    // Starting twice (in tests) does no harm.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Redacted)
        .with_ansi(colours(environment, Sink::detect(&std::io::stderr())))
        .with_target(false)
        .fmt_fields(debug_fn(write_field).delimited(" "))
        .try_init();
}

/// Replaces characters that a terminal would interpret.
fn write_field(to: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    let value = printable(&format!("{value:?}"));
    match field.name() {
        "message" => write!(to, "{value}"),
        name => write!(to, "{name}={value}"),
    }
}

/// Where a stream is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// A terminal.
    Terminal,
    /// A file: `sapm plan > plan.txt`.
    File,
    /// For example a pipe: in a GitLab CI job, that is the job log.
    Other,
}

impl Sink {
    /// Where standard output or standard error is written to.
    pub fn detect(stream: &(impl IsTerminal + AsFd)) -> Self {
        let file = || File::from(stream.as_fd().try_clone_to_owned().ok()?).metadata().ok();
        if stream.is_terminal() {
            Self::Terminal
        } else if file().is_some_and(|metadata| metadata.is_file()) {
            Self::File
        } else {
            Self::Other
        }
    }

    /// Is it the log of a GitLab CI job?
    pub fn is_job_log(self, environment: &BTreeMap<String, String>) -> bool {
        self != Self::File && environment.get("GITLAB_CI").is_some_and(|value| !value.is_empty())
    }
}

/// Colour is on for terminals and GitLab job logs. `NO_COLOR` turns it off, `CLICOLOR_FORCE`
/// forces it on, `CLICOLOR=0` and `TERM=dumb` turn it off on terminals.
pub fn colours(environment: &BTreeMap<String, String>, sink: Sink) -> bool {
    let get = |key: &str| environment.get(key).map(String::as_str).unwrap_or_default();
    if !get("NO_COLOR").is_empty() {
        return false;
    }
    if !matches!(get("CLICOLOR_FORCE"), "" | "0") {
        return true;
    }
    let refused = get("CLICOLOR") == "0" || get("TERM") == "dumb";
    sink.is_job_log(environment) || (sink == Sink::Terminal && !refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], sink: Sink) -> bool {
        let pairs = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        colours(&pairs.collect(), sink)
    }

    #[test]
    fn colours_depend_on_the_sink_and_variables() {
        assert!(with(&[], Sink::Terminal));
        assert!(!with(&[], Sink::Other));
        assert!(with(&[("GITLAB_CI", "true")], Sink::Other));
        assert!(with(&[("GITLAB_CI", "true"), ("TERM", "dumb")], Sink::Other));
        assert!(!with(&[("GITLAB_CI", "true"), ("NO_COLOR", "1")], Sink::Terminal));
        assert!(with(&[("NO_COLOR", "")], Sink::Terminal));
        assert!(with(&[("CLICOLOR_FORCE", "1")], Sink::Other));
        assert!(!with(&[("CLICOLOR_FORCE", "0")], Sink::Other));
        assert!(!with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], Sink::Terminal));
        assert!(!with(&[("CLICOLOR", "0")], Sink::Terminal));
        assert!(!with(&[("TERM", "dumb")], Sink::Terminal));
        assert!(!with(&[("GITLAB_CI", "true")], Sink::File));
        assert!(with(&[("CLICOLOR_FORCE", "1")], Sink::File));
    }
}
