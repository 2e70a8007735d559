//! `sapm graph`: draws publishers and subscribers.

use std::collections::BTreeMap;

use chrono::Utc;

use super::args::{GraphArgs, GraphFormat};
use super::config::{Environment, digest};
use super::exit::{Exit, Fatal};
use super::job::{forges, gitlab_access};
use super::network::plain_client;
use super::output::print;
use super::pipeline::{Mode, read_snapshot};
use super::source::{Opening, Source, load_config_repo};
use crate::domain::quoted;
use crate::graph::{Graph, Member, Scope, dot, followed, mermaid, select, svg};
use crate::inventory::{Found, Inventory, TargetIx, find};
use crate::plan::{self, Plan, TargetFilter};
use crate::report::{PlanReport, members};
use crate::run::{ConfigRepo, ReadOptions, check_filter, decide_on};
use crate::snapshot::Snapshot;

/// Maximum candidates in an error message.
const NAMED: usize = 10;

/// Reads the config repo and prints its graph.
///
/// # Errors
/// When the config repo cannot be read at all, the file is not a snapshot, or the
/// channel or target does not exist.
pub fn run(args: &GraphArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    let variables = Environment(environment);
    let digest = digest(None, &variables)?;
    let repo = load_config_repo(&Opening {
        source: Source::resolve(&args.source, &variables)?,
        branch: args.source.target_branch.clone().filter(|branch| !branch.is_empty()),
        cache_dir: args.source.cache_dir(),
        gitlab: gitlab_access(&variables),
        other: None,
        mode: Mode::Plan,
        read: ReadOptions { digest, forges: forges(&variables), ..ReadOptions::default() },
        http: plain_client(&variables)?,
        keep: None,
    })?
    .repo;
    let snapshot = args.snapshot.as_deref().filter(|path| !path.as_os_str().is_empty());
    let snapshot = snapshot.map(read_snapshot).transpose()?;
    let filter = TargetFilter::from_args(&args.filter);
    if args.channel.is_none() && args.target.is_none() {
        check_filter(&filter, &repo, digest)?;
    }
    let members = build_members(&repo, snapshot.as_ref());
    let graph = choose_scope(args, &repo, &filter, &members)?;
    print(&match args.format {
        GraphFormat::Mermaid => mermaid(&graph),
        GraphFormat::Dot => dot(&graph),
        GraphFormat::Svg => svg(&graph, &choose_title(args, &filter)),
    })?;
    Ok(Exit::Done)
}

/// All targets, in the inventory's order.
fn build_members(repo: &ConfigRepo, snapshot: Option<&Snapshot>) -> Vec<Member> {
    let nothing = Snapshot::new(Utc::now());
    let facts = snapshot.unwrap_or(&nothing);
    let scope = plan::Scope::default();
    let decisions = decide_on(&scope, repo, facts);
    let report = PlanReport::new(
        &repo.inventory,
        facts,
        &decisions,
        &Plan::default(),
        None,
        &scope,
        Vec::new(),
    );
    members(&report, snapshot.is_some())
}

fn choose_scope(
    args: &GraphArgs,
    repo: &ConfigRepo,
    filter: &TargetFilter,
    members: &[Member],
) -> Result<Graph, Fatal> {
    if let Some(channel) = &args.channel {
        let graph = select(members, &Scope::Channel(channel));
        if graph.edges.is_empty() {
            return Err(Fatal::new(
                Exit::Usage,
                format!("channel {} has no publisher and no subscriber", quoted(channel)),
            )
            .hint("`sapm graph` shows all channels"));
        }
        return Ok(graph);
    }
    if let Some(target) = &args.target {
        let index = find_target(&repo.inventory, target)?;
        return Ok(select(members, &Scope::Around(index.position(), args.neighbourhood)));
    }
    let targets = &repo.inventory.targets;
    // Members are in the inventory's order.
    let mut wanted = followed(members);
    wanted.extend(repo.inventory.subscribers().map(|(index, _)| index.position()));
    let excluded = targets.indexed().filter(|(_, target)| !filter.includes(target));
    for (index, _) in excluded {
        wanted.remove(&index.position());
    }
    if wanted.is_empty() && !filter.is_everything() {
        let message = "none of these targets is on a channel with subscribers";
        return Err(Fatal::new(Exit::Usage, message).hint("`sapm graph` shows all channels"));
    }
    Ok(select(members, &Scope::Targets(&wanted)))
}

/// The target, publisher or subscriber, that `wanted` names.
fn find_target(inventory: &Inventory, wanted: &str) -> Result<TargetIx, Fatal> {
    let uid = |index: TargetIx| &inventory.targets[index].uid;
    let labels = |indexes: &[TargetIx]| {
        let labels = indexes.iter().take(NAMED).map(|&index| inventory.targets[index].label());
        labels.collect::<Vec<_>>().join(", ")
    };
    let unknown = || Fatal::new(Exit::Usage, format!("there is no target {}", quoted(wanted)));
    match find(inventory, &inventory.targets.indexes().collect(), wanted) {
        Found::One(index) => Ok(index),
        // Two targets with one identity cannot be told apart.
        Found::Several(all) if all.iter().all(|&index| uid(index) == uid(all[0])) => Ok(all[0]),
        Found::Several(several) => {
            let message = format!("{} matches {} targets", quoted(wanted), several.len());
            Err(Fatal::new(Exit::Usage, message)
                .hint(format!("be more specific: {}", labels(&several))))
        }
        Found::Unknown(alike) if alike.is_empty() => Err(unknown()
            .hint("name it by its uid or as saas-file/resource-template/cluster/namespace")),
        Found::Unknown(alike) => {
            Err(unknown().hint(format!("did you mean one of {}?", labels(&alike))))
        }
    }
}

fn choose_title(args: &GraphArgs, filter: &TargetFilter) -> String {
    let parts = [
        ("channel", &args.channel),
        ("target", &args.target),
        ("app", &filter.app),
        ("environment", &filter.environment),
        ("saas file", &filter.saas_file),
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
