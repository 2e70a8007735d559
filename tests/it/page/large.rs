//! The page of a plan with 10,000 targets, created by `sapm plan` from recorded facts.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use datafiles::{Datafiles, Place, SaasFile, Target};
use sapm::domain::{TargetIdentity, UidDigest, sha256_hex};
use serde_json::{Map, Value, json};

use super::browser::{Browser, DOWN, ENTER};

const CLUSTER: &str = "/openshift/prod01/cluster.yml";
const APPS: usize = 400;
/// Subscribers of an app: the canary, and its followers.
const OF_AN_APP: usize = 25;

/// Maximum sizes of the reports: a page for readers with slow connections, a note for GitLab (which takes 1,000,000
/// characters), and each of all files compressed, as GitLab keeps artifacts.
const PAGE: usize = 5_000_000;
const NOTE: usize = 250_000;
const COMPRESSED: usize = 1 << 20;

/// A commit. Its digits are as random as real ones, because repeated digits could be compressed.
fn sha(app: usize, kind: &str) -> String {
    sha256_hex(format!("{app}{kind}").as_bytes())[..40].to_owned()
}

/// Stage publishes to the canary, the canary to all others.
fn app(files: &mut Datafiles, app: usize) {
    let name = format!("service-{app:03}");
    let [app_file, stage, production] =
        ["app", "stage", "production"].map(|file| format!("/services/{name}/{file}.yml"));
    files.app(&app_file, &name);
    for (path, environment) in [(&stage, "stage"), (&production, "production")] {
        let environment_file = format!("/products/{environment}.yml");
        let place = Place { app: &app_file, cluster: CLUSTER, environment: &environment_file };
        files.namespace(path, &format!("{name}-{environment}"), place);
    }
    let [on_stage, on_canary] = ["stage", "canary"].map(|kind| format!("{name}-{kind}"));
    let canary = Target::new(&production, &sha(app, "a")).named("canary");
    let promotion = format!("{{auto: true, subscribe: [{on_stage}], publish: [{on_canary}]}}");
    let mut saas = SaasFile::new(&format!("saas-{name}"), &app_file)
        .template("api", &format!("https://github.com/example/{name}"))
        .target(&Target::new(&stage, "main").named("stage").publishes(&on_stage))
        .target(&canary.with("promotion", promotion));
    for number in 1..OF_AN_APP {
        let waits = match app % 4 {
            0 => ", soakDays: 30",
            1 => ", schedule: '0 4 1 1 *'",
            _ => "",
        };
        let behind = app % 4 < 2 || app % 20 == 2;
        let current = sha(app, if behind { "b" } else { "a" });
        let target = Target::new(&production, &current).named(&format!("region-{number:02}"));
        saas = saas.target(&target.subscribes(&on_canary, waits));
    }
    files.saas(&format!("/services/{name}/saas.yml"), &saas);
}

fn facts() -> Value {
    let (mut commits, mut records) = (Map::new(), Map::new());
    for app in 0..APPS {
        let name = format!("service-{app:03}");
        let found = match app % 50 {
            7 => json!({"error": "the repository is not there (404)"}),
            _ => json!({"sha": sha(app, "c")}),
        };
        commits.insert(format!("https://github.com/example/{name}@main"), found);
        for (own, place, channel, commit) in [
            ("stage", "stage", "stage", sha(app, "c")),
            ("canary", "production", "canary", sha(app, "a")),
        ] {
            if app % 10 == 9 && own == "stage" {
                continue;
            }
            let uid = TargetIdentity {
                saas_file: &format!("saas-{name}"),
                resource_template: "api",
                target: Some(own),
                cluster: "prod01",
                namespace: &format!("{name}-{place}"),
            }
            .uid(UidDigest::Blake2s);
            let record = json!({"success": app % 20 != 5, "target_config_hash": "5ca1ab1e", "saas_file": format!("saas-{name}"),
                "check_in": format!("2026-08-{:02} {:02}:00:00+00:00", 10 + app % 10, app % 24)});
            records.insert(format!("promotions_v2/{name}-{channel}/{uid}/{commit}"), record);
        }
    }
    let user = json!({"id": 1, "username": "sapm-bot", "name": "sapm-bot", "emails": []});
    json!({"version": 1, "observed_at": "2026-08-20T10:15:30Z", "commits": commits, "deployment_records": records,
        "config_repo": {"project_id": 1, "project_path": "shop/app-interface", "target_branch": "main", "bot": user,
            "web_url": "https://gitlab.example.com/shop/app-interface", "base_commit": sha(1, "d")}})
}

