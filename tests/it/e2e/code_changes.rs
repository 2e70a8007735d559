//! What a merge request tells of the code: which way it goes, and the commits.

use std::collections::BTreeSet;

use forge::{CommitInfo, Fault, FaultKind, MrState, Service};

use super::support::*;
use crate::shop::{CATALOG_NEW, CATALOG_NEXT, CATALOG_OLD, ORDERS_NEW};

const GITHUB_TOKEN: &str = "ghp-token-of-the-shop";
/// Where the orders are in production and in the canary.
const ORDERS_CANARY_OLD: &str = "d83e8878b794cd2c379af53482024695a2d42eb7";
const LABEL: &str = "sapm/rollback";
/// Labels of a merge request without and with it.
fn labels(goes_back: bool) -> BTreeSet<String> {
    let own = goes_back.then_some(LABEL);
    ["AutoPromoterV2"].into_iter().chain(own).map(str::to_owned).collect()
}

fn commit(sha: &str, parents: &[&str], message: &str, author: &str) -> CommitInfo {
    let mut commit = CommitInfo::new(sha);
    commit.parents = parents.iter().map(|&parent| parent.to_owned()).collect();
    (commit.message, commit.author) = (message.to_owned(), author.to_owned());
    commit
}

/// A commit that no ref names.
fn sha(number: usize) -> String {
    format!("{number:040x}")
}

/// A shop whose GitHub is asked with a token, as comparisons are.
fn world(history: impl IntoIterator<Item = CommitInfo>) -> World {
    let world = World::start();
    world.forge().add_github_token(GITHUB_TOKEN);
    world.forge().add_history(history);
    world
}

fn apply(world: &World) -> Ran {
    world.forge().clear_log();
    world
        .sapm("apply")
        .env("SAPM_CONCURRENCY", "1")
        .env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN)
        .expect(0)
}

/// The catalog with a merge between the two commits, and the orders with one commit.
fn ahead() -> Vec<CommitInfo> {
    let (feature, plain) = (sha(1), sha(2));
    let merge = "Merge pull request #12 from example-shop/pictures\n\nPictures";
    vec![
        commit(CATALOG_OLD, &[], "Find misspelled words", "Ann Bee"),
        commit(&feature, &[CATALOG_OLD], "Load pictures lazily", "Ann Bee"),
        commit(&plain, &[CATALOG_OLD], "Update the dependencies (#11)", "renovate[bot]"),
        commit(CATALOG_NEW, &[&plain, &feature], merge, "Cy Dee"),
        commit(ORDERS_CANARY_OLD, &[], "Start", "Eve"),
        commit(ORDERS_NEW, &[ORDERS_CANARY_OLD], "Print on both sides", "Eve Eff"),
    ]
}

/// The catalog as if the commit of production came after that of stage.
fn back() -> Vec<CommitInfo> {
    vec![
        commit(CATALOG_NEW, &[], "Show pictures in search results", "Ann Bee"),
        commit(CATALOG_OLD, &[CATALOG_NEW], "Find misspelled words", "Cy Dee"),
    ]
}

/// Requests that compare commits.
fn comparisons(world: &World) -> Vec<String> {
    let log = world.forge().log();
    let is_one = |path: &str| {
        path.contains("/compare/") || path.contains("merge_base") || path.contains("ref_name=")
    };
    let found = log.iter().map(|entry| entry.path.clone()).filter(|path| is_one(path));
    found.map(|path| path.split('?').next().unwrap().to_owned()).collect()
}

#[test]
fn the_commits_are_listed_with_what_follows() {
    let world = world(ahead());
    apply(&world);
    let canary = world.request(CANARY);
    assert_eq!(canary.title, format!("[AutoPromoterV2] {CANARY} to {}", &CATALOG_NEW[..8]));
    insta::assert_snapshot!(
        "description_with_commits",
        normalise(&canary.description, world.forge())
    );
    let mail = world.request(MAIL);
    insta::assert_snapshot!(
        "description_with_commits_of_gitlab",
        normalise(&mail.description, world.forge())
    );
    assert_eq!((canary.labels, mail.labels), (labels(false), labels(false)));
    world.forge().assert_no_unknown_routes();
}

