//! The targets of the links in a row.

use super::browser::Browser;
use super::small::{followers, report, written};
use crate::small_world::commit;

/// A publisher may deploy another repository than its followers.
#[test]
fn a_commit_links_to_the_repository_of_its_publisher() {
    let Some(browser) = Browser::start() else { return };
    let deployed = [("stage", "2026-11-25T10:00:00Z")];
    let (_, mut report) = report(&followers(2, "shop"), "2026-11-26T10:00:00Z", &deployed);
    report.publishers[0].repo_url = "https://github.com/example-shop/engine".to_owned();
    for subscriber in &mut report.subscribers {
        subscriber.repo_url = "https://gitlab.example.com/shop/web.git".to_owned();
    }
    let (_folder, page) = written(&report);
    browser.open(&page, "");
    browser.click("tr.row .expand");
    let of = |part: &str| {
        browser.run(&format!(
            "return [...document.querySelectorAll('td.detail {part} a')].map((a) => a.href)\
             .filter((href) => href.startsWith('https:'))"
        ))
    };
    let commit = commit('2');
    let wanted = [format!("https://github.com/example-shop/engine/commit/{commit}")];
    assert_eq!(of(".publishers"), serde_json::json!(wanted));
    let own = of(".links").to_string();
    assert!(own.contains("https://gitlab.example.com/shop/web/-/compare/"), "{own}");
    assert!(own.contains("\"https://gitlab.example.com/shop/web.git\""), "{own}");
}
