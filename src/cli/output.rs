//! What is printed, the report folder, and the exit code.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::args::{ApplyArgs, ExplainArgs, Format, OutputArgs, PlanArgs};
use super::config::{CommandArgs, Config};
use super::exit::{Exit, Fatal};
use super::logging::{self, Sink};
use super::pipeline::Run;
use crate::domain::Shard;
use crate::report::{
    Paint, PlanReport, Screen, code_quality, dotenv, explanation_markdown, explanation_text, junit,
    markdown, metrics, summary, write_page,
};
use crate::run::{Question, Watch};

/// Reports of thousands of targets are 16 MB.
const WRITTEN_AT_ONCE: usize = 256 << 10;

/// Lines of a group in GitLab's job log, which ends at 4 MiB.
const JOB_LOG_LINES: usize = 200;

/// A command that runs the pipeline and shows its result in its own way.
pub trait Present {
    /// Its arguments.
    fn run_args(&self) -> CommandArgs<'_>;

    /// What it prints on standard output.
    ///
    /// # Errors
    /// When what was asked for is not there.
    fn present(&self, run: &Run, config: &Config) -> Result<String, Fatal> {
        Ok(printed(&run.report, config))
    }

    /// Exit with 10 when there is something to do?
    fn detailed_exitcode(&self) -> bool {
        false
    }
}

impl Present for ApplyArgs {
    fn run_args(&self) -> CommandArgs<'_> {
        let given = |path: &Option<std::path::PathBuf>| {
            path.as_ref().is_some_and(|p| !p.as_os_str().is_empty())
        };
        let refused = if self.at.as_ref().is_some_and(|at| !at.is_empty()) {
            Some("--at (SAPM_AT)")
        } else if given(&self.snapshot) {
            Some("--snapshot (SAPM_SNAPSHOT)")
        } else {
            None
        };
        CommandArgs {
            run: &self.run,
            node: Some(&self.node),
            what_if: None,
            dry_run: self.dry_run.or(false),
            refused,
            question: None,
        }
    }
}

impl Present for PlanArgs {
    fn run_args(&self) -> CommandArgs<'_> {
        CommandArgs {
            run: &self.run,
            node: Some(&self.node),
            what_if: Some(&self.what_if),
            dry_run: false,
            refused: None,
            question: None,
        }
    }

    fn detailed_exitcode(&self) -> bool {
        self.detailed_exitcode
    }
}

impl Present for ExplainArgs {
    fn run_args(&self) -> CommandArgs<'_> {
        let at = self.what_if.at.as_ref();
        let question = Question {
            target: self.target.clone(),
            assume: self.assume.clone(),
            at_given_time: at.is_some_and(|at| !at.trim().is_empty()),
        };
        CommandArgs {
            run: &self.run,
            node: None,
            what_if: Some(&self.what_if),
            dry_run: false,
            refused: None,
            question: Some(question),
        }
    }

    fn present(&self, run: &Run, config: &Config) -> Result<String, Fatal> {
        let Some(explanation) = &run.explanation else {
            return Err(Fatal::new(Exit::Internal, "there is no explanation"));
        };
        Ok(match config.output.format {
            Format::Json => explanation.to_json(),
            Format::Markdown => explanation_markdown(explanation),
            Format::Text => explanation_text(explanation, paint(config)),
        })
    }
}

fn printed(report: &PlanReport, config: &Config) -> String {
    match config.output.format {
        Format::Json => report.to_json(),
        Format::Markdown => markdown(report),
        Format::Text => summary(report, &screen(config)),
    }
}

fn paint(config: &Config) -> Paint {
    let colours = logging::colours(&config.environment, Sink::of(&std::io::stdout()));
    if colours { Paint::Colours } else { Paint::Plain }
}

/// A terminal as large as it is, GitLab's job log with sections that fold, anything else without
/// limits.
fn screen(config: &Config) -> Screen {
    let paint = paint(config);
    let report_dir = config.output.report_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty());
    let rest = match report_dir {
        Some(folder) => format!("everything: {}", folder.join("report.md").display()),
        None => "everything: --report-dir DIR, or --format json".to_owned(),
    };
    let sink = Sink::of(&std::io::stdout());
    let in_job = sink.is_job_log(&config.environment) && paint == Paint::Colours;
    let size = if sink == Sink::Terminal { terminal_size::terminal_size() } else { None };
    Screen {
        size: size.map(|(width, height)| (usize::from(width.0), usize::from(height.0))),
        group_lines: if in_job { JOB_LOG_LINES } else { usize::MAX },
        sections_at: in_job.then(|| chrono::Utc::now().timestamp()),
        rest,
        ..Screen::endless(paint)
    }
}