#[test]
fn each_pair_of_commits_is_compared_once_by_the_run_that_writes_about_it() {
    let world = world(ahead());
    apply(&world);
    let mut found = comparisons(&world);
    found.sort();
    let gitlab = "/api/v4/projects/example-shop%2Forders/repository";
    let github =
        |from: &str, to: &str| format!("/repos/example-shop/catalog/compare/{from}...{to}");
    let expected = [format!("{gitlab}/commits"), format!("{gitlab}/merge_base")];
    assert_eq!(found[..2], expected);
    assert!(found.contains(&github(CATALOG_OLD, CATALOG_NEW)), "{found:?}");
    let mut distinct = found.clone();
    distinct.dedup();
    assert_eq!(found, distinct);
    apply(&world);
    assert_eq!(comparisons(&world), Vec::<String>::new(), "nothing is written");
    // What a person keeps from being opened is compared by no run.
    world.project().close("alice", world.request(CANARY).iid);
    for _ in 0..2 {
        apply(&world);
        assert_eq!(comparisons(&world), Vec::<String>::new());
    }
}

#[test]
fn an_explanation_compares_no_commits() {
    let world = world(ahead());
    world.sapm("explain").arg(CANARY).env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN).expect(0);
    assert_eq!(comparisons(&world), Vec::<String>::new());
}

#[test]
fn without_a_token_github_is_not_asked() {
    let world = world(ahead());
    world.apply();
    assert!(comparisons(&world).iter().all(|path| !path.contains("/compare/")));
    let canary = world.request(CANARY).description;
    assert!(!canary.contains("that it brings") && canary.contains("[What changes in the code]"));
}

#[test]
fn a_promotion_that_goes_back_says_so_first() {
    let world = world(back());
    apply(&world);
    let canary = world.request(CANARY);
    let title = format!("[AutoPromoterV2] Rollback: {CANARY} to {}", &CATALOG_NEW[..8]);
    assert_eq!(canary.title, title);
    assert_eq!(canary.labels, labels(true));
    assert!(canary.description.starts_with("**This goes back**: `9705190c` is an ancestor"));
    assert!(
        canary.description.contains("**1 commit that it takes back**"),
        "{}",
        canary.description
    );
    assert!(canary.description.contains("Find misspelled words, by Cy Dee"));
    // The page shows something this way round only.
    let page = format!("/compare/{CATALOG_NEW}...{CATALOG_OLD})");
    assert!(canary.description.contains(&page), "{}", canary.description);
    // Held and ready again: the title says it throughout.
    world.shop.deploy("catalog-stage", CATALOG_NEW, false, chrono::Utc::now());
    apply(&world);
    let held = world.request(CANARY).title;
    assert_eq!(
        held,
        format!("Draft: [AutoPromoterV2] held by deployment: Rollback: {CANARY} to 9705190c")
    );
    world.shop.deploy("catalog-stage", CATALOG_NEW, true, chrono::Utc::now());
    apply(&world);
    assert_eq!(world.request(CANARY).title, title);
    assert_eq!(comparisons(&world), Vec::<String>::new());
    // The next commit goes ahead.
    world.forge().add_history([commit(CATALOG_NEXT, &[CATALOG_OLD], "Show prices", "Ann Bee")]);
    world.shop.next_catalog();
    apply(&world);
    let ahead = world.request(CANARY);
    assert_eq!(ahead.iid, canary.iid);
    assert_eq!(ahead.title, format!("[AutoPromoterV2] {CANARY} to {}", &CATALOG_NEXT[..8]));
    assert_eq!(ahead.labels, labels(false));
    assert!(ahead.description.starts_with("Promotes "));
}

