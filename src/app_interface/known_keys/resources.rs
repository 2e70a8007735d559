//! Apps, namespaces, clusters, environments, SLO documents, roles and users.

use super::Value::{
    AnyRefs, Flag, Items, List, Map, MapOrJson, Mapping, Number, Ref, Refs, Text, Texts,
};
use super::{Table, key, other, required, selectable};
use crate::app_interface::batch::Schema;

/// `/app-sre/app-1.yml`.
pub(super) const APP: Table = Table::new(&[
    required("name", Text, "Name of the app, for `--app-name`, reports and selectors."),
    key(
        "codeComponents",
        List(&CODE_COMPONENT),
        "The code repositories of the app. sapm reads here which of their commits must not be promoted.",
    ),
    key(
        "parentApp",
        Ref(Schema::App),
        "The app that this one is part of. Selectors can ask for `app.parentApp.name`.",
    ),
    selectable("labels", Map, "Labels. Selectors can ask for `app.labels`."),
    key(
        "serviceOwners",
        List(&SERVICE_OWNER),
        "Owners. `--reviewers owners` asks them to review, and selectors can ask for `app.serviceOwners`.",
    ),
    other("product"),
    other("description"),
    other("onboardingStatus"),
    other("grafanaUrl"),
    other("grafanaUrls"),
    other("sopsUrl"),
    other("architectureDocument"),
    other("serviceNotifications"),
    other("serviceDocs"),
    other("dependencies"),
    other("dependsOn"),
    other("gcrRepos"),
    other("quayRepos"),
    other("endPoints"),
    other("escalationPolicy"),
    other("sentryProjects"),
    other("glitchtipProjects"),
    other("gcpRepos"),
    other("scorecard"),
]);

const SERVICE_OWNER: Table = Table::new(&[
    other("name"),
    key("email", Text, "Email address, which is to be the public one at GitLab."),
]);

const CODE_COMPONENT: Table = Table::new(&[
    key("url", Text, "URL of the code repository, as in the resource templates that deploy it."),
    key(
        "blockedVersions",
        Texts,
        "Commits (40 hex digits) that sapm must not promote, in any target of this app.",
    ),
    key(
        "hotfixVersions",
        Texts,
        "Commits (40 hex digits) that sapm promotes although an SLO is breached.",
    ),
    other("name"),
    other("description"),
    other("resource"),
    other("showInReviewQueue"),
    other("gitlabSync"),
    other("gitlabRepoOwners"),
    other("gitlabHousekeeping"),
    other("jira"),
    other("mirror"),
    other("imageBuildUrl"),
    other("managePermissions"),
]);

/// `/openshift/namespace-1.yml`.
pub(super) const NAMESPACE: Table = Table::new(&[
    required(
        "name",
        Text,
        "Name of the namespace. With the cluster's name it identifies the targets in it.",
    ),
    required("cluster", Ref(Schema::Cluster), "The cluster that the namespace is in."),
    required(
        "app",
        Ref(Schema::App),
        "The app that the namespace belongs to. Selectors can ask for its fields.",
    ),
    required(
        "environment",
        Ref(Schema::Environment),
        "The environment that the namespace is part of, for `--env-name` and selectors.",
    ),
    selectable("labels", Map, "Labels. Selectors can ask for them."),
    selectable(
        "delete",
        Flag,
        "true: the namespace is to be removed. sapm goes on with its targets; selectors can exclude it.",
    ),
    selectable("skupperSite", Map, "Skupper site. Selectors can ask for `skupperSite.delete`."),
    other("description"),
    other("grafanaUrl"),
    other("limitRanges"),
    other("quota"),
    other("networkPoliciesAllow"),
    other("clusterAdmin"),
    other("managedRoles"),
    other("managedResourceTypes"),
    other("managedResourceTypeOverrides"),
    other("managedResourceNames"),
    other("sharedResources"),
    other("skupper_site"),
    other("openshiftResources"),
    other("openshiftServiceAccountTokens"),
    other("managedExternalResources"),
    other("externalResources"),
    other("managedTerraformResources"),
    other("terraformResources"),
    other("glitchtipProjects"),
    other("kafkaCluster"),
]);

/// `/openshift/cluster-1.yml`.
pub(super) const CLUSTER: Table = Table::new(&[
    required(
        "name",
        Text,
        "Name of the cluster. With the namespace's name it identifies the targets in it.",
    ),
    key(
        "prometheusUrl",
        Text,
        "Prometheus that sapm asks for the SLOs of namespaces in this cluster.",
    ),
    selectable("serverUrl", Text, "URL of the cluster's API. Selectors can ask for it."),
    selectable("internal", Flag, "Is the cluster internal? Selectors can ask for it."),
    selectable("insecureSkipTLSVerify", Flag, "Selectors can ask for it."),
    selectable("labels", Map, "Labels. Selectors can ask for `cluster.labels`."),
    selectable(
        "automationToken",
        Map,
        "Where the deployer's token is. Selectors can ask for its path, field, version and format.",
    ),
    selectable(
        "clusterAdminAutomationToken",
        Map,
        "Where the token for cluster admins is. Selectors can ask for it as for automationToken.",
    ),
    selectable(
        "disable",
        Map,
        "Integrations that are switched off. Selectors can ask for `disable.integrations`.",
    ),
    selectable("spec", Map, "Specification. Selectors can ask for `spec.region`."),
    selectable(
        "externalConfiguration",
        Map,
        "External configuration. Selectors can ask for its labels.",
    ),
    other("description"),
    other("consoleUrl"),
    other("kibanaUrl"),
    other("alertmanagerUrl"),
    other("grafanaUrl"),
    other("elbFQDN"),
    other("auth"),
    other("observabilityNamespace"),
    other("ocm"),
    other("managedGroups"),
    other("managedClusterRoles"),
    other("upgradePolicy"),
    other("additionalRouters"),
    other("network"),
    other("machinePools"),
    other("peering"),
    other("addons"),
    other("jumpHost"),
    other("awsInfrastructureAccess"),
    other("awsInfrastructureManagementAccounts"),
    other("prometheus"),
]);

