//! Selects the part of the inventory to draw.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Graph, Kind, Member, Node};

/// A part of the inventory.
#[derive(Debug, Clone)]
pub enum Scope<'a> {
    /// These targets (indexes of members), the channels they subscribe to with the publishers, and
    /// the channels they publish to with all members.
    Targets(&'a BTreeSet<usize>),
    /// A channel with its publishers and subscribers.
    Channel(&'a str),
    /// A target, and everything within this many steps in either direction. One step crosses one
    /// channel.
    Around(usize, usize),
}

/// The nodes and edges of a scope: everything between the selected targets and
/// channels.
pub fn select(members: &[Member], scope: &Scope<'_>) -> Graph {
    Picker::new(members).select(scope)
}

/// Selects many scopes of the same members. The cost of each depends on its own size only.
pub struct Picker<'a> {
    members: &'a [Member],
    on: Channels<'a>,
}

impl<'a> Picker<'a> {
    /// Indexes all members once.
    pub fn new(members: &'a [Member]) -> Self {
        Self { members, on: Channels::collect(members) }
    }

    /// As [`select()`].
    pub fn select(&self, scope: &Scope<'_>) -> Graph {
        let Self { members, on } = self;
        let (targets, channels) = match scope {
            Scope::Targets(wanted) => choose_both_sides(members, on, wanted),
            Scope::Channel(name) => {
                (on.members(name).collect(), BTreeSet::from([(*name).to_owned()]))
            }
            Scope::Around(start, steps) => choose_neighbourhood(members, on, *start, *steps),
        };
        build_graph(members, &targets, &channels)
    }
}

/// Members (indexes) that publish to a channel with subscribers.
pub fn followed(members: &[Member]) -> BTreeSet<usize> {
    let on = Channels::collect(members);
    let channels = on.subscribers.keys().filter_map(|channel| on.publishers.get(channel));
    channels.flatten().copied().collect()
}

/// The publishers and subscribers of each channel.
struct Channels<'a> {
    publishers: BTreeMap<&'a str, Vec<usize>>,
    subscribers: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Channels<'a> {
    fn collect(members: &'a [Member]) -> Self {
        let mut on = Self { publishers: BTreeMap::new(), subscribers: BTreeMap::new() };
        for (index, member) in members.iter().enumerate() {
            for (channel, _) in &member.publishes {
                on.publishers.entry(channel.as_str()).or_default().push(index);
            }
            for channel in &member.subscribes {
                on.subscribers.entry(channel.as_str()).or_default().push(index);
            }
        }
        on
    }

    fn members(&self, channel: &str) -> impl Iterator<Item = usize> {
        let both = [self.publishers.get(channel), self.subscribers.get(channel)];
        both.into_iter().flatten().flatten().copied()
    }
}

type Chosen = (BTreeSet<usize>, BTreeSet<String>);

fn choose_both_sides(members: &[Member], on: &Channels<'_>, wanted: &BTreeSet<usize>) -> Chosen {
    let mut targets = wanted.clone();
    let mut channels = BTreeSet::new();
    for &index in wanted {
        for channel in &members[index].subscribes {
            targets.extend(on.publishers.get(channel.as_str()).into_iter().flatten());
            channels.insert(channel.clone());
        }
        let followed = |channel: &&String| on.subscribers.contains_key(channel.as_str());
        let published = members[index].publishes.iter().map(|(channel, _)| channel);
        for channel in published.filter(followed) {
            targets.extend(on.members(channel));
            channels.insert(channel.clone());
        }
    }
    (targets, channels)
}

fn choose_neighbourhood(
    members: &[Member],
    on: &Channels<'_>,
    start: usize,
    steps: usize,
) -> Chosen {
    let mut targets = BTreeSet::from([start]);
    let mut channels = BTreeSet::new();
    let mut edge = vec![start];
    for _ in 0..steps {
        let mut next = Vec::new();
        for index in std::mem::take(&mut edge) {
            let member = &members[index];
            let published = member.publishes.iter().map(|(channel, _)| channel);
            for channel in published.chain(&member.subscribes) {
                if channels.insert(channel.clone()) {
                    next.extend(on.members(channel).filter(|other| targets.insert(*other)));
                }
            }
        }
        edge = next;
    }
    // A channel without subscribers leads nowhere.
    channels.retain(|channel| on.subscribers.contains_key(channel.as_str()));
    (targets, channels)
}

fn build_graph(
    members: &[Member],
    targets: &BTreeSet<usize>,
    channels: &BTreeSet<String>,
) -> Graph {
    let mut graph = Graph::default();
    let channel_at: BTreeMap<&str, usize> =
        channels.iter().enumerate().map(|(at, name)| (name.as_str(), targets.len() + at)).collect();
    for (at, &index) in targets.iter().enumerate() {
        let member = &members[index];
        let mut out = BTreeMap::new();
        for (channel, state) in &member.publishes {
            if let Some(&to) = channel_at.get(channel.as_str()) {
                out.entry(to).or_insert(*state);
            }
        }
        graph.edges.extend(out.into_iter().map(|(to, state)| Edge { from: at, to, state }));
        let found = member.subscribes.iter().filter_map(|name| channel_at.get(name.as_str()));
        let sources: BTreeSet<usize> = found.copied().collect();
        graph.edges.extend(sources.into_iter().map(|from| Edge {
            from,
            to: at,
            state: member.state,
        }));
        let lines = [&member.title, &member.place, &member.status];
        graph.nodes.push(Node {
            id: format!("t{at}"),
            kind: Kind::Target,
            uid: member.uid.clone(),
            label: member.label.clone(),
            lines: lines.into_iter().filter(|line| !line.is_empty()).cloned().collect(),
            state: member.state,
        });
    }
    for (at, name) in channels.iter().enumerate() {
        graph.nodes.push(Node {
            id: format!("c{at}"),
            kind: Kind::Channel,
            uid: String::new(),
            label: name.clone(),
            lines: vec![name.clone()],
            state: super::State::Plain,
        });
    }
    graph
}
