//! Prometheus: values of SLO expressions.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use url::Url;

use crate::clients::credentials::Credentials;
use crate::clients::http::{
    HttpError, HttpErrorKind, Request, ServiceClient, SharedFailures, one_line, origin_of, safe_url,
};
use crate::domain::quoted;
use crate::ports::SloSource;
use crate::snapshot::Failure;

/// Maximum size of a response to a query, in bytes, unpacked: some 50,000 series.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Queries Prometheus servers, each with the credential for its host. Cheap to clone.
///
/// With several series, the lowest value counts. No series, any NaN, and an infinite value
/// are failures: an infinite value comes from a division by zero, means no more than NaN, and
/// JSON cannot represent it.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    service: ServiceClient,
    credentials: Arc<Credentials>,
    shared: Arc<SharedFailures>,
}

impl PrometheusClient {
    /// Creates a client that takes tokens from `credentials`.
    pub fn new(service: ServiceClient, credentials: Arc<Credentials>) -> Self {
        Self { service, credentials, shared: Arc::default() }
    }

    fn failure(&self, url: &Url, error: &HttpError) -> Failure {
        let place = origin_of(url);
        match error.kind() {
            HttpErrorKind::Unauthorized => self.shared.note(&format!("401 {place}"), || {
                format!(
                    "Prometheus at {place} refuses the request (401): check the entry for this \
                     host in the file in SAPM_CREDENTIALS_FILE"
                )
            }),
            HttpErrorKind::Connect => self.shared.note(&format!("connect {place}"), || {
                format!("Prometheus at {place} cannot be reached: {}", error.detail())
            }),
            HttpErrorKind::NotAllowed => {
                self.shared.note(&format!("refused {place}"), || error.detail().to_owned())
            }
            HttpErrorKind::RateLimited => self.shared.note(&format!("429 {place}"), || {
                format!("Prometheus at {place} limits the rate of requests: {error}")
            }),
            // Prometheus explains an invalid query in the body of a 400 or 422.
            HttpErrorKind::Invalid => Failure::new(format!(
                "Prometheus at {place} refuses the query ({}): {}",
                error.status().unwrap_or_default(),
                parse_error(error.body()).unwrap_or_else(|| error.detail().to_owned())
            )),
            _ => Failure::new(format!("Prometheus at {place}: {error}")),
        }
    }
}

/// `<url>/api/v1/query?query=<expression>`. A path and a query in `url` are kept.
fn build_query_url(url: &str, expression: &str) -> Option<Url> {
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
    #[serde(default, deserialize_with = "parse_samples")]
    result: Samples,
}

/// Aggregates the values of a response while they are read; nothing else is kept.
#[derive(Debug, Default)]
struct Samples {
    lowest: Option<f64>,
    nan: bool,
    unreadable: bool,
}

impl Samples {
    fn add(&mut self, text: Option<&str>) {
        match text.and_then(|text| text.parse::<f64>().ok()) {
            None => self.unreadable = true,
            Some(value) if value.is_nan() => self.nan = true,
            Some(value) => {
                self.lowest = Some(self.lowest.map_or(value, |lowest| lowest.min(value)));
            }
        }
    }
}

/// Parses `[<time>, "<value>"]` of a scalar, or a list of series with a `value` each.
fn parse_samples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Samples, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Samples;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sample or a list of series")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Samples, A::Error> {
            let mut samples = Samples::default();
            while let Some(entry) = list.next_element::<Entry>()? {
                match entry {
                    Entry::Series { value } => samples.add(value.as_ref().map(|pair| &*pair.1)),
                    Entry::Text(text) => samples.add(Some(&text)),
                    Entry::Other => {}
                }
            }
            Ok(samples)
        }
    }
    deserializer.deserialize_seq(List)
}

/// A series, or a part of a scalar: its time, which is ignored, or its value.
enum Entry {
    Series { value: Option<(IgnoredAny, String)> },
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series, or a part of a sample")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut value = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "value" {
                value = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Entry::Series { value })
    }

    fn visit_str<E>(self, text: &str) -> Result<Entry, E> {
        Ok(Entry::Text(text.to_owned()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }
}

/// The `error` in a response.
fn parse_error(body: &str) -> Option<String> {
    let answer: QueryAnswer = serde_json::from_str(body).ok()?;
    answer.error.map(|error| one_line(&error))
}

/// The value in a response, or why there is none.
fn find_value(answer: QueryAnswer) -> Result<f64, String> {
    if answer.status != "success" {
        let error = answer.error.unwrap_or_else(|| format!("status {}", quoted(&answer.status)));
        return Err(format!("the query failed: {}", one_line(&error)));
    }
    let data = answer.data.ok_or("the response has no data")?;
    if !matches!(data.result_type.as_str(), "scalar" | "vector") {
        let other = one_line(&data.result_type);
        return Err(format!("the query returns a {other}, not a number"));
    }
    match data.result {
        Samples { unreadable: true, .. } => {
            Err("the response has a sample that is not a number".to_owned())
        }
        Samples { nan: true, .. } => Err("the result is NaN (no data in the window?)".to_owned()),
        Samples { lowest: None, .. } => Err("the result is empty (no series)".to_owned()),
        Samples { lowest: Some(lowest), .. } if lowest.is_infinite() => {
            Err(format!("the result is infinite ({lowest}): a division by zero?"))
        }
        Samples { lowest: Some(lowest), .. } => Ok(lowest),
    }
}

#[async_trait]
impl SloSource for PrometheusClient {
    async fn value(&self, url: &str, expression: &str) -> Result<f64, Failure> {
        let address = build_query_url(url, expression)
            .ok_or_else(|| Failure::new("not an http(s) URL of a Prometheus"))?;
        if let Some(refused) = self.shared.known(&format!("401 {}", origin_of(&address))) {
            return Err(refused);
        }
        let mut request =
            Request::get(address.clone()).accept("application/json").max_body(MAX_ANSWER);
        if let Some(credential) = self.credentials.lookup(&address) {
            request = credential.apply(request);
        }
        let answer = self.service.send(&request).await;
        let answer = answer.map_err(|error| self.failure(&address, &error))?;
        let answer: QueryAnswer = answer.json().map_err(|error| self.failure(&address, &error))?;
        find_value(answer).map_err(|reason| {
            let mut place = address.clone();
            place.set_query(None);
            let words = format!("Prometheus at {}: {reason}", safe_url(&place));
            Failure::new(self.service.redactor().redact(&words))
        })
    }

    fn lane(&self, url: &str) -> String {
        match Url::parse(url.trim()) {
            Ok(url) => format!("Prometheus at {}", origin_of(&url)),
            Err(_) => "Prometheus".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn value(answer: Value) -> Result<f64, String> {
        find_value(serde_json::from_value(answer).expect("an answer"))
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
    fn a_missing_value_is_explained() {
        let error = json!({"status": "error", "error": "parse error"});
        let matrix = json!({"status": "success", "data": {"resultType": "matrix", "result": []}});
        for (answer, words) in [
            (vector(&[]), "empty"),
            (vector(&["NaN", "1"]), "NaN"),
            (vector(&["-Inf", "1"]), "infinite"),
            (vector(&["x"]), "not a number"),
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
            let full = build_query_url(url, "a{b=\"c\"} + 1").map(String::from);
            let expected = "http://p.example/base/api/v1/query?query=a%7Bb%3D%22c%22%7D+%2B+1";
            assert_eq!(full.as_deref(), Some(expected));
        }
        assert!(build_query_url("p.example", "a").is_none());
    }
}