/// `/app-sre/environment-1.yml`.
pub(super) const ENVIRONMENT: Table = Table::new(&[
    required("name", Text, "Name of the environment, for `--env-name`, reports and selectors."),
    selectable("labels", Map, "Labels. Selectors can ask for `environment.labels`."),
    selectable(
        "parameters",
        MapOrJson,
        "Parameters of deployments. Selectors can ask for `environment.parameters`.",
    ),
    selectable(
        "secretParameters",
        Items,
        "Parameters from secrets. Selectors can ask where the secrets are.",
    ),
    other("description"),
    other("product"),
    other("dependsOn"),
    other("servicePhase"),
]);

/// `/app-sre/slo-document-1.yml`.
pub(super) const SLO_DOCUMENT: Table = Table::new(&[
    required("name", Text, "Name of the SLO document, for reports and snapshots."),
    key(
        "namespaces",
        List(&SLO_NAMESPACE),
        "The namespaces that every SLO of the document is measured in.",
    ),
    key(
        "slos",
        List(&SLO),
        "The SLOs. While one of them is breached, targets that name the document are not promoted.",
    ),
    other("app"),
    other("labels"),
    other("description"),
]);

const SLO_NAMESPACE: Table = Table::new(&[
    required(
        "namespace",
        Ref(Schema::Namespace),
        "A namespace. sapm asks the Prometheus of its cluster.",
    ),
    key(
        "prometheusAccess",
        Mapping(&PROMETHEUS_ACCESS),
        "Another Prometheus than that of the cluster.",
    ),
    other("SLONamespace"),
]);

const PROMETHEUS_ACCESS: Table = Table::new(&[
    key(
        "url",
        Text,
        "URL of the Prometheus that sapm asks. Tokens are in SAPM_CREDENTIALS_FILE, by host.",
    ),
    other("username"),
    other("password"),
]);

const SLO: Table = Table::new(&[
    required("name", Text, "Name of the SLO."),
    required(
        "SLOTarget",
        Number,
        "The SLO is breached while the expression's value is below this number.",
    ),
    key("SLOParameters", Map, "Values for the expression's placeholders."),
    required(
        "expr",
        Text,
        "PromQL expression with Jinja placeholders, e.g. `{{ window }}`, that gives one number.",
    ),
    other("SLIType"),
    other("SLISpecification"),
    other("SLODetails"),
    other("SLOTargetUnit"),
    other("prometheusRules"),
    other("prometheusRulesTests"),
    other("dashboard"),
]);

/// `/access/role-1.yml`.
pub(super) const ROLE: Table = Table::new(&[
    key("name", Text, "Name of the role. Selectors can ask for it in `app.selfServiceRoles`."),
    key(
        "self_service",
        List(&SELF_SERVICE),
        "What users of the role may change without further approval. `--reviewers owners` asks them to review it.",
    ),
    other("labels"),
    other("description"),
    other("expirationDate"),
    other("permissions"),
    other("oidc_permissions"),
    other("tag_on_cluster_updates"),
    other("access"),
    other("aws_groups"),
    other("user_policies"),
    other("glitchtip_teams"),
    other("glitchtip_roles"),
    other("sentry_teams"),
    other("sentry_roles"),
    other("sendgrid_accounts"),
    other("memberSources"),
]);

const SELF_SERVICE: Table = Table::new(&[
    key(
        "datafiles",
        AnyRefs,
        "Datafiles, such as saas files and apps. An app that is listed here has the role in its `selfServiceRoles`, for \
         selectors.",
    ),
    other("description"),
    other("change_type"),
    other("resources"),
]);

/// `/access/user-1.yml`.
pub(super) const USER: Table = Table::new(&[
    key("org_username", Text, "User name at GitLab."),
    key("roles", Refs(Schema::Role), "Roles of the user."),
    key(
        "tag_on_merge_requests",
        Flag,
        "Does the user want to be mentioned in merge requests? If true, `--reviewers owners` asks the user to review what \
         the roles may change; if false, it never does.",
    ),
    other("labels"),
    other("name"),
    other("github_username"),
    other("quay_username"),
    other("pagerduty_username"),
    other("aws_username"),
    other("cloudflare_user"),
    other("public_gpg_key"),
    other("tag_on_cluster_updates"),
    other("gov_slack_username"),
]);
