//! Finds the edges that are reversed during layout to break cycles.

use crate::Graph;

/// The edges that close a cycle, found by a depth-first search from the
/// sources. Reversing them leaves no cycle.
pub(crate) fn back_edges(graph: &Graph) -> Vec<bool> {
    let count = graph.nodes.len();
    let mut leaving: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut has_source = vec![false; count];
    for (index, &(from, to)) in graph.edges.iter().enumerate() {
        leaving[from].push(index);
        has_source[to] = true;
    }
    let sources = (0..count).filter(|&node| !has_source[node]);
    let others = (0..count).filter(|&node| has_source[node]);
    let mut walk = Walk {
        edges: &graph.edges,
        leaving: &leaving,
        mark: vec![Mark::New; count],
        back: vec![false; graph.edges.len()],
    };
    for start in sources.chain(others) {
        walk.search_from(start);
    }
    walk.back
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    OnTheWay,
    Done,
}

struct Walk<'a> {
    edges: &'a [(usize, usize)],
    leaving: &'a [Vec<usize>],
    mark: Vec<Mark>,
    back: Vec<bool>,
}

impl Walk<'_> {
    /// Uses its own stack, because chains may be long.
    fn search_from(&mut self, start: usize) {
        if self.mark[start] != Mark::New {
            return;
        }
        self.mark[start] = Mark::OnTheWay;
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            let Some(&edge) = self.leaving[*node].get(*next) else {
                self.mark[*node] = Mark::Done;
                way.pop();
                continue;
            };
            *next += 1;
            let (_, to) = self.edges[edge];
            match self.mark[to] {
                Mark::New => {
                    self.mark[to] = Mark::OnTheWay;
                    way.push((to, 0));
                }
                Mark::OnTheWay => self.back[edge] = true,
                Mark::Done => {}
            }
        }
    }
}
