//! GitLab's GraphQL API: commits of many projects (GitLab docs, api/graphql/reference).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::gitlab::auth::{self, Caller};
use crate::gitlab::{commits, entities, repo, visible};
use crate::graphql::{Arguments, Held, Missing, Node, answer};
use crate::http::{Req, Resp};
use crate::settings::GraphQl;
use crate::shared::Shared;
use crate::state::{Code, Project, State};

/// Maximum entries of `projects(fullPaths:)`.
const MOST_PATHS: usize = 50;

pub(crate) fn handle(shared: &Shared, req: &Req) -> Resp {
    let state = shared.state();
    let served = state.settings.graphql;
    if served == GraphQl::Absent {
        return Resp::message(404, "404 Not Found");
    }
    let caller = match auth::identify(&state, req) {
        Ok(caller) => caller,
        Err(resp) => return *resp,
    };
    // A job token counts as none, and so does one without API access.
    let may_read = caller.token.as_ref().is_some_and(|token| {
        !token.job && ["api", "read_api"].iter().any(|scope| token.scopes.contains(*scope))
    });
    let caller = if may_read { caller } else { Caller::default() };
    let user = caller.user.map(|id| state.user(id).username.clone());
    let query = Query { state: &state, caller, base: &shared.urls.gitlab };
    let mut resp = Resp::ok(&answer(&req.body, &query));
    resp.user = user;
    resp
}

struct Query<'a> {
    state: &'a State,
    caller: Caller,
    base: &'a str,
}

struct Projects<'a>(&'a Query<'a>, Vec<&'a Project>);

struct OneProject<'a>(&'a Query<'a>, &'a Project);

struct Repository<'a>(&'a Query<'a>, &'a Project);

struct Commit(Value);

impl Node for Query<'_> {
    fn kind(&self) -> &'static str {
        "Query"
    }

    fn field<'a>(&'a self, name: &str, arguments: &Arguments) -> Result<Held<'a>, Missing> {
        if name != "projects" {
            return Err(Missing::Field);
        }
        let paths = arguments.get("fullPaths").and_then(Value::as_array);
        let paths = paths.map(Vec::as_slice).unwrap_or_default();
        if paths.len() > MOST_PATHS {
            let message = format!("You cannot provide more than {MOST_PATHS} full_paths");
            return Err(Missing::Error("ARGUMENT", message));
        }
        // In its own order, without duplicates.
        let mut found = BTreeMap::new();
        for path in paths.iter().filter_map(Value::as_str) {
            let project = self.state.project_id(path).map(|id| self.state.project(id));
            // A number is an id only in REST.
            let project = project.filter(|project| project.path.eq_ignore_ascii_case(path));
            if let Some(project) = project.filter(|project| visible(project, &self.caller)) {
                found.insert(std::cmp::Reverse(project.id), project);
            }
        }
        Ok(Held::One(Box::new(Projects(self, found.into_values().collect()))))
    }
}

impl Node for Projects<'_> {
    fn kind(&self) -> &'static str {
        "ProjectConnection"
    }

    fn field<'a>(&'a self, name: &str, _: &Arguments) -> Result<Held<'a>, Missing> {
        if name != "nodes" {
            return Err(Missing::Field);
        }
        let one =
            |project: &&'a Project| Box::new(OneProject(self.0, project)) as Box<dyn Node + 'a>;
        Ok(Held::Many(self.1.iter().map(one).collect()))
    }
}

impl Node for OneProject<'_> {
    fn kind(&self) -> &'static str {
        "Project"
    }

    fn field<'a>(&'a self, name: &str, _: &Arguments) -> Result<Held<'a>, Missing> {
        match name {
            "fullPath" => Ok(Held::Plain(json!(self.1.path))),
            "repository" => Ok(Held::One(Box::new(Repository(self.0, self.1)))),
            _ => Err(Missing::Field),
        }
    }
}

impl Node for Repository<'_> {
    fn kind(&self) -> &'static str {
        "Repository"
    }

    fn field<'a>(&'a self, name: &str, arguments: &Arguments) -> Result<Held<'a>, Missing> {
        if name != "commit" || self.0.state.settings.graphql == GraphQl::Old {
            return Err(Missing::Field);
        }
        let rev = arguments.get("ref").and_then(Value::as_str).unwrap_or_default();
        let (Query { base, .. }, project) = (self.0, self.1);
        let commit = match &project.code {
            Code::Virtual(refs) => {
                refs.get(rev).map(|info| entities::virtual_commit(project, base, info))
            }
            Code::Real(_) => repo(project).ok().and_then(|repo| {
                let id = commits::find(repo, rev).ok()?;
                Some(entities::commit(repo, project, base, id))
            }),
        };
        Ok(commit.map_or(Held::Plain(Value::Null), |commit| Held::One(Box::new(Commit(commit)))))
    }
}

impl Node for Commit {
    fn kind(&self) -> &'static str {
        "Commit"
    }

    fn field<'a>(&'a self, name: &str, _: &Arguments) -> Result<Held<'a>, Missing> {
        let key = match name {
            "sha" => "id",
            "title" => "title",
            "committedDate" => "committed_date",
            _ => return Err(Missing::Field),
        };
        Ok(Held::Plain(self.0[key].clone()))
    }
}
