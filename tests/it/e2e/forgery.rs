//! The content of a branch decides whether it is the bot's, not the commit's metadata.

use forge::{Access, MergeRequest, MrState};

use super::support::*;

const CATALOG: &str = "saas-catalog/catalog-api/prod01/catalog-canary";
const TAKEN_OVER: &str = "sapm/taken-over";
/// The bot's names, as visible on its commits.
const BOT: (&str, &str) = ("sapm-bot", "own-address@example.invalid");

/// A world with open requests, and one of them.
fn opened() -> (World, MergeRequest) {
    let world = World::start();
    world.apply();
    let request = world.request(CATALOG);
    (world, request)
}

/// Replaces the tip of the branch by a commit with the bot's name and message.
fn forge_tip(world: &World, request: &MergeRequest, changes: &[(&str, &str)]) -> String {
    let project = world.project();
    let tip = request.sha.as_deref().unwrap();
    let (message, base) = (project.message(tip).unwrap(), project.parents(tip).remove(0));
    let changes = changes.iter().map(|(path, text)| (*path, Some(*text)));
    let branch = &request.source_branch;
    project.commit_in_name_of("dev", BOT, branch, &base, &message, changes)
}

fn now(world: &World, request: &MergeRequest) -> MergeRequest {
    world.forge().settle();
    world.project().merge_request(request.iid).unwrap()
}

/// Text of the file that a merge request changes, at its tip.
fn text_at_tip(world: &World, request: &MergeRequest) -> (String, String) {
    let tip = request.sha.as_deref().unwrap();
    let base = world.project().parents(tip).remove(0);
    let path = world.project().changed(&base, tip).remove(0);
    let text = world.text(tip, &path);
    (path, text)
}

#[test]
fn a_forged_branch_is_never_offered_for_merging() {
    let (world, request) = opened();
    let project = world.project();
    project.add_member("dev", Access::Developer);
    project.set_labels("dev", request.iid, &["sapm/again"], &[]);
    project.close("dev", request.iid);
    let forged =
        forge_tip(&world, &request, &[(".gitlab-ci.yml", "evil"), ("data/role.yml", "evil")]);
    let ran = world.sapm("apply").expect(5);
    assert!(ran.out.contains(&request.source_branch), "{}", ran.out);
    let mut open = project.open_merge_requests().into_iter();
    assert!(!open.any(|open| open.source_branch == request.source_branch));
    assert_eq!(project.tip(&request.source_branch), Some(forged), "it is somebody else's");
}

#[test]
fn labels_are_removed_with_foreign_content_and_restored_without_it() {
    for alone in [false, true] {
        let (world, request) = opened();
        let project = world.project();
        if alone {
            project.set_labels("dev", request.iid, &["sapm/hold"], &[]);
        }
        let (path, text) = text_at_tip(&world, &request);
        let original = project.tip(&request.source_branch).unwrap();
        let forged = forge_tip(&world, &request, &[(&path, &text), (".gitlab-ci.yml", "evil")]);
        world.apply();
        let taken = now(&world, &request);
        assert_eq!(taken.state, MrState::Opened);
        assert_eq!(project.tip(&request.source_branch), Some(forged));
        assert!(taken.labels.is_disjoint(&request.labels), "{:?}", taken.labels);
        assert!(taken.labels.contains(TAKEN_OVER), "{:?}", taken.labels);
        assert_eq!(taken.comments().count(), 1);
        world.forge().clear_log();
        world.apply();
        world.assert_nothing_written();

        project.set_branch("dev", &request.source_branch, &original).unwrap();
        project.set_labels("dev", request.iid, &[], &["sapm/hold"]);
        world.apply();
        let back = now(&world, &request);
        assert_eq!((&back.labels, back.sha), (&request.labels, Some(original)));
        world.forge().clear_log();
        world.apply();
        world.assert_nothing_written();
    }
}

#[test]
fn a_value_other_than_the_declared_one_is_not_the_bots() {
    let (world, request) = opened();
    let (path, text) = text_at_tip(&world, &request);
    let evil = "e71e71e71e71e71e71e71e71e71e71e71e71e71e";
    let message = world.project().message(request.sha.as_deref().unwrap()).unwrap();
    let declared = message.lines().find_map(|line| line.strip_prefix("Sapm-Ref: ")).unwrap();
    let tail = &declared[declared.len() - 39..];
    let at = text.find(tail).unwrap() - 1;
    let changed = format!("{}{evil}{}", &text[..at], &text[at + 40..]);
    forge_tip(&world, &request, &[(&path, &changed)]);
    world.apply();
    assert!(now(&world, &request).labels.contains(TAKEN_OVER));
}

#[test]
fn a_foreign_parent_commit_counts() {
    let (world, request) = opened();
    let project = world.project();
    let (path, text) = text_at_tip(&world, &request);
    let message = project.message(request.sha.as_deref().unwrap()).unwrap();
    let below = project.commit("dev", "mine", "below", [(".gitlab-ci.yml", Some("evil"))]);
    let change = [(path.as_str(), Some(text.as_str()))];
    project.commit_in_name_of("dev", BOT, &request.source_branch, &below, &message, change);
    world.apply();
    assert!(now(&world, &request).labels.contains(TAKEN_OVER));
}

#[test]
fn the_bots_content_counts_as_the_bots_whoever_committed_it() {
    let (world, request) = opened();
    let (path, text) = text_at_tip(&world, &request);
    let project = world.project();
    let tip = request.sha.as_deref().unwrap();
    let (message, base) = (project.message(tip).unwrap(), project.parents(tip).remove(0));
    let change = [(path.as_str(), Some(text.as_str()))];
    let gitlab = ("GitLab", "noreply@gitlab.example.invalid");
    project.commit_in_name_of("dev", gitlab, &request.source_branch, &base, &message, change);
    world.forge().settle();
    world.forge().clear_log();
    world.apply();
    world.assert_nothing_written();
}

#[test]
fn the_bases_of_all_branches_take_one_more_request() {
    let (world, _) = opened();
    world.project().commit("dev", "main", "elsewhere", [("README.md", Some("moved"))]);
    world.forge().settle();
    world.forge().clear_log();
    world.apply();
    world.assert_nothing_written();
    let asked = |what: &str| world.count(|entry| entry.path.contains(what));
    assert_eq!(asked("/repository/compare"), 0);
    assert_eq!(asked("/repository/branches?"), 0);
    // Two lists of refs; the clone and the branches take two exchanges each, the check one.
    assert_eq!(asked(".git/info/refs"), 2);
    assert_eq!(asked(".git/git-upload-pack"), 5);
}

#[test]
fn without_read_repository_branches_are_read_through_the_api() {
    let (world, request) = opened();
    let checkout = world.checkout();
    world.forge().configure(|settings| settings.branch_list_cache_s = 0);
    assert_eq!(world.plan_by_api(&checkout).request(CATALOG)["reason_code"], "as_wanted");
    let (path, text) = text_at_tip(&world, &request);
    forge_tip(&world, &request, &[(&path, &text), (".gitlab-ci.yml", "evil")]);
    world.forge().settle();
    assert_eq!(world.plan_by_api(&checkout).request(CATALOG)["reason_code"], "taken_over");
}
