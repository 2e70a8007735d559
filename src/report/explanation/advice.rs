//! What to do about it: for each decision, gate and merge request.

use super::{AsOf, ExplainedMergeRequest, Explanation, FollowedReport, Found};
use crate::decide::{DeploymentState, Gate, GateResult, Outcome};
use crate::domain::{RepoPath, RepoUrl};
use crate::inventory::Target;
use crate::plan::{Action, Reason};
use crate::report::text::utc;

/// One line for each thing that somebody can do, or may leave alone.
pub(super) fn advice(explanation: &Explanation, found: &Found<'_>) -> Vec<String> {
    let mut lines = match explanation.subscriber.decision {
        Outcome::UpToDate | Outcome::Hold if found.own_channel().is_some() => own_channel(found),
        Outcome::Error => errors(explanation, found),
        Outcome::UpToDate => up_to_date(explanation, found),
        Outcome::Promote => Vec::new(),
        Outcome::Hold => {
            holding(explanation).flat_map(|gate| gate_advice(explanation, found, gate)).collect()
        }
    };
    lines.extend(explanation.merge_requests.iter().filter_map(|r| mr(r, explanation)));
    let mut unique: Vec<String> = Vec::new();
    for line in lines {
        if !unique.contains(&line) {
            unique.push(line);
        }
    }
    unique
}

fn own_channel(found: &Found<'_>) -> Vec<String> {
    let place = found.field(found.target(), &["promotion", "subscribe"]);
    let line = |channel| {
        format!(
            "it follows channel {channel}, which it publishes itself: take it out of \
             promotion.subscribe at {place}"
        )
    };
    found.own_channel().map(line).into_iter().collect()
}

/// The gates that block; not a soak time that has not begun, as nothing is deployed yet.
pub(super) fn holding(explanation: &Explanation) -> impl Iterator<Item = &GateResult> {
    let later = explanation.soaks_later();
    let gates = explanation.subscriber.gates.iter();
    gates.filter(move |gate| gate.blocks() && !(later && gate.gate == Gate::Soak))
}

fn gate_advice(explanation: &Explanation, found: &Found<'_>, gate: &GateResult) -> Vec<String> {
    let target = found.target();
    match gate.gate {
        Gate::Deployment => {
            let waiting = |followed: &&FollowedReport| {
                followed.state.is_some_and(|state| state != DeploymentState::Success)
            };
            explanation.publishers.iter().filter(waiting).map(|f| deployment(f, target)).collect()
        }
        Gate::SameRef => same_ref(explanation),
        Gate::Soak => vec![soak(found, target, gate)],
        Gate::Schedule => vec![schedule(found, target, gate)],
        Gate::Slo => vec![slo(target, gate)],
        Gate::BlockedVersion => blocked(explanation, target),
        Gate::EditSite => vec![edit_site(gate)],
    }
}

fn deployment(followed: &FollowedReport, target: &Target) -> String {
    let commit = followed.commit_sha.as_ref().map_or("its commit", |commit| commit.short());
    let label = &followed.label;
    let look = pipeline(followed);
    match followed.state {
        Some(DeploymentState::Failed) => format!(
            "the deployment of {commit} to {label} failed: {look}, and deploy it again, or bring a \
             commit that works"
        ),
        Some(DeploymentState::Invalid) => format!(
            "deploy {commit} to {label} again, so that the deployer writes its record anew: {look}"
        ),
        _ => {
            let missing = format!(
                "{commit} has to be deployed to {label}: {look}; once it is deployed, the next run \
                 of sapm sees it"
            );
            let same = RepoUrl::new(followed.repo_url.as_str()).is_same(&target.repo_url);
            if same { missing } else { format!("{missing} (it deploys {})", followed.repo_url) }
        }
    }
}

/// Where the deployments of a publisher are to be seen, as far as the config repo says.
fn pipeline(followed: &FollowedReport) -> String {
    let place = match &followed.pipelines_provider {
        Some(file) => format!("it runs where {file} says, the pipelinesProvider of the saas file"),
        None => "its saas file names no pipelinesProvider: ask who runs the deployments".to_owned(),
    };
    format!("look at its deployment pipeline ({}; {place})", followed.deployed_by)
}

