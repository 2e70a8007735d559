//! A GraphQL endpoint that stands in for many REST requests, as long as it answers.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use url::Url;

use super::http::{HttpErrorKind, Request, ServiceClient};

/// One endpoint. It is left alone for the rest of a run once an answer says that it is of no use.
#[derive(Debug)]
pub(super) struct GraphQl {
    service: ServiceClient,
    url: Url,
    off: AtomicBool,
}

impl GraphQl {
    pub fn new(service: ServiceClient, url: Url) -> Self {
        Self { service, url, off: AtomicBool::new(false) }
    }

    /// Is it worth asking?
    pub fn is_on(&self) -> bool {
        !self.off.load(Ordering::Relaxed)
    }

    /// The `data` of the answer to a query, which may lack parts; `None` if there is none: whoever
    /// asks has another way, so nothing is tried again here.
    pub async fn ask(
        &self,
        authenticated: impl FnOnce(Request) -> Request,
        query: &str,
        variables: Value,
    ) -> Option<Value> {
        if !self.is_on() {
            return None;
        }
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = Request::query(self.url.clone()).body("application/json", body);
        let answer = self.service.send(&authenticated(request)).await;
        match answer.and_then(|answer| answer.json::<Value>()) {
            Ok(mut answer) => match answer.get_mut("data").map(Value::take) {
                Some(data) if data.is_object() => Some(data),
                _ => self.leave(&first_error(&answer)),
            },
            Err(error) => {
                // These may pass; everything else stays as it is for the rest of a run.
                let passing = matches!(
                    error.kind(),
                    HttpErrorKind::Server | HttpErrorKind::Timeout | HttpErrorKind::Truncated
                );
                if passing { None } else { self.leave(&error.to_string()) }
            }
        }
    }

    fn leave<T>(&self, why: &str) -> Option<T> {
        if !self.off.swap(true, Ordering::Relaxed) {
            tracing::debug!(
                service = self.service.service().label(),
                "refs are asked for one by one, as GraphQL is of no use: {why}"
            );
        }
        None
    }
}

fn first_error(answer: &Value) -> String {
    let message = answer.pointer("/errors/0/message").and_then(Value::as_str);
    message.unwrap_or("the answer holds no data").chars().take(200).collect()
}
