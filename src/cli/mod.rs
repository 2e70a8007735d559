//! The command line: arguments, configuration, one file per command, exit codes.
//!
//! Only this module uses the environment, the clock and standard output.

#![allow(clippy::disallowed_methods)]

mod args;
mod branches;
mod clients;
mod code_hosts;
mod compare;
mod completions;
mod config;
mod exit;
mod gitlab_config;
mod graph;
mod help;
mod init;
mod init_args;
mod job;
mod logging;
mod man;
mod network;
mod output;
mod pipeline;
pub mod preflight;
mod preflight_args;
mod process_usage;
mod progress;
mod project_rule_args;
mod push;
mod record;
mod record_args;
mod report_link;
mod secrets;
pub mod shadow;
mod shadow_args;
mod shared_args;
mod signals;
mod source;
mod state_config;
mod stopwatch;
mod validate;
mod values;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

pub use args::{Cli, Command};
pub use exit::{Exit, Fatal};

use crate::domain::printable_except;

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    let cli = match build_command().try_get_matches().and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors.
            if !error.use_stderr() {
                let _ = error.print();
                return Exit::Done.into();
            }
            // The error repeats values, which may come from a web form.
            eprint!("{}", printable_except(&error.render().to_string(), "\n"));
            if lacks_target(&error) {
                eprint!("{}", help::FIND_TARGET);
            }
            return Exit::Usage.into();
        }
    };
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    if let Command::Complete(args) = &cli.command {
        return completions::print_candidates(args, build_command(), &environment).into();
    }
    secrets::learn(&environment, secrets::redactor());
    logging::start(&environment);
    let result = match &cli.command {
        Command::Apply(args) => run(args, &environment, pipeline::Mode::Apply),
        Command::Plan(args) => run(args, &environment, pipeline::Mode::Plan),
        Command::Explain(args) => run(args, &environment, pipeline::Mode::Plan),
        Command::Validate(args) => validate::run(args, &environment),
        Command::Init(args) => init::run(args),
        Command::Graph(args) => graph::run(args, &environment),
        Command::Preflight(args) => preflight::run(args, &environment),
        Command::Shadow(args) => shadow::run(args, &environment),
        Command::Record(args) => record::run(args, &environment),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::Complete(_) => Ok(Exit::Done),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(fatal) => {
            eprintln!("{}", secrets::redactor().redact(&fatal.for_people()));
            fatal.exit.into()
        }
    }
}

/// Is there no TARGET on the command line?
fn lacks_target(error: &clap::Error) -> bool {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) => name.as_str(),
        Some(ContextValue::Strings(names)) => &names.concat(),
        _ => "",
    };
    error.kind() == ErrorKind::MissingRequiredArgument && missing.contains("<TARGET>")
}

/// The clap command. An empty variable counts as unset, and the help shows no variable's
/// value, because a URL may contain a token.
fn build_command() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| {
            let value = arg.get_env().and_then(std::env::var_os);
            let empty = value.is_some_and(|value| value.to_string_lossy().trim().is_empty());
            let arg = arg.hide_env_values(true);
            if empty { arg.env(clap::builder::Resettable::Reset) } else { arg }
        })
    })
}

fn run(
    args: &impl output::Present,
    environment: &BTreeMap<String, String>,
    mode: pipeline::Mode,
) -> Result<Exit, Fatal> {
    let config = config::Config::resolve(args.run_args(), environment, mode)?;
    output::check_writable(&config.output)?;
    let interruption = signals::Interruption::listen()?;
    // Most of its work is waiting: a second thread would only add overhead.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fatal::new(Exit::Internal, format!("cannot start: {error}")))?;
    let result = runtime.block_on(pipeline::run(&config, &interruption));
    let ended = output::finish(args, &config, result);
    // Do not wait for a clone that a signal interrupted.
    runtime.shutdown_background();
    ended
}
