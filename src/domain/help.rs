//! What to do about each kind of problem, in a line. `docs/problems.md` says more.

/// The advice for a code; `None` where the message says it all.
pub(super) fn usual_help(code: &str) -> Option<&'static str> {
    Some(match code {
        "abbreviated_commit" => "write all 40 digits in lower case, or the name of a branch",
        "auto_with_moving_ref" => "write the 40 digits of the commit that is deployed",
        "auto_without_subscribe" => {
            "name the channels that it follows in promotion.subscribe, or remove auto"
        }
        "broken_datafile" | "broken_resource_template" | "broken_target" => {
            "correct the value; until then what stands here is left out"
        }
        "channel_without_publisher" => {
            "add the channel to promotion.publish of the target that is deployed first, or correct its spelling"
        }
        "commit_lookup_failed" => {
            "check the repository's address and the ref, that the token may read it, and that its host is well"
        }
        "dangling_ref" => "correct the path: it begins with a slash, and is looked for below data/",
        "duplicate_key" => "remove one of the two: the last one counts",
        "duplicate_namespace" => "one cluster has a namespace once: remove or rename one of them",
        "duplicate_saas_file" => "give each saas file a name of its own",
        "duplicate_target" => "give one of them a name of its own, or remove it",
        "empty_slo_document" => "fill the document, or remove it from the target's slos",
        "folder_too_deep" => "move the folder up",
        "idle_exclude" => "correct the expression, or remove it",
        "invalid_ref" => "write the 40 digits of a commit, or the name of a branch",
        "invalid_schedule" => {
            "five fields in UTC: minute, hour, day of month, month, day of week; e.g. `0-59 8-16 * * mon-fri`"
        }
        "invalid_selector" => "correct the JSONPath expression",
        "invalid_slo_expression" => {
            "correct the Jinja template in expr, or add the value to SLOParameters"
        }
        "leftover_promotion_data" => {
            "remove promotion_data, or set redeployOnPublisherConfigChange: true"
        }
        "lfs_pointer" => {
            "keep datafiles in git itself: take them out of .gitattributes and commit the text"
        }
        "linked_folder" => "name the files by their own paths, and remove the link",
        "no_saas_file" => {
            "saas files have `$schema: /app-sre/saas-file-2.yml`; is this the right folder and branch?"
        }
        "other_repository" => {
            "subscribe to a channel of the same repository, unless one mirrors the other"
        }
        "promotion_cycle" => "take one of the subscriptions out, so that commits come from one end",
        "record_lookup_failed" => {
            "check that the bucket answers and that this key may be read; the next run asks again"
        }
        "publisher_selector_without_match" | "selector_without_match" => {
            "correct the selector, or remove the target"
        }
        "self_subscription" => "take the channel out of promotion.subscribe or promotion.publish",
        "shared_value" => "write the value out in this target, instead of sharing it",
        "short_schedule" => "open it for 15 minutes or more, e.g. `0-59 8-16 * * mon-fri`",
        "slo_lookup_failed" => "see that this Prometheus answers, and the query of the SLO",
        "slo_without_prometheus" => {
            "set prometheusUrl in the cluster, or prometheusAccess.url for this namespace in the document"
        }
        "stuck_edit_site" => {
            "give this target a ref of its own, or let the other one subscribe too"
        }
        "submodule" => "copy the datafiles into this repository",
        "unreadable_check_in" => "deploy that commit again, so that its record gets a time",
        "unreadable_datafile" => "correct the YAML; until then the file is left out as a whole",
        "unsafe_edit" => "write ref and promotion of this target as plain values of its own",
        "unsubscribed_promotion_data" => "remove the item, or subscribe to the channel",
        "unusable_link" => "put the file in place of the link, or let it lead to a file in data/",
        "unusable_record" => "deploy that commit again, so that its record is written anew",
        "unusable_version" => "write all 40 digits: a part of a commit blocks nothing",
        _ => return None,
    })
}