fn same_ref(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![
        "bring all publishers to one commit; where they are now, and who moves them:".to_owned(),
    ];
    lines.extend(explanation.publishers.iter().map(|followed| {
        let commit = followed.commit_sha.as_ref().map_or("?", |commit| commit.short());
        let label = &followed.label;
        match (followed.decision, &followed.git_ref) {
            (Some(_), _) => {
                format!("{label} is at {commit}; sapm promotes it: see `sapm explain {label}`")
            }
            (None, Some(git_ref)) if crate::domain::is_commit_sha(git_ref) => {
                format!(
                    "{label} is at {commit}; only people move it: its ref at {}",
                    followed.declared_at
                )
            }
            (None, git_ref) => format!(
                "{label} is at {commit}; it follows {} of {} by itself",
                git_ref.as_deref().unwrap_or("the ref"),
                followed.repo_url
            ),
        }
    }));
    lines
}

fn soak(found: &Found<'_>, target: &Target, gate: &GateResult) -> String {
    let place = found.field(target, &["promotion", "soakDays"]);
    match gate.next_possible_at {
        Some(at) => format!(
            "wait: soak passes by itself at {}; to promote sooner, lower soakDays at {place}",
            utc(at)
        ),
        None => format!(
            "no record says when the commit was deployed, so the soak time never ends: deploy it \
             upstream again, or drop soakDays at {place}"
        ),
    }
}

fn schedule(found: &Found<'_>, target: &Target, gate: &GateResult) -> String {
    let place = found.field(target, &["promotion", "schedule"]);
    match gate.next_possible_at {
        Some(at) => format!(
            "wait: the schedule opens by itself at {}; to promote at another time, change promotion.schedule at {place}",
            utc(at)
        ),
        None => format!("correct promotion.schedule at {place}: as it stands, it never opens"),
    }
}

/// Is there an SLO whose value is not known?
pub(super) fn slos_unknown(gate: &GateResult) -> bool {
    gate.evidence.slos().iter().any(|slo| slo.value.is_none())
}

fn slo(target: &Target, gate: &GateResult) -> String {
    let documents: Vec<String> = target
        .slos
        .iter()
        .flatten()
        .map(|document| RepoPath::of_datafile(&document.path).to_string())
        .collect();
    let wait = if slos_unknown(gate) {
        "see that their Prometheus answers"
    } else {
        "wait until the service is well again"
    };
    format!(
        "{wait} (SLOs of {}); a fix that must go out all the same is let through when its commit \
         is in hotfixVersions of {} at data{}",
        documents.join(", "),
        target.repo_url,
        target.app.path
    )
}

fn blocked(explanation: &Explanation, target: &Target) -> Vec<String> {
    let Some(candidate) = &explanation.subscriber.candidate else { return Vec::new() };
    target
        .app
        .code_components
        .iter()
        .filter(|component| component.url.is_same(&target.repo_url))
        .filter_map(|component| component.blocked_lines.get(candidate.as_str()))
        .map(|line| {
            format!(
                "the block stands at data{}:{line}: wait for a newer commit, or take it away there if it is no longer right",
                target.app.path
            )
        })
        .collect()
}

fn edit_site(gate: &GateResult) -> String {
    let other = gate.evidence.waits_for().unwrap_or("the other target");
    format!(
        "it moves together with {other}: `sapm explain {other}` says what that one waits for; to \
         promote it alone, give it a target of its own in the file"
    )
}

fn errors(explanation: &Explanation, found: &Found<'_>) -> Vec<String> {
    let target = found.target();
    let mut lines = Vec::new();
    if !target.broken.is_empty() {
        lines.push(format!("correct the target at {}", found.field(target, &[])));
    }
    for channel in &explanation.subscriber.channels {
        if found.inventory.publishers_of(channel).next().is_none() {
            lines.push(format!(
                "let a target publish to channel {channel}, or drop it from promotion.subscribe at {}",
                found.field(target, &["promotion", "subscribe"])
            ));
        }
    }
    for followed in explanation.publishers.iter().filter(|followed| followed.state.is_none()) {
        lines.push(match &followed.commit_sha {
            None => format!(
                "check that {} has {}, that the token may read it, and that its host is well; {} at {} asks for it",
                followed.repo_url,
                followed.git_ref.as_deref().unwrap_or("its ref"),
                followed.label,
                followed.declared_at
            ),
            Some(_) => format!(
                "check that the record {} can be read",
                followed.record_key.as_deref().unwrap_or_default()
            ),
        });
    }
    if lines.is_empty() {
        lines.push(format!("correct the target at {}", found.field(target, &[])));
    }
    lines
}

