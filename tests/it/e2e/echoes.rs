//! Hosts that send back what they received: no token is in any output of a run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forge::{Echo, Fault, FaultKind, Service};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::support::*;
use crate::shop::{LEDGER_BLOCKED, TOKEN};

const GITHUB_TOKEN: &str = "ghp-demo-token/that-nobody+may-see";
const GIT_TOKEN: &str = "git-host-token-that-nobody-may-see";
const PROMETHEUS_TOKEN: &str = "prometheus-token-that-nobody-may-see";
const SESSION_TOKEN: &str = "session/token+that/nobody+may/see==";

/// Every spelling of every secret: alone, and as sent.
fn spellings() -> Vec<String> {
    let tokens = [TOKEN, GITHUB_TOKEN, GIT_TOKEN, PROMETHEUS_TOKEN, SESSION_TOKEN];
    let sent = |token: &str| {
        let basic = STANDARD.encode(format!("oauth2:{token}"));
        [token.to_owned(), format!("Bearer {token}"), format!("Basic {basic}"), basic]
    };
    let encoded = |text: String| {
        let escaped = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
        let packed = STANDARD.encode(&text);
        [text, escaped.to_lowercase(), escaped, packed]
    };
    tokens.into_iter().flat_map(sent).flat_map(encoded).collect()
}

/// A world in which every service has its own token.
fn world() -> (World, String) {
    let world = World::start();
    let forge = world.forge();
    forge.add_github_token(GITHUB_TOKEN);
    forge.set_git_ref("payments-ledger", "main", LEDGER_BLOCKED);
    let url = forge.git_url("payments-ledger");
    let old = "- name: payments-ledger\n  url: https://github.com/example-shop/payments-ledger\n";
    world.edit(PAYMENTS_FILE, old, &format!("- name: payments-ledger\n  url: {url}\n"));
    let host = |url: &str| url.split('/').nth(2).unwrap().to_owned();
    let credentials = format!(
        "{}: {{variable: GIT_TOKEN, user: oauth2}}\n{}: PROMETHEUS_TOKEN\n",
        host(&url),
        host(&forge.prometheus_url())
    );
    let file = world.path("credentials.yml");
    std::fs::write(&file, credentials).unwrap();
    let file = file.display().to_string();
    (world, file)
}

fn run(world: &World, credentials: &str) -> Ran {
    world
        .sapm("apply")
        .args([
            "--report-dir",
            "report",
            "--save-snapshot",
            "snapshot.json",
            "--cache-dir",
            "cache",
        ])
        .env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN)
        .env("SAPM_CREDENTIALS_FILE", credentials)
        .env("GIT_TOKEN", GIT_TOKEN)
        .env("PROMETHEUS_TOKEN", PROMETHEUS_TOKEN)
        .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
        .env("SAPM_LOG", "trace")
        .run()
}

/// The output of a run: what it printed, and all files.
fn left_behind(world: &World, ran: &Ran) -> Vec<(String, String)> {
    let mut all =
        vec![("stdout".to_owned(), ran.out.clone()), ("stderr".to_owned(), ran.err.clone())];
    for file in files_below(world.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        all.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    all
}

#[test]
fn no_echoed_secret_is_shown() {
    let (world, credentials) = world();
    let spellings = spellings();
    // GitLab, its clone or the whole bucket each end the run, so they run alone; the others run together.
    let alone: [&[(Service, &str)]; 4] = [
        &[(Service::GitLab, "/api/")],
        &[(Service::GitLab, ".git/")],
        &[(Service::S3, "")],
        &[
            (Service::GitHub, ""),
            (Service::Git, ""),
            (Service::Prometheus, ""),
            (Service::S3, "/promotions_v2/"),
        ],
    ];
    let mut marked = 0;
    for echo in Echo::ALL {
        for services in alone {
            let what = format!("{echo:?} of {services:?}");
            for (service, path) in services {
                world.forge().fault(Fault::new(FaultKind::Echo(echo)).on(*service).path(*path));
            }
            let ran = run(&world, &credentials);
            assert!(world.forge().faults_played() > 0, "{what}: {}", ran.err);
            world.forge().clear_faults();
            assert!(!ran.err.contains("panicked"), "{what}: {}", ran.err);
            for (place, text) in left_behind(&world, &ran) {
                marked += text.matches("[secret]").count();
                for secret in &spellings {
                    assert!(!text.contains(secret), "{secret} is in {place} after {what}");
                }
            }
            assert!(world.writes().is_empty() || services.len() > 1, "{what}: {}", ran.err);
        }
    }
    assert!(marked > 50, "they did echo: {marked}");
}
