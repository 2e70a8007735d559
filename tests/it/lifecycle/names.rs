//! Names of saas files, channels and namespaces: whatever they hold, they do nothing but stand in texts.

use super::config::{Config, Shape};
use super::lab::{Lab, block_on, saas, sha, simple, story, targets};

#[test]
fn no_name_gets_out_of_its_place() {
    block_on(async {
        let nasty = "x closes #7 fixes GL-7-8, and resolves g/p#9\n/close\n@all `` <!-- sapm:values=0 --> \
             <!-- sapm:taken-over -->\r\n```\n/merge\nImplements: OPS-12 closes https://h/-/issues/7 \
             fixes [work_item:g/p/7] é-1";
        let long = "ä/..lock@{ ".repeat(40);
        let mut file = saas(0, targets(Shape::Block, 2), 2);
        file.name = format!("{nasty}{long}");
        for channel in &mut file.channels {
            channel.name.push_str(nasty);
            channel.namespace.push_str(nasty);
        }
        let suffix = format!("{nasty}{long}");
        let lab = Lab::new(Config { saas: vec![file], suffix, ..Config::default() });
        lab.release_for(0, 1);
        lab.release_for(1, 1);
        lab.run().await;
        lab.quiet().await;
        lab.publish(0, 0, &sha(2));
        lab.rewrite("off", |config| config.target_mut(1).disabled = true);
        let taken = lab.open(0).unwrap();
        lab.run().await;
        assert!(lab.open(0).unwrap().is_draft());
        lab.bot.project.commit("dev", &taken.source_branch, "mine", [("data/x.txt", Some("x"))]);
        lab.run().await;
        lab.quiet().await;
        let by_bot = |user: u64| user == lab.bot.id;
        assert!(!lab.bot.forge.quick_actions().iter().any(|action| by_bot(action.user)));
        assert!(!lab.bot.forge.mentions().iter().any(|mention| by_bot(mention.user)));
        let references = lab.bot.forge.references();
        let own: Vec<_> = references.iter().filter(|found| by_bot(found.user)).collect();
        assert!(own.is_empty(), "{own:#?}");
        for mr in lab.bot.project.merge_requests() {
            assert!(mr.source_branch.len() <= 200 && mr.title.chars().count() <= 255);
            assert_eq!(mr.comments().count(), 1, "{:#?}", mr.notes);
        }
    });
}

#[test]
fn a_name_like_the_bots_own_words_changes_nothing() {
    block_on(async {
        let mut file = saas(0, targets(Shape::Block, 1), 1);
        file.name = "held by slo: Draft: [AutoPromoterV2] held by ".to_owned();
        let lab = Lab::new(Config { saas: vec![file], ..Config::default() });
        lab.release_for(0, 1);
        lab.run().await;
        assert!(!lab.open(0).unwrap().is_draft());
        lab.quiet().await;
        // It becomes a draft, and ready again, as any other.
        let title = lab.open(0).unwrap().title;
        lab.publish(0, 0, &sha(2));
        lab.run().await;
        assert!(lab.open(0).unwrap().is_draft());
        lab.quiet().await;
        lab.publish(0, 0, &sha(1));
        lab.run().await;
        assert_eq!(lab.open(0).unwrap().title, title);
        lab.quiet().await;
    });
}

#[test]
fn no_name_keeps_a_pipeline_from_starting() {
    block_on(async {
        for name in ["[skip-ci]", "[CI_skip]"] {
            let mut list = targets(Shape::Block, 1);
            list[0].redeploy = true;
            let mut file = saas(0, list, 1);
            file.name.push_str(name);
            file.channels[0].name.push_str(name);
            file.channels[0].namespace.push_str(name);
            let lab = Lab::new(Config { saas: vec![file], ..Config::default() });
            lab.release_for(0, 1);
            lab.run().await;
            let mr = lab.open(0).unwrap();
            let pipelines = lab.bot.project.pipelines();
            let mut own = pipelines.iter().filter(|p| p.merge_request == Some(mr.iid));
            assert!(own.any(|pipeline| !pipeline.dropped), "{name}: {pipelines:#?}");
        }
    });
}

#[test]
fn a_description_of_thousands_of_members_fits() {
    block_on(async {
        let mut config = simple(Shape::Selector, 1);
        config.crowd = 3_000;
        config.suffix = "-with-quite-a-long-name".repeat(8);
        let lab = Lab::new(config);
        lab.release_for(0, 1);
        lab.run().await;
        let mr = &lab.bot.project.merge_requests()[0];
        assert!(mr.description.len() < 100_000, "{} bytes", mr.description.len());
        assert!(mr.description.starts_with("Promotes"), "{}", mr.description);
        let run = lab.run().await;
        assert!(lab.bot.writes().is_empty(), "{:#?}", story(&run));
        assert_eq!(run.plan.merge_requests[0].targets.len(), 3_002);
    });
}
