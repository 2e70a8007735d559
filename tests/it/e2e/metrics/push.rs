//! Metrics that are pushed to a Pushgateway.

use super::*;

const PASSWORD: &str = "push-must-stay-secret";
/// `/metrics/job/sapm/project@base64/<shop/app-interface>/node/1`
const GROUP: &str = "/metrics/job/sapm/project@base64/";

/// A fake Pushgateway that responds as the closure says.
fn gateway(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Runtime, Server) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::start(answer));
    (runtime, server)
}

#[test]
fn a_push_replaces_the_group_and_carries_the_credentials() {
    let world = World::start();
    let (_runtime, server) = gateway(|_, _| with_headers(200, &[]));
    let with_password = server.url.replace("http://", &format!("http://me:{PASSWORD}@"));
    let ran = world.sapm("apply").env("SAPM_PUSHGATEWAY_URL", with_password + "/base/").expect(0);
    assert!(!ran.err.contains(PASSWORD), "{}", ran.err);
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method, "PUT");
    assert!(seen[0].target.starts_with(&format!("/base{GROUP}")), "{}", seen[0].target);
    assert!(seen[0].target.ends_with("/node/1"), "{}", seen[0].target);
    assert_eq!(seen[0].headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(seen[0].headers["authorization"].starts_with("Basic "));
    assert!(!seen[0].target.contains(PASSWORD));
    assert_eq!(samples(&seen[0].body)["sapm_merge_requests_opened"], 4.0);
    // A parallel job has its own group; the credentials file is used too.
    let file = world.path("credentials.yml");
    let host = server.url.replace("http://", "");
    std::fs::write(&file, format!("{host}: PUSH_TOKEN\n")).unwrap();
    world
        .sapm("apply")
        .env("SAPM_PUSHGATEWAY_URL", &server.url)
        .env("SAPM_CREDENTIALS_FILE", &file)
        .env("PUSH_TOKEN", PASSWORD)
        .env("CI_NODE_INDEX", "2")
        .env("CI_NODE_TOTAL", "2")
        .expect(0);
    let seen = &server.seen()[1];
    assert!(seen.target.ends_with("/node/2"), "{}", seen.target);
    assert_eq!(seen.headers["authorization"], format!("Bearer {PASSWORD}"));
    // So does a job with a target filter.
    let narrowed = world.sapm("apply").args(["--env-name", "shop-production"]);
    narrowed.env("SAPM_PUSHGATEWAY_URL", &server.url).expect(0);
    let seen = &server.seen()[2];
    assert!(
        seen.target.ends_with("/scope/environment%3Dshop%2Dproduction/node/1"),
        "{}",
        seen.target
    );
}

#[test]
fn only_apply_pushes() {
    let world = World::start();
    let (_runtime, server) = gateway(|_, _| with_headers(200, &[]));
    for run in [world.sapm("plan"), world.sapm("apply").arg("--dry-run")] {
        run.env("SAPM_PUSHGATEWAY_URL", &server.url).expect(0);
    }
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_failed_push_is_a_warning() {
    let refused =
        || (gateway(|_, _| Reply::Full(400, vec![], "bad metric".to_owned())), "bad metric");
    let broken = || (gateway(|_, _| Reply::Full(500, vec![], "oops".to_owned())), "500");
    let dropped = || (gateway(|_, _| Reply::Drop), "PUT http://");
    for ((_runtime, server), word) in [refused(), broken(), dropped()] {
        let world = World::start();
        let address = server.url.replace("http://", &format!("http://me:{PASSWORD}@"));
        let report = world.path("report");
        let ran = world
            .sapm("apply")
            .env("SAPM_PUSHGATEWAY_URL", address)
            .args(["--format", "json", "--report-dir"])
            .arg(&report)
            .expect(0);
        let plan = ran.plan();
        let problem = plan.problem("metrics_not_pushed");
        assert_eq!(problem["severity"], "warning");
        assert!(text(&problem["message"]).contains(word), "{problem}");
        assert_eq!(world.project().open_merge_requests().len(), 4);
        assert!(!ran.out.contains(PASSWORD) && !ran.err.contains(PASSWORD));
        for path in files_below(&report) {
            let bytes = std::fs::read_to_string(&path).unwrap();
            assert!(!bytes.contains(PASSWORD), "{}", path.display());
        }
    }
    let world = World::start();
    let ran = world.sapm("apply").env("SAPM_PUSHGATEWAY_URL", format!("me:{PASSWORD}@x")).expect(0);
    assert!(ran.err.contains("it is not an http(s) URL"), "{}", ran.err);
    assert!(!ran.err.contains(PASSWORD), "{}", ran.err);
}

/// A real Pushgateway.
struct Pushgateway {
    url: String,
    _server: Program,
}

impl Pushgateway {
    /// `None` if none is installed.
    fn start() -> Option<Self> {
        let arguments = |port| vec![format!("--web.listen-address=127.0.0.1:{port}")];
        let server = Program::start("prometheus-pushgateway", arguments, "/-/ready")?;
        Some(Self { url: server.url(), _server: server })
    }

    fn get(&self, path: &str) -> Option<String> {
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}{path}", self.url)).send().ok()?;
        answer.error_for_status().ok()?.text().ok()
    }

    /// The samples of our metrics.
    fn ours(&self) -> BTreeMap<String, f64> {
        let mut all = samples(&self.get("/metrics").unwrap());
        all.retain(|series, _| series.starts_with("sapm_"));
        all
    }
}

#[test]
fn a_real_pushgateway_accepts_the_metrics() {
    let Some(gateway) = Pushgateway::start() else {
        let missing =
            "there is no `prometheus-pushgateway` on PATH (Debian's package of that name)";
        return skipped("SAPM_REQUIRE_PUSHGATEWAY", missing);
    };
    let world = World::start();
    world.sapm("apply").env("SAPM_PUSHGATEWAY_URL", &gateway.url).expect(0);
    let group =
        format!("instance=\"\",job=\"sapm\",node=\"1\",project=\"{}\"", crate::shop::PROJECT);
    let first = gateway.ours();
    assert_eq!(first[&format!("sapm_merge_requests_opened{{{group}}}")], 4.0, "{first:?}");
    let held = "sapm_subscribers_held{gate=\"soak\",".to_owned() + &group + "}";
    assert_eq!(first[&held], 1.0, "{first:?}");
    world.sapm("apply").env("SAPM_PUSHGATEWAY_URL", &gateway.url).expect(0);
    let second = gateway.ours();
    assert_eq!(second.len(), first.len(), "the group is replaced");
    assert_eq!(second[&format!("sapm_merge_requests_opened{{{group}}}")], 0.0);
    assert_eq!(second[&format!("sapm_merge_requests_open{{{group}}}")], 4.0);
    // A failed run leaves no metrics that look like those of a successful one.
    let failing = world.sapm("apply").env("SAPM_GITLAB_TOKEN", "wrong");
    failing.env("SAPM_PUSHGATEWAY_URL", &gateway.url).expect(4);
    let third = gateway.ours();
    assert_eq!(third[&format!("sapm_run_success{{{group}}}")], 0.0, "{third:?}");
    assert!(!third.keys().any(|series| series.starts_with("sapm_subscribers")), "{third:?}");
}
