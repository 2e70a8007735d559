//! The request and response types of all handlers: the body is read completely, and parameters
//! of query and body are merged.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::log::Service;

/// A request whose body has been read.
pub(crate) struct Req {
    pub service: Service,
    pub method: Method,
    /// The path as sent, still percent-encoded.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Req {
    /// The path's segments, each decoded separately: `%2F` stays inside its segment.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.trim_start_matches('/').trim_end_matches('/');
        path.split('/').map(decode).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Path and query for the log.
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    /// Parameters of the query and of a JSON or form body; the body takes precedence.
    pub fn params(&self) -> Params {
        let mut map = Map::new();
        form_into(&mut map, &self.query);
        let kind = self.header("content-type").unwrap_or_default();
        if kind.starts_with("application/json") {
            if let Ok(Value::Object(body)) = serde_json::from_slice(&self.body) {
                map.extend(body);
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            let mut body = Map::new();
            form_into(&mut body, &String::from_utf8_lossy(&self.body));
            map.extend(body);
        }
        Params(map)
    }
}

/// Percent-decodes one path segment.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn decode_form(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// `a=1&b[]=2&c[][d]=3&e[f]=4`, nested as in Rails.
fn form_into(map: &mut Map<String, Value>, text: &str) {
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode_form(key), Value::String(decode_form(value)));
        if let Some((name, field)) = key.split_once("[][") {
            let field = field.trim_end_matches(']').to_owned();
            let list = map.entry(name).or_insert_with(|| json!([]));
            let Some(list) = list.as_array_mut() else { continue };
            if list.last().is_none_or(|last| last.get(&field).is_some()) {
                list.push(json!({}));
            }
            if let Some(Value::Object(last)) = list.last_mut() {
                last.insert(field, value);
            }
        } else if let Some(name) = key.strip_suffix("[]") {
            let list = map.entry(name).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(value);
            }
        } else if let Some((name, field)) = key.split_once('[') {
            let field = field.trim_end_matches(']').to_owned();
            let inner = map.entry(name).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                inner.insert(field, value);
            }
        } else {
            map.insert(key, value);
        }
    }
}

/// Parameters of a request, parsed leniently: a form has only strings.
pub(crate) struct Params(pub Map<String, Value>);

impl Params {
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.maybe_flag(name).unwrap_or(false)
    }

    pub fn maybe_flag(&self, name: &str) -> Option<bool> {
        Some(matches!(self.text(name)?.as_str(), "true" | "1" | "yes" | "on" | "t"))
    }

    /// A list as an array or as one text with commas.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let value = self.0.get(name)?;
        let parts: Vec<String> = match value {
            Value::Array(items) => items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned).or(Some(item.to_string())))
                .collect(),
            Value::String(text) => text.split(',').map(str::to_owned).collect(),
            _ => return None,
        };
        Some(
            parts
                .into_iter()
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect(),
        )
    }
}

/// An answer.
#[derive(Clone)]
pub(crate) struct Resp {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The caller, as identified by the service.
    pub user: Option<String>,
    /// No handler has this route.
    pub unknown_route: bool,
}

/// Handlers return early with a response through `?`.
pub(crate) type Answer = Result<Resp, Box<Resp>>;

impl Resp {
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            user: None,
            unknown_route: false,
        }
    }

    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, serde_json::to_vec(value).unwrap())
            .with("content-type", "application/json")
    }

    pub fn ok(value: &Value) -> Self {
        Self::json(200, value)
    }

    /// GitLab's usual error body.
    pub fn message(status: u16, message: impl Into<Value>) -> Self {
        Self::json(status, &json!({ "message": message.into() }))
    }

    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.set(name, value);
        self
    }

    pub fn set(&mut self, name: &str, value: impl AsRef<str>) {
        let name: HeaderName = name.parse().unwrap();
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(name, value);
        }
    }

    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// An early response with GitLab's error body.
pub(crate) fn refuse<T>(status: u16, message: impl Into<Value>) -> Result<T, Box<Resp>> {
    Err(Box::new(Resp::message(status, message)))
}