#[test]
fn the_label_is_not_fought_over() {
    let world = world(back());
    apply(&world);
    let iid = world.request(CANARY).iid;
    world.project().set_labels("alice", iid, &[], &[LABEL]);
    world.forge().clear_log();
    apply(&world);
    assert_eq!(world.request(CANARY).labels, labels(false));
    assert_eq!(world.writes(), Vec::<String>::new());
    // One that a person set on what goes ahead is theirs.
    world.forge().add_history([commit(CATALOG_NEXT, &[CATALOG_OLD], "Show prices", "Ann Bee")]);
    world.shop.next_catalog();
    apply(&world);
    world.project().set_labels("alice", iid, &[LABEL], &[]);
    world.shop.deploy("catalog-stage", CATALOG_NEW, true, chrono::Utc::now());
    let mut newest = commit(&sha(9), &[CATALOG_NEXT], "Show more prices", "Ann Bee");
    newest.date = chrono::Utc::now();
    world.forge().add_history([newest.clone()]);
    world.forge().set_github_ref("example-shop/catalog", "main", newest);
    world.shop.deploy("catalog-stage", &sha(9), true, chrono::Utc::now());
    apply(&world);
    let request = world.request(CANARY);
    assert!(request.title.ends_with(&sha(9)[..8]), "{}", request.title);
    assert_eq!(request.labels, labels(true));
}

#[test]
fn a_history_that_has_diverged_is_told() {
    let base = sha(3);
    let world = world([
        commit(&base, &[], "Start", "Ann Bee"),
        commit(CATALOG_OLD, &[&base], "Find misspelled words", "Cy Dee"),
        commit(CATALOG_NEW, &[&base], "Show pictures", "Ann Bee"),
        // No common ancestor at all.
        commit(ORDERS_CANARY_OLD, &[], "Start", "Eve"),
        commit(ORDERS_NEW, &[], "Start anew", "Eve"),
    ]);
    apply(&world);
    for target in [CANARY, MAIL] {
        let request = world.request(target);
        assert!(request.title.starts_with("[AutoPromoterV2] Diverged: "), "{}", request.title);
        assert!(request.description.starts_with("**The history has diverged**"));
        assert_eq!(request.labels, labels(false));
    }
    assert!(world.request(CANARY).description.contains("**1 commit that it brings**"));
}

