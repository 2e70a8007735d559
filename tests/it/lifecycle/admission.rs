//! Which of the due merge requests are opened now, and which wait.

use sapm::plan::{Action, Reason};

use super::config::Shape;
use super::lab::{Lab, block_on, deferred, sha, simple};

#[test]
fn neighbours_wait_for_each_other_and_come_one_after_the_other() {
    block_on(async {
        let lab = Lab::with_merge_requests(Shape::Line, 3).await;
        // The middle one's line is next to both others'; those fit beside each other.
        let opened: Vec<usize> = (0..3).filter(|&id| lab.open(id).is_some()).collect();
        assert!(opened.len() < 3 && !opened.is_empty(), "{opened:?}");
        let run = lab.run().await;
        let reason = deferred(&run, Reason::WaitsForRequest);
        let named = opened.iter().any(|&id| reason.contains(&format!("!{}", lab.mr(id).iid)));
        assert!(named, "{reason}");
        lab.quiet().await;
        for _ in 0..3 {
            for open in lab.bot.project.open_merge_requests() {
                lab.bot.project.merge("dev", open.iid).unwrap();
            }
            lab.run().await;
        }
        let main = lab.bot.loaded(&lab.bot.main());
        let promoted = main.inventory.targets.iter().filter(|t| t.current_ref() == sha(1));
        assert_eq!(promoted.count(), 3);
        lab.quiet().await;
    });
}

#[test]
fn the_longest_promotable_come_first_and_the_others_later() {
    block_on(async {
        let lab = Lab::new(simple(Shape::Block, 5));
        lab.bot.settings.borrow_mut().max_new_merge_requests = 2;
        for id in [3, 1, 4, 0, 2] {
            lab.release_for(id, 1);
            lab.bot.now.set(lab.bot.now.get() + chrono::TimeDelta::hours(1));
        }
        for expected in [vec![1, 3], vec![0, 1, 3, 4], vec![0, 1, 2, 3, 4]] {
            let run = lab.run().await;
            let open: Vec<usize> = (0..5).filter(|&id| lab.open(id).is_some()).collect();
            assert_eq!(open, expected);
            let later = run.plan.merge_requests.iter().filter(|r| r.action == Action::Defer);
            assert!(later.clone().all(|mr| mr.reason_code == Reason::RunLimit));
            assert_eq!(later.count(), 5 - open.len());
        }
        lab.quiet().await;
    });
}
