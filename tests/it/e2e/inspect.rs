//! `validate` and `graph`: they report, and write nothing.

use datafiles::{Datafiles, SaasFile, Target};
use serde_json::Value;

use super::support::*;

fn validate(world: &World, folder: &std::path::Path) -> Sapm {
    let run = world.sapm("validate").env("SAPM_APP_INTERFACE", folder);
    run.without("SAPM_GITLAB_TOKEN").without("SAPM_STATE")
}

#[test]
fn validate_makes_no_requests_and_accepts_a_valid_repo() {
    let world = World::start();
    let folder = world.checkout();
    let requests = world.forge().request_count();
    let ran = validate(&world, &folder).expect(0);
    assert!(ran.out.contains("0 errors, 0 warnings"), "{}", ran.out);
    assert_eq!(world.forge().request_count(), requests);
    // The result is the same with a clone.
    world.sapm("validate").without("SAPM_STATE").expect(0);
}

#[test]
fn validate_reports_source_locations() {
    let world = World::start();
    let folder = world.checkout();
    let old = "    promotion:\n      auto: true\n      soakDays: 7\n";
    let new = old.replace("soakDays: 7", "soakDays: soon");
    let text = std::fs::read_to_string(folder.join(ORDERS_FILE)).unwrap();
    assert_eq!(text.matches(old).count(), 1);
    let text = text.replace(old, &new);
    let line = 1 + text.lines().position(|line| line.contains("soakDays: soon")).unwrap();
    std::fs::write(folder.join(ORDERS_FILE), text).unwrap();
    let report = world.path("report");
    let ran = validate(&world, &folder).arg("--report-dir").arg(&report).expect(5);
    assert!(ran.out.contains(&format!("--> {ORDERS_FILE}:{line}:17\n")), "{}", ran.out);
    assert!(ran.out.contains("resourceTemplates[0].targets[1].promotion.soakDays"), "{}", ran.out);
    let junit = std::fs::read_to_string(report.join("junit.xml")).unwrap();
    assert!(junit.contains(&format!("{ORDERS_FILE}:{line}")), "{junit}");
    let quality = std::fs::read(report.join("gl-code-quality-report.json")).unwrap();
    let quality: Value = serde_json::from_slice(&quality).unwrap();
    assert_eq!(quality[0]["location"]["path"], ORDERS_FILE);
    assert_eq!(quality[0]["location"]["lines"]["begin"], line);
    let ran = validate(&world, &folder).args(["--format", "json"]).expect(5);
    assert_eq!(ran.plan().list("problems")[0]["line"], line);
    let none = world.path("none");
    std::fs::create_dir(&none).unwrap();
    assert!(validate(&world, &none).expect(3).err.starts_with("error: "));
    // A folder with other datafiles must not pass.
    std::fs::create_dir_all(none.join("data/users")).unwrap();
    std::fs::write(none.join("data/users/me.yml"), "---\n$schema: /access/user-1.yml\n").unwrap();
    let ran = validate(&world, &none).expect(5);
    assert!(ran.out.contains("error[no_saas_file]: no saas file among 1 datafiles"), "{}", ran.out);
}

#[test]
fn validate_accepts_only_its_own_options() {
    let world = World::start();
    let folder = world.checkout();
    let refused = validate(&world, &folder).args(["--save-snapshot", "x"]).expect(2).err;
    assert!(refused.contains("--save-snapshot"), "{refused}");
    // Variables that all jobs of a project have do no harm.
    validate(&world, &folder).env("SAPM_SAVE_SNAPSHOT", "x").expect(0);
    let report = world.path("report");
    validate(&world, &folder).env("SAPM_REPORT_DIR", &report).expect(0);
    let help = |command: &str| {
        let help = world.sapm(command).arg("--help").expect(0).out;
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let validate = help("validate");
    let (_, to_report) = validate.split_once("--report-dir <DIR>").expect("the option");
    let (to_report, _) = to_report.split_once("[env: ").expect("its end");
    for file in files_below(&report) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(to_report.contains(name), "{name}: {to_report}");
    }
    for other in ["plan.json", "metrics.txt", "counts.env", "plan format"] {
        assert!(!validate.contains(other), "{other}: {validate}");
    }
    assert!(!help("explain").contains("of the plan format"));
    assert!(help("plan").contains("version 1 of the plan format"));
    world.assert_nothing_written();
}

