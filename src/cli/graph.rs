//! `sapm graph`: who publishes to whom.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;

use super::args::{GraphArgs, GraphFormat};
use super::config::{Environment, Source, digest};
use super::exit::{Exit, Fatal};
use super::job::gitlab_access;
use super::output::print;
use super::pipeline::{Mode, read_snapshot};
use super::source::{Loaded, Opening, load_config_repo};
use crate::decide::decide;
use crate::graph::{Graph, Member, Scope, dot, mermaid, select, svg};
use crate::plan::{self, Narrowing, Plan, check_edits};
use crate::report::{PlanReport, members};
use crate::snapshot::Snapshot;

/// Candidates that an error message names at most.
const NAMED: usize = 10;

/// Reads the config repo and prints its graph.
///
/// # Errors
/// When the config repo cannot be read at all, the snapshot is none, or the
/// channel or target is not there.
pub fn run(args: &GraphArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    let variables = Environment(environment);
    let loaded = load_config_repo(&Opening {
        source: Source::resolve(&args.source, &variables)?,
        branch: args.source.target_branch.clone().filter(|branch| !branch.is_empty()),
        cache_dir: args.source.cache_dir(),
        gitlab: gitlab_access(&variables),
        other: None,
        mode: Mode::Plan,
        digest: digest(None, &variables)?,
    })?;
    let snapshot = args.snapshot.as_deref().filter(|path| !path.as_os_str().is_empty());
    let snapshot = snapshot.map(read_snapshot).transpose()?;
    let narrowing = Narrowing::of(&args.narrowing);
    let members = members_of(&loaded, snapshot.as_ref());
    let graph = chosen(args, &loaded, &narrowing, &members)?;
    print(&match args.format {
        GraphFormat::Mermaid => mermaid(&graph),
        GraphFormat::Dot => dot(&graph),
        GraphFormat::Svg => svg(&graph, &title(args, &narrowing)),
    })?;
    Ok(Exit::Done)
}

/// All targets, in the inventory's order.
fn members_of(loaded: &Loaded, snapshot: Option<&Snapshot>) -> Vec<Member> {
    let nothing = Snapshot::new(Utc::now());
    let facts = snapshot.unwrap_or(&nothing);
    let mut decisions = decide(&loaded.inventory, facts, &|_| true);
    check_edits(&loaded.inventory, &loaded.bundle, &mut decisions);
    let report = PlanReport::new(
        &loaded.inventory,
        facts,
        &decisions,
        &Plan::default(),
        None,
        &plan::Scope::default(),
        Vec::new(),
    );
    members(&report, snapshot.is_some())
}

fn chosen(
    args: &GraphArgs,
    loaded: &Loaded,
    narrowing: &Narrowing,
    members: &[Member],
) -> Result<Graph, Fatal> {
    if let Some(channel) = &args.channel {
        let graph = select(members, &Scope::Channel(channel));
        if graph.edges.is_empty() {
            return Err(Fatal::new(
                Exit::Usage,
                format!("nobody publishes or subscribes to channel {channel:?}"),
            )
            .hint("`sapm graph` shows all channels"));
        }
        return Ok(graph);
    }
    if let Some(target) = &args.target {
        let index = find(members, target)?;
        return Ok(select(members, &Scope::Around(index, args.neighbourhood)));
    }
    let wanted: BTreeSet<usize> = loaded
        .inventory
        .subscribers()
        .filter(|(_, target)| narrowing.includes(target))
        .map(|(index, _)| index)
        .collect();
    Ok(select(members, &Scope::Subscribers(&wanted)))
}

/// The one target, publisher or subscriber, that `wanted` names.
fn find(members: &[Member], wanted: &str) -> Result<usize, Fatal> {
    let exact = members.iter().position(|member| member.uid == wanted || member.label == wanted);
    if let Some(index) = exact {
        return Ok(index);
    }
    let such = |member: &Member| member.label.contains(wanted) || member.uid.starts_with(wanted);
    let found: Vec<usize> = (0..members.len()).filter(|&at| such(&members[at])).collect();
    match found.as_slice() {
        [index] => Ok(*index),
        [] => Err(Fatal::new(Exit::Usage, format!("no target is called {wanted:?}"))
            .hint("name it by its uid or as saas-file/resource-template/cluster/namespace")),
        several => {
            let names: Vec<&str> =
                several.iter().take(NAMED).map(|&at| members[at].label.as_str()).collect();
            let message = format!("{wanted:?} may be any of {} targets", several.len());
            Err(Fatal::new(Exit::Usage, message).hint(format!("say more: {}", names.join(", "))))
        }
    }
}

fn title(args: &GraphArgs, narrowing: &Narrowing) -> String {
    let parts = [
        ("channel", &args.channel),
        ("target", &args.target),
        ("app", &narrowing.app),
        ("environment", &narrowing.environment),
        ("saas file", &narrowing.saas_file),
    ];
    let named: Vec<String> = parts
        .into_iter()
        .filter_map(|(word, name)| name.as_ref().map(|name| format!("{word} {name}")))
        .collect();
    if named.is_empty() {
        "Promotions".to_owned()
    } else {
        format!("Promotions: {}", named.join(", "))
    }
}
