//! The promotion graph: its content, its layout, and that no name is markup.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sapm::graph::{Graph, Kind, Member, Scope, State, dot, followed, mermaid, select, svg};

/// A member called `name` on `cluster/namespace` of the same name.
fn member(name: &str, publishes: &[(&str, State)], subscribes: &[&str]) -> Member {
    Member {
        uid: format!("uid-{name}"),
        label: format!("saas-{name}/api/prod01/{name}"),
        title: format!("saas-{name}/api"),
        place: format!("prod01/{name}"),
        publishes: publishes.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect(),
        subscribes: subscribes.iter().map(|name| (*name).to_owned()).collect(),
        ..Member::default()
    }
}

fn standing(mut member: Member, state: State, status: &str) -> Member {
    (member.state, member.status) = (state, status.to_owned());
    member
}

/// Stage publishes to canary and production. The canary publishes too, and
/// production subscribes to both. One target subscribes to its own channel.
fn shop() -> Vec<Member> {
    vec![
        standing(
            member("stage", &[("stage", State::Deployed)], &[]),
            State::Deployed,
            "9705190c deployed",
        ),
        standing(
            member("canary", &[("canary", State::Missing), ("unheard", State::Plain)], &["stage"]),
            State::Promote,
            "promote",
        ),
        standing(member("production", &[], &["stage", "canary"]), State::Hold, "held by soak"),
        member("ring", &[("ring", State::Plain)], &["ring"]),
        member("apart", &[("nobody", State::Plain)], &[]),
    ]
}

fn everybody(members: &[Member]) -> Graph {
    let all = (0..members.len()).filter(|&at| !members[at].subscribes.is_empty()).collect();
    select(members, &Scope::Targets(&all))
}

#[test]
fn the_shop_is_drawn_in_three_ways() {
    let graph = everybody(&shop());
    insta::assert_snapshot!("mermaid", mermaid(&graph));
    insta::assert_snapshot!("dot", dot(&graph));
    insta::assert_snapshot!("svg", svg(&graph, "Promotions: app shop"));
}

fn names(graph: &Graph) -> String {
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.lines[0].as_str()).collect();
    names.join(" ")
}

#[test]
fn a_scope_is_a_part_of_the_inventory() {
    let members = shop();
    let channel = select(&members, &Scope::Channel("canary"));
    assert_eq!(names(&channel), "saas-canary/api saas-production/api canary");
    assert_eq!(channel.edges.len(), 2);
    assert_eq!(select(&members, &Scope::Channel("no such")).edges, []);

    let alone = select(&members, &Scope::Around(0, 0));
    assert_eq!(names(&alone), "saas-stage/api");
    let near = select(&members, &Scope::Around(0, 1));
    assert_eq!(names(&near), "saas-stage/api saas-canary/api saas-production/api stage");
    let wider = select(&members, &Scope::Around(0, 2));
    assert_eq!(names(&wider), "saas-stage/api saas-canary/api saas-production/api canary stage");

    let last = select(&members, &Scope::Targets(&BTreeSet::from([2])));
    assert_eq!(
        names(&last),
        "saas-stage/api saas-canary/api saas-production/api canary stage",
        "what it follows"
    );
    let first = select(&members, &Scope::Targets(&BTreeSet::from([0])));
    assert_eq!(
        names(&first),
        "saas-stage/api saas-canary/api saas-production/api stage",
        "who follows it"
    );
    assert_eq!(followed(&members), BTreeSet::from([0, 1, 3]), "nobody follows the last one");
}

#[test]
fn a_target_that_follows_its_own_channel_is_drawn_as_a_cycle() {
    let graph = select(&shop(), &Scope::Channel("ring"));
    let layout = graph.layout();
    let backwards: Vec<bool> = layout.routes.iter().map(|route| route.backwards).collect();
    assert_eq!(backwards, [false, true]);
    assert!(svg(&graph, "ring").contains("(closes a cycle)"));
    let (out, back) = (&layout.routes[0].points, &layout.routes[1].points);
    assert_ne!(out[0].1, back[1].1, "the two lines do not lie on each other");
}

/// Texts that are markup somewhere.
pub const HOSTILE: &str = "a\"]; x --> y</script><img src=x onerror=alert(1)>`**b**`\n%%{init}%%\\\" -->\u{0}']#quot;&amp;";

#[test]
fn names_are_never_markup() {
    let mut hostile = member(HOSTILE, &[(HOSTILE, State::Failed)], &[HOSTILE]);
    hostile.status = HOSTILE.to_owned();
    hostile.uid = HOSTILE.to_owned();
    let graph = select(&[hostile], &Scope::Channel(HOSTILE));
    assert_eq!((graph.nodes.len(), graph.edges.len()), (2, 2));

    let picture = svg(&graph, HOSTILE);
    for markup in ["<script", "</script", "<img", "\u{0}", "\"]"] {
        assert!(!picture.contains(markup), "{markup:?}: {picture}");
    }
    assert_eq!(
        elements(&picture),
        elements(&svg(&select(&[shop()[3].clone()], &Scope::Channel("ring")), "x"))
            + picture.matches("<text").count()
            - 3,
        "no element but ours"
    );

    let chart = mermaid(&graph);
    // Head, two nodes, two edges.
    assert_eq!(chart.lines().count(), 5, "{chart}");
    for line in chart.lines().skip(1).take(2) {
        assert_eq!(line.matches('"').count(), 2, "{line}");
    }
    assert!(!chart.contains('`') && !chart.contains('%') && !chart.contains("<s"), "{chart}");

    let text = dot(&graph);
    assert_eq!(text.lines().count(), 8, "{text}");
    for line in text.lines().filter(|line| line.contains("label=")) {
        let unescaped = line.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(unescaped.matches('"').count() % 2, 0, "{line}");
        assert!(unescaped.ends_with("];"), "{line}");
    }
}

