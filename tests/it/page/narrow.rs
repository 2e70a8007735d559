//! Phones and half screens: nothing is cut off, or too narrow to read.

use sapm::domain::{Problem, ProblemCode};
use sapm::report::PlanReport;
use serde_json::json;

use super::browser::Browser;
use super::small::{followers, report, written};

fn world() -> PlanReport {
    let deployed = [("stage", "2026-11-25T10:00:00Z")];
    report(&followers(3, "shop-with-a-long-name"), "2026-11-26T10:00:00Z", &deployed).1
}

/// Elements that are wider than their frame, so that one would have to scroll.
pub fn cut(browser: &Browser) -> String {
    let cut = browser.run(
        "return [...document.querySelectorAll('.frame, .scroll')].filter((e) => e.scrollWidth > e.clientWidth)\
         .map((e) => `${e.innerText.slice(0, 40)}: ${e.scrollWidth} of ${e.clientWidth}`).join('; ')",
    );
    cut.as_str().unwrap().to_owned()
}

/// The minimum width of matching elements.
pub fn least(browser: &Browser, selector: &str) -> i64 {
    let widths = format!(
        "return Math.round(Math.min(...[...document.querySelectorAll('{selector}')]\
         .map((e) => e.getBoundingClientRect().width)))"
    );
    browser.run(&widths).as_i64().unwrap()
}

#[test]
fn a_problem_is_shown_in_full() {
    let Some(browser) = Browser::start() else { return };
    let mut report = world();
    let key = format!("promotions_v2/shop-stage/{}/{}", "3f".repeat(20), "5c".repeat(20));
    let message = format!("the deployment record {key} cannot be used: it is no mapping");
    let file = "/services/shop-with-a-long-name/cicd/saas-shop-with-a-long-name.yml";
    let problem = Problem::new(ProblemCode::UnusableRecord, message);
    let problem = problem.in_file(file).at(&key).at_line(1024, 1);
    report.problems = vec![problem.help("let the deployment job write it again")];
    let (_folder, page) = written(&report);
    browser.open(&page, "#view=problems");
    for width in [360, 500, 770, 900, 1400] {
        browser.resize(width, 900);
        assert_eq!(cut(&browser), "", "at {width}");
        let (what, place) =
            (least(&browser, "td:nth-child(2)"), least(&browser, "td:nth-child(3)"));
        assert!(what > 140 && place > 110, "{what} and {place} pixels at {width}");
    }
    let shown = browser.texts("main tbody").remove(0);
    assert!(shown.contains("Fix: let the deployment job write it again"), "{shown}");
}

#[test]
fn the_counts_are_aligned() {
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&world());
    browser.open(&page, "");
    for width in [360, 480, 620, 900] {
        browser.resize(width, 900);
        let heights = browser.run(
            "return [...new Set([...document.querySelectorAll('.tile')].map((tile) => \
             tile.querySelector('strong').getBoundingClientRect().top - tile.getBoundingClientRect().top))]",
        );
        assert_eq!(heights.as_array().unwrap().len(), 1, "{heights} at {width}");
    }
}

#[test]
fn lead_times_are_shown_in_full() {
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&world());
    browser.open(&page, "#view=lead");
    for width in [360, 480, 770, 900, 1110, 1400] {
        browser.resize(width, 900);
        assert_eq!(cut(&browser), "", "at {width}");
        let bar = least(&browser, ".meter .promote");
        assert!(bar > 200, "the only bar is {bar} pixels wide at {width}");
        let column = least(&browser, ".frame:not(.bars) tbody th");
        assert!(column > 110, "{column} pixels for names at {width}");
    }
    let columns = "return [...document.querySelectorAll('.lead tr:first-child')].map((row) => \
                   [...row.cells].filter((cell) => cell.offsetWidth).length)";
    for (width, shown) in [(480, 3), (900, 4), (1400, 7)] {
        browser.resize(width, 900);
        assert_eq!(browser.run(columns), json!([shown, shown]), "at {width}");
    }
    browser.resize(480, 900);
    // Zero needs no room for its bar.
    let heights =
        "return [...document.querySelectorAll('.bars tbody tr')].map((e) => e.offsetHeight)";
    let heights = browser.run(heights);
    assert!(heights[0].as_i64() < heights[3].as_i64(), "{heights}");
    assert_eq!(browser.run("return document.querySelectorAll('.meter').length"), json!(1));
}
