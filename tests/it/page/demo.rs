//! The page of a real run of the demo's shop.

use std::path::PathBuf;

use super::browser::{Browser, DOWN, ENTER, ESCAPE, TAB};
use super::narrow::{cut, least};
use crate::e2e::support::{CANARY, LEDGER, ORDERS, World};
use crate::shop::TOKEN;

/// The page after a run of `apply`.
fn page(world: &World) -> PathBuf {
    let folder = world.path("report");
    let run = world.sapm("apply").arg("--report-dir").arg(&folder);
    run.env("CI_PIPELINE_URL", "https://gitlab.example.com/-/pipelines/7").expect(0);
    folder.join("report.html")
}

/// Names of the targets in the table, as displayed.
fn rows(browser: &Browser) -> Vec<String> {
    let texts = browser.texts("tr.row .expand");
    texts.into_iter().map(|text| text.replace('\n', "/")).collect()
}

#[test]
fn the_page_of_the_demo_shows_finds_and_opens() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    browser.resize(1400, 900);
    browser.open(&page, "");
    assert_eq!(rows(&browser).len(), 12);
    assert_eq!(browser.texts("#status"), ["12 of 12 targets"]);
    assert_eq!(browser.texts(".tile strong"), ["6", "6", "0", "0", "4", "0"]);
    look(&browser, "demo");
    for width in [480, 770, 900, 1110] {
        browser.resize(width, 900);
        let room = browser.run(
            "return Math.min(...[...document.querySelectorAll('tr.row td:nth-child(3)')].map((e) => e.clientWidth))",
        );
        assert!(room.as_i64().unwrap() > 120, "{room} pixels for the reason at {width}");
        let wide = browser.run(
            "return [...document.querySelectorAll('tr.row .gate')].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText)",
        );
        assert_eq!(wide, serde_json::json!([]), "gates that reach into the reason at {width}");
    }
    browser.resize(1400, 900);

    // The slash focuses the search, which matches parts of a name.
    browser.keys("/");
    browser.keys("ORDERS-prod");
    browser.until("document.querySelector('#status').textContent === '2 of 12 targets'");
    assert!(rows(&browser).contains(&ORDERS.to_owned()), "{:?}", rows(&browser));

    // Arrow down goes to the first row, Enter opens it, Escape closes it.
    browser.keys(DOWN);
    browser.keys(ENTER);
    browser.until("document.querySelector('td.detail')");
    let opened = browser.texts("tr.row.open .expand").remove(0).replace('\n', "/");
    assert_eq!(opened, rows(&browser)[0]);
    let label = browser.run("return document.activeElement.getAttribute('aria-expanded')");
    assert_eq!(label, "true", "the focus stays on the row");
    browser.keys(ESCAPE);
    browser.until("!document.querySelector('td.detail')");

    let (console, asked) = browser.noise();
    assert_eq!(console, Vec::<String>::new());
    let foreign = asked.iter().filter(|url| !url.starts_with("file://") && *url != "about:blank");
    assert_eq!(foreign.count(), 0, "{asked:?}");
}

#[test]
fn a_batch_unfolds_to_its_promotions() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let folder = world.path("report");
    let run = world.sapm("apply").env("SAPM_BATCH_BY", "all");
    run.arg("--report-dir").arg(&folder).expect(0);
    browser.resize(1400, 900);
    browser.open(&folder.join("report.html"), "#view=requests");
    assert_eq!(browser.texts(".card").len(), 1, "one merge request");
    browser.click(".card summary");
    let promoted = browser.texts(".card details[open] tbody tr");
    assert_eq!(promoted.len(), 4, "{promoted:?}");
    look(&browser, "batch");
    browser.click(".card details[open] tbody th a");
    browser.until("document.querySelectorAll('tr.row.open').length === 1");
    assert_eq!(browser.noise().0, Vec::<String>::new());
}

