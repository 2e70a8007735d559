//! `scripts/check-live`: see `--help`.

use std::process::ExitCode;

use check_live::{Options, check};
use clap::Parser;

/// Checks the assumptions of sapm on a real GitLab.
///
/// Prints a row for each assumption in docs/compatibility.md that can be checked: whether it holds, and what was
/// observed. Only reads, unless --write is given.
#[derive(Parser)]
struct Args {
    /// GitLab's URL, such as https://gitlab.com.
    #[arg(long, env = "SAPM_GITLAB_URL")]
    gitlab_url: String,
    /// Path or id of a project that the token can read.
    #[arg(long, env = "SAPM_GITLAB_PROJECT")]
    project: String,
    /// Allow writing to the project, which must be empty: creates commits, branches and merge requests.
    #[arg(long)]
    write: bool,
}

#[tokio::main]
#[expect(
    clippy::disallowed_methods,
    reason = "the token comes from the environment, never from the command line"
)]
async fn main() -> ExitCode {
    let args = Args::parse();
    let Ok(token) = std::env::var("SAPM_GITLAB_TOKEN") else {
        eprintln!(
            "SAPM_GITLAB_TOKEN is not set: an access token with read_api and read_repository (api with --write)"
        );
        return ExitCode::from(2);
    };
    let options = Options {
        gitlab_url: args.gitlab_url,
        project: args.project,
        token: token.trim().to_owned().into(),
        write: args.write,
    };
    match check(&options).await {
        Ok(rows) => {
            print!("{}", rows.table());
            ExitCode::from(u8::from(rows.any_differs()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
