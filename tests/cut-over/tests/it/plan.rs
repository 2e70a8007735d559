//! What the plan says: targets in error, what is refused, what is decided on otherwise.

use cut_over::{OLD_BOT, TestClock, World, sha};
use forge::old_bots::OldSapm;

/// Production of app 0 refers to an SLO document that is not there.
fn break_target(world: &World) {
    let text = world.text(&World::path(0));
    let mark = format!("ref: {}", sha(0, 1));
    assert!(text.contains(&mark), "{text}");
    let indent = text
        .lines()
        .find(|line| line.contains(&mark))
        .unwrap()
        .split("ref")
        .next()
        .unwrap()
        .to_owned();
    let broken = text.replace(&mark, &format!("{mark}\n{indent}slos: [{{$ref: /gone.yml}}]"));
    world.commit(&World::path(0), &broken);
}

#[test]
fn s21_a_target_in_error_that_the_old_promoter_promoted() {
    let world = World::start(2);
    world.release(0, 1);
    world.ago(3 * 24 * 60, |world| {
        let iid = OldSapm::new(&world.project, OLD_BOT).open(&[World::promotion(0, 0, 1)]);
        world.project.merge("alice", iid).unwrap();
    });
    world.release(0, 2);
    break_target(&world);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("targets_in_error"), "fail", "{}", asked.text);
    assert!(asked.summary("targets_in_error").contains("/gone.yml"));
    assert!(
        asked.summary("targets_in_error").contains("last by !"),
        "{}",
        asked.summary("targets_in_error")
    );
}

#[test]
fn s21_one_that_it_never_promoted_is_a_warning() {
    let world = World::start(2);
    world.release(0, 2);
    world.edit(&World::path(0), &sha(0, 0), &sha(0, 1));
    break_target(&world);
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("targets_in_error"), "warn");
}

#[test]
fn what_is_refused_is_told() {
    let world = World::start(1);
    world.edit(&World::path(0), "subscribe: [app0-stage]", "subscribe: [nobody]");
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("refused_constructs"), "warn");
    assert!(asked.summary("refused_constructs").contains("channel_without_publisher"));
}

#[test]
fn what_is_decided_on_otherwise_is_announced() {
    let world = World::start(1);
    let text = world.text(&World::path(0));
    let mut twin = format!(
        "{text}  - name: twin\n    namespace: {{$ref: /services/app0/production.yml}}\n    ref: "
    );
    twin += &format!(
        "{}\n    promotion: {{auto: true, subscribe: [app0-stage], soakDays: 7}}\n",
        sha(0, 0)
    );
    world.commit(&World::path(0), &twin);
    let asked = world.preflight(&[]).expect(0);
    let difference = &asked.json["differences"][0];
    assert_eq!(
        (&difference["code"], &difference["app"]),
        (&"twin_rewritten".into(), &"app0".into())
    );
    assert_eq!(difference["targets"].as_array().unwrap().len(), 2);
    assert!(asked.markdown.contains("## Announcement"));
    assert!(asked.markdown.contains("Each target moves by its own gates"));
}

#[test]
fn a_config_repo_without_data_ends_it() {
    let world = World::start(1);
    let files: Vec<String> = world.project.files("main").into_keys().collect();
    let gone = files.into_iter().map(|path| (path, None::<String>));
    world.project.commit(
        "alice",
        "main",
        "Nothing\n",
        gone.chain([("x".to_owned(), Some("x".to_owned()))]),
    );
    let asked = world.ask(&[], &world.environment(), &TestClock::new(&world));
    assert_eq!(asked.code, 3, "{:?}", asked.error);
}
