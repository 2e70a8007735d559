//! A headless Chromium, driven through the WebDriver protocol of `chromedriver`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::optional::{DEADLINE, Program, skipped};

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A key of the protocol.
pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";
pub const TAB: &str = "\u{E004}";
pub const DOWN: &str = "\u{E015}";

/// A browser with an empty profile.
pub struct Browser {
    client: reqwest::blocking::Client,
    session: String,
    _driver: Program,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser. `None`, with a message, if there is none and none is required.
    pub fn start() -> Option<Self> {
        let arguments = |port| vec![format!("--port={port}")];
        let Some(driver) = Program::start("chromedriver", arguments, "/status") else {
            let missing = "no chromedriver (Debian: chromium, chromium-driver)";
            skipped("SAPM_REQUIRE_CHROMIUM", missing);
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let client =
            reqwest::blocking::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let answer = post(&client, &format!("{}/session", driver.url()), &wanted);
        let session = format!("{}/session/{}", driver.url(), text(&answer["sessionId"]));
        let browser = Self { client, session, _driver: driver, _profile: profile };
        // Ignore requests of the browser's own start page.
        browser.post("/url", json!({"url": "about:blank"}));
        browser.noise();
        Some(browser)
    }

    fn post(&self, path: &str, body: Value) -> Value {
        post(&self.client, &format!("{}{path}", self.session), &body)
    }

    fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.session)).send().unwrap();
        let mut answer: Value = serde_json::from_slice(&response.bytes().unwrap()).unwrap();
        answer["value"].take()
    }

    /// Runs JavaScript and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn until(&self, expression: &str) {
        let start = Instant::now();
        while self.run(&format!("return Boolean({expression})")) != true {
            assert!(start.elapsed() < DEADLINE, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Opens a file and waits until its script has drawn it. Returns the time this took.
    pub fn open(&self, page: &Path, hash: &str) -> Duration {
        self.post("/url", json!({"url": "about:blank"}));
        let start = Instant::now();
        self.post("/url", json!({"url": format!("file://{}{hash}", page.display())}));
        self.until("document.documentElement.dataset.ready");
        start.elapsed()
    }

    /// Sets width and height of the viewport; `None` uses the height of the whole page.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// `light` or `dark`.
    pub fn colours(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.command("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// Switches to the page's first frame.
    pub fn enter_frame(&self) {
        self.post("/frame", json!({"id": 0}));
    }

    fn command(&self, name: &str, parameters: Value) {
        self.post("/goog/cdp/execute", json!({"cmd": name, "params": parameters}));
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", json!({"using": "css selector", "value": selector}));
        text(&found[ELEMENT])
    }

    /// Clicks like a mouse: fails on covered or hidden elements.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/click"), json!({}));
    }

    /// Types into the focused element.
    pub fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                let key = key.to_string();
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        let source = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("/actions", json!({"actions": [source]}));
    }

    /// Selects a value of a list.
    pub fn choose(&self, name: &str, value: &str) {
        self.click(&format!("select[name={name}] option[value=\"{value}\"]"));
    }

    /// The visible texts of all matching elements.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let script = format!(
            "return [...document.querySelectorAll({})].map((element) => element.innerText ?? element.textContent)",
            json!(selector)
        );
        self.run(&script).as_array().unwrap().iter().map(text).collect()
    }

    /// The console messages and all requested URLs since the last call.
    pub fn noise(&self) -> (Vec<String>, Vec<String>) {
        let console = self.post("/se/log", json!({"type": "browser"}));
        let console = console.as_array().unwrap().iter().map(|entry| text(&entry["message"]));
        let log = self.post("/se/log", json!({"type": "performance"}));
        let asked = log.as_array().unwrap().iter().filter_map(|entry| {
            let entry: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &entry["message"];
            let sent = message["method"] == "Network.requestWillBeSent";
            sent.then(|| text(&message["params"]["request"]["url"]))
        });
        (console.collect(), asked.collect())
    }

    /// Saves a screenshot as a PNG in `target/screenshots`.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let png = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            text(&self.get("/screenshot")),
        );
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name).with_extension("png");
        std::fs::write(&path, png.unwrap()).unwrap();
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser with the session, before the driver ends.
        let _ = self.client.delete(&self.session).send();
    }
}

#[track_caller]
fn post(client: &reqwest::blocking::Client, url: &str, body: &Value) -> Value {
    let response = client.post(url).body(body.to_string()).send().unwrap();
    let well = response.status().is_success();
    let mut answer: Value = serde_json::from_slice(&response.bytes().unwrap()).unwrap();
    assert!(well, "{url}: {body}: {}", answer["value"]["message"]);
    answer["value"].take()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
