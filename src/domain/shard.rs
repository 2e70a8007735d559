//! A shard: the part of the work that one of several parallel jobs does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The shard of one node: whole files, chosen by a digest of their path.
///
/// All edits in one file belong to one node, so merge requests of different nodes never change the
/// same file. The node of a file depends only on its path and on the number of nodes, and is the
/// same in every version of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Shard {
    node_index: u32,
    node_total: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Fields {
    node_index: u32,
    node_total: u32,
}

impl TryFrom<Fields> for Shard {
    type Error = ShardError;

    fn try_from(fields: Fields) -> Result<Self, ShardError> {
        Self::new(fields.node_index, fields.node_total)
    }
}

/// The node does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node {index} of {total} does not exist: nodes are numbered from 1 to their total")]
pub struct ShardError {
    index: u32,
    total: u32,
}

impl Shard {
    /// The shard of node `index`, from 1, of `total`.
    ///
    /// # Errors
    /// When the node does not exist.
    pub fn new(index: u32, total: u32) -> Result<Self, ShardError> {
        if (1..=total).contains(&index) {
            Ok(Self { node_index: index, node_total: total })
        } else {
            Err(ShardError { index, total })
        }
    }

    /// Number of this node, from 1.
    pub fn index(self) -> u32 {
        self.node_index
    }

    /// How many nodes there are.
    pub fn total(self) -> u32 {
        self.node_total
    }

    /// Is it the first node, which does the work that only one node may do?
    pub fn is_first(self) -> bool {
        self.node_index == 1
    }

    /// Does a datafile (path below `data/`, with a leading slash) belong to this node?
    pub fn has(self, file: &str) -> bool {
        compute_node(file, self.node_total) == self.node_index
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "shard {} of {}", self.node_index, self.node_total)
    }
}

/// The node of a file: the first eight bytes of the path's sha256, modulo the number of nodes.
fn compute_node(file: &str, total: u32) -> u32 {
    let digest = Sha256::digest(file.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    // Less than `total`, so it fits.
    u32::try_from(number % u64::from(total.max(1))).unwrap_or_default() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version that assigns files differently would let two nodes edit one file at the same time.
    #[test]
    fn the_node_of_a_file_never_changes() {
        let nodes = |total: u32| {
            ["/a.yml", "/services/rbac/cicd/saas.yml", "/services/ü b.yml"]
                .map(|file| compute_node(file, total))
        };
        assert_eq!(nodes(1), [1, 1, 1]);
        assert_eq!(nodes(3), [1, 3, 1]);
        assert_eq!(nodes(7), [1, 3, 5]);
    }

    #[test]
    fn nodes_count_from_one() {
        for (index, total) in [(0, 0), (0, 1), (2, 1), (1, 0)] {
            assert!(Shard::new(index, total).is_err(), "{index} of {total}");
        }
        assert!(Shard::new(3, 3).is_ok_and(|share| !share.is_first()));
        assert!(serde_json::from_str::<Shard>(r#"{"node_index":4,"node_total":3}"#).is_err());
    }
}