#[test]
fn filters_can_be_shared_by_a_link() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    browser.open(&page, "");
    browser.choose("gate", "soak");
    browser.until("document.querySelectorAll('tr.row').length === 1");
    assert_eq!(rows(&browser), [ORDERS]);
    browser.choose("gate", "");
    browser.choose("app", "payments");
    browser.choose("decision", "hold");
    let held = rows(&browser);
    assert!(held.contains(&LEDGER.to_owned()), "{held:?}");
    assert!(held.iter().all(|label| label.starts_with("saas-payments/")), "{held:?}");

    let hash = browser.run("return location.hash");
    browser.open(&page, hash.as_str().unwrap());
    assert_eq!(rows(&browser), held, "{hash}");
    assert_eq!(browser.run("return document.querySelector('[name=app]').value"), "payments");

    browser.click("button[data-sort=target]");
    let by_name = rows(&browser);
    let mut sorted = by_name.clone();
    sorted.sort();
    assert_eq!(by_name, sorted);
    browser.click("button[data-sort=target]");
    sorted.reverse();
    assert_eq!(rows(&browser), sorted);
    let said = browser.run("return document.querySelector('th[aria-sort=descending]').innerText");
    assert!(said.as_str().unwrap().starts_with("Target"), "{said}");
}

#[test]
fn a_row_opens_to_gates_publishers_and_the_diff() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    browser.resize(1400, 1300);
    browser.open(&page, "#q=catalog-canary");
    browser.click("tr.row .expand");
    let detail = browser.texts("td.detail").remove(0);
    for word in ["Gates", "deployment", "passes", "Publishers", "deployed", "\nopened: due"] {
        assert!(detail.contains(word), "{word}: {detail}");
    }
    // This run has opened it, and the next explanation sees it open: both advise the same.
    let advice = browser.texts("td.detail .advice li");
    let explained = world.sapm("explain").args([CANARY, "--format", "json"]).expect(0);
    let explained: serde_json::Value = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(serde_json::json!(advice), explained["answer"]["advice"]);
    let changed: Vec<String> = browser.texts("td.detail pre .plus");
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].contains(crate::shop::CATALOG_NEW), "{changed:?}");
    let steps = browser.texts("td.detail .steps li");
    assert_eq!(steps.len(), 3);
    for (step, name) in
        steps.iter().zip(["Deployed upstream", "Promotable", "Merge request opened"])
    {
        assert!(step.starts_with(name) && !step.contains("not yet"), "{steps:?}");
    }
    assert!(steps[2].ends_with("after 26 h 0 min"), "{steps:?}");
    let links = browser.run(
        "return [...document.querySelectorAll('td.detail a')].map((a) => a.getAttribute('href')).join('\\n')",
    );
    let links = links.as_str().unwrap();
    let gitlab = world.forge().gitlab_url();
    let request = world.request(CANARY);
    let tip = world.project().tip("main").unwrap();
    for wanted in [
        format!("{gitlab}/shop/app-interface/-/merge_requests/{}", request.iid),
        format!("{gitlab}/shop/app-interface/-/merge_requests/{}/pipelines", request.iid),
        format!("{gitlab}/shop/app-interface/-/blob/{tip}/data/services/catalog/cicd/saas.yml#L"),
        format!(
            "https://github.com/example-shop/catalog/compare/{}...{}",
            crate::shop::CATALOG_OLD,
            crate::shop::CATALOG_NEW
        ),
    ] {
        assert!(links.contains(&wanted), "{wanted}\n{links}");
    }
    let header = browser.texts("header a");
    assert_eq!(header.len(), 2, "config repo and pipeline: {header:?}");
    look(&browser, "row");

    // A gate that blocks shows required, actual, and when it can pass.
    browser.open(&page, "#q=orders-api/prod01&decision=hold");
    browser.click("tr.row .expand");
    let holds = browser.texts("tr.holds").join("\n");
    for word in ["soak", "blocks", "required", "7 days", "actual", "in 5."] {
        assert!(holds.contains(word), "{word}: {holds}");
    }
    let steps = browser.texts("td.detail .steps li").join("\n");
    assert_eq!(steps.matches("not yet").count(), 2, "{steps}");
    look(&browser, "held");
    for width in [360, 480, 770, 800, 900, 1024, 1110] {
        browser.resize(width, 900);
        assert_eq!(cut(&browser), "", "at {width}");
        let value = least(&browser, "dl.evidence dd");
        assert!(value > 70, "{value} pixels for a value at {width}");
    }
    let colours = browser.run(
        "return ['.holds .badge', '.holds td', '.holds'].map((s) => getComputedStyle(document.querySelector(s)).backgroundColor)",
    );
    assert!(
        colours[0] != colours[1] && colours[0] != colours[2],
        "a verdict like its row: {colours}"
    );
    browser.resize(1400, 1300);

    // A plan that was not applied uses the future tense.
    let folder = world.path("planned");
    world.shop.next_catalog();
    world.sapm("plan").arg("--report-dir").arg(&folder).expect(0);
    browser.open(&folder.join("report.html"), "#view=requests");
    let cards = browser.texts(".card").join("\n");
    assert!(cards.contains("to be updated: "), "{cards}");
    assert!(cards.contains("stays unchanged: "), "{cards}");
}

