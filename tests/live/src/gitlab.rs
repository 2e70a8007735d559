//! A plain client of GitLab's API: one request, its whole answer.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::Options;

/// The branch that the scratch project's history is on.
pub(crate) const MAIN: &str = "main";
/// A file that shows that a project is a scratch project of an earlier run.
const MARKER: &str = ".sapm-check-live";
const MARKER_TEXT: &str = "A scratch project of scripts/check-live.\n";

/// An answer, whatever its status.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The status, and for a refusal the start of the answer, for a table.
    pub(crate) fn seen(&self) -> String {
        if matches!(self.status, 200..300) {
            return self.status.to_string();
        }
        let text: String = self.text.chars().filter(|c| !c.is_control()).take(100).collect();
        format!("{} {text}", self.status)
    }

    pub(crate) fn field(&self, name: &str) -> String {
        match &self.body[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn list(&self) -> &[Value] {
        self.body.as_array().map_or(&[], Vec::as_slice)
    }
}

pub(crate) struct GitLab {
    client: Client,
    base: Url,
    token: SecretString,
    /// The project as GitLab describes it.
    pub project: Value,
    /// The token's user.
    pub user: Value,
}

impl GitLab {
    pub(crate) async fn connect(options: &Options) -> Result<Self, String> {
        let base = options.gitlab_url.trim().trim_end_matches('/');
        let base = base.strip_suffix("/api/v4").unwrap_or(base);
        let base = Url::parse(&format!("{base}/"))
            .map_err(|error| format!("{}: {error}", options.gitlab_url))?;
        let client = Client::builder()
            .timeout(std::time::Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let token = options.token.clone();
        let mut gitlab = Self { client, base, token, project: Value::Null, user: Value::Null };
        gitlab.user = gitlab.needed("user").await?;
        let project = encode(&options.project);
        gitlab.project = gitlab.needed(&format!("projects/{project}")).await?;
        Ok(gitlab)
    }

    async fn needed(&self, path: &str) -> Result<Value, String> {
        let answer = self.get(path).await?;
        match answer.status {
            200 if answer.body.is_object() => Ok(answer.body),
            _ => Err(format!("GET {path}: {}", answer.seen())),
        }
    }

    /// Refuses to write where somebody else's commits are.
    pub(crate) async fn check_scratch(&self) -> Result<(), String> {
        if self.project["empty_repo"] == true {
            let file = json!({"action": "create", "file_path": MARKER, "content": MARKER_TEXT});
            let first = self
                .send(
                    Method::POST,
                    &self.in_project("repository/commits"),
                    Some(json!({"branch": MAIN, "commit_message": "Start the scratch project", "actions": [file]})),
                )
                .await?;
            return match first.status {
                201 => Ok(()),
                _ => Err(format!("the first commit of the empty project: {}", first.seen())),
            };
        }
        let marker = self
            .get(&self.in_project(&format!("repository/files/{}/raw?ref={MAIN}", encode(MARKER))))
            .await?;
        if marker.status == 200 && marker.text == MARKER_TEXT {
            return Ok(());
        }
        Err(format!(
            "{} is not empty, and was not made by an earlier run: make an empty project to write to",
            self.project["path_with_namespace"]
        ))
    }

    /// A path below the project's.
    pub(crate) fn in_project(&self, path: &str) -> String {
        format!("projects/{}/{path}", self.project["id"])
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, String> {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let url = self.base.join(&format!("api/v4/{path}")).map_err(|error| error.to_string())?;
        self.ask(method, url, body, "private-token", self.token.expose_secret()).await
    }

    pub(crate) async fn graphql(&self, query: &str) -> Result<Answer, String> {
        let url = self.base.join("api/graphql").map_err(|error| error.to_string())?;
        let bearer = format!("Bearer {}", self.token.expose_secret());
        self.ask(Method::POST, url, Some(json!({ "query": query })), "authorization", &bearer).await
    }

    /// The capabilities of git's protocol version 2.
    pub(crate) async fn git_capabilities(&self) -> Result<Answer, String> {
        let url = format!("{}.git/info/refs?service=git-upload-pack", self.repository());
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        let request = self.client.get(url).header("git-protocol", "version=2");
        self.answer(request.header("authorization", self.basic())).await
    }

    pub(crate) fn repository(&self) -> String {
        let path = self.project["path_with_namespace"].as_str().unwrap_or_default();
        format!("{}{path}", self.base)
    }

    /// The header by which git over HTTP authenticates.
    pub(crate) fn basic(&self) -> String {
        use base64::Engine as _;
        let pair = format!("oauth2:{}", self.token.expose_secret());
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }

    async fn ask(
        &self,
        method: Method,
        url: Url,
        body: Option<Value>,
        header: &str,
        secret: &str,
    ) -> Result<Answer, String> {
        let mut request = self.client.request(method, url).header(header, secret);
        if let Some(body) = &body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.map_err(|error| error.without_url().to_string())?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, text, body })
    }
}

/// A part of a path.
pub(crate) fn encode(text: &str) -> String {
    let all: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    all.replace('+', "%20")
}
