//! Trees as bytes, to be read again without parsing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decode::decode;
use crate::error::Warning;
use crate::tree::{Content, Node, NodeId, Tree};

/// A tree without its text, in the order of the bytes.
#[derive(Serialize, Deserialize)]
struct Stored<N, C, A, D, W> {
    /// Length of the text that the offsets are about.
    text_bytes: usize,
    nodes: N,
    children: C,
    aliases: A,
    decoded: D,
    root: NodeId,
    warnings: W,
}

type Owned = Stored<Vec<Node>, Vec<NodeId>, Vec<(NodeId, NodeId)>, String, Vec<Warning>>;

impl Tree {
    /// The tree as bytes, without its text. Another version of this crate may not be able to read them.
    pub fn to_stored(&self) -> Vec<u8> {
        let stored = Stored {
            text_bytes: self.text.len(),
            nodes: &self.nodes,
            children: &self.children,
            aliases: &self.aliases,
            decoded: &self.decoded,
            root: self.root,
            warnings: &self.warnings,
        };
        // Writing to memory cannot fail.
        postcard::to_allocvec(&stored).unwrap_or_default()
    }

    /// The tree of this text, from the bytes that [`to_stored`](Self::to_stored) made for it; `None` if they are
    /// damaged.
    ///
    /// Only a length ties the bytes to the text. The caller has to know that they belong together and that nobody
    /// else wrote them: other bytes can give any tree of this text.
    pub fn from_stored(text: &[u8], stored: &[u8]) -> Option<Self> {
        let stored: Owned = postcard::from_bytes(stored).ok()?;
        let text = decode(text).ok()?;
        let Stored { text_bytes, nodes, children, aliases, decoded, root, warnings } = stored;
        let known = |id: &NodeId| id.at() < nodes.len();
        let sound = text_bytes == text.len()
            && known(&root)
            && aliases.iter().all(|(to, from)| known(to) && known(from))
            && nodes.iter().all(|node| (node.parent as usize) < nodes.len())
            && is_without_cycles(&nodes, &children);
        sound.then(|| Self {
            text: Arc::from(text),
            nodes,
            children,
            aliases,
            decoded,
            root,
            warnings,
        })
    }
}

/// Are all children behind their parent, and all aliases behind everything in what they refer to, as the parser leaves them?
fn is_without_cycles(nodes: &[Node], children: &[NodeId]) -> bool {
    // The last node in each node.
    let mut last: Vec<usize> = (0..nodes.len()).collect();
    for (place, node) in nodes.iter().enumerate().rev() {
        if !matches!(node.content, Content::Sequence | Content::Mapping) {
            continue;
        }
        let Some(below) = children.get(node.a as usize..node.b as usize) else { return false };
        for id in below {
            match last.get(id.at()) {
                Some(&end) if id.at() > place => last[place] = last[place].max(end),
                _ => return false,
            }
        }
    }
    nodes.iter().enumerate().filter(|(_, node)| node.content == Content::Alias).all(
        |(place, node)| {
            let to = node.a as usize;
            last.get(to).is_some_and(|&end| end < place) && nodes[to].content != Content::Alias
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    const TEXTS: [&str; 6] = [
        "",
        "# nothing\n",
        "\u{feff}a: &x {b: 'it''s', c: \"\\n\"}\nd: *x\ne:\n  <<: *x\n  c: !!str 12\n",
        "a: 1\na: 2\nb: {c: [~, é, 0x1f], c: []}\n",
        "- |\n  text\n  more\n- >-\n  folded\n  text\n-\n",
        "{\"a\": [1, {\"b\": \"\\u00e9\"}], \"c\": null}",
    ];

    fn parse(text: &str) -> Tree {
        Tree::parse(text.as_bytes(), &Limits::default()).expect(text)
    }

    #[test]
    fn a_stored_tree_is_the_parsed_one() {
        for text in TEXTS {
            let tree = parse(text);
            let again = Tree::from_stored(text.as_bytes(), &tree.to_stored()).expect(text);
            assert_eq!(format!("{again:?}"), format!("{tree:?}"), "{text}");
        }
    }

    #[test]
    fn a_tree_of_another_text_or_half_a_tree_is_none() {
        for text in TEXTS {
            let stored = parse(text).to_stored();
            assert!(Tree::from_stored(format!("{text} ").as_bytes(), &stored).is_none(), "{text}");
            for end in 0..stored.len() {
                assert!(Tree::from_stored(text.as_bytes(), &stored[..end]).is_none(), "{text}");
            }
        }
    }

    #[test]
    fn damaged_bytes_can_be_read_to_an_end() {
        for text in TEXTS {
            let stored = parse(text).to_stored();
            for (at, bit) in (0..stored.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut damaged = stored.clone();
                damaged[at] ^= 1 << bit;
                if let Some(tree) = Tree::from_stored(text.as_bytes(), &damaged) {
                    tree.root().to_json();
                }
            }
        }
    }
}
