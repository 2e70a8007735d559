//! `sapm init`: lays out a small config repo.

use std::fmt::Write as _;
use std::path::Path;

use super::exit::{Exit, Fatal};
use super::init_args::InitArgs;
use super::output::print;
use crate::domain::printable;
use crate::init::{Settings, WriteError, render_files, write_files};

/// Writes the config repo and says what comes next.
///
/// # Errors
/// When the folder must not be used or cannot be written, or two names must differ.
pub fn run(args: &InitArgs) -> Result<Exit, Fatal> {
    let (settings, examples) = args.resolve();
    if settings.stage_namespace == settings.production_namespace {
        let name = &settings.stage_namespace;
        let message = format!("stage and production have the same namespace, {name}");
        return Err(Fatal::new(Exit::Usage, message)
            .hint("set --stage-namespace and --production-namespace to different names"));
    }
    let files = render_files(&settings)
        .map_err(|error| Fatal::new(Exit::Internal, format!("a template is broken: {error}")))?;
    write_files(&args.folder, &files).map_err(describe_failure)?;
    let paths = files.iter().map(|file| file.path.as_str());
    print(&describe(&args.folder, paths, &examples, &settings))?;
    Ok(Exit::Done)
}

fn describe_failure(error: WriteError) -> Fatal {
    let hint = match &error {
        WriteError::Refused { .. } => "no file was written",
        WriteError::Failed { .. } => "what had been written was removed",
    };
    Fatal::new(Exit::Usage, error.to_string()).hint(hint)
}

fn describe<'a>(
    folder: &Path,
    paths: impl Iterator<Item = &'a str>,
    examples: &[(&str, String)],
    settings: &Settings,
) -> String {
    let shown = printable(&folder.to_string_lossy());
    let mut text = format!("Wrote a config repo to {shown}:\n");
    // The schemas are many, and nobody reads them.
    for path in paths.filter(|path| !path.starts_with(".schemas/")) {
        let _ = writeln!(text, "  {path}");
    }
    text += "  .schemas/*.json\n";
    if !examples.is_empty() {
        text += "\nThese values are examples. Change them in the files, or start again with these options:\n";
        for (flag, value) in examples {
            let _ = writeln!(text, "  {flag} {value}");
        }
    }
    let quoted = quote_for_shell(&shown);
    let Settings { gitlab_url, gitlab_project, state, .. } = settings;
    let _ = write!(
        text,
        "\nNext, as README.md in it explains:\n  \
         sapm validate --app-interface {quoted}\n  \
         cd {quoted} && git init -b main && git add . && git commit -m 'Start a config repo' && \
         git push {gitlab_url}/{gitlab_project}.git main\n  \
         sapm plan --app-interface . --state {state}\n"
    );
    text
}

/// A path as one word of a shell's command line.
fn quote_for_shell(path: &str) -> String {
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c));
    if is_plain && !path.starts_with('-') {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
