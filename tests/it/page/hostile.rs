//! Names that try to be markup, script or an escape from the data.

use std::path::{Path, PathBuf};

use super::browser::Browser;
use crate::e2e::support::{CATALOG_FILE, World};

const NAME: &str =
    "x</script><script>window.broken=1</script><img src=x onerror=window.broken=2>`{{data}}";

/// The page of a plan for a checkout in which an app's template has this name.
fn page(world: &World) -> PathBuf {
    let folder = world.checkout();
    let text = std::fs::read_to_string(folder.join(CATALOG_FILE)).unwrap();
    let quoted = serde_json::to_string(NAME).unwrap();
    let text = text.replace("name: catalog-api\n", &format!("name: {quoted}\n"));
    assert!(text.contains(&quoted));
    std::fs::write(folder.join(CATALOG_FILE), text).unwrap();
    let report = world.path("report");
    let run = world.sapm("plan").env("SAPM_APP_INTERFACE", &folder);
    run.env("SAPM_GITLAB_PROJECT", crate::shop::PROJECT).arg("--report-dir").arg(&report).expect(0);
    report.join("report.html")
}

fn elements(page: &Path, tag: &str) -> usize {
    std::fs::read_to_string(page).unwrap().matches(&format!("<{tag}")).count()
}

#[test]
fn a_hostile_name_is_shown_and_does_nothing() {
    let world = World::start();
    let page = page(&world);
    assert_eq!(elements(&page, "script"), 2, "the data and the page's own");
    assert_eq!(elements(&page, "img"), 0);
    let Some(browser) = Browser::start() else { return };
    browser.open(&page, "#q=%3C/script%3E");
    let names = browser.texts(".targets .strong");
    assert_eq!(names.iter().filter(|name| name.contains(NAME)).count(), 2, "{names:?}");
    browser.click("tr.row .expand");
    browser.until("document.querySelector('td.detail')");
    browser.open(&page, "#view=graph&app=catalog");
    let drawn = browser.run("return document.querySelector('.picture').textContent");
    assert!(drawn.as_str().unwrap().contains(NAME), "{drawn}");
    browser.open(&page, "#view=requests");
    assert_eq!(browser.run("return window.broken === undefined"), true);
    let foreign = browser.run("return document.querySelectorAll('img, iframe, object').length");
    assert_eq!(foreign, 0);
    let (console, _) = browser.noise();
    assert_eq!(console, Vec::<String>::new());
}

/// Even if text became markup, the policy would not let anything run or load.
#[test]
fn the_policy_blocks_foreign_content() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    browser.open(&page, "");
    browser.run(
        "const script = document.createElement('script'); script.textContent = 'window.broken = 3'; \
         document.body.append(script); document.body.insertAdjacentHTML('beforeend', \
         '<img src=\"http://127.0.0.1:9/x.png\" onerror=\"window.broken = 4\">');",
    );
    let (console, _) = browser.noise();
    let refused = |what: &str| console.iter().any(|line| line.contains(what));
    assert!(refused("script-src") && refused("x.png"), "{console:?}");
    assert!(console.iter().all(|line| line.contains("Content Security Policy")), "{console:?}");
    assert_eq!(browser.run("return window.broken === undefined"), true);
}
