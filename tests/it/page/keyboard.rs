//! The keyboard focus stays in place when a part of the page is redrawn.

use super::browser::{Browser, DOWN, ENTER, ESCAPE};
use super::small::{followers, report, written};

/// Focuses a control and presses a key, as somebody who used Tab.
fn press(browser: &Browser, control: &str, key: &str) {
    browser.until(&format!("document.querySelector(`{control}`)"));
    browser.run(&format!("document.querySelector(`{control}`).focus()"));
    browser.keys(key);
}

/// The focused element: its key, else its id, else its tag.
fn focus(browser: &Browser) -> String {
    let script = "const e = document.activeElement; return e.dataset.key || e.id || e.className || e.tagName";
    browser.run(script).as_str().unwrap().to_owned()
}

fn world(apps: usize, targets: usize) -> sapm::report::PlanReport {
    let mut all = std::collections::BTreeMap::new();
    for app in 0..apps {
        all.extend(followers(targets, &format!("app-{app}")));
    }
    report(&all, "2026-11-26T10:00:00Z", &[("stage", "2026-11-25T10:00:00Z")]).1
}

#[test]
fn the_focus_stays_on_what_was_activated() {
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&world(3, 100));
    browser.resize(1400, 900);
    browser.open(&page, "");
    for (control, expected) in [
        // Three pages: the last one has no next.
        ("[data-key=Next]", "Next"),
        ("[data-key=Next]", "Previous"),
        ("[data-key=Previous]", "Previous"),
        ("[data-key=tile-hold]", "tile-hold"),
        ("[data-key=tile-hold]", "tile-hold"),
        ("[data-key=reset]", "reset"),
        ("[data-key=sort-app]", "sort-app"),
        ("[data-key=view-lead]", "view-lead"),
        ("[data-key=Next]", "Next"),
        ("main th a", "main"),
        ("[data-key=tile-requests]", "tile-requests"),
        ("[data-key=view-targets]", "view-targets"),
    ] {
        press(&browser, control, ENTER);
        assert_eq!(focus(&browser), expected, "after Enter on {control}");
    }
    // A list of values stays open when it changes: keys select one after the other.
    browser.open(&page, "#view=graph");
    press(&browser, "select[name=app]", DOWN);
    browser.keys(DOWN);
    assert_eq!(focus(&browser), "choice-app");
    browser.until("document.querySelector('.picture title').textContent.includes('app-2')");
    let (console, _) = browser.noise();
    assert_eq!(console, Vec::<String>::new());
}

#[test]
fn escape_without_an_open_row_does_nothing() {
    let Some(browser) = Browser::start() else { return };
    let report = world(1, 2);
    let uid = report.subscribers[0].target.uid.clone();
    let (_folder, page) = written(&report);
    for hash in [
        "#open=0000".to_owned(),
        "#view=graph&open=0000".to_owned(),
        format!("#view=graph&open={uid}"),
    ] {
        browser.open(&page, &hash);
        browser.keys(ESCAPE);
        let (console, _) = browser.noise();
        assert_eq!(console, Vec::<String>::new(), "{hash}");
    }
    browser.open(&page, &format!("#open={uid}"));
    browser.keys(ESCAPE);
    browser.until("!document.querySelector('td.detail')");
}

#[test]
fn an_unreadably_large_graph_is_not_drawn() {
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&world(1, 600));
    browser.open(&page, "#view=graph");
    let words = browser.texts("main").remove(0);
    assert!(words.contains("With 601 targets and 1 channel the graph of app-0 is too large"));
    assert!(words.contains("--app-name app-0 --env-name production"), "{words}");
    assert_eq!(browser.run("return document.querySelector('.picture')"), serde_json::Value::Null);
}