#[test]
fn the_graph_of_an_app_shows_states_and_leads_to_the_row() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    browser.resize(1400, 900);
    browser.open(&page, "#view=graph&app=catalog");
    let shown = browser.texts(".picture svg .target .title");
    assert!(!shown.is_empty(), "the picture is drawn");
    let states = "return [...document.querySelectorAll('.picture .status')].map((e) => e.textContent).sort().join()";
    let states = browser.run(states);
    assert!(states.as_str().unwrap().contains("held by schedule"), "{states}");
    assert!(states.as_str().unwrap().contains("9705190c deployed"), "{states}");
    look(&browser, "graph");
    browser.choose("app", "payments");
    browser.until("document.querySelector('.picture title').textContent.includes('payments')");
    look(&browser, "graph-payments");
    browser.click(".picture .target[tabindex='0'] .title");
    browser.until("document.querySelector('td.detail')");
    assert_eq!(rows(&browser).len(), 1);

    for (view, heading) in
        [("lead", "Lead time"), ("requests", "Merge requests"), ("problems", "Problems")]
    {
        browser.open(&page, &format!("#view={view}"));
        assert_eq!(browser.texts("main h2"), [heading]);
        look(&browser, view);
    }
    let (console, _) = browser.noise();
    assert_eq!(console, Vec::<String>::new());
}

/// The first tab stops are the link to the content, the links in the header, the counts and the views.
#[test]
fn everything_is_reachable_by_keyboard_and_labelled() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    browser.resize(1400, 900);
    browser.open(&page, "#decision=hold");
    let mut stops = Vec::new();
    for _ in 0..30 {
        browser.keys(TAB);
        let stop = browser.run(
            "const e = document.activeElement; const outline = getComputedStyle(e).outlineStyle; \
             return `${e.className || e.id || e.name || e.tagName}: ${outline}`",
        );
        stops.push(stop.as_str().unwrap().to_owned());
    }
    let at = |part: &str| stops.iter().position(|stop| stop.starts_with(part));
    let order = [at("skip"), at("tile"), at("search"), at("app"), at("expand")];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{stops:?}");
    let invisible: Vec<_> = stops.iter().filter(|stop| stop.ends_with(": none")).collect();
    assert!(invisible.is_empty(), "focus is not seen: {invisible:?}");
    let nameless = browser.run(
        "return [...document.querySelectorAll('input, select, button, a, table')].filter((e) => \
         !(e.labels && e.labels.length) && !e.innerText.trim() && !e.getAttribute('aria-label') && !e.caption)\
         .map((e) => e.outerHTML)",
    );
    assert_eq!(nameless, serde_json::json!([]));
    let headings = browser
        .run("return [...document.querySelectorAll('h1, h2, h3')].map((e) => e.tagName).join()");
    assert!(headings.as_str().unwrap().starts_with("H1,H2"), "{headings}");
}

