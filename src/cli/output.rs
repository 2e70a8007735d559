//! Prints results, writes the report folder, and chooses the exit code.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::args::{ApplyArgs, ExplainArgs, PlanArgs};
use super::config::{CommandArgs, Config};
use super::exit::{Exit, Fatal};
use super::logging::{self, Sink};
use super::pipeline::Run;
use super::shared_args::{Format, OutputArgs};
use crate::domain::Shard;
use crate::report::{
    Paint, PlanReport, Screen, code_quality, dotenv, explanation_markdown, explanation_text, junit,
    markdown, metrics, summary, write_page,
};
use crate::run::{Answered, Question, Watch};

/// Buffer size: reports of thousands of targets are 16 MB.
const WRITTEN_AT_ONCE: usize = 256 << 10;

/// Maximum lines per group in GitLab's job log, which ends at 4 MiB.
const JOB_LOG_LINES: usize = 200;

/// A command that runs the pipeline and presents its result.
pub trait Present {
    /// Its arguments.
    fn run_args(&self) -> CommandArgs<'_>;

    /// The text for standard output.
    ///
    /// # Errors
    /// When the requested result is missing.
    fn present(&self, run: &Run, config: &Config) -> Result<String, Fatal> {
        Ok(render_report(&run.report, config))
    }

    /// Exit with 10 if changes are pending?
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
            compare_to: None,
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
            compare_to: self.compare_to.clone().map(|name| (name, self.note_on)),
        }
    }

    fn present(&self, run: &Run, config: &Config) -> Result<String, Fatal> {
        let Some(difference) = &run.difference else {
            return Ok(render_report(&run.report, config));
        };
        Ok(match config.output.format {
            Format::Json => difference.to_json(),
            Format::Markdown => difference.markdown(),
            Format::Text => difference.text(choose_paint(config)),
        })
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
            compare_to: None,
        }
    }

    fn present(&self, run: &Run, config: &Config) -> Result<String, Fatal> {
        let (format, paint) = (config.output.format, choose_paint(config));
        Ok(match (&run.explanation, format) {
            (None, _) => return Err(Fatal::new(Exit::Internal, "there is no explanation")),
            (Some(Answered::One(one)), Format::Json) => one.to_json(),
            (Some(Answered::One(one)), Format::Markdown) => explanation_markdown(one),
            (Some(Answered::One(one)), Format::Text) => explanation_text(one, paint),
            (Some(Answered::Several(several)), Format::Json) => several.to_json(),
            (Some(Answered::Several(several)), Format::Markdown) => several.markdown(),
            (Some(Answered::Several(several)), Format::Text) => several.text(paint),
        })
    }
}

fn render_report(report: &PlanReport, config: &Config) -> String {
    match config.output.format {
        Format::Json => report.to_json(),
        Format::Markdown => markdown(report),
        Format::Text => summary(report, &choose_screen(config)),
    }
}

fn choose_paint(config: &Config) -> Paint {
    let colours = logging::colours(&config.environment, Sink::detect(&std::io::stdout()));
    if colours { Paint::Colours } else { Paint::Plain }
}

/// Limits: those of the terminal; collapsible sections in GitLab's job log; otherwise
/// none.
fn choose_screen(config: &Config) -> Screen {
    let paint = choose_paint(config);
    let report_dir = config.output.report_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty());
    let rest = match report_dir {
        Some(folder) => format!("full report: {}", folder.join("report.md").display()),
        None => "full report: --report-dir DIR, or --format json".to_owned(),
    };
    let sink = Sink::detect(&std::io::stdout());
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

/// Checks first whether the reports can be written: a run that wrote merge requests but cannot report them
/// is of no use.
///
/// # Errors
/// With exit code 2, when one cannot.
pub fn check_writable(output: &OutputArgs) -> Result<(), Fatal> {
    check_folder(output.report_dir.as_deref())?;
    let file = output.save_snapshot.as_deref().filter(|path| !path.as_os_str().is_empty());
    file.map_or(Ok(()), |file| {
        check_file(file).map_err(|error| {
            report_not_writable("--save-snapshot (SAPM_SAVE_SNAPSHOT)", file, &error)
        })
    })
}

