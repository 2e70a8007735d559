//! Gate 5: no SLO of the target's documents is breached.
//!
//! Prometheus is queried only if a change is due. A hotfix version passes
//! without a query.

use super::{Context, Evidence, Gate, GateResult, SloEvidence};
use crate::app_interface::{Slo, SloDocument, SloNamespace};
use crate::decide::SloQuery;
use crate::decide::shared_causes::shared_cause;
use crate::domain::{Problem, ProblemCode, TargetUid};
use crate::snapshot::SloValue;

pub(in crate::decide) fn evaluate(
    context: &Context<'_>,
    asked: &mut Vec<SloQuery>,
    problems: &mut Vec<Problem>,
) -> GateResult {
    let documents = &context.subscriber.slos;
    if documents.is_empty() {
        return GateResult::not_applicable(Gate::Slo, "no SLO document", Evidence::Nothing {});
    }
    if let Some(commit) = context.candidate.filter(|commit| is_hotfix(context, commit.as_str())) {
        let reason = format!("{} is a hotfix version: SLOs are not checked", commit.short());
        return GateResult::pass(Gate::Slo, reason, Evidence::Hotfix { hotfix: commit.clone() });
    }
    let ask = context.due == Some(true);
    let mut held = Vec::new();
    let mut slos = Vec::new();
    let mut unasked = 0;
    for document in documents.iter().filter_map(|document| document.as_ref().ok()) {
        for (entry, namespace) in document.namespaces.iter().enumerate() {
            for (at, (slo, key)) in document.slos.iter().zip(&namespace.keys).enumerate() {
                let value = context.snapshot.slo_values.get(key);
                if value.is_none() && !ask {
                    unasked += 1;
                    continue;
                }
                let uid = &context.subscriber.uid;
                let query = Query { uid, document, namespace, slo, key, at: (entry, at) };
                let (reason, item) = judge(&query, value, asked, problems);
                held.extend(reason);
                slos.push(item);
            }
        }
    }
    let evidence = Evidence::Slos { slos };
    match held.as_slice() {
        [] if unasked > 0 => {
            GateResult::not_applicable(Gate::Slo, "not checked: nothing is due", evidence)
        }
        [] => GateResult::pass(Gate::Slo, "no SLO is breached", evidence),
        [reason] => GateResult::blocked(Gate::Slo, reason.clone(), evidence),
        [first, rest @ ..] => {
            GateResult::blocked(Gate::Slo, format!("{first} (and {} more)", rest.len()), evidence)
        }
    }
}

/// One query to Prometheus.
struct Query<'a> {
    /// The context of the subscriber.
    uid: &'a TargetUid,
    document: &'a SloDocument,
    namespace: &'a SloNamespace,
    slo: &'a Slo,
    /// Key of its value in the snapshot.
    key: &'a str,
    /// Indexes in the document's `namespaces` and `slos`.
    at: (usize, usize),
}

impl Query<'_> {
    /// Its source location in the document, if another one has the same names.
    fn place(&self) -> Option<String> {
        let is_first = self.key.ends_with(&format!("/{}", self.slo.name));
        (!is_first).then(|| format!("namespaces[{}], slos[{}]", self.at.0, self.at.1))
    }
}

fn judge(
    query: &Query<'_>,
    value: Option<&SloValue>,
    asked: &mut Vec<SloQuery>,
    problems: &mut Vec<Problem>,
) -> (Option<String>, SloEvidence) {
    let Query { uid, document, namespace, slo, key, .. } = *query;
    let place = query.place();
    let mut item = SloEvidence {
        cluster: namespace.cluster.clone(),
        document: document.name.clone(),
        file: document.path.clone(),
        name: slo.name.clone(),
        namespace: namespace.namespace.clone(),
        place: place.clone(),
        slo: key.to_owned(),
        target: slo.target,
        value: None,
    };
    let called = format!(
        "SLO {} of document {} (cluster {}, namespace {}{})",
        slo.name,
        document.name,
        namespace.cluster,
        namespace.namespace,
        place.map(|place| format!(", {place}")).unwrap_or_default()
    );
    let mut failed = |message: String| {
        problems.push(
            Problem::new(ProblemCode::SloLookupFailed, format!("SLO {key}: {message}"))
                .in_file(&document.path)
                .at(key),
        );
        Some(format!("{called} could not be checked: {message}"))
    };
    let reason = match (value, &namespace.prometheus_url) {
        (Some(SloValue::Value(value)), _) => {
            item.value = Some(*value);
            (*value < slo.target)
                .then(|| format!("{called} is breached: {value} is below {}", slo.target))
        }
        (Some(SloValue::Failed(failure)), _) => match &failure.shared_cause {
            // One problem, however many SLOs share the cause.
            Some(cause) => {
                problems.push(shared_cause(cause, uid));
                Some(format!("{called} could not be checked: {cause}"))
            }
            None => failed(failure.error.clone()),
        },
        (None, Some(url)) => {
            asked.push(SloQuery {
                key: key.to_owned(),
                url: url.clone(),
                expression: slo.expression.clone(),
            });
            failed("Prometheus was not queried".to_owned())
        }
        (None, None) => failed(format!(
            "no Prometheus is known: cluster {} has no prometheusUrl",
            namespace.cluster
        )),
    };
    (reason, item)
}

fn is_hotfix(context: &Context<'_>, commit: &str) -> bool {
    context
        .subscriber
        .app
        .code_components
        .iter()
        .filter(|component| component.url.is_same(&context.subscriber.repo_url))
        .any(|component| component.hotfix_versions.iter().any(|version| version == commit))
}
