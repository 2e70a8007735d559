//! Do settings of the project stand in the way of merges? (That source branches are removed `sapm` asks for with each
//! merge request.)

use serde_json::json;

use super::{Facts, Finding};

/// What a title of the bot is like.
const TITLE: &str = "[AutoPromoterV2] saas/template/cluster/namespace to 0123456789ab";

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let settings = match &facts.around.settings {
        Ok(settings) => settings,
        Err(failure) => return Finding::not_known("the project's settings", failure),
    };
    let title = settings.title_regex.as_ref();
    let title_fits = title.is_none_or(|pattern| {
        regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(TITLE))
    });
    let doubts = [
        (
            settings.needs_pipeline == Some(true) && settings.pipelines_off == Some(true),
            "merges need a pipeline, and pipelines are switched off",
        ),
        (
            settings.needs_resolved_threads == Some(true),
            "merges need all threads resolved: a comment by a person stops them",
        ),
        (
            settings.squash.as_deref() == Some("always"),
            "commits are always squashed: the trailers stay on the branch only",
        ),
        (!title_fits, "the pattern for titles does not match [AutoPromoterV2]"),
    ];
    let doubts: Vec<&str> = doubts.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    let evidence = json!({
        "remove_source_branch_after_merge": settings.removes_source_branch,
        "only_allow_merge_if_pipeline_succeeds": settings.needs_pipeline,
        "only_allow_merge_if_all_discussions_are_resolved": settings.needs_resolved_threads,
        "squash_option": settings.squash, "title_regex": settings.title_regex,
    });
    if doubts.is_empty() {
        return Finding::pass("no setting of the project stands in the way").evidence(evidence);
    }
    Finding::warn(doubts.join("; "))
        .advice("look at Settings > Merge requests of the project")
        .evidence(evidence)
}
