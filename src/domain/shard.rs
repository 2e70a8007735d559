//! A node's share of the work, when several jobs do what one would.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The share of one node among several: whole files, by a digest of their path.
///
/// What is edited in one file belongs to one node, so requests of different nodes
/// never touch the same file. The node of a file depends on its path and on the
/// number of nodes alone, and stays the same in every version of this program.
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

/// There is no such node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no node {index} of {total}: nodes count from 1 to their number")]
pub struct ShardError {
    index: u32,
    total: u32,
}

impl Shard {
    /// The share of node `index`, from 1, of `total`.
    ///
    /// # Errors
    /// When there is no such node.
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

    /// Is it the first node, which does what only one may do?
    pub fn is_first(self) -> bool {
        self.node_index == 1
    }

    /// Does a datafile (path from `data/` on, with a leading slash) belong to this node?
    pub fn has(self, file: &str) -> bool {
        node_of(file, self.node_total) == self.node_index
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "share {} of {}", self.node_index, self.node_total)
    }
}

/// The node of a file: the first eight bytes of the path's sha256, modulo the number of nodes.
fn node_of(file: &str, total: u32) -> u32 {
    let digest = Sha256::digest(file.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    // Less than `total`, so it fits.
    u32::try_from(number % u64::from(total.max(1))).unwrap_or_default() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another version that shares out differently would let two nodes edit one file at once.
    #[test]
    fn the_node_of_a_file_never_changes() {
        let nodes = |total: u32| {
            ["/a.yml", "/services/rbac/cicd/saas.yml", "/services/ü b.yml"]
                .map(|file| node_of(file, total))
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
