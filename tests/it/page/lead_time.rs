//! When a commit was deployed upstream, became eligible, and was promoted.

use serde_json::{Value, json};

use super::browser::Browser;
use super::small::{data, followers, open_mr, report, written};
use crate::small_world::commit;

const NOW: &str = "2026-11-26T10:00:00Z";

fn unix(text: &str) -> Value {
    json!(crate::small_world::at(text).timestamp())
}

/// The times of the only follower.
fn lead(report: &sapm::report::PlanReport) -> Value {
    lead_of(&data(report), 0)
}

fn lead_of(data: &Value, target: usize) -> Value {
    let index = data["targets"]["lead"][target].as_u64().unwrap();
    data["leads"][index as usize].clone()
}

#[test]
fn an_updated_merge_request_is_older_than_its_content() {
    let deployed = "2026-11-25T22:05:00Z";
    let (_, mut report) = report(&followers(1, "shop"), NOW, &[("stage", deployed)]);
    let uid = report.subscribers[0].target.uid.clone();
    report.merge_requests.push(open_mr(vec![uid], "2026-11-20T08:00:00Z"));
    let wanted = json!({"deployed": unix(deployed), "promotable": unix(deployed),
        "opened": unix("2026-11-20T08:00:00Z")});
    assert_eq!(lead(&report), wanted);
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&report);
    browser.open(&page, "");
    browser.click("tr.row .expand");
    let steps = browser.texts("td.detail .steps li");
    assert!(steps[2].contains("updated (opened 2026-11-20 08:00)"), "{steps:?}");
    assert!(!steps[2].contains("after"), "{steps:?}");
    assert!(browser.texts("tr.row").remove(0).contains("!7 waits to be merged"));
    browser.resize(1400, 900);
    browser.open(&page, "#view=lead");
    assert!(browser.texts("main table").join(" ").contains("updated (opened"));
}

#[test]
fn eligible_since_the_schedule_opened() {
    let mut apps = followers(1, "shop");
    let follower = &mut apps.get_mut("shop").unwrap()[1];
    (follower.soak_days, follower.schedule) = (1, "0 8-16 * * mon-fri".to_owned());
    // Friday evening, soaked on Saturday, open on Monday; now is Tuesday at 8.
    let stage = [("stage", "2026-11-20T20:00:00Z")];
    let (_, late) = report(&apps, "2026-11-24T08:00:30Z", &stage);
    assert_eq!(lead(&late)["promotable"], unix("2026-11-23T08:00:00Z"));
    // On Sunday it is not.
    let (_, early) = report(&apps, "2026-11-22T08:00:00Z", &stage);
    assert_eq!(lead(&early), json!({"deployed": unix("2026-11-20T20:00:00Z")}));
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&early);
    browser.resize(1400, 900);
    browser.open(&page, "#view=lead");
    let row = browser.texts(".frame:not(.bars) tbody tr").remove(0);
    assert!(row.contains("not yet: schedule blocks"), "{row}");
}

#[test]
fn completed_promotions_have_lead_times() {
    let mut apps = followers(2, "shop");
    let [_, published, silent] = &mut apps.get_mut("shop").unwrap()[..] else { panic!() };
    published.git_ref = commit('2');
    published.publish = vec!["canary".to_owned()];
    published.soak_days = 1;
    silent.git_ref = commit('2');
    silent.subscribe = vec!["canary".to_owned()];
    let times = [("stage", "2026-11-20T08:00:00Z"), ("one-000", "2026-11-21T10:30:00Z")];
    let (_, report) = report(&apps, NOW, &times);
    let all = data(&report);
    assert_eq!(
        lead_of(&all, 0),
        json!({"deployed": unix(times[0].1), "promotable": unix("2026-11-21T08:00:00Z"),
            "done": true, "here": unix(times[1].1)})
    );
    assert_eq!(
        lead_of(&all, 1),
        json!({"deployed": unix(times[1].1), "promotable": unix(times[1].1), "done": true})
    );
    let Some(browser) = Browser::start() else { return };
    let (_folder, page) = written(&report);
    browser.resize(1400, 900);
    browser.open(&page, "#view=lead");
    let rows = browser.texts("main tbody tr");
    assert!(rows[0].contains("one-001") && rows[0].contains("not known"), "{rows:?}");
    assert!(rows[1].contains("done") && rows[1].contains("26 h 30 min"), "{rows:?}");
    assert!(browser.texts("main p").join(" ").contains("half took less than 26 h 30 min"));
    browser.open(&page, "#q=one-000");
    browser.click("tr.row .expand");
    let steps = browser.texts("td.detail .steps li").join("\n");
    assert!(steps.contains("Deployed here\n2026-11-21 10:30"), "{steps}");
    assert!(steps.contains("after 2 h 30 min"), "{steps}");
}
