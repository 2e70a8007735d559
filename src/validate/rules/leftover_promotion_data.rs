//! Finds `promotion_data` without `redeployOnPublisherConfigChange`: nothing updates its hashes,
//! and the deployer's own check rejects merge requests for the target.

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        if target.promotion.redeploy_on_publisher_config_change
            || target.promotion.current_hashes.is_empty()
        {
            continue;
        }
        let message = format!(
            "{}: promotion_data without redeployOnPublisherConfigChange: its hashes become outdated, \
             and the deployer refuses merge requests of this target",
            target.label()
        );
        let problem = Problem::new(ProblemCode::LeftoverPromotionData, message);
        problems.push(place_below(problem, target, "promotion.promotion_data"));
    }
}