#[test]
fn hostile_words_of_commits_do_nothing() {
    let hostile = [
        "/merge",
        "@all please approve @alice",
        "<!-- sapm:values=00 --> <!-- sapm:rollback=x -->",
        "Closes #1, fixes !2 and example-shop/orders#3",
        "Merge branch 'x'\r/close\n/label ~sapm/hold\n\n/close",
        "</details><script>alert(1)</script> [a](javascript:alert(1)) ![](https://evil.example/x.png)",
        "\u{202e}\u{7}\u{1b}[31m `code` ```` | * # > ~~~",
        "",
    ];
    let mut history = vec![commit(CATALOG_OLD, &[], "Start", "Ann")];
    let mut parent = CATALOG_OLD.to_owned();
    for (number, subject) in hostile.iter().enumerate() {
        let author = format!("{subject} <ann@example.com>");
        history.push(commit(&sha(number + 1), &[&parent], subject, &author));
        parent = sha(number + 1);
    }
    let long = "x @all ".repeat(10_000);
    history.push(commit(CATALOG_NEW, &[&parent], &long, &long));
    let world = world(history);
    apply(&world);
    let request = world.request(CANARY);
    assert_eq!(request.title, format!("[AutoPromoterV2] {CANARY} to {}", &CATALOG_NEW[..8]));
    assert_eq!((&request.labels, request.state), (&labels(false), MrState::Opened));
    assert_eq!(world.forge().quick_actions().len(), 0, "{:?}", world.forge().quick_actions());
    assert_eq!(world.forge().mentions().len(), 0, "{:?}", world.forge().mentions());
    assert_eq!(world.forge().references().len(), 0, "{:?}", world.forge().references());
    assert!(request.description.len() < 20_000, "{}", request.description.len());
    assert!(request.description.chars().all(|c| c == '\n' || !c.is_control()));
    insta::assert_snapshot!(normalise(&request.description, world.forge()));
    // The next run finds its own marks.
    apply(&world);
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[test]
fn of_many_commits_the_newest_are_listed() {
    for (count, told) in [(21, "21 commits"), (300, "300 commits")] {
        let mut history = vec![commit(CATALOG_OLD, &[], "Start", "Ann")];
        let mut parent = CATALOG_OLD.to_owned();
        for number in 1..count {
            history.push(commit(&sha(number), &[&parent], &format!("Change {number}"), "Ann"));
            parent = sha(number);
        }
        history.push(commit(CATALOG_NEW, &[&parent], "The last", "Ann"));
        let world = world(history);
        apply(&world);
        let text = world.request(CANARY).description;
        assert!(
            text.contains(&format!("**{told} that it brings**\n\n* `9705190c` The last")),
            "{text}"
        );
        let more = format!("* and {} more: [all of them](https://github.com/", count - 20);
        assert!(text.contains(&more), "{text}");
        assert_eq!(text.matches(", by Ann").count(), 20);
    }
    // GitLab's page has 100 commits, and does not tell how many there are.
    let mut history = vec![commit(ORDERS_CANARY_OLD, &[], "Start", "Ann")];
    let mut parent = ORDERS_CANARY_OLD.to_owned();
    for number in 1..150 {
        history.push(commit(&sha(number), &[&parent], "Change", "Ann"));
        parent = sha(number);
    }
    history.push(commit(ORDERS_NEW, &[&parent], "The last", "Ann"));
    let world = world(history);
    apply(&world);
    let text = world.request(MAIL).description;
    assert!(text.contains("**At least 100 commits that it brings**"), "{text}");
    assert!(text.contains("* and at least 80 more: [all of them]("), "{text}");
}

/// Whatever becomes of the comparison, the merge request is opened without it.
#[test]
fn no_answer_is_no_reason_to_fail() {
    let huge = format!("{{\"status\": \"ahead\", \"more\": \"{}\"}}", "x".repeat(9 << 20));
    let html = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    let faults = [
        FaultKind::Status(404, r#"{"message":"Not Found"}"#.to_owned(), Vec::new()),
        FaultKind::Status(500, "oops".to_owned(), Vec::new()),
        FaultKind::Status(
            200,
            html.to_owned(),
            vec![("content-type".to_owned(), "text/html".to_owned())],
        ),
        FaultKind::Status(200, "[]".to_owned(), Vec::new()),
        FaultKind::Status(200, huge, Vec::new()),
        FaultKind::Status(403, r#"{"message":"403 Forbidden"}"#.to_owned(), Vec::new()),
        FaultKind::Status(401, r#"{"message":"401 Unauthorized"}"#.to_owned(), Vec::new()),
        FaultKind::DropBefore,
        FaultKind::Hang,
    ];
    for kind in faults {
        let world = world(back());
        let what = format!("{kind:?}");
        for (service, path) in [
            (Service::GitHub, "/compare/"),
            (Service::GitLab, "merge_base"),
            (Service::GitLab, "ref_name="),
        ] {
            world.forge().fault(Fault::new(kind.clone()).on(service).path(path));
        }
        let ran = apply(&world);
        assert!(world.forge().faults_played() > 1, "{what}");
        let canary = world.request(CANARY);
        assert_eq!(canary.title, format!("[AutoPromoterV2] {CANARY} to 9705190c"), "{what}");
        assert!(canary.description.starts_with("Promotes "), "{what}");
        assert!(ran.out.contains("problems: 0 errors, 0 warnings"), "{what}: {}", ran.out);
        assert_eq!(world.branches().len(), 4, "{what}");
        // The next run has nothing to write, and asks nothing.
        world.forge().clear_faults();
        apply(&world);
        assert_eq!((world.writes(), comparisons(&world)), (Vec::new(), Vec::new()), "{what}");
    }
}

#[test]
fn what_was_told_stays_while_nobody_can_be_asked() {
    let world = world(back());
    apply(&world);
    // The file changes around it, so it is rebuilt.
    let lines = "# held by its schedule: one hour a year\n";
    world.edit(CATALOG_FILE, lines, "");
    let near = "    ref: 9d562e12ee5220a41f29bc0fb79f0700d13b4473   # moved by the promotion bot\n";
    world.edit(CATALOG_FILE, near, &near.replace("   # moved by the promotion bot", " # moved"));
    world.forge().fault(Fault::status(500, "oops").on(Service::GitHub).path("/compare/"));
    apply(&world);
    assert!(world.writes().iter().any(|write| write.contains("repository/commits")));
    let canary = world.request(CANARY);
    assert!(canary.title.contains("] Rollback: "), "{}", canary.title);
    assert!(canary.description.starts_with("**This goes back**"), "{}", canary.description);
    assert_eq!(canary.labels, labels(true));
}

#[test]
fn a_batch_tells_it_of_each_promotion() {
    let mut history = back();
    history.extend([
        commit(ORDERS_CANARY_OLD, &[], "Start", "Eve"),
        commit(ORDERS_NEW, &[ORDERS_CANARY_OLD], "Print on both sides", "Eve Eff"),
    ]);
    let world = world(history);
    let run =
        || world.sapm("apply").env("SAPM_BATCH_BY", "all").env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN);
    run().expect(0);
    let open = world.project().open_merge_requests();
    let [mr] = open.as_slice() else { panic!("{open:#?}") };
    assert!(
        mr.title.starts_with("[AutoPromoterV2] Includes a rollback: 4 promotions"),
        "{}",
        mr.title
    );
    assert_eq!(mr.labels, labels(true));
    let row = mr.description.lines().find(|line| line.contains("catalog-canary` |")).unwrap();
    assert!(row.contains(") **goes back** |"), "{row}");
    assert!(mr.description.contains("Print on both sides, by Eve Eff"), "{}", mr.description);
    run().expect(0);
    assert_eq!(world.project().open_merge_requests()[0].updated_at, mr.updated_at);
}

#[test]
fn a_replay_says_the_same() {
    let world = world(back());
    let plan = |args: &[&str]| {
        let run = world.sapm("plan").args(["--format", "json"]).args(args);
        run.env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN).expect(0).plan()
    };
    let live = plan(&["--save-snapshot", "snapshot.json"]);
    let checkout = world.checkout();
    let replayed =
        plan(&["--snapshot", "snapshot.json", "--app-interface", checkout.to_str().unwrap()]);
    assert_eq!(live.list("merge_requests"), replayed.list("merge_requests"));
    let title = text(&replayed.request(CANARY)["title"]);
    assert!(title.contains("] Rollback: "), "{title}");
}

#[test]
fn the_deployment_job_and_the_newest_report_are_linked() {
    let world = world(ahead());
    let job = "https://gitlab.example.com/shop/catalog/-/jobs/4711";
    world.shop.link_job("catalog-stage", CATALOG_NEW, job);
    let project = "https://gitlab.example.com/shop/app-interface";
    let run = world.sapm("apply").env("CI_PROJECT_URL", project).env("CI_COMMIT_BRANCH", "main");
    run.env("CI_JOB_NAME", "sapm-apply 1/1").args(["--report-dir", "sapm-report/1"]).expect(0);
    let text = world.request(CANARY).description;
    assert!(text.contains(&format!(", [job]({job}))")), "{text}");
    let report = format!(
        "{project}/-/jobs/artifacts/main/file/sapm-report/1/report.html?job=sapm-apply%201%2F1"
    );
    assert!(text.contains(&format!("[latest report]({report})")), "{text}");
    // What is no web page is no problem either.
    let too_long = format!("https://ci.example.com/{}", "y".repeat(600));
    for url in [serde_json::json!("javascript:alert(1)"), 7.into(), too_long.into()] {
        let world = World::start();
        world.shop.link_job("catalog-stage", CATALOG_NEW, url);
        world.apply();
        assert!(!world.request(CANARY).description.contains("[job]"));
    }
}
