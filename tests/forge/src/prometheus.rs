//! Prometheus's instant query (Prometheus docs, querying/api), below any path prefix.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::{Req, Resp};
use crate::shared::Shared;

/// The response to a query.
#[derive(Debug, Clone)]
pub enum PromAnswer {
    /// A vector with one series without labels.
    Value(f64),
    /// An empty vector.
    Empty,
    /// A vector with one series whose value is NaN.
    Nan,
    /// A scalar.
    Scalar(f64),
    /// A vector with several series: labels and value.
    Series(Vec<(BTreeMap<String, String>, f64)>),
    /// Prometheus's error answer: HTTP status, `errorType`, `error`.
    Error(u16, String, String),
    /// Any status and body.
    Raw(u16, String),
}

#[derive(Default)]
pub(crate) struct Prometheus {
    /// By path prefix ("" for all) and query.
    pub answers: BTreeMap<(String, String), PromAnswer>,
    /// For queries without their own response; an empty vector by default.
    pub default: Option<PromAnswer>,
    /// The required bearer token, by path prefix.
    pub tokens: BTreeMap<String, String>,
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        value => value.to_string(),
    }
}

fn series(labels: &BTreeMap<String, String>, time: f64, value: f64) -> Value {
    json!({ "metric": labels, "value": [time, number(value)] })
}

pub(crate) fn handle(shared: &Shared, req: &Req) -> Resp {
    let Some(prefix) = req.path.strip_suffix("/api/v1/query") else {
        return Resp { unknown_route: true, ..Resp::new(404, "") };
    };
    if req.method != "GET" && req.method != "POST" {
        return Resp::new(405, "Method Not Allowed\n");
    }
    let state = shared.state();
    let prometheus = &state.prometheus;
    if let Some(token) = prometheus.tokens.get(prefix).or_else(|| prometheus.tokens.get(""))
        && req.header("authorization") != Some(&format!("Bearer {token}"))
    {
        return Resp::new(401, "Unauthorized\n").with("www-authenticate", "Bearer");
    }
    let Some(query) = req.params().text("query").filter(|query| !query.is_empty()) else {
        let text = "invalid parameter \"query\": unknown position: parse error: no expression found in input";
        return error(400, "bad_data", text);
    };
    let key = |prefix: &str| (prefix.to_owned(), query.clone());
    let answers = &prometheus.answers;
    let answer =
        answers.get(&key(prefix)).or_else(|| answers.get(&key(""))).or(prometheus.default.as_ref());
    let time = state.now().timestamp_millis() as f64 / 1000.0;
    let none = BTreeMap::new();
    let (kind, result) = match answer.unwrap_or(&PromAnswer::Empty) {
        PromAnswer::Value(value) => ("vector", json!([series(&none, time, *value)])),
        PromAnswer::Nan => ("vector", json!([series(&none, time, f64::NAN)])),
        PromAnswer::Empty => ("vector", json!([])),
        PromAnswer::Scalar(value) => ("scalar", json!([time, number(*value)])),
        PromAnswer::Series(all) => {
            ("vector", all.iter().map(|(labels, value)| series(labels, time, *value)).collect())
        }
        PromAnswer::Error(status, kind, text) => return error(*status, kind, text),
        PromAnswer::Raw(status, body) => return Resp::new(*status, body.clone()),
    };
    Resp::ok(&json!({ "status": "success", "data": { "resultType": kind, "result": result } }))
}

fn error(status: u16, kind: &str, text: &str) -> Resp {
    Resp::json(status, &json!({ "status": "error", "errorType": kind, "error": text }))
}
