//! Two declarations of one identity: the first by file order is the target.

use super::support::*;

const LATER: &str = "data/services/zzz/cicd/saas.yml";
const EARLIER: &str = "data/services/aaa/cicd/saas.yml";

/// Adds the saas file of the catalog again, with another ref and other channels.
fn again(world: &World, path: &str) {
    let text = world.text("main", CATALOG_FILE);
    let text = text.replace("catalog-api-stage", "zzz-stage");
    world.project().commit("mallory", "main", "Again\n", [(path.to_owned(), Some(text.as_str()))]);
}

#[test]
fn a_later_declaration_in_another_file_never_stops_the_first() {
    let world = World::start();
    let before = world.sapm("plan").args(["--format", "json"]).expect(0).plan();
    again(&world, LATER);
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.decisions(), before.decisions());
    let published = |plan: &Plan| plan.list("publishers").clone();
    assert_eq!(published(&plan).len(), published(&before).len());
    let codes = plan.problems();
    assert!(
        !codes.is_empty() && codes.iter().all(|code| code == "error duplicate_target"),
        "{codes:?}"
    );
    for problem in plan.list("problems") {
        assert_eq!(problem["file"], LATER.trim_start_matches("data"), "{problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("saas-catalog/"), "{message}");
        assert!(message.contains(CATALOG_FILE.trim_start_matches("data")), "{message}");
    }
    assert!(world.request(CANARY).title.contains(CANARY));
}

#[test]
fn the_first_file_owns_the_identity() {
    let world = World::start();
    again(&world, EARLIER);
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    let duplicates: Vec<_> = plan
        .list("problems")
        .iter()
        .filter(|problem| problem["code"] == "duplicate_target")
        .collect();
    assert!(!duplicates.is_empty());
    for problem in duplicates {
        assert_eq!(problem["file"], CATALOG_FILE.trim_start_matches("data"), "{problem}");
        assert!(problem["message"].as_str().unwrap().contains(EARLIER.trim_start_matches("data")));
    }
}
