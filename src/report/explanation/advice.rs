//! Advice for each decision, gate and merge request.

use super::{AsOf, ExplainedMergeRequest, Explanation, FollowedReport, Found};
use crate::app_interface::TargetField;
use crate::decide::{DeploymentState, Gate, GateResult, Outcome};
use crate::domain::{RepoPath, RepoUrl};
use crate::inventory::Target;
use crate::plan::{Action, Reason};
use crate::report::text::utc;

/// One line per action that somebody can take, or that is not needed.
pub(super) fn advice(explanation: &Explanation, found: &Found<'_>) -> Vec<String> {
    let mut lines = match explanation.subscriber.decision {
        Outcome::UpToDate | Outcome::Hold if found.own_channel().is_some() => {
            advise_on_own_channel(found)
        }
        Outcome::Error => advise_on_errors(explanation, found),
        Outcome::UpToDate => advise_on_up_to_date(explanation, found),
        Outcome::Promote => Vec::new(),
        Outcome::Hold => {
            holding(explanation).flat_map(|gate| advise_on_gate(explanation, found, gate)).collect()
        }
    };
    lines.extend(
        explanation.merge_requests.iter().filter_map(|r| advise_on_merge_request(r, explanation)),
    );
    let mut unique: Vec<String> = Vec::new();
    for line in lines {
        if !unique.contains(&line) {
            unique.push(line);
        }
    }
    unique
}

fn advise_on_own_channel(found: &Found<'_>) -> Vec<String> {
    let place = found.field(found.target(), TargetField::Subscribe);
    let line = |channel| {
        format!(
            "it subscribes to channel {channel}, which it publishes to: remove it from \
             promotion.subscribe at {place}"
        )
    };
    found.own_channel().map(line).into_iter().collect()
}

/// The gates that block, without a soak time that has not begun because nothing is deployed yet.
pub(super) fn holding(explanation: &Explanation) -> impl Iterator<Item = &GateResult> {
    let later = explanation.soaks_later();
    let gates = explanation.subscriber.gates.iter();
    gates.filter(move |gate| gate.blocks() && !(later && gate.gate == Gate::Soak))
}

fn advise_on_gate(explanation: &Explanation, found: &Found<'_>, gate: &GateResult) -> Vec<String> {
    let target = found.target();
    match gate.gate {
        Gate::Deployment => {
            let waiting = |followed: &&FollowedReport| {
                followed.state.is_some_and(|state| state != DeploymentState::Success)
            };
            explanation
                .publishers
                .iter()
                .filter(waiting)
                .map(|f| advise_on_deployment(f, target))
                .collect()
        }
        Gate::SameRef => advise_on_same_ref(explanation),
        Gate::Soak => vec![advise_on_soak(found, target, gate)],
        Gate::Schedule => vec![advise_on_schedule(found, target, gate)],
        Gate::Slo => vec![advise_on_slo(target, gate)],
        Gate::BlockedVersion => advise_on_blocked_version(explanation, target),
        Gate::EditSite => vec![advise_on_edit_site(gate)],
    }
}

fn advise_on_deployment(followed: &FollowedReport, target: &Target) -> String {
    let commit = followed.commit_sha.as_ref().map_or("its commit", |commit| commit.short());
    let label = &followed.label;
    let look = describe_pipeline(followed);
    match followed.state {
        Some(DeploymentState::Failed) => format!(
            "the deployment of {commit} to {label} failed: {look}, and deploy it again, or push a \
             commit that works"
        ),
        Some(DeploymentState::Invalid) => {
            format!("deploy {commit} to {label} again to write a new record: {look}")
        }
        _ => {
            let missing = format!(
                "{commit} has to be deployed to {label}: {look}. After that, the next run of sapm \
                 promotes it"
            );
            let same = RepoUrl::new(followed.repo_url.as_str()).is_same(&target.repo_url);
            if same { missing } else { format!("{missing} (it deploys {})", followed.repo_url) }
        }
    }
}

/// Where to see the deployments of a publisher, as far as the config repo says.
fn describe_pipeline(followed: &FollowedReport) -> String {
    let place = match &followed.pipelines_provider {
        Some(file) => format!("its pipelinesProvider is {file}"),
        None => "its saas file has no pipelinesProvider: ask the deployment team".to_owned(),
    };
    format!("look at its deployment pipeline ({}; {place})", followed.deployed_by)
}