#[test]
fn graph_shows_publishers_and_subscribers() {
    let world = World::start();
    let folder = world.checkout();
    let graph = |format: &str| {
        let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder).without("SAPM_STATE");
        run.args(["--format", format]).expect(0).out
    };
    let (mermaid, dot) = (graph("mermaid"), graph("dot"));
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(dot.starts_with("digraph promotions {\n") && dot.ends_with("}\n"), "{dot}");
    let stage = "saas-catalog/catalog-api/stage01/catalog-stage";
    for label in [CANARY, PRODUCTION, INDEX, ORDERS, MAIL, REGIONAL, LEDGER, stage] {
        for text in [&mermaid, &dot] {
            assert_eq!(text.matches(&format!("\"{label}\"")).count(), 1, "{label}: {text}");
        }
    }
    let id = |text: &str, label: &str| {
        let line = text.lines().find(|line| line.contains(&format!("\"{label}\""))).unwrap();
        line.trim().split(['[', '(', ' ']).next().unwrap().to_owned()
    };
    for (text, arrow) in [(&mermaid, " --> "), (&dot, " -> ")] {
        let channel = id(text, "catalog-stage");
        for (from, to) in [(&id(text, stage), &channel), (&channel, &id(text, CANARY))] {
            assert!(text.contains(&format!("  {from}{arrow}{to}")), "{text}");
        }
        // 7 publishers and 13 subscriptions.
        assert_eq!(text.matches(arrow).count(), 20, "{text}");
    }
    let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder);
    let narrow = run.args(["--app-name", "catalog"]).expect(0).out;
    assert!(narrow.contains(CANARY) && !narrow.contains("saas-orders"), "{narrow}");
}

#[test]
fn graph_draws_a_channel_or_a_neighbourhood_with_states() {
    let world = World::start();
    let folder = world.checkout();
    let facts = world.path("facts.json");
    world.sapm("plan").arg("--save-snapshot").arg(&facts).expect(0);
    let graph = |arguments: &[&str]| {
        let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder).without("SAPM_STATE");
        run.args(["--format", "svg"]).args(arguments)
    };
    let shown = |picture: &str, name: &str| picture.matches(&format!(">{name}</text>")).count();
    let whole = graph(&[]).expect(0).out;
    assert!(whole.starts_with("<svg ") && whole.ends_with("</svg>\n"), "{whole}");
    assert_eq!(whole.matches("class=\"status\"").count(), 0, "nothing is known");

    let channel = graph(&["--channel", "orders-stage"]).expect(0).out;
    assert_eq!(shown(&channel, "orders-stage"), 1);
    assert_eq!(shown(&channel, "catalog-stage"), 0);
    assert!(graph(&["--channel", "none"]).expect(2).err.contains("has no publisher"));

    let around = ["--target", "stage01/catalog-stage", "--neighbourhood"];
    let near = graph(&[&around[..], &["1"]].concat()).expect(0).out;
    let wider = graph(&[&around[..], &["2"]].concat()).expect(0).out;
    let production = "prod01/catalog-production";
    assert!(shown(&wider, production) > shown(&near, production), "{near}\n{wider}");
    assert!(graph(&["--target", "catalog"]).expect(2).err.contains("be more specific: "));
    assert!(graph(&["--neighbourhood", "2"]).expect(2).err.contains("--target"));

    let requests = world.forge().request_count();
    let facts = facts.to_string_lossy().into_owned();
    let stands = graph(&["--app-name", "catalog", "--snapshot", &facts]).expect(0).out;
    for status in ["promote", "held by schedule", "9705190c deployed"] {
        assert!(shown(&stands, status) > 0, "{status}: {stands}");
    }
    assert_eq!(world.forge().request_count(), requests, "nobody is asked");
}

/// An app that only publishes, to a channel of another app.
#[test]
fn graph_of_an_app_shows_its_followers_and_reports_unknown_names() {
    let world = World::start();
    let folder = world.checkout();
    let app = "/services/base/app.yml";
    let stage = Target::new("/services/orders/namespaces/orders-stage.yml", "main");
    let saas = SaasFile::new("saas-base", app)
        .template("base", "https://github.com/example-shop/base")
        .target(&stage.publishes("base"));
    let mut files = Datafiles::default();
    files.app(app, "base").saas("/services/base/saas.yml", &saas).write(&folder);
    let orders = folder.join(ORDERS_FILE);
    let text = std::fs::read_to_string(&orders).unwrap();
    let old = "subscribe: [orders-db-stage]";
    assert_eq!(text.matches(old).count(), 1);
    std::fs::write(&orders, text.replace(old, "subscribe: [orders-db-stage, base]")).unwrap();
    let graph = |arguments: &[&str]| {
        let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder).without("SAPM_STATE");
        run.args(arguments)
    };
    let base = graph(&["--app-name", "base"]).expect(0).out;
    let follower = "saas-orders/orders-db/prod01/orders-production";
    for name in ["saas-base/base/stage01/orders-stage", follower, "[\"base\"]"] {
        assert!(base.contains(name), "{name}: {base}");
    }
    assert!(!base.contains("orders-db-stage\"]"), "another channel of its follower: {base}");

    let refused = graph(&["--app-name", "order"]).expect(2).err;
    assert!(refused.contains("no target matches --app-name `order`"), "{refused}");
    assert!(refused.contains("did you mean orders?"), "{refused}");
    assert!(graph(&["--env-name", "moon"]).expect(2).err.contains("production"));
    // As in explain: whole parts, in their order.
    let parts = graph(&["--target", "orders-api/orders-production"]).expect(0).out;
    assert!(parts.contains(ORDERS), "{parts}");
    let near = graph(&["--target", "orders-apy"]).expect(2).err;
    assert!(near.contains("did you mean one of saas-orders/orders-api"), "{near}");
}
