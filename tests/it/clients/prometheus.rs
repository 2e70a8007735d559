//! SLO values from Prometheus.

use std::path::Path;
use std::sync::Arc;

use sapm::clients::credentials::Credentials;
use sapm::clients::http::Service;
use sapm::clients::prometheus::PrometheusClient;
use sapm::ports::SloSource;
use serde_json::json as value;

use super::server::{Server, TOKEN, client, json};

fn prometheus(credentials: Credentials) -> PrometheusClient {
    PrometheusClient::new(client().service(Service::Prometheus, 2), Arc::new(credentials))
}

fn credentials(text: &str) -> Credentials {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    Credentials::load(file.path(), |_| Some(TOKEN.to_owned())).expect("credentials")
}

#[tokio::test]
async fn the_token_goes_to_its_host_only() {
    let answer = || {
        let result = value!([{"metric": {}, "value": [1, "0.5"]}]);
        json(200, value!({"status": "success", "data": {"resultType": "vector", "result": result}}))
    };
    let (known, other) =
        (Server::start(move |_, _| answer()).await, Server::start(move |_, _| answer()).await);
    let host = known.url.replace("http://", "");
    let client = prometheus(credentials(&format!("{host}: PROM_TOKEN\n")));
    assert_eq!(client.value(&format!("{}/", known.url), "up").await, Ok(0.5));
    assert_eq!(client.value(&other.url, "up").await, Ok(0.5));
    assert_eq!(known.seen()[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(known.seen()[0].target, "/api/v1/query?query=up");
    assert!(!other.seen()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn failures_name_the_host_and_the_reason() {
    let server = Server::start(|_, seen| match seen.target.contains("broken") {
        true => {
            json(400, value!({"status": "error", "errorType": "bad_data", "error": "parse error"}))
        }
        false => json(401, value!({"status": "error"})),
    })
    .await;
    let client = prometheus(Credentials::default());
    let broken = client.value(&server.url, "broken{").await.expect_err("a parse error").error;
    assert!(broken.contains("127.0.0.1") && broken.contains("parse error"), "{broken}");
    let refused = client.value(&server.url, "up").await.expect_err("refused");
    assert!(refused.shared_cause.is_some_and(|cause| cause.contains("SAPM_CREDENTIALS_FILE")));
    assert!(client.value("nonsense", "up").await.is_err());
}

#[tokio::test]
async fn a_missing_credentials_file_is_named() {
    let error = Credentials::load(Path::new("/no/such/file"), |_| None).expect_err("no file");
    assert!(error.to_string().starts_with("credentials file /no/such/file: "), "{error}");
}