/// Checks only the report folder, creating it if needed.
///
/// # Errors
/// With exit code 2, when the folder is not writable.
pub fn check_folder(folder: Option<&Path>) -> Result<(), Fatal> {
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| check_file(&folder.join("plan.json")))
        .map_err(|error| report_not_writable("--report-dir (SAPM_REPORT_DIR)", folder, &error))
}

/// Creates the temporary file for this file, and removes it again.
fn check_file(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let unfinished = temporary_path(path);
    File::create(&unfinished)?;
    std::fs::remove_file(&unfinished)
}

fn report_not_writable(option: &str, path: &Path, error: &std::io::Error) -> Fatal {
    Fatal::new(Exit::Usage, format!("{option}: cannot write to {}: {error}", path.display()))
        .hint("choose a path that this user may write to; nothing was done")
}

/// The temporary file that is written first.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// Prints and writes everything, and returns the exit code.
///
/// # Errors
/// Why the run ended early, after writing everything that is known.
pub fn finish(args: &impl Present, config: &Config, mut run: Run) -> Result<Exit, Fatal> {
    let exit = choose_exit(args, &run);
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
        tracing::warn!("GitLab was not queried: no merge request counts as open");
    }
    print(&args.present(&run, config)?)?;
    written?;
    Ok(exit)
}

fn choose_exit(args: &impl Present, run: &Run) -> Exit {
    if let Some(fatal) = &run.fatal {
        fatal.exit
    } else if run.report.problems.iter().any(crate::domain::Problem::is_error) {
        Exit::DoneWithProblems
    } else if args.detailed_exitcode() && run.has_changes() {
        Exit::ChangesPending
    } else {
        Exit::Done
    }
}

/// Prints on standard output. A closed pipe is not an error.
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
    // Large reports are written while they are built, so that none is in memory as a whole.
    let files: [(&str, &dyn Fn() -> String); 4] = [
        ("report.md", &|| markdown(report)),
        ("junit.xml", &|| junit(report)),
        ("gl-code-quality-report.json", &|| code_quality(&report.problems)),
        ("counts.env", &|| dotenv(report, share, exit as u8)),
    ];
    write_files(folder, &files)?;
    if let Some(difference) = &run.difference {
        write(&folder.join("difference.json"), &difference.to_json())?;
        write(&folder.join("difference.md"), &difference.markdown())?;
    }
    write_with(&folder.join("report.html"), |file| write_page(report, file))?;
    write_with(&folder.join("plan.json"), |file| report.write_json(file))?;
    if let Some(snapshot) = &run.snapshot {
        write_with(&folder.join("snapshot.json"), |file| snapshot.write_json(file))?;
    }
    // Last, because it contains the duration of the others.
    run.stopwatch.lap("report");
    write(&folder.join("metrics.txt"), &metrics(&run.report, run.stopwatch.measured()))
}

/// Writes files into a folder, creating it if needed.
///
/// # Errors
/// When one cannot be written.
pub fn write_files(folder: &Path, files: &[(&str, &dyn Fn() -> String)]) -> Result<(), Fatal> {
    std::fs::create_dir_all(folder).map_err(|error| report_write_failure(folder, &error))?;
    files.iter().try_for_each(|(name, text)| write(&folder.join(name), &text()))
}

/// Writes a file completely or not at all.
fn write(path: &Path, text: &str) -> Result<(), Fatal> {
    write_with(path, |file| file.write_all(text.as_bytes()))
}

/// Like [`write()`], but streams the content, so that it need not be in memory as a whole.
fn write_with(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), Fatal> {
    let unfinished = temporary_path(path);
    let whole = || {
        let mut file = BufWriter::with_capacity(WRITTEN_AT_ONCE, File::create(&unfinished)?);
        content(&mut file)?;
        file.flush()?;
        std::fs::rename(&unfinished, path)
    };
    whole().map_err(|error| report_write_failure(path, &error))
}

fn report_write_failure(path: &Path, error: &std::io::Error) -> Fatal {
    Fatal::new(Exit::Internal, format!("cannot write {}: {error}", path.display()))
        .hint("check --report-dir and --save-snapshot")
}
