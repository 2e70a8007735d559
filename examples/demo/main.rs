//! The demo: `sapm` against fakes for GitLab, GitHub, S3 and Prometheus on
//! loopback, over real HTTP, with real git repositories.
//!
//! Runs `apply`, runs it again (nothing is written), simulates another deployment
//! and shows the update. `--keep-running` leaves the servers up. Two other scenarios: `cut-over` replaces an earlier
//! promoter, `from-nothing` leads from an empty folder to a merged promotion.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod cut_over;
mod from_nothing;
mod history;
mod shop;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use shop::Shop;

fn main() {
    if std::env::args().any(|arg| arg == "cut-over") {
        return cut_over::play();
    }
    if std::env::args().any(|arg| arg == "from-nothing") {
        return from_nothing::play(&binary());
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(first_runs());
}

/// The first scenario.
async fn first_runs() {
    let keep_running = std::env::args().any(|arg| arg == "--keep-running");
    let shop = Shop::start(chrono::Utc::now()).await;
    history::add(&shop);
    let sapm = binary();
    let report = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/demo-report");

    headline("1. The first run: what is due gets a merge request");
    apply(&shop, &sapm, &report);
    show_merge_requests(&shop);

    headline("2. The second run: nothing has changed, so nothing is written");
    shop.forge.clear_log();
    apply(&shop, &sapm, &report);
    println!("write requests in this run: {}", shop.forge.writes().len());

    headline("3. One more deployment of the catalog in stage: its request is updated in place");
    shop.next_catalog();
    shop.forge.clear_log();
    apply(&shop, &sapm, &report);
    for entry in shop.forge.writes() {
        println!("    {} {}", entry.method, entry.path);
    }

    println!("\nThe report lies in {}", report.display());
    if keep_running {
        println!("\nThe fakes stay up until you press Ctrl-C. To point sapm at them:\n");
        for (key, value) in environment(&shop) {
            println!("export {key}='{value}'");
        }
        println!("{} plan", sapm.display());
        let _ = tokio::signal::ctrl_c().await;
    } else {
        println!("`cargo run --example demo -- --keep-running` leaves the fakes up to try things.");
    }
}

/// The open merge requests with their changes.
fn show_merge_requests(shop: &Shop) {
    for request in shop.project.open_merge_requests() {
        println!("!{} {}", request.iid, request.title);
        for path in shop.project.changed("main", &request.source_branch) {
            let text = |rev: &str| {
                let bytes = shop.project.file(rev, &path).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            };
            let (old, new) = (text("main"), text(&request.source_branch));
            println!("    {path}");
            for change in similar::TextDiff::from_lines(&old, &new).iter_all_changes() {
                match change.tag() {
                    similar::ChangeTag::Delete => print!("    -{change}"),
                    similar::ChangeTag::Insert => print!("    +{change}"),
                    similar::ChangeTag::Equal => {}
                }
            }
        }
    }
}

fn headline(text: &str) {
    println!("\n== {text}\n");
}

/// The shop's environment, with a token for GitHub: without one, merge requests list no commits of GitHub.
fn environment(shop: &Shop) -> BTreeMap<String, String> {
    let token = ("SAPM_GITHUB_TOKEN".to_owned(), history::GITHUB_TOKEN.to_owned());
    shop.environment().into_iter().chain([token]).collect()
}

/// Runs `sapm apply` with only the shop's environment.
fn apply(shop: &Shop, sapm: &Path, report: &Path) {
    let status = Command::new(sapm)
        .arg("apply")
        .arg("--report-dir")
        .arg(report)
        .env_clear()
        .envs(environment(shop))
        .env("SAPM_LOG", "warn")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .status()
        .expect("sapm runs");
    println!("exit code {}", status.code().unwrap_or(-1));
}

/// The `sapm` binary, built if needed: `cargo run --example` does not build it.
fn binary() -> PathBuf {
    let example = std::env::current_exe().expect("this program's path");
    let folder = example.parent().and_then(Path::parent).expect("target/PROFILE");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--bin", "sapm"]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().expect("cargo runs");
    assert!(built.success(), "sapm could not be built");
    folder.join(format!("sapm{}", std::env::consts::EXE_SUFFIX))
}