/// Finds out before anything else whether the reports can be written: a run that wrote merge requests and cannot
/// say so is of no use.
///
/// # Errors
/// With exit code 2, when one cannot.
pub fn check_writable(output: &OutputArgs) -> Result<(), Fatal> {
    check_folder(output.report_dir.as_deref())?;
    let file = output.save_snapshot.as_deref().filter(|path| !path.as_os_str().is_empty());
    file.map_or(Ok(()), |file| {
        check_file(file)
            .map_err(|error| not_writable("--save-snapshot (SAPM_SAVE_SNAPSHOT)", file, &error))
    })
}

/// The same for a report folder alone; it is made if need be.
///
/// # Errors
/// With exit code 2, when nothing can be written into it.
pub fn check_folder(folder: Option<&Path>) -> Result<(), Fatal> {
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| check_file(&folder.join("plan.json")))
        .map_err(|error| not_writable("--report-dir (SAPM_REPORT_DIR)", folder, &error))
}

/// Makes the file that will become this one, and takes it away again.
fn check_file(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let unfinished = unfinished(path);
    File::create(&unfinished)?;
    std::fs::remove_file(&unfinished)
}

fn not_writable(option: &str, path: &Path, error: &std::io::Error) -> Fatal {
    Fatal::new(Exit::Usage, format!("{option}: cannot write to {}: {error}", path.display()))
        .hint("name a place that this user may write to; nothing was done")
}

/// Where a file is written before it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// Prints and writes everything, and says how the run ended.
///
/// # Errors
/// Why it ended early, after everything that is known was written.
pub fn finish(args: &impl Present, config: &Config, mut run: Run) -> Result<Exit, Fatal> {
    let exit = exit(args, &run);
    let mut written = Ok(());
    if let Some(folder) =
        config.output.report_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty())
    {
        written = write_reports(folder, &mut run, config.filter.share, exit);
    }
    if let (Some(path), Some(snapshot)) = (&config.output.save_snapshot, &run.snapshot)
        && !path.as_os_str().is_empty()
    {
        written = written.and(write_with(path, |file| snapshot.write_json(file)));
    }
    if let Some(fatal) = run.fatal {
        return Err(fatal);
    }
    if run.without_gitlab {
        tracing::warn!("GitLab was not asked: no merge request counts as open");
    }
    print(&args.present(&run, config)?)?;
    written?;
    Ok(exit)
}

fn exit(args: &impl Present, run: &Run) -> Exit {
    if let Some(fatal) = &run.fatal {
        fatal.exit
    } else if run.report.problems.iter().any(crate::domain::Problem::is_error) {
        Exit::DoneWithProblems
    } else if args.detailed_exitcode() && run.report.has_changes() {
        Exit::ChangesPending
    } else {
        Exit::Done
    }
}

/// Prints on standard output; a reader that has gone away is no error.
///
/// # Errors
/// When standard output cannot be written to.
pub fn print(text: &str) -> Result<(), Fatal> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fatal::new(Exit::Internal, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn write_reports(
    folder: &Path,
    run: &mut Run,
    share: Option<Shard>,
    exit: Exit,
) -> Result<(), Fatal> {
    let report = &run.report;
    // The large ones are written as they are made: none is in memory as a whole.
    let files: [(&str, &dyn Fn() -> String); 4] = [
        ("report.md", &|| markdown(report)),
        ("junit.xml", &|| junit(report)),
        ("gl-code-quality-report.json", &|| code_quality(&report.problems)),
        ("counts.env", &|| dotenv(report, share, exit as u8)),
    ];
    write_files(folder, &files)?;
    write_with(&folder.join("report.html"), |file| write_page(report, file))?;
    write_with(&folder.join("plan.json"), |file| report.write_json(file))?;
    if let Some(snapshot) = &run.snapshot {
        write_with(&folder.join("snapshot.json"), |file| snapshot.write_json(file))?;
    }
    // The last: it says what the others took.
    run.stopwatch.lap("report");
    write(&folder.join("metrics.txt"), &metrics(&run.report, run.stopwatch.measured()))
}

/// Writes files into a folder, which is made if need be.
///
/// # Errors
/// When one cannot be written.
pub fn write_files(folder: &Path, files: &[(&str, &dyn Fn() -> String)]) -> Result<(), Fatal> {
    std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    files.iter().try_for_each(|(name, text)| write(&folder.join(name), &text()))
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Fatal> {
    write_with(path, |file| file.write_all(text.as_bytes()))
}

/// The same with what writes the content, for what need not be in memory as a whole.
fn write_with(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), Fatal> {
    let unfinished = unfinished(path);
    let whole = || {
        let mut file = BufWriter::with_capacity(WRITTEN_AT_ONCE, File::create(&unfinished)?);
        content(&mut file)?;
        file.flush()?;
        std::fs::rename(&unfinished, path)
    };
    whole().map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Fatal {
    Fatal::new(Exit::Internal, format!("cannot write {}: {error}", path.display()))
        .hint("check --report-dir and --save-snapshot")
}
