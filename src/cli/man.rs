//! `sapm man`: manual pages from the definitions of the command line.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::args::{Cli, ManArgs};
use super::exit::{Exit, Fatal};
use super::help;

/// Writes a page for `sapm` and for each command.
///
/// # Errors
/// When the folder cannot be written to.
pub fn run(args: &ManArgs) -> Result<Exit, Fatal> {
    write_pages(args).map_err(|error| {
        let folder = args.folder.display();
        Fatal::new(Exit::Usage, format!("cannot write manual pages to {folder}: {error}"))
            .hint("name a folder of yours, like ~/.local/share/man/man1")
    })?;
    Ok(Exit::Done)
}

fn write_pages(args: &ManArgs) -> io::Result<()> {
    std::fs::create_dir_all(&args.folder)?;
    let mut sapm = Cli::command().disable_help_subcommand(true);
    sapm.build();
    let commands = sapm.get_subcommands().filter(|command| !command.is_hide_set());
    for command in commands.chain([&sapm]) {
        let page = Man::new(command.clone());
        std::fs::write(args.folder.join(page.get_filename()), render(&page, command)?)?;
    }
    Ok(())
}

/// The page with the sections of the help under their usual names.
fn render(page: &Man, command: &clap::Command) -> io::Result<String> {
    let name = page.get_filename().replace(".1", "");
    // Without a date, because the same version must give the same bytes.
    let title = concat!("sapm ", env!("CARGO_PKG_VERSION"), "\" \"Saas auto-promotions manager");
    let mut text = format!(".TH {name} 1 \"\" \"{title}\"\n").into_bytes();
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let mut sections = Roff::default();
    add_sections(&mut sections, &after);
    if !command.has_subcommands() {
        add_sections(&mut sections, help::EXIT_CODES);
        sections.control("SH", ["SEE ALSO"]).text([roman("sapm(1)")]);
    }
    sections.to_writer(&mut text)?;
    // One break instead of three, as mandoc recommends.
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(text.replace(".br\n\n.br\n", ".sp\n"))
}

/// Text of the help: a line without indentation that ends with a colon is the title of a section, and indented lines stay
/// as they are.
fn add_sections(page: &mut Roff, text: &str) {
    for part in text.split("\n\n") {
        let (title, body) = match part.split_once(":\n") {
            Some((title, body)) if !title.contains('\n') => (title, body),
            _ => ("Notes", part),
        };
        let title = match title {
            "Exit codes" => "EXIT STATUS".to_owned(),
            "Variables without an option" => "ENVIRONMENT".to_owned(),
            other => other.to_uppercase(),
        };
        if body.trim().is_empty() {
            continue;
        }
        page.control("SH", [title.as_str()]);
        page.control("nf", []);
        for line in body.lines() {
            page.text([roman(line)]);
        }
        page.control("fi", []);
    }
}
