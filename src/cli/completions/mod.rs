//! Completes words in a shell: the script for the shell, and the candidates that it calls for.
//!
//! The scripts are ours and small, because they live longer than one version of `sapm`. clap's engine makes the
//! candidates from the definitions of the arguments, so that new options need no new script.

mod names;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use clap::builder::ValueHint;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use super::args::{CompleteArgs, CompletionsArgs, Shell};
use super::config::Environment;
use super::exit::{Exit, Fatal};
use super::output::print;
use crate::domain::printable;

/// Prints the script for a shell.
///
/// # Errors
/// When standard output is closed.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Fatal> {
    print(match args.shell {
        Shell::Bash => include_str!("sapm.bash"),
        Shell::Zsh => include_str!("sapm.zsh"),
        Shell::Fish => include_str!("sapm.fish"),
    })?;
    Ok(Exit::Done)
}

/// Prints the candidates for a word, one per line, for the scripts. Nothing that goes wrong is an error: then there are no
/// candidates.
pub fn print_candidates(
    args: &CompleteArgs,
    command: clap::Command,
    environment: &BTreeMap<String, String>,
) -> Exit {
    let line = Line::new(args);
    let source = names::Source::find(&line.words, &Environment(environment));
    let mut command = command.mut_subcommands(|command| {
        command.mut_args(|arg| match names::Kind::of(&arg) {
            Some(kind) => {
                let source = source.clone();
                let candidates = move |word: &OsStr| source.candidates(kind, word);
                arg.add(ArgValueCompleter::new(candidates))
            }
            // The shell completes paths itself, because only it can quote them.
            None if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
            None => arg,
        })
    });
    let current = line.words.get(line.index).cloned().unwrap_or_default();
    let mut found = complete(&mut command, line.words, line.index, None).unwrap_or_default();
    if current.is_empty() && found.iter().any(|candidate| !is_option(candidate)) {
        found.retain(|candidate| !is_option(candidate));
    }
    let lines: Vec<String> =
        found.iter().filter_map(|candidate| describe(candidate, args.shell, &line.cut)).collect();
    // The shell may have closed the pipe.
    let _ = print(&lines.concat());
    Exit::Done
}

fn is_option(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().to_string_lossy().starts_with('-')
}

/// The line for a candidate: its value, and what it means where the shell shows that.
fn describe(candidate: &CompletionCandidate, shell: Shell, cut: &str) -> Option<String> {
    let value = candidate.get_value().to_str()?.strip_prefix(cut)?;
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    Some(match help.lines().next() {
        Some(help) if shell != Shell::Bash => format!("{value}\t{}\n", printable(help)),
        _ => format!("{value}\n"),
    })
}

/// The words of the line that is completed.
struct Line {
    words: Vec<OsString>,
    /// Which word is completed.
    index: usize,
    /// Start of the word that the shell keeps, and that candidates must not repeat.
    cut: String,
}

impl Line {
    fn new(args: &CompleteArgs) -> Self {
        let mut words: Vec<OsString> = args.words.iter().take(args.index + 1).cloned().collect();
        // The cursor may be where no word is yet.
        words.resize(args.index + 1, OsString::new());
        let whole = Self { index: args.index, words, cut: String::new() };
        if args.shell == Shell::Bash { whole.join_equals() } else { whole }
    }

    /// bash takes `--format=json` for three words, and replaces only the last.
    fn join_equals(self) -> Self {
        let mut words: Vec<OsString> = Vec::new();
        let mut cut = String::new();
        let mut joins = false;
        for word in self.words {
            let option = words.last().is_some_and(|last| last.to_string_lossy().starts_with("--"));
            let equals = word == "=" && option;
            match words.last_mut() {
                Some(last) if equals || joins => {
                    cut = last.to_string_lossy().into_owned();
                    if equals {
                        cut.push('=');
                    }
                    last.push(&word);
                }
                _ => {
                    cut.clear();
                    words.push(word);
                }
            }
            joins = equals;
        }
        Self { index: words.len().saturating_sub(1), words, cut }
    }
}
