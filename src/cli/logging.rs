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

/// Colours on a terminal and in GitLab's job log. `NO_COLOR` takes them away, `CLICOLOR_FORCE`
/// wants them anywhere, `CLICOLOR=0` and `TERM=dumb` want none on a terminal.
pub fn colours(environment: &BTreeMap<String, String>, terminal: bool) -> bool {
    let get = |key: &str| environment.get(key).map(String::as_str).unwrap_or_default();
    if !get("NO_COLOR").is_empty() {
        return false;
    }
    if !matches!(get("CLICOLOR_FORCE"), "" | "0") {
        return true;
    }
    let refused = get("CLICOLOR") == "0" || get("TERM") == "dumb";
    !get("GITLAB_CI").is_empty() || (terminal && !refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], terminal: bool) -> bool {
        let pairs = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        colours(&pairs.collect(), terminal)
    }

    #[test]
    fn where_there_are_colours() {
        assert!(with(&[], true));
        assert!(!with(&[], false));
        assert!(with(&[("GITLAB_CI", "true")], false));
        assert!(with(&[("GITLAB_CI", "true"), ("TERM", "dumb")], false));
        assert!(!with(&[("GITLAB_CI", "true"), ("NO_COLOR", "1")], true));
        assert!(with(&[("NO_COLOR", "")], true));
        assert!(with(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!with(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
        assert!(!with(&[("CLICOLOR", "0")], true));
        assert!(!with(&[("TERM", "dumb")], true));
    }
}
