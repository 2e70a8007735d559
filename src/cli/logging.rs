//! Logs go to standard error; standard output carries only the result.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `SAPM_LOG` sets the filter, e.g. `debug` or `sapm=trace`.
pub fn start(environment: &BTreeMap<String, String>) {
    let filter = environment.get("SAPM_LOG").filter(|text| !text.is_empty());
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new("warn,sapm=info"));
    // Starting twice (in tests) is no harm.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours(environment, std::io::stderr().is_terminal()))
        .with_target(false)
        .try_init();
}

/// Colours on a terminal and in GitLab's job log, unless `NO_COLOR` says otherwise.
pub fn colours(environment: &BTreeMap<String, String>, terminal: bool) -> bool {
    let set = |key: &str| environment.get(key).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && (terminal || set("GITLAB_CI"))
}
