//! Prometheus: values of SLO expressions.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::clients::credentials::Credentials;
use crate::clients::http::{
    HttpError, HttpErrorKind, Request, ServiceClient, SharedFailures, origin_of, safe_url,
};
use crate::observe::ports::SloSource;
use crate::snapshot::Failure;

/// Asks Prometheus servers, each with the credential for its host. Cheap to clone.
///
/// Of several series the lowest value counts. No series, a NaN among them and an infinite value
/// are failures: an infinite one comes from a division by nothing, says no more than NaN, and
/// JSON cannot hold it.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    service: ServiceClient,
    credentials: Arc<Credentials>,
    shared: Arc<SharedFailures>,
}

impl PrometheusClient {
    /// A client that takes tokens from `credentials`.
    pub fn new(service: ServiceClient, credentials: Arc<Credentials>) -> Self {
        Self { service, credentials, shared: Arc::default() }
    }

    fn failure(&self, url: &Url, error: &HttpError) -> Failure {
        let place = origin_of(url);
        match error.kind() {
            HttpErrorKind::Unauthorized => self.shared.note(&format!("401 {place}"), || {
                format!(
                    "Prometheus at {place} refuses the request (401): check the entry for this host in the file \
                     that SAPM_CREDENTIALS_FILE names"
                )
            }),
            HttpErrorKind::Connect => self.shared.note(&format!("connect {place}"), || {
                format!("Prometheus at {place} cannot be reached: {}", error.detail())
            }),
            HttpErrorKind::RateLimited => self.shared.note(&format!("429 {place}"), || {
                format!("Prometheus at {place} limits the rate of requests: {error}")
            }),
            // Prometheus says what is wrong with a query in the body of a 400 or 422.
            HttpErrorKind::Invalid => Failure::new(format!(
                "Prometheus at {place} refuses the query ({}): {}",
                error.status().unwrap_or_default(),
                said(error.body()).unwrap_or_else(|| error.detail().to_owned())
            )),
            _ => Failure::new(format!("Prometheus at {place}: {error}")),
        }
    }
}

/// `<url>/api/v1/query?query=<expression>`; a path and a query in `url` are kept.
fn query_url(url: &str, expression: &str) -> Option<Url> {
    let mut address = Url::parse(url.trim()).ok()?;
    if !matches!(address.scheme(), "http" | "https") || address.host().is_none() {
        return None;
    }
    let path = format!("{}/api/v1/query", address.path().trim_end_matches('/'));
    address.set_path(&path);
    address.set_fragment(None);
    address.query_pairs_mut().append_pair("query", expression);
    Some(address)
}

#[derive(Debug, Deserialize)]
struct QueryAnswer {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    #[serde(default)]
    result: Value,
}

/// The `error` of an answer.
fn said(body: &str) -> Option<String> {
    let answer: QueryAnswer = serde_json::from_str(body).ok()?;
    answer.error.map(|error| error.chars().take(200).collect())
}

/// The value that an answer holds, or in words why there is none.
fn value_of(answer: QueryAnswer) -> Result<f64, String> {
    if answer.status != "success" {
        let error = answer.error.unwrap_or_else(|| format!("status {:?}", answer.status));
        let error: String = error.chars().take(200).collect();
        return Err(format!("the query failed: {error}"));
    }
    let data = answer.data.ok_or("the answer holds no data")?;
    let values = match data.result_type.as_str() {
        "scalar" => vec![sample(&data.result)?],
        "vector" => {
            let series = data.result.as_array().ok_or("the answer holds no list of series")?;
            let samples = series.iter().map(|one| sample(one.get("value").unwrap_or(&Value::Null)));
            samples.collect::<Result<Vec<_>, _>>()?
        }
        other => return Err(format!("the query gives a {other} and not a number")),
    };
    if values.iter().any(|value| value.is_nan()) {
        return Err("the answer is NaN (no data in the window?)".to_owned());
    }
    match values.into_iter().reduce(f64::min) {
        None => Err("the answer is empty (no series)".to_owned()),
        Some(lowest) if lowest.is_infinite() => {
            Err(format!("the answer is infinite ({lowest}): a division by nothing?"))
        }
        Some(lowest) => Ok(lowest),
    }
}

/// `[<time>, "<value>"]`.
fn sample(pair: &Value) -> Result<f64, String> {
    let text = pair.get(1).and_then(Value::as_str);
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| "the answer holds a sample that is no number".to_owned())
}

#[async_trait]
impl SloSource for PrometheusClient {
    async fn value(&self, url: &str, expression: &str) -> Result<f64, Failure> {
        let address = query_url(url, expression)
            .ok_or_else(|| Failure::new("not an http(s) address of a Prometheus"))?;
        if let Some(refused) = self.shared.known(&format!("401 {}", origin_of(&address))) {
            return Err(refused);
        }
        let mut request = Request::get(address.clone()).accept("application/json");
        if let Some(credential) = self.credentials.lookup(&address) {
            request = credential.apply(request);
        }
        let answer = self.service.send(&request).await;
        let answer = answer.map_err(|error| self.failure(&address, &error))?;
        let answer: QueryAnswer = answer.json().map_err(|error| self.failure(&address, &error))?;
        value_of(answer).map_err(|reason| {
            let mut place = address.clone();
            place.set_query(None);
            Failure::new(format!("Prometheus at {}: {reason}", safe_url(&place)))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(answer: Value) -> Result<f64, String> {
        value_of(serde_json::from_value(answer).expect("an answer"))
    }

    fn vector(values: &[&str]) -> Value {
        let series: Vec<Value> =
            values.iter().map(|value| json!({"metric": {}, "value": [1, value]})).collect();
        json!({"status": "success", "data": {"resultType": "vector", "result": series}})
    }

    #[test]
    fn the_lowest_series_counts() {
        assert_eq!(value(vector(&["0.99", "0.97", "1"])), Ok(0.97));
        assert_eq!(value(vector(&["0.99", "+Inf"])), Ok(0.99));
        let scalar =
            json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "3"]}});
        assert_eq!(value(scalar), Ok(3.0));
    }

    #[test]
    fn what_is_no_value_is_said_in_words() {
        let error = json!({"status": "error", "error": "parse error"});
        let matrix = json!({"status": "success", "data": {"resultType": "matrix", "result": []}});
        for (answer, words) in [
            (vector(&[]), "empty"),
            (vector(&["NaN", "1"]), "NaN"),
            (vector(&["-Inf", "1"]), "infinite"),
            (vector(&["x"]), "no number"),
            (error, "parse error"),
            (matrix, "matrix"),
            (json!({"status": "success"}), "no data"),
        ] {
            let reason = value(answer).expect_err(words);
            assert!(reason.contains(words), "{reason}");
        }
    }

    #[test]
    fn the_query_goes_below_the_path() {
        for url in ["http://p.example/base/", "http://p.example/base"] {
            let full = query_url(url, "a{b=\"c\"} + 1").map(String::from);
            let expected = "http://p.example/base/api/v1/query?query=a%7Bb%3D%22c%22%7D+%2B+1";
            assert_eq!(full.as_deref(), Some(expected));
        }
        assert!(query_url("p.example", "a").is_none());
    }
}
