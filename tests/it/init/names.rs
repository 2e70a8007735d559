//! Names of a new config repo: which are accepted, and that they arrive as they are.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sapm::app_interface::load_with_texts;
use sapm::domain::UidDigest;
use sapm::init::{Settings, parse_branch, parse_name, render_files};
use sapm::inventory::build;
use sapm::validate::validate;
use serde_yaml::Value;

use super::{sapm, succeed};
use crate::ci_templates::pipeline::ten_lines;
use crate::datafiles::errors;
use crate::validate::repo::Repo;

/// Names, among them many that YAML reads as another type.
fn name() -> impl Strategy<Value = String> {
    let odd = [
        "on",
        "Yes",
        "null",
        "true",
        "n",
        "1e3",
        "0x1F",
        "010",
        "0o17",
        "1_000",
        "2026-01-01",
        "1.5",
        "1e-7",
        "NaN",
        "12",
        "9e999",
        "0b1",
        "e1",
        "5a",
        "nul",
    ];
    prop_oneof![
        prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        "[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?",
        "[0-9]{1,5}[._eE-]?[0-9]{1,5}",
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let names = (name(), name(), name(), name(), name(), name());
    (names, prop::option::of("[0-9a-f]{40}|[0-9]{40}|[0-9]{20}e[0-9]{19}"), any::<u16>())
        .prop_filter("two namespaces", |((_, _, stage, production, ..), ..)| stage != production)
        .prop_filter("no branch", |((.., branch), ..)| parse_branch(branch).is_ok())
        .prop_map(|((app, cluster, stage, production, channel, branch), git_ref, soak_days)| {
            Settings {
                code_url: format!("https://gitlab.example.com/{app}/{channel}"),
                git_ref,
                soak_days,
                branch,
                cluster,
                stage_namespace: stage,
                production_namespace: production,
                gitlab_url: "http://127.0.0.1:8080/gitlab".to_owned(),
                gitlab_project: format!("{app}/{channel}"),
                sapm_project: format!("{channel}/{app}"),
                image: format!("registry.example.com/image:{app}"),
                state: format!("s3://bucket/{channel}"),
                app,
                channel,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_valid_name_gives_a_valid_config_repo_and_arrives_unchanged(settings in settings()) {
        prop_assert_eq!(parse_name(&settings.app), Ok(settings.app.clone()));
        let files = render_files(&settings).unwrap();
        let texts: BTreeMap<String, String> =
            files.into_iter().map(|file| (file.path, file.text)).collect();
        let data = texts.iter().filter_map(|(path, text)| {
            Some((path.strip_prefix("data/")?.to_owned(), text.clone()))
        });
        let repo = Repo(data.collect());
        for (path, text) in &repo.0 {
            prop_assert_eq!(errors(text.as_bytes()), Some(vec![]), "{}", path);
        }
        let bundle = load_with_texts(&repo).unwrap();
        let inventory = build(&bundle, UidDigest::default());
        let findings = validate(&bundle, &inventory, "2026-08-20T10:00:00Z".parse().unwrap());
        prop_assert!(findings.problems.is_empty(), "{:?}", findings.problems);

        let saas: Value = serde_yaml::from_str(&texts[&format!("data/services/{}/saas.yml", settings.app)]).unwrap();
        let template = &saas["resourceTemplates"][0];
        let [stage, production] = [&template["targets"][0], &template["targets"][1]];
        prop_assert_eq!(&saas["name"], &Value::from(settings.saas_file()));
        prop_assert_eq!(&template["name"], &Value::from(settings.app.clone()));
        prop_assert_eq!(&stage["ref"], &Value::from(settings.branch.clone()));
        prop_assert_eq!(&stage["promotion"]["publish"][0], &Value::from(settings.channel.clone()));
        let git_ref = settings.git_ref.clone().unwrap_or_else(|| "0".repeat(40));
        prop_assert_eq!(&production["ref"], &Value::from(git_ref));
        let pipeline: Value = serde_yaml::from_str(&texts[".gitlab-ci.yml"]).unwrap();
        let inputs = &pipeline["include"][0]["inputs"];
        prop_assert_eq!(&inputs["only-in-project"], &Value::from(settings.gitlab_project.clone()));
        prop_assert_eq!(&inputs["state"], &Value::from(settings.state.clone()));
    }
}

#[test]
fn names_that_do_not_fit_are_refused_with_their_flag() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a".repeat(64);
    for (flag, value) in [
        ("--app", "a/b"),
        ("--app", ".."),
        ("--app", ""),
        ("--app", "two words"),
        ("--app", "$(id)"),
        ("--app", "a\nb"),
        ("--app", "-a"),
        ("--app", "{{ x }}"),
        ("--app", &long),
        ("--channel", "a/b"),
        ("--cluster", "ü"),
        ("--stage-namespace", "#"),
        ("--branch", "a..b"),
        ("--branch", "/main"),
        ("--branch", "0000000"),
        ("--branch", "$CI_COMMIT_BRANCH"),
        ("--ref", "4c1f2a9"),
        ("--ref", "4C1F2A9D0B7E6F5A3C8D1E2F4A5B6C7D8E9F0A1B"),
        ("--soak-days", "-1"),
        ("--code-url", "git@gitlab.example.com:shop/shop"),
        ("--code-url", "https://user:secret@gitlab.example.com/shop"),
        ("--code-url", "https://gitlab.example.com/shop?x=1"),
        ("--gitlab-url", "$CI_SERVER_URL"),
        ("--gitlab-url", "https://gitlab.example.com:port"),
        ("--gitlab-project", "shop"),
        ("--sapm-project", "a/../b"),
        ("--image", "$CI_REGISTRY/sapm"),
        ("--state", "file:///tmp/state"),
        ("--state", "s3://"),
    ] {
        let output = sapm(folder.path(), &["init", "repo", &format!("{flag}={value}")]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flag}={value}: {error}");
        assert!(error.contains(flag), "{flag}={value}: {error}");
        assert!(!folder.path().join("repo").exists(), "{flag}={value}");
    }
    let same = ["init", "repo", "--stage-namespace", "one", "--production-namespace", "one"];
    let output = sapm(folder.path(), &same);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the same namespace, one"));
    assert!(!folder.path().join("repo").exists());
}

/// The pipeline is the one that docs/set-up.md shows, with the values of the options.
#[test]
fn the_pipeline_is_that_of_the_set_up_page() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--gitlab-project", "service/app-interface", "--state", "s3://app-sre-state"];
    succeed(folder.path(), &[&["init", "repo"][..], &options].concat());
    let ours = std::fs::read_to_string(folder.path().join("repo/.gitlab-ci.yml")).unwrap();
    let parse = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
    assert_eq!(parse(&ours), parse(&ten_lines()));
}
