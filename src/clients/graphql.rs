//! A GraphQL endpoint that replaces many REST requests, as long as it works.

use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use super::http::{HttpErrorKind, Request, ServiceClient};

/// One endpoint. After a response that shows it is unusable, it is not used for the rest of the run.
#[derive(Debug)]
pub(super) struct GraphQl {
    service: ServiceClient,
    url: Url,
    on: watch::Sender<bool>,
}

impl GraphQl {
    pub fn new(service: ServiceClient, url: Url) -> Self {
        Self { service, url, on: watch::Sender::new(true) }
    }

    /// Is it still in use?
    pub fn is_on(&self) -> bool {
        *self.on.borrow()
    }

    /// The `data` of the response to a query, which may lack parts. `None` if there is none. The caller
    /// falls back to REST, so nothing is retried here.
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
        let request = authenticated(request);
        let answer = tokio::select! {
            biased;
            // Stops queries that wait for a slot, too.
            () = self.left() => return None,
            answer = self.service.send(&request) => answer,
        };
        match answer.and_then(|answer| answer.json::<Value>()) {
            Ok(mut answer) => match answer.get_mut("data").map(Value::take) {
                Some(data) if data.is_object() => Some(data),
                _ => self.leave(&find_first_error(&answer)),
            },
            Err(error) => {
                // These causes are temporary. Any other cause stays for the rest of a run, and must not make every
                // query wait for a timeout.
                let passing =
                    matches!(error.kind(), HttpErrorKind::Server | HttpErrorKind::Truncated);
                if passing { None } else { self.leave(&error.to_string()) }
            }
        }
    }

    /// Completes when the endpoint is given up.
    async fn left(&self) {
        let mut on = self.on.subscribe();
        // Cannot fail: the sender is part of `self`.
        let _ = on.wait_for(|on| !on).await;
    }

    fn leave<T>(&self, why: &str) -> Option<T> {
        if self.on.send_replace(false) {
            tracing::debug!(
                service = self.service.service().label(),
                "refs are looked up one by one, because GraphQL is not usable: {why}"
            );
        }
        None
    }
}

fn find_first_error(answer: &Value) -> String {
    let message = answer.pointer("/errors/0/message").and_then(Value::as_str);
    message.unwrap_or("the response has no data").chars().take(200).collect()
}
