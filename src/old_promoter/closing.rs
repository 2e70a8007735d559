//! The comments with which SAPM closes merge requests.

/// What its comments begin with (qontract-reconcile: `saas_auto_promotions_manager`, `batcher.py` and `mr_parser.py`).
const BEGINS: &str = "Closing this MR because ";
/// The one comment that begins in another way.
const NEW_BATCH: &str = "Closing this MR in favor of a new batch MR.";
/// What the rest of the others says, or begins with.
const REASONS: [&str; 7] = [
    "it failed MR check",
    "it has out-dated content",
    "of bad ",
    "it has an outdated SAPM version",
    "of a merge-conflict",
    "there is already another MR open with identical content",
    "it isn't marked as un-batchable",
];

/// The line of a comment in which SAPM says why it closes a merge request; `None` where it does not.
pub fn closing_reason(comment: &str) -> Option<&str> {
    let lines = comment.lines().map(str::trim);
    lines.into_iter().find(|line| {
        let given = line.strip_prefix(BEGINS);
        *line == NEW_BATCH
            || given.is_some_and(|why| REASONS.iter().any(|reason| why.starts_with(reason)))
    })
}

#[cfg(test)]
mod tests {
    use super::closing_reason;

    #[test]
    fn what_the_integration_writes_is_known_and_nothing_else() {
        for comment in [
            "Closing this MR because it failed MR check and isn't marked as un-batchable yet.",
            "Closing this MR because it has out-dated content.",
            "Closing this MR in favor of a new batch MR.",
            "Closing this MR because of bad data separator format.",
            "Closing this MR because of bad channels format.",
            "Closing this MR because it has an outdated SAPM version 2.2.0.",
            "Closing this MR because of a merge-conflict.",
            "Closing this MR because there is already another MR open with identical content.",
        ] {
            assert_eq!(closing_reason(&format!("{comment}\n")), Some(comment));
        }
        for comment in ["Closing this MR because I say so.", "not now", ""] {
            assert_eq!(closing_reason(comment), None, "{comment}");
        }
    }
}