fn advise_on_same_ref(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![
        "bring all publishers to one commit. Their current commits, and what changes \
         them:"
            .to_owned(),
    ];
    lines.extend(explanation.publishers.iter().map(|followed| {
        let commit = followed.commit_sha.as_ref().map_or("?", |commit| commit.short());
        let label = &followed.label;
        match (followed.decision, &followed.git_ref) {
            (Some(_), _) => {
                format!("{label} is at {commit}; sapm promotes it: see `sapm explain {label}`")
            }
            (None, Some(git_ref)) if crate::domain::is_commit_sha(git_ref) => {
                format!("{label} is at {commit}; edit its ref at {}", followed.ref_at)
            }
            (None, git_ref) => format!(
                "{label} is at {commit}; it follows {} of {} automatically",
                git_ref.as_deref().unwrap_or("the ref"),
                followed.repo_url
            ),
        }
    }));
    lines
}

fn advise_on_soak(found: &Found<'_>, target: &Target, gate: &GateResult) -> String {
    let place = found.field(target, TargetField::SoakDays);
    match gate.next_possible_at {
        Some(at) => format!(
            "wait until {}, when soak passes; to promote sooner, lower soakDays at {place}",
            utc(at)
        ),
        None => format!(
            "no record says when the commit was deployed, so the soak time never ends: deploy it \
             upstream again, or remove soakDays at {place}"
        ),
    }
}

fn advise_on_schedule(found: &Found<'_>, target: &Target, gate: &GateResult) -> String {
    let place = found.field(target, TargetField::Schedule);
    match gate.next_possible_at {
        Some(at) => format!(
            "wait until {}, when the schedule opens; to promote at another time, change \
             promotion.schedule at {place}",
            utc(at)
        ),
        None => format!("correct promotion.schedule at {place}: it never opens"),
    }
}

/// Is the value of any SLO not known?
pub(super) fn slos_unknown(gate: &GateResult) -> bool {
    gate.evidence.slos().iter().any(|slo| slo.value.is_none())
}

fn advise_on_slo(target: &Target, gate: &GateResult) -> String {
    let documents: Vec<String> = target
        .slos
        .iter()
        .flatten()
        .map(|document| RepoPath::of_datafile(&document.path).to_string())
        .collect();
    let wait = if slos_unknown(gate) {
        "check that their Prometheus responds"
    } else {
        "wait until the service recovers"
    };
    format!(
        "{wait} (SLOs of {}); to promote an urgent fix now, add its commit to hotfixVersions of \
         {} at data{}",
        documents.join(", "),
        target.repo_url,
        target.app.path
    )
}

fn advise_on_blocked_version(explanation: &Explanation, target: &Target) -> Vec<String> {
    let Some(candidate) = &explanation.subscriber.candidate else { return Vec::new() };
    target
        .app
        .code_components
        .iter()
        .filter(|component| component.url.is_same(&target.repo_url))
        .filter_map(|component| component.blocked_lines.get(candidate.as_str()))
        .map(|line| {
            format!(
                "the commit is blocked at data{}:{line}: wait for a newer commit, or remove the \
                 block if it is outdated",
                target.app.path
            )
        })
        .collect()
}

fn advise_on_edit_site(gate: &GateResult) -> String {
    let other = gate.evidence.waits_for().unwrap_or("the other target");
    format!(
        "it is promoted together with {other}: see `sapm explain {other}`; to promote it alone, \
         declare it as its own target in the file"
    )
}

fn advise_on_errors(explanation: &Explanation, found: &Found<'_>) -> Vec<String> {
    let target = found.target();
    let mut lines = Vec::new();
    if !target.broken.is_empty() {
        lines.push(format!("correct the target at {}", found.field(target, TargetField::Target)));
    }
    for channel in &explanation.subscriber.channels {
        if found.inventory.publishers_of(channel).next().is_none() {
            lines.push(format!(
                "let a target publish to channel {channel}, or remove it from promotion.subscribe \
                 at {}",
                found.field(target, TargetField::Subscribe)
            ));
        }
    }
    for followed in explanation.publishers.iter().filter(|followed| followed.state.is_none()) {
        lines.push(match &followed.commit_sha {
            None => format!(
                "check that {} has {}, that the token may read it, and that its host is up; {} at \
                 {} refers to it",
                followed.repo_url,
                followed.git_ref.as_deref().unwrap_or("its ref"),
                followed.label,
                followed.ref_at
            ),
            Some(_) => format!(
                "check that the record {} can be read",
                followed.record_key.as_deref().unwrap_or_default()
            ),
        });
    }
    if lines.is_empty() {
        lines.push(format!("correct the target at {}", found.field(target, TargetField::Target)));
    }
    lines
}