fn elements(picture: &str) -> usize {
    picture.matches('<').count() - picture.matches("</").count()
}

#[test]
fn long_and_wide_names_fit_their_boxes() {
    let long = "saas-with-a-very-long-name".repeat(8);
    let wide = "促進".repeat(40);
    let members = [member(&long, &[(&wide, State::Plain)], &[]), member(&wide, &[], &[&wide])];
    let graph = select(&members, &Scope::Channel(&wide));
    let layout = graph.layout();
    for (node, place) in graph.nodes.iter().zip(&layout.nodes) {
        for (own, line) in node.lines.iter().enumerate() {
            let shown: String = place
                .lines
                .iter()
                .filter(|(at, _)| *at == own)
                .map(|(_, part)| part.as_str())
                .collect();
            assert_eq!(&shown, line, "nothing is cut off");
        }
        let cells =
            |text: &str| -> i32 { text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum() };
        let widest = place.lines.iter().map(|(_, line)| cells(line)).max().unwrap();
        assert!(place.width >= widest * 7 && place.width < 400, "{}", place.width);
    }
}

/// Up to 40 members on up to 8 channels, any of them on any.
fn members() -> impl Strategy<Value = Vec<Member>> {
    let channels = || prop::collection::vec(0..8_u8, 0..4);
    prop::collection::vec((channels(), channels(), 1..60_usize), 1..40).prop_map(|all| {
        let channel = |number: &u8| format!("channel-{number}");
        all.iter()
            .enumerate()
            .map(|(at, (publishes, subscribes, length))| {
                let mut member = member(&format!("m{at}-{}", "x".repeat(*length)), &[], &[]);
                member.publishes = publishes.iter().map(|n| (channel(n), State::Plain)).collect();
                member.subscribes = subscribes.iter().map(channel).collect();
                member
            })
            .collect()
    })
}

fn crosses(a: (i32, i32, i32, i32), b: (i32, i32, i32, i32)) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// Checks that no two nodes overlap, all are within the picture, every edge goes from its
/// node to its node, and no straight part of one runs through a node.
fn check(graph: &Graph) {
    let layout = graph.layout();
    let boxes: Vec<_> =
        layout.nodes.iter().map(|b| (b.x, b.y, b.x + b.width, b.y + b.height)).collect();
    for (at, a) in boxes.iter().enumerate() {
        assert!(a.0 >= 0 && a.1 >= 0 && a.2 <= layout.width && a.3 <= layout.height, "{a:?}");
        for b in &boxes[at + 1..] {
            assert!(!crosses(*a, *b), "{a:?} {b:?}");
        }
    }
    assert_eq!(layout.routes.len(), graph.edges.len());
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        let ends = [route.points[0], route.points[route.points.len() - 1]];
        for (node, (x, y)) in [edge.from, edge.to].into_iter().zip(ends) {
            let (left, top, right, bottom) = boxes[node];
            assert!((x == left || x == right) && (top..=bottom).contains(&y), "{edge:?} {route:?}");
        }
        for line in route.points[1..route.points.len() - 1].chunks(2) {
            let (from, to) = (line[0].0.min(line[1].0), line[0].0.max(line[1].0));
            let span = (from, line[0].1, to, line[0].1 + 1);
            assert!(boxes.iter().all(|node| !crosses(*node, span)), "{route:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_overlaps_and_everything_is_drawn_once(members in members()) {
        let graph = everybody(&members);
        check(&graph);
        let targets = graph.nodes.iter().filter(|node| node.kind == Kind::Target).count();
        let pairs: BTreeSet<_> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        prop_assert_eq!(pairs.len(), graph.edges.len());
        let picture = svg(&graph, "random");
        prop_assert_eq!(picture.matches("<g class=\"target ").count(), targets);
        prop_assert_eq!(picture.matches("<g class=\"channel ").count(), graph.nodes.len() - targets);
        prop_assert_eq!(picture.matches("<path class=\"edge").count(), graph.edges.len());
        prop_assert_eq!(mermaid(&graph).matches(" --> ").count(), graph.edges.len());
        prop_assert_eq!(dot(&graph).matches(" -> ").count(), graph.edges.len());
        prop_assert_eq!(picture, svg(&everybody(&members), "random"));
    }
}

#[test]
fn five_hundred_nodes_and_a_long_chain_are_laid_out() {
    let mut members = vec![member("first", &[("hub", State::Plain)], &[])];
    for at in 0..300 {
        let (own, before) = (format!("link-{at}"), format!("link-{}", at - 1));
        let follows = if at % 3 == 0 || at == 0 { "hub" } else { before.as_str() };
        members.push(member(&own, &[(&own, State::Plain)], &[follows]));
    }
    let graph = everybody(&members);
    assert!(graph.nodes.len() > 500, "{}", graph.nodes.len());
    check(&graph);

    let chain: Vec<Member> = (0..400_i32)
        .map(|at| {
            let (own, before) = (format!("c{at}"), format!("c{}", at - 1));
            member(&own, &[(&own, State::Plain)], &[&before])
        })
        .collect();
    check(&everybody(&chain));
}
