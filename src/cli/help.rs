//! What `--help` says after the options. A section starts with its title at the start of a line; the man pages have the
//! same sections. A test runs the command line of every example through the parser: two blanks end it.

macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0   completed; holds and deferred merge requests are ordinary results
  1   internal error
  2   usage or configuration: unknown flag, missing token or state
  3   the config repo cannot be used: it has no data/
  4   GitLab or the state bucket failed as a whole; nothing was written
  5   completed, but some targets failed; see the problems. preflight, shadow: too little is known
  10  plan --detailed-exitcode: changes are pending; preflight: NO-GO; shadow: a difference is unexplained
  130 Ctrl-C (SIGINT) ended the run; its reports are written
  143 SIGTERM ended the run; its reports are written"
    };
}

/// Of `sapm` itself.
pub const SAPM: &str = concat!(
    "\
Examples:
  sapm plan --app-interface .                  what would be promoted from this checkout?
  sapm explain orders-production               why is it not promoted?
  sapm explain orders-production --at 2026-12-01T08:00:00Z
  sapm apply --env-name stage --max-new-merge-requests 5

Variables without an option:
  SAPM_GITLAB_TOKEN      token for the config repo, and for code on that GitLab
  SAPM_GITHUB_TOKEN      token for code on GitHub
  SAPM_CREDENTIALS_FILE  YAML file that maps other hosts to the variables with their tokens
  SAPM_PUSHGATEWAY_URL   Pushgateway that apply sends its metrics to
  SAPM_LOG               log filter, by default warn,sapm=info; logs go to standard error
  USED_FOR_SECURITY      default of --fips
  NO_COLOR               turns colour off; CLICOLOR_FORCE=1 forces it on, CLICOLOR=0 turns it off
  AWS_ENDPOINT_URL_S3    URL of another S3 store; other AWS_ variables as in the AWS SDK
  APP_INTERFACE_STATE_BUCKET  state bucket, when SAPM_STATE is not set

",
    exit_codes!()
);

/// The documented exit codes, on every page of the manual.
pub const EXIT_CODES: &str = exit_codes!();

pub const APPLY: &str = "\
Examples:
  sapm apply --dry-run                         decide as apply does, and write nothing
  sapm apply --env-name stage --max-new-merge-requests 5
  sapm apply --allow-opening=false             update and close only
  sapm apply --report-dir report --cache-dir .sapm-clone";

pub const PLAN: &str = "\
Examples:
  sapm plan --app-interface .                  what would be promoted from this checkout?
  sapm plan --app-name orders --format markdown
  sapm plan --detailed-exitcode                exit code 10 if there is something to do
  sapm plan --at 2026-12-01T08:00:00Z          what will be due then?
  sapm plan --snapshot report/snapshot.json    decide again from the facts of an earlier run";

pub const EXPLAIN: &str = "\
Examples:
  sapm explain saas-orders/orders-api/prod01/orders-production
  sapm explain orders-production               a part is enough if it fits one target only
  sapm explain 4f1c9a                          so is the start of its uid
  sapm explain orders-production --at 2026-12-01T08:00:00Z
  sapm explain orders-production --assume deployed=orders-stage@5af558f9";

pub const VALIDATE: &str = "\
Examples:
  sapm validate --app-interface .              check this checkout, without a token
  sapm validate --app-interface . --report-dir report --format markdown";

pub const GRAPH: &str = "\
Examples:
  sapm graph --app-interface . --app-name orders
  sapm graph --app-interface . --target orders-production --neighbourhood 2
  sapm graph --app-interface . --snapshot report/snapshot.json --format svg";

pub const INIT: &str = "\
Examples:
  sapm init config-repo                        with examples for what is not given
  sapm init config-repo --app orders --code-url https://gitlab.example.com/shop/orders --soak-days 3
  sapm init config-repo --state s3://my-bucket --gitlab-url https://gitlab.example.com --gitlab-project shop/config-repo";

pub const PREFLIGHT: &str = "\
Examples:
  sapm preflight                               is it safe to start?
  sapm preflight --wait 1h --old-user old-bot  look again until the old promoter is silent
  sapm preflight --phase after                 did the cut-over work?
  sapm preflight --accept same_user=INC-1      take on a check that fails";

pub const SHADOW: &str = "\
Examples:
  sapm shadow --shadow-dir .sapm-shadow        observe once, and add it to the ledger
  sapm shadow --shadow-dir .sapm-shadow --report-only --format markdown
  sapm shadow --shadow-dir .sapm-shadow --old-narrowing env=production";

pub const RECORD: &str = "\
Examples:
  sapm record saas-orders/orders-api/stage01/orders-stage --commit 4f1c9a0b5af558f9d83e88789705190c2c46ebdd --succeeded
  sapm record orders-stage payments-stage --commit $CI_COMMIT_SHA --failed
  sapm record orders-stage --commit $CI_COMMIT_SHA --succeeded --dry-run";

pub const COMPLETIONS: &str = "\
Targets, apps, environments, saas files and channels are completed from the config repo: --app-interface,
SAPM_APP_INTERFACE or else the current folder, if that is a folder with data/. Nothing is cloned.

Examples:
  sapm completions bash   > ~/.local/share/bash-completion/completions/sapm
  sapm completions zsh    > ~/.zfunc/_sapm, where ~/.zfunc is in your fpath before compinit
  sapm completions fish   > ~/.config/fish/completions/sapm.fish";

pub const MAN: &str = "\
Examples:
  sapm man ~/.local/share/man/man1             then: man sapm, man sapm-explain";

/// Follows the error that TARGET is missing.
pub const FIND_TARGET: &str = "
A TARGET is named by its uid, by saas-file/resource-template/cluster/namespace, or by any part that
fits one target only. To find it:
  sapm plan                                    lists what is promoted, held or in error
  sapm graph --app-interface . --app-name NAME draws the targets of an app
  sapm completions --help                      completes targets in your shell
";