/// Runs `sapm plan` and returns the page.
fn page(root: &Path) -> PathBuf {
    let mut files = Datafiles::default();
    files.put("/products/product.yml", "/app-sre/product-1.yml", "name: shop\n");
    for environment in ["stage", "production"] {
        let body = format!("name: {environment}\nproduct:\n  $ref: /products/product.yml\n");
        files.put(format!("/products/{environment}.yml"), "/app-sre/environment-1.yml", body);
    }
    let cluster = "name: prod01\nserverUrl: https://api.example.com\n";
    files.put(CLUSTER, "/openshift/cluster-1.yml", cluster);
    (0..APPS).for_each(|number| app(&mut files, number));
    files.write(root);
    std::fs::write(root.join("facts.json"), facts().to_string()).unwrap();
    let report = root.join("report");
    let start = std::time::Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
        .env_clear()
        .args(["plan", "--format", "json", "--max-new-merge-requests", "100"])
        .arg("--app-interface")
        .arg(root)
        .arg("--snapshot")
        .arg(root.join("facts.json"))
        .arg("--report-dir")
        .arg(&report)
        .output()
        .unwrap();
    println!("10,000 targets: planned and reported in {} s", start.elapsed().as_secs());
    let code = output.status.code();
    assert_eq!(code, Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let metrics = std::fs::read_to_string(report.join("metrics.txt")).unwrap();
    for line in metrics.lines().filter(|line| line.contains("_duration_seconds{")) {
        println!("10,000 targets: {line}");
    }
    report.join("report.html")
}

/// Checks the sizes of a report folder; returns that of the page.
fn check_sizes(folder: &Path) -> usize {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut page = 0;
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&bytes).unwrap();
        let (size, packed) = (bytes.len(), packed.finish().unwrap().len());
        println!("10,000 targets: {} has {size} bytes, compressed {packed}", name.display());
        assert!(packed < COMPRESSED, "{name:?}: {packed} bytes compressed");
        match name.to_str() {
            Some("report.md") => {
                assert!(size < NOTE, "{size} bytes");
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(text.matches(" more: `report.html` and `plan.json`").count(), 2);
            }
            Some("report.html") => {
                assert!(size < PAGE, "{size} bytes");
                page = size;
            }
            _ => {}
        }
    }
    assert_ne!(page, 0, "there is no page");
    page
}

#[test]
fn ten_thousand_targets_are_loaded_searched_and_opened() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots/large.html");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::copy(&page, &kept).unwrap();
    let size = check_sizes(page.parent().unwrap());
    let Some(browser) = Browser::start() else { return };
    browser.resize(1400, 1100);
    let loaded = browser.open(&page, "");
    println!(
        "10,000 targets: page of {size} bytes, drawn {} ms after the call",
        loaded.as_millis()
    );
    let own = browser.run(
        "const [entry] = performance.getEntriesByType('navigation'); return Math.round(entry.domComplete)",
    );
    println!("10,000 targets: document complete after {own} ms");
    assert_eq!(browser.texts("#status"), ["10,000 of 10,000 targets"]);
    assert_eq!(browser.texts("tr.row").len(), 100);
    browser.screenshot("large-wide-light");

    browser.keys("/");
    browser.keys("service-123 region-07");
    browser.until("document.querySelector('#status').textContent === '1 of 10,000 targets'");
    browser.keys(DOWN);
    browser.keys(ENTER);
    browser.until("document.querySelector('td.detail')");
    browser.click(".filters button");
    browser.choose("app", "service-044");
    assert_eq!(browser.texts("#status"), ["25 of 10,000 targets"]);
    browser.open(&page, "#view=graph&app=service-044");
    assert_eq!(browser.texts(".picture .title").len(), OF_AN_APP + 1);
    // The publisher is at the middle of its subscribers' height, and visible.
    browser.until(
        "(() => { const of = (node) => node.getBoundingClientRect(); const frame = of(document.querySelector('.picture')); \
         const boxes = [...document.querySelectorAll('.picture .box')].map(of); \
         const first = boxes.reduce((a, b) => (b.left < a.left ? b : a)); \
         return first.top > frame.top && first.bottom < Math.min(frame.bottom, innerHeight); })()",
    );
    browser.screenshot("large-graph-wide-light");
    for view in ["lead", "requests", "problems"] {
        browser.open(&page, &format!("#view={view}"));
        browser.screenshot(&format!("large-{view}-wide-light"));
    }
    browser.open(&page, "#page=99");
    assert_eq!(browser.texts(".pager span"), ["9,901 to 10,000 of 10,000"]);

    // The time that a person waits after a key, in the page's own clock.
    let search = browser.run(
        "const field = document.querySelector('#search'); const start = performance.now(); \
         field.value = 'region-11'; field.dispatchEvent(new Event('input')); \
         return new Promise((done) => { const look = () => document.querySelector('#status').textContent.startsWith('400 ') \
         ? done(Math.round(performance.now() - start)) : setTimeout(look, 1); look(); })",
    );
    println!(
        "10,000 targets: found {search} ms after the key (120 ms of them wait for the next one)"
    );
    let (console, asked) = browser.noise();
    assert_eq!(console, Vec::<String>::new());
    assert!(asked.iter().all(|url| url.starts_with("file://") || url == "about:blank"));
}
