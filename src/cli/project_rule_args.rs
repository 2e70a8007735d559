//! What the rules of a project ask of branches, titles and commits.

use clap::Args;

use super::values::Toggle;
use crate::plan::branch::{self, BranchPrefixes};
use crate::plan::{TextTemplate, TextTemplates};

/// Names and texts that a project's push rules may demand; docs/push-rules.md.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Push rules")]
pub struct ProjectRuleArgs {
    /// What the bot's branches begin with. Choose a prefix that only the bot uses
    ///
    /// Changing it is safe: open merge requests keep their branches. To remember what people closed, name
    /// the earlier prefix with --former-branch-prefix.
    #[arg(long, env = "SAPM_BRANCH_PREFIX", value_name = "PREFIX", default_value = branch::PREFIX, value_parser = branch::parse_prefix)]
    pub branch_prefix: String,

    /// Earlier prefix of the bot's branches, beside the default one. Repeat the flag, or separate prefixes by commas
    #[arg(long = "former-branch-prefix", env = "SAPM_FORMER_BRANCH_PREFIXES", value_name = "PREFIX", value_delimiter = ',', value_parser = branch::parse_prefix)]
    pub former_branch_prefixes: Vec<String>,

    /// Title of merge requests, like `JIRA-12 {summary}`
    ///
    /// {title} is the usual one, {summary} the same without `[AutoPromoterV2]`, {apps} and {environments}
    /// are names.
    #[arg(long, env = "SAPM_TITLE_TEMPLATE", value_name = "TEXT", default_value = "{title}", value_parser = TextTemplate::parse_title)]
    pub title_template: TextTemplate,

    /// Commit message, with the same placeholders. The bot's trailers follow it
    #[arg(long, env = "SAPM_COMMIT_MESSAGE_TEMPLATE", value_name = "TEXT", default_value = "{title}", value_parser = TextTemplate::parse_commit_message)]
    pub commit_message_template: TextTemplate,

    /// Author of commits, like `Promotions <promotions@example.com>` [default: the token's user]
    #[arg(long, env = "SAPM_COMMIT_AUTHOR", value_name = "AUTHOR", value_parser = parse_author)]
    pub commit_author: Option<Author>,

    /// Sign commits off (`Signed-off-by`) as the author of --commit-author
    #[arg(long, env = "SAPM_SIGN_OFF", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub sign_off: Toggle,
}

/// Who commits, for git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    name: String,
    address: String,
}

/// What the run makes of them.
#[derive(Debug, Clone)]
pub struct ProjectRules {
    /// What branches begin with.
    pub branches: BranchPrefixes,
    /// Titles and commit messages.
    pub texts: TextTemplates,
}

impl ProjectRuleArgs {
    /// Puts them together.
    ///
    /// # Errors
    /// When a sign-off is asked for and nobody is named who signs.
    pub fn resolve(&self) -> Result<ProjectRules, &'static str> {
        let sign_off = self.sign_off.or(false);
        if sign_off && self.commit_author.is_none() {
            return Err(
                "--sign-off (SAPM_SIGN_OFF) needs --commit-author (SAPM_COMMIT_AUTHOR): who signs off?",
            );
        }
        let author = self.commit_author.clone();
        let former = self.former_branch_prefixes.iter().cloned();
        Ok(ProjectRules {
            branches: BranchPrefixes::new(self.branch_prefix.clone(), former),
            texts: TextTemplates {
                title: self.title_template.clone(),
                commit_message: self.commit_message_template.clone(),
                author: author.map(|author| (author.name, author.address)),
                sign_off,
            },
        })
    }
}

/// Reads `Name <address>`.
fn parse_author(text: &str) -> Result<Author, String> {
    let wrong = || "expected `Name <address>`".to_owned();
    let (name, address) =
        text.trim().strip_suffix('>').and_then(|text| text.split_once('<')).ok_or_else(wrong)?;
    let (name, address) = (name.trim(), address.trim());
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['<', '>', '\n', '\r', '\0']);
    let is_address =
        address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    match is_plain(name)
        && is_plain(address)
        && is_address
        && !address.contains(char::is_whitespace)
    {
        true => Ok(Author { name: name.to_owned(), address: address.to_owned() }),
        false => Err(wrong()),
    }
}
