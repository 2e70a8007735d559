//! A GraphQL endpoint that stands in for many REST requests, as long as it answers.

use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use super::http::{HttpErrorKind, Request, ServiceClient};

/// One endpoint. It is left alone for the rest of a run once an answer says that it is of no use.
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

    /// Is it worth asking?
    pub fn is_on(&self) -> bool {
        *self.on.borrow()
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
        let request = authenticated(request);
        let answer = tokio::select! {
            biased;
            // Also those that wait for a place are not sent any more then.
            () = self.left() => return None,
            answer = self.service.send(&request) => answer,
        };
        match answer.and_then(|answer| answer.json::<Value>()) {
            Ok(mut answer) => match answer.get_mut("data").map(Value::take) {
                Some(data) if data.is_object() => Some(data),
                _ => self.leave(&first_error(&answer)),
            },
            Err(error) => {
                // These may pass; everything else stays as it is for the rest of a run, and nobody
                // waits for a time-out twice.
                let passing =
                    matches!(error.kind(), HttpErrorKind::Server | HttpErrorKind::Truncated);
                if passing { None } else { self.leave(&error.to_string()) }
            }
        }
    }

    /// Ends when the endpoint is left alone.
    async fn left(&self) {
        let mut on = self.on.subscribe();
        // It cannot fail: the sender is part of `self`.
        let _ = on.wait_for(|on| !on).await;
    }

    fn leave<T>(&self, why: &str) -> Option<T> {
        if self.on.send_replace(false) {
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
