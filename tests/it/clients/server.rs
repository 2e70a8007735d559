//! A server that a closure implements, and that records its requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sapm::clients::http::{AllowedHosts, HttpClient, HttpConfig};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A token that must never appear in a text.
pub const TOKEN: &str = "glpat-must-stay-secret";

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: String,
}

impl Seen {
    /// Method and target in one.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Does the line contain all of these?
    pub fn is(&self, method: &str, parts: &[&str]) -> bool {
        self.method == method && parts.iter().all(|part| self.target.contains(part))
    }

    /// A field of the form in the body.
    pub fn field(&self, name: &str) -> Option<String> {
        let fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields.into_owned().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// The server's reaction to a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Responds with status, headers, body.
    Full(u16, Vec<(&'static str, String)>, String),
    /// Responds with 200 and these bytes.
    Bytes(Vec<(&'static str, String)>, Vec<u8>),
    /// Announces a longer body than it sends.
    Cut(String),
    /// Closes the connection without a response.
    Drop,
    /// Never responds.
    Hang,
}

/// A JSON response.
pub fn json(status: u16, body: serde_json::Value) -> Reply {
    Reply::Full(status, vec![("content-type", "application/json".into())], body.to_string())
}

/// A response with headers and an empty JSON object.
pub fn with_headers(status: u16, headers: &[(&'static str, &str)]) -> Reply {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Reply::Full(status, headers, "{}".into())
}

/// A running server, which stops when this is dropped.
pub struct Server {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server. `answer` gets the number of the request (from 0) and the request.
    pub async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, log.clone(), answer.clone()));
            }
        });
        Self { url, seen, task }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Number of requests so far with this method and all of these parts in their target.
    pub fn count(&self, method: &str, parts: &[&str]) -> usize {
        self.seen().iter().filter(|seen| seen.is(method, parts)).count()
    }
}

async fn serve(
    stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static>,
) {
    let mut stream = BufReader::new(stream);
    let Some(request) = read(&mut stream).await else { return };
    let number = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(request.clone());
        log.len() - 1
    };
    let text = match answer(number, &request) {
        Reply::Drop => return,
        Reply::Hang => return tokio::time::sleep(Duration::from_secs(600)).await,
        Reply::Cut(body) => format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len() + 100
        )
        .into_bytes(),
        Reply::Full(status, headers, body) => full(status, &headers, body.as_bytes()),
        Reply::Bytes(headers, body) => full(200, &headers, &body),
    };
    let _ = stream.write_all(&text).await;
    let _ = stream.shutdown().await;
}

fn full(status: u16, headers: &[(&'static str, String)], body: &[u8]) -> Vec<u8> {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Settings with short waits for tests.
pub fn quick() -> HttpConfig {
    HttpConfig {
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(2),
        untold_pause: Duration::from_millis(1),
        allowed_hosts: AllowedHosts::parse(["127.0.0.1"]).expect("hosts"),
        ..HttpConfig::default()
    }
}

/// With very short timeouts.
pub fn impatient() -> HttpConfig {
    HttpConfig {
        attempt_timeout: Duration::from_millis(150),
        write_timeout: Duration::from_millis(150),
        query_timeout: Duration::from_millis(150),
        ..quick()
    }
}

/// A client with [`quick`] settings.
pub fn client() -> HttpClient {
    HttpClient::new(quick())
}
