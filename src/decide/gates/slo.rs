//! Gate 5: no SLO of the target's documents is breached.
//!
//! Prometheus is asked only when a change is due; a hotfix version passes
//! without asking.

use serde_json::{Value, json};

use super::{Context, Gate, GateName};
use crate::app_interface::{Slo, SloDocument, SloNamespace};
use crate::decide::SloQuery;
use crate::decide::shared_causes::shared_cause;
use crate::domain::{Problem, TargetUid};
use crate::snapshot::SloValue;

pub(in crate::decide) fn evaluate(
    context: &Context<'_>,
    asked: &mut Vec<SloQuery>,
    problems: &mut Vec<Problem>,
) -> Gate {
    let documents = &context.subscriber.slos;
    if documents.is_empty() {
        return Gate::not_applicable(GateName::Slo, "no SLO document", json!({}));
    }
    if let Some(commit) = context.candidate.filter(|commit| is_hotfix(context, commit.as_str())) {
        let reason = format!("{} is a hotfix version: SLOs are not asked", commit.short());
        return Gate::pass(GateName::Slo, reason, json!({"hotfix": commit}));
    }
    let ask = context.due == Some(true);
    let mut held = Vec::new();
    let mut evidence = Vec::new();
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
                evidence.push(item);
            }
        }
    }
    let evidence = json!({"slos": evidence});
    match held.as_slice() {
        [] if unasked > 0 => {
            Gate::not_applicable(GateName::Slo, "not asked: nothing is due", evidence)
        }
        [] => Gate::pass(GateName::Slo, "no SLO is breached", evidence),
        [reason] => Gate::hold(GateName::Slo, reason.clone(), evidence),
        [first, rest @ ..] => {
            Gate::hold(GateName::Slo, format!("{first} (and {} more)", rest.len()), evidence)
        }
    }
}

/// One question to Prometheus.
struct Query<'a> {
    /// Whose gate it is.
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
    /// Where it stands in the document, if another one has the same names.
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
) -> (Option<String>, Value) {
    let Query { uid, document, namespace, slo, key, .. } = *query;
    let place = query.place();
    let mut item = json!({
        "slo": key,
        "name": slo.name,
        "document": document.name,
        "file": document.path,
        "cluster": namespace.cluster,
        "namespace": namespace.namespace,
        "target": slo.target,
        "value": null,
    });
    if let Some(place) = &place {
        item["place"] = json!(place);
    }
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
            Problem::error("slo_lookup_failed", format!("SLO {key}: {message}"))
                .in_file(&document.path)
                .at(key),
        );
        Some(format!("{called} could not be checked: {message}"))
    };
    let reason = match (value, &namespace.prometheus_url) {
        (Some(SloValue::Value(value)), _) => {
            item["value"] = json!(value);
            (*value < slo.target)
                .then(|| format!("{called} is breached: {value} is below {}", slo.target))
        }
        (Some(SloValue::Failed(failure)), _) => match &failure.shared_cause {
            // One problem, however many SLOs it concerns.
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
            failed("Prometheus was not asked".to_owned())
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