fn up_to_date(explanation: &Explanation, found: &Found<'_>) -> Vec<String> {
    let target = found.target();
    if explanation.subscriber.channels.is_empty() {
        let place = found.field(target, &["promotion"]);
        return vec![format!(
            "add the channels that it should follow as promotion.subscribe at {place}"
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
        format!("the next commit has to come by {label}, which {word}: `sapm explain {label}`")
    });
    let mut lines: Vec<String> = upstream.collect();
    if lines.is_empty() {
        lines.push(
            "nothing: it is promoted when its publishers have deployed another commit".to_owned(),
        );
    }
    lines
}

fn mr(mr: &ExplainedMergeRequest, explanation: &Explanation) -> Option<String> {
    let planned = &mr.planned;
    let page = planned.web_url.clone().or(planned.iid.map(|iid| format!("{iid}")));
    let page = page.unwrap_or_else(|| "its merge request".to_owned());
    let branch = &planned.branch;
    let text = match planned.reason_code {
        Reason::HoldLabel => format!(
            "somebody asked sapm to leave {page} alone: take the label sapm/hold away to hand it back"
        ),
        Reason::TakenOver => format!(
            "somebody pushed to {page}: merge it by hand, or hand it back: close it with the label \
             sapm/again and delete the branch {branch}"
        ),
        Reason::ClosedByPerson | Reason::RolledBack => format!(
            "a person's word stands ({}): put the label sapm/again on that merge request to have it opened again",
            planned.reason
        ),
        Reason::NotOurs => format!("rename or delete the branch {branch}, which is not the bot's"),
        Reason::OpeningDisabled => {
            "opening is switched off: see --allow-opening (SAPM_ALLOW_OPENING) of the job".to_owned()
        }
        Reason::ClosingDisabled => {
            "closing is switched off: see --allow-closing (SAPM_ALLOW_CLOSING) of the job".to_owned()
        }
        Reason::WaitsForRequest => {
            format!("merge or close what it waits for: {}", planned.reason)
        }
        Reason::RunLimit if explanation.is_now() => "wait: one of the next runs opens it".to_owned(),
        Reason::FactsMissing if explanation.subscriber.decision == Outcome::Error => {
            format!("{page} is left as it is until the facts are there")
        }
        Reason::FactsMissing => format!("{page}: {}", planned.reason),
        Reason::BeingMerged => format!("nothing: GitLab is merging {page}"),
        Reason::HeldByGate => format!("{page} is a draft meanwhile, and becomes ready by itself"),
        Reason::AsWanted | Reason::ReadyAgain if planned.action == Action::Keep => {
            merge(mr, &page)
        }
        Reason::AutoMerge => match merge_hindrance(mr, &page) {
            Some(hindrance) => hindrance,
            None => format!("nothing: auto-merge is set, so GitLab merges {page} once its checks pass"),
        },
        Reason::BehindTargetBranch if planned.action == Action::Keep => {
            format!("wait until a run rebuilds {page}, or press its button Rebase")
        }
        Reason::Due if explanation.as_of == AsOf::Recorded && !explanation.merge_requests_known => {
            "these facts do not tell whether its merge request is open: record them where GitLab's settings are"
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

fn merge(mr: &ExplainedMergeRequest, page: &str) -> String {
    merge_hindrance(mr, page).unwrap_or_else(|| {
        format!(
            "sapm merges nothing: merge {page}, or leave it to the merge bot of this config repo, if \
             there is one (it goes by the labels)"
        )
    })
}

/// What keeps a merge request from being merged, whoever is to merge it.
fn merge_hindrance(mr: &ExplainedMergeRequest, page: &str) -> Option<String> {
    let failed = mr.pipeline.as_ref().filter(|pipeline| pipeline.status == "failed");
    match (failed, mr.draft) {
        (Some(pipeline), _) => Some(format!(
            "the pipeline of {page} failed: look at {}",
            pipeline.web_url.as_deref().unwrap_or("it")
        )),
        (None, Some(true)) => Some(format!("mark {page} as ready, and merge it")),
        (None, _) => None,
    }
}
