//! Whose a branch is. Ours is one whose tip was authored by the bot's user and
//! carries the bot's trailers, with just the change that they tell.

use super::model::Needs;
use super::trailers::{Trailers, patch_digest_of_diff};
use crate::domain::CommitSha;
use crate::snapshot::{BotUser, CommitDetail, Snapshot};

/// Whose the tip of a branch is.
#[derive(Debug, Clone)]
pub(super) enum Ownership {
    /// The bot's; `base` is the commit below it: the one it was made on, or
    /// where a person's rebase put it.
    Ours { trailers: Box<Trailers>, base: CommitSha },
    /// Somebody else's content.
    Foreign,
    /// The bot's, for another target branch: another bot's business.
    OtherTargetBranch,
    /// It could not be found out.
    Unknown(String),
}

pub(super) fn of_tip(
    tip: &CommitDetail,
    bot: &BotUser,
    target_branch: &str,
    snapshot: &Snapshot,
    needs: &mut Needs,
) -> Ownership {
    if !is_bot(bot, &tip.author_name, &tip.author_email) {
        return Ownership::Foreign;
    }
    let Some(trailers) = Trailers::parse(&tip.message) else { return Ownership::Foreign };
    if trailers.target_branch != target_branch {
        return Ownership::OtherTargetBranch;
    }
    let [parent] = tip.parents.as_slice() else { return Ownership::Foreign };
    let ours = || Ownership::Ours { trailers: Box::new(trailers.clone()), base: parent.clone() };
    if *parent == trailers.base && is_bot(bot, &tip.committer_name, &tip.committer_email) {
        return ours();
    }
    // Somebody else committed it: a rebase keeps the change, anything else is a takeover, also what
    // was put below it. What is on the target branch already is nobody's any more.
    match snapshot.commit_changes.get(tip.sha.as_str()).map(|changes| changes.as_result()) {
        None => {
            needs.changes.insert(tip.sha.clone());
            ours()
        }
        Some(Err(failure)) => Ownership::Unknown(failure.error.clone()),
        Some(Ok(changes)) => match changes.as_slice() {
            [] => ours(),
            [change]
                if change.old_path == trailers.path
                    && change.new_path == trailers.path
                    && patch_digest_of_diff(&change.diff) == trailers.patch =>
            {
                ours()
            }
            _ => Ownership::Foreign,
        },
    }
}

fn is_bot(bot: &BotUser, name: &str, email: &str) -> bool {
    bot.emails.iter().any(|own| own.eq_ignore_ascii_case(email))
        || name == bot.name
        || name == bot.username
}