fn advise_on_up_to_date(explanation: &Explanation, found: &Found<'_>) -> Vec<String> {
    let target = found.target();
    if explanation.subscriber.channels.is_empty() {
        let place = found.field(target, TargetField::Promotion);
        return vec![format!(
            "add the channels that it should subscribe to as promotion.subscribe at {place}"
        )];
    }
    let due = |followed: &&FollowedReport| {
        matches!(followed.decision, Some(Outcome::Hold | Outcome::Promote | Outcome::Error))
    };
    let upstream = explanation.publishers.iter().filter(due).map(|followed| {
        let word = match (followed.decision, followed.held_by) {
            (Some(Outcome::Promote), _) => "is due for promotion".to_owned(),
            (_, Some(gate)) => format!("is held by {}", gate.as_str()),
            _ => "is in error".to_owned(),
        };
        let label = &followed.label;
        format!("the next commit has to pass {label}, which {word}: see `sapm explain {label}`")
    });
    let mut lines: Vec<String> = upstream.collect();
    if lines.is_empty() {
        lines.push(
            "nothing: it is promoted when its publishers have deployed another commit".to_owned(),
        );
    }
    lines
}

fn advise_on_merge_request(
    mr: &ExplainedMergeRequest,
    explanation: &Explanation,
) -> Option<String> {
    let planned = &mr.planned;
    let page = planned.web_url.clone().or(planned.iid.map(|iid| format!("{iid}")));
    let page = page.unwrap_or_else(|| "its merge request".to_owned());
    let branch = &planned.branch;
    let text = match planned.reason_code {
        Reason::HoldLabel => format!(
            "the label sapm/hold makes sapm ignore {page}: remove the label to hand it back"
        ),
        Reason::TakenOver => format!(
            "somebody pushed to {page}: merge it yourself, or hand it back by adding the label \
             sapm/again, closing it and deleting the branch {branch}"
        ),
        Reason::ClosedByPerson | Reason::RolledBack => format!(
            "a person rejected it ({}): add the label sapm/again to that merge request to have it \
             opened again",
            planned.reason
        ),
        Reason::NotOurs => format!("rename or delete the branch {branch}, which is not the bot's"),
        Reason::OpeningDisabled => {
            "opening is off: see --allow-opening (SAPM_ALLOW_OPENING) of the job".to_owned()
        }
        Reason::ClosingDisabled => {
            "closing is off: see --allow-closing (SAPM_ALLOW_CLOSING) of the job".to_owned()
        }
        Reason::WaitsForRequest => {
            format!("merge or close what it waits for: {}", planned.reason)
        }
        Reason::RunLimit if explanation.is_now() => "wait: one of the next runs opens it".to_owned(),
        Reason::FactsMissing if explanation.subscriber.decision == Outcome::Error => {
            format!("{page} stays unchanged until the facts are known")
        }
        Reason::FactsMissing => format!("{page}: {}", planned.reason),
        Reason::BeingMerged => format!("nothing: GitLab is merging {page}"),
        Reason::HeldByGate => format!("nothing: {page} is a draft until the gates pass"),
        Reason::AsWanted | Reason::ReadyAgain if planned.action == Action::Keep => {
            advise_on_merging(mr, &page)
        }
        Reason::AutoMerge => match find_merge_hindrance(mr, &page) {
            Some(hindrance) => hindrance,
            None => format!("nothing: auto-merge is set, so GitLab merges {page} once its checks pass"),
        },
        Reason::BehindTargetBranch if planned.action == Action::Keep => {
            format!("wait until a run rebuilds {page}, or select Rebase there")
        }
        // This run has opened it.
        Reason::Due if planned.iid.is_some() => advise_on_merging(mr, &page),
        Reason::Due if explanation.as_of == AsOf::Recorded && !explanation.merge_requests_known => {
            "these facts do not include whether its merge request is open: record them with \
             GitLab configured"
                .to_owned()
        }
        Reason::Due if !explanation.merge_requests_known => {
            "set SAPM_GITLAB_URL, SAPM_GITLAB_TOKEN and the project to learn whether its merge request is open".to_owned()
        }
        Reason::Due if explanation.is_now() => {
            "nothing: the scheduled `sapm apply` opens the merge request".to_owned()
        }
        _ => return None,
    };
    Some(text)
}

fn advise_on_merging(mr: &ExplainedMergeRequest, page: &str) -> String {
    find_merge_hindrance(mr, page).unwrap_or_else(|| {
        format!(
            "sapm does not merge: merge {page}, or leave it to the merge bot of this config repo, \
             if there is one (it uses the labels)"
        )
    })
}

/// Why a merge request is not merged, whoever merges it.
fn find_merge_hindrance(mr: &ExplainedMergeRequest, page: &str) -> Option<String> {
    let failed = mr.pipeline.as_ref().filter(|pipeline| pipeline.status == "failed");
    match (failed, mr.draft) {
        (Some(pipeline), _) => Some(format!(
            "the pipeline of {page} failed: look at {}",
            pipeline.web_url.as_deref().unwrap_or("it")
        )),
        (None, Some(true)) => Some(format!("mark {page} as ready and merge it")),
        (None, _) => None,
    }
}
