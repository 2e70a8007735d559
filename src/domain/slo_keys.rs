//! Keys of SLO values in a snapshot.

use std::collections::{BTreeMap, BTreeSet};

/// Gives each SLO query a unique key.
///
/// Names are not unique: a document may list a namespace twice with different Prometheus servers,
/// and two SLOs may share a name. With a shared key, one value would hide the other. So the
/// key of the second query of a name ends in `#2`, of the third in `#3`, and so on.
#[derive(Debug, Default)]
pub struct SloKeys {
    taken: BTreeSet<String>,
    used: BTreeMap<String, usize>,
}

impl SloKeys {
    /// The key of the next query. No earlier query has it.
    pub fn next_key(
        &mut self,
        document: &str,
        cluster: &str,
        namespace: &str,
        slo: &str,
    ) -> String {
        let name = format!("{document}/{cluster}/{namespace}/{slo}");
        let used = self.used.entry(name.clone()).or_default();
        loop {
            *used += 1;
            let key = if *used == 1 { name.clone() } else { format!("{name}#{used}") };
            // An SLO may be called `latency#2`.
            if self.taken.insert(key.clone()) {
                return key;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::SloKeys;

    #[test]
    fn repeated_names_are_numbered_from_two() {
        let mut keys = SloKeys::default();
        let mut next = |slo: &str| keys.next_key("d", "c", "n", slo);
        assert_eq!(
            ["a", "a", "b", "a"].map(&mut next),
            ["d/c/n/a", "d/c/n/a#2", "d/c/n/b", "d/c/n/a#3",]
        );
        assert_eq!(["b#2", "b", "b"].map(&mut next), ["d/c/n/b#2", "d/c/n/b#3", "d/c/n/b#4"]);
    }

    proptest! {
        #[test]
        fn no_two_queries_share_a_key(names in prop::collection::vec("[a/]{0,2}(#[23])?", 0..60)) {
            let mut keys = SloKeys::default();
            let given: BTreeSet<String> =
                names.chunks(4).filter(|names| names.len() == 4).map(|names| {
                    keys.next_key(&names[0], &names[1], &names[2], &names[3])
                }).collect();
            prop_assert_eq!(given.len(), names.len() / 4);
        }
    }
}
