//! The command line: arguments, configuration, one file a command, exit codes.
//!
//! The only place that knows the environment, the clock and standard output.

#![allow(clippy::disallowed_methods)]

mod args;
mod asked;
mod branches;
mod config;
mod doors;
mod exit;
mod explain;
mod graph;
mod job;
mod logging;
mod narrowing;
mod observing;
mod output;
mod pipeline;
mod planning;
mod progress;
mod source;
mod stopwatch;
mod unknown;
mod usage;
mod validate;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

pub use args::{Cli, Command};
pub use exit::Exit;
use exit::Fatal;

/// Runs the command line and says how it ended.
pub fn main() -> ExitCode {
    let cli = match command_line().try_get_matches().and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap prints to the right stream.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    logging::start(&environment);
    let result = match &cli.command {
        Command::Apply(args) => run(args, &environment, pipeline::Mode::Apply),
        Command::Plan(args) => run(args, &environment, pipeline::Mode::Plan),
        Command::Explain(args) => run(args, &environment, pipeline::Mode::Plan),
        Command::Validate(args) => validate::run(args, &environment),
        Command::Graph(args) => graph::run(args, &environment),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(fatal) => {
            eprintln!("{}", fatal.for_people());
            fatal.exit.into()
        }
    }
}

/// The arguments as clap knows them: an empty variable is as unset, and no
/// variable's value is shown in the help (an address may hold a token).
fn command_line() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| {
            let empty = arg
                .get_env()
                .is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
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
    // Waiting is most of its work: a second thread only hands it over.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fatal::new(Exit::Internal, format!("cannot start: {error}")))?;
    let result = runtime.block_on(pipeline::run(&config));
    output::finish(args, &config, result)
}
