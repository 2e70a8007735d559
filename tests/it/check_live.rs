//! Runs `scripts/check-live` against the fake GitLab: the fake behaves as docs/compatibility.md assumes.

use std::collections::BTreeMap;

use super::security::{assert_is_test, read, rows_with_tests};
use check_live::{Options, Rows, Verdict, check};
use forge::{Access, Forge, ProjectHandle};

const TOKEN: &str = "glpat-check-live";

fn scratch(forge: &Forge) -> ProjectHandle {
    let project = forge.create_project::<&str, &[u8]>("people/scratch", []);
    project.add_bot("checker", TOKEN, Access::Maintainer, &["api"]);
    project
}

async fn run(forge: &Forge, project: &str, write: bool) -> Result<Rows, String> {
    let options = Options {
        gitlab_url: format!("{}/api/v4", forge.gitlab_url()),
        project: project.to_owned(),
        token: TOKEN.to_owned().into(),
        write,
    };
    check(&options).await
}

#[tokio::test]
async fn every_assumption_holds_on_the_fake() {
    let forge = Forge::builder().start().await;
    scratch(&forge);
    let rows = run(&forge, "people/scratch", true).await.expect("a table");
    println!("{}", rows.table());
    assert!(!rows.any_differs(), "{}", rows.table());
    let not_seen: Vec<&str> = rows
        .rows()
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::NotSeen(_)))
        .map(|row| row.id)
        .collect();
    assert_eq!(not_seen, ["G2", "G9"], "{}", rows.table());
    let page = read("docs/compatibility.md");
    let documented: BTreeMap<String, String> = rows_with_tests(&page)
        .into_iter()
        .inspect(|(_, file, name)| assert_is_test(file, name))
        .filter(|(id, ..)| id.starts_with(['G', 'R', 'W']))
        .map(|(id, _, name)| (id, name))
        .collect();
    let mut checked: Vec<&str> = rows.rows().iter().map(|row| row.id).collect();
    checked.sort_unstable();
    assert_eq!(documented.keys().map(String::as_str).collect::<Vec<_>>(), checked);
    forge.assert_no_unknown_routes();
    assert!(!rows.table().contains(TOKEN));
    // A second run in the same project, and a run that only reads.
    let again = run(&forge, "people/scratch", true).await.expect("a table");
    assert!(!again.any_differs(), "{}", again.table());
    let before = forge.writes().len();
    let read = run(&forge, "people/scratch", false).await.expect("a table");
    assert!(!read.any_differs(), "{}", read.table());
    assert_eq!(forge.writes().len(), before);
}

#[tokio::test]
async fn a_difference_is_reported() {
    let forge = Forge::builder().start().await;
    scratch(&forge);
    run(&forge, "people/scratch", true).await.expect("a table");
    forge.project("people/scratch").expect("a project").archive();
    let refused = run(&forge, "people/scratch", true).await;
    assert!(refused.expect_err("no writes").contains("403"), "archived projects take no writes");
}

#[tokio::test]
async fn a_project_with_foreign_commits_is_never_changed() {
    let forge = Forge::builder().start().await;
    let project = forge.create_project("people/real", [("README.md", "real")]);
    project.add_bot("checker", TOKEN, Access::Maintainer, &["api"]);
    let refused = run(&forge, "people/real", true).await.expect_err("refused");
    assert!(refused.contains("is not empty"), "{refused}");
    assert_eq!(forge.writes().len(), 0);
}