#[test]
fn a_failed_run_leaves_a_page_with_its_error() {
    let world = World::start();
    let folder = world.path("report");
    let run = world.sapm("apply").arg("--report-dir").arg(&folder);
    run.env("SAPM_GITLAB_TOKEN", "glpat-refused").expect(4);
    let page = folder.join("report.html");
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("0 targets"), "for a reader without scripts");
    assert!(!text.contains("glpat-refused"));
    let Some(browser) = Browser::start() else { return };
    browser.open(&page, "#view=problems");
    let banner = browser.texts("#banner").remove(0);
    assert!(banner.starts_with("This run ended early: "), "{banner}");
    let problem = browser.texts("tbody tr");
    assert_eq!(problem.len(), 1);
    for words in [&banner, &problem[0]] {
        let wanted = "Fix: check the URL, and that SAPM_GITLAB_TOKEN";
        assert!(words.contains(wanted), "as the command says: {words}");
    }
    look(&browser, "failed");
}

/// As GitLab shows artifacts: in a frame without an origin, storage or URL of its own.
#[test]
fn the_page_works_in_a_sandboxed_frame() {
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    page(&world);
    let around = world.path("report/around.html");
    let frame = "<html data-ready=\"true\"><iframe sandbox=\"allow-scripts\" src=\"report.html\" \
                 width=\"1200\" height=\"900\"></iframe>";
    std::fs::write(&around, frame).unwrap();
    browser.open(&around, "");
    browser.enter_frame();
    browser.until("document.documentElement.dataset.ready");
    browser.choose("gate", "soak");
    assert_eq!(rows(&browser), [ORDERS]);
    browser.click("nav a[href='#view=graph']");
    assert_eq!(browser.texts("main h2"), ["Graph"]);
    let (console, _) = browser.noise();
    assert_eq!(console, Vec::<String>::new());
}

#[test]
fn the_page_holds_no_token() {
    let world = World::start();
    let text = std::fs::read_to_string(page(&world)).unwrap();
    assert!(!text.contains(TOKEN));
    assert!(!text.contains(world.forge().s3_keys().1));
}

/// Saves screenshots, wide and narrow, light and dark, for people to check.
fn look(browser: &Browser, name: &str) {
    for (width, size) in [(1400, "wide"), (480, "narrow")] {
        browser.resize(width, 1100);
        for scheme in ["light", "dark"] {
            browser.colours(scheme);
            browser.screenshot(&format!("{name}-{size}-{scheme}"));
            let wider = browser.run("return document.documentElement.scrollWidth - innerWidth");
            assert!(wider.as_i64().unwrap() <= 0, "{name} at {width} is {wider} pixels too wide");
        }
    }
    browser.colours("light");
    browser.resize(1400, 1100);
}

/// axe-core finds nothing in any view, light or dark. `scripts/accessibility` fetches it.
#[test]
fn axe_core_finds_no_barrier() {
    let Some(axe) = std::env::var_os("SAPM_AXE") else {
        eprintln!("skipped: SAPM_AXE is not set: scripts/accessibility runs this test");
        return;
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    let Some(browser) = Browser::start() else { return };
    let world = World::start();
    let page = page(&world);
    for (width, scheme) in [(1400, "light"), (1400, "dark"), (480, "light")] {
        browser.resize(width, 1100);
        browser.colours(scheme);
        for hash in ["", "#q=orders-api/prod01", "#view=graph", "#view=lead", "#view=requests"] {
            browser.open(&page, hash);
            if hash.contains("q=") {
                browser.click("tr.row .expand");
            }
            browser.run(&axe);
            let found = browser.run(
                "return axe.run().then((all) => all.violations.map((v) => \
                 `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3).join(' | ')}`))",
            );
            assert_eq!(found, serde_json::json!([]), "{width} {scheme} {hash}");
        }
    }
}
