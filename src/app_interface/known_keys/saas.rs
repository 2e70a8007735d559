//! Saas files and their targets.

use super::Value::{
    Count, Flag, Items, List, ListOrRefs, MapOrJson, Mapping, Ref, Refs, Text, Texts,
};
use super::{Key, Table, key, other, recorded, required};
use crate::app_interface::batch::Schema;

/// Parameters stand in saas files, resource templates and targets.
const PARAMETERS: Key = recorded(
    "parameters",
    MapOrJson,
    "Parameters of deployments. They are part of the config hash that `sapm record` computes.",
);

const SECRET_PARAMETERS: Key = recorded(
    "secretParameters",
    Items,
    "Parameters from secrets. Where the secrets are is part of the config hash that `sapm record` computes.",
);

/// `/app-sre/saas-file-2.yml`.
pub(super) const SAAS_FILE: Table = Table::new(&[
    required(
        "name",
        Text,
        "Name of the saas file. It identifies the targets: if you change it, their deployment records are not \
         found any more.",
    ),
    required("app", Ref(Schema::App), "The app that the targets belong to."),
    key(
        "resourceTemplates",
        List(&RESOURCE_TEMPLATE),
        "What is deployed: code repositories, each with its targets.",
    ),
    other("displayName"),
    other("description"),
    other("labels"),
    other("pipelinesProvider"),
    other("slack"),
    other("managedResourceTypes"),
    other("managedResourceNames"),
    other("authentication"),
    PARAMETERS,
    other("allowedSecretParameterPaths"),
    SECRET_PARAMETERS,
    other("validateTargetsInApp"),
    other("takeover"),
    other("deprecated"),
    other("compare"),
    other("timeout"),
    other("skipSuccessfulDeployNotifications"),
    other("publishJobLogs"),
    other("clusterAdmin"),
    other("imagePatterns"),
    other("validatePlannedData"),
    other("selfServiceRoles"),
    other("use_channel_in_image_tag"),
    other("deployResources"),
    other("instance"),
]);

const RESOURCE_TEMPLATE: Table = Table::new(&[
    required(
        "name",
        Text,
        "Name of the resource template, unique in the saas file. It identifies the targets, as the name of the saas \
         file does.",
    ),
    required(
        "url",
        Text,
        "URL of the code repository. sapm looks up there which commit a branch or tag is at.",
    ),
    key(
        "targets",
        ListOrRefs(&TARGET, Schema::TargetFile),
        "Where it is deployed, and at which ref. An item is a target, or a `$ref` to a shared target file.",
    ),
    recorded(
        "path",
        Text,
        "Path of the template in the code repository. It is part of the config hash that `sapm record` computes.",
    ),
    other("provider"),
    other("hash_length"),
    PARAMETERS,
    SECRET_PARAMETERS,
]);

/// A target, in a saas file or as `/app-sre/saas-file-target-1.yml`.
pub(super) const TARGET: Table =
    Table { keys: TARGET_KEYS, alternatives: &["namespace", "namespaceSelector"] };

const TARGET_KEYS: &[Key] = &[
    key(
        "name",
        Text,
        "Name of the target, for two targets of one resource template in the same namespace. It identifies the target.",
    ),
    key("namespace", Ref(Schema::Namespace), "The namespace that the target is deployed to."),
    key(
        "namespaceSelector",
        Mapping(&NAMESPACE_SELECTOR),
        "Instead of `namespace`: one target for each namespace that the selector matches. Needs `provider: dynamic`.",
    ),
    key("provider", Text, "`dynamic` for a target with a namespaceSelector."),
    required(
        "ref",
        Text,
        "Commit (40 hex digits), branch or tag that is deployed. sapm changes it in targets with `auto: true`.",
    ),
    key(
        "promotion",
        Mapping(&PROMOTION),
        "How the target takes part in promotions: as publisher, as subscriber, or both.",
    ),
    key(
        "slos",
        Refs(Schema::SloDocument),
        "SLO documents. While an SLO is breached, sapm does not promote the target.",
    ),
    key("disable", Flag, "true: sapm ignores the target, as publisher and as subscriber."),
    key("delete", Flag, "true: the deployment is to be removed. sapm ignores the target."),
    PARAMETERS,
    SECRET_PARAMETERS,
    other("upstream"),
    other("image"),
    other("images"),
    other("labels"),
    other("description"),
];

const NAMESPACE_SELECTOR: Table = Table::new(&[required(
    "jsonPathSelectors",
    Mapping(&JSON_PATH_SELECTORS),
    "The selected namespaces: all that an expression of `include` matches, without those of `exclude`.",
)]);

const JSON_PATH_SELECTORS: Table = Table::new(&[
    key(
        "include",
        Texts,
        "JSONPath expressions, e.g. `namespace[?(@.cluster.name==\"prod01\")]`. Each adds the namespaces that it matches.",
    ),
    key("exclude", Texts, "JSONPath expressions. Each removes the namespaces that it matches."),
]);

const PROMOTION: Table = Table::new(&[
    key(
        "auto",
        Flag,
        "true: the target is a subscriber, and sapm promotes it by merge request. Needs `subscribe`.",
    ),
    key(
        "publish",
        Texts,
        "Channels that deployments of this target are published to, for the subscribers of these channels.",
    ),
    key(
        "subscribe",
        Texts,
        "Channels whose publishers must all have deployed the same commit successfully before sapm promotes this target to it.",
    ),
    key(
        "soakDays",
        Count,
        "Days that the commit must have been deployed by the publishers before it is promoted. The times of several \
         publishers add up. Default: 0.",
    ),
    key(
        "schedule",
        Text,
        "When the target may be promoted: a cron expression in UTC, e.g. `* 8-15 * * 1-4`. Default: always.",
    ),
    key(
        "redeployOnPublisherConfigChange",
        Flag,
        "true: sapm also promotes when the configuration of a publisher changed. It keeps the hashes in `promotion_data`.",
    ),
    key(
        "promotion_data",
        List(&PROMOTION_DATA),
        "Config hashes of the publishers at the last promotion. sapm writes them, with `redeployOnPublisherConfigChange`.",
    ),
]);

const PROMOTION_DATA: Table = Table::new(&[
    key("channel", Text, "Channel that the hashes belong to."),
    key(
        "data",
        List(&PROMOTION_HASH),
        "One hash for each saas file that publishes to the channel.",
    ),
]);

const PROMOTION_HASH: Table = Table::new(&[
    key("type", Text, "`parent_saas_config`. sapm leaves entries of other types alone."),
    key("parent_saas", Text, "Name of the publisher's saas file."),
    key(
        "target_config_hash",
        Text,
        "Hash of the publisher's configuration, from its deployment record.",
    ),
]);
