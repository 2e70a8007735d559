//! What the forge's own tests share.

use forge::{Access, Forge, ProjectHandle, Settings};
use reqwest::blocking::{Client, Response};
use serde_json::Value;

pub const TOKEN: &str = "bot-token";

pub fn config() -> (Forge, ProjectHandle) {
    config_with(Settings::default())
}

/// A project with a bot that may write, and a few files.
pub fn config_with(settings: Settings) -> (Forge, ProjectHandle) {
    let forge = Forge::builder().settings(settings).bucket("state").start_blocking();
    let lines = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
    let files = [("data/a.yml", lines), ("data/b.yml", "b\n"), ("data/sub/c.yml", "c\n")];
    let project = forge.create_project("group/config", files);
    project.add_bot("bot", TOKEN, Access::Developer, &["api", "read_repository"]);
    (forge, project)
}

pub struct Api {
    pub client: Client,
    pub base: String,
}

impl Api {
    pub fn of(forge: &Forge) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, base: format!("{}/api/v4/projects/group%2Fconfig", forge.gitlab_url()) }
    }

    pub fn send(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let request = self.client.request(method.parse().unwrap(), format!("{}/{path}", self.base));
        let request = request.header("PRIVATE-TOKEN", TOKEN);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().unwrap()
    }

    pub fn json(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.send(method, path, body);
        let status = answer.status().as_u16();
        let text = answer.text().unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.json("GET", path, None)
    }
}
