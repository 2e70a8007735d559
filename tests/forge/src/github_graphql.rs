//! GitHub's GraphQL API: repositories and their refs (GitHub docs, graphql/reference). It requires a token and has
//! its own limit.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::github::{GitHub, Repository};
use crate::graphql::{Arguments, Held, Missing, Node};
use crate::state::CommitInfo;

pub(crate) struct Query<'a>(pub &'a GitHub);

struct Repo<'a>(&'a Repository);

struct Ref<'a>(&'a CommitInfo, bool);

struct Tag<'a>(&'a CommitInfo);

struct Commit<'a>(&'a CommitInfo);

fn text<'a>(arguments: &'a Arguments, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Node for Query<'_> {
    fn kind(&self) -> &'static str {
        "Query"
    }

    fn field<'a>(&'a self, name: &str, arguments: &Arguments) -> Result<Held<'a>, Missing> {
        if name != "repository" {
            return Err(Missing::Field);
        }
        let path = format!("{}/{}", text(arguments, "owner"), text(arguments, "name"));
        let key = path.to_lowercase();
        let key = self.0.moved.get(&key).map_or(key, |new| new.to_lowercase());
        match self.0.repos.get(&key) {
            Some(repo) => Ok(Held::One(Box::new(Repo(repo)))),
            None => Err(Missing::Error(
                "NOT_FOUND",
                format!("Could not resolve to a Repository with the name '{path}'."),
            )),
        }
    }
}

impl Node for Repo<'_> {
    fn kind(&self) -> &'static str {
        "Repository"
    }

    /// A ref whose name begins with `v` and a digit is an annotated tag, any other a branch.
    fn field<'a>(&'a self, name: &str, arguments: &Arguments) -> Result<Held<'a>, Missing> {
        if name != "ref" {
            return Err(Missing::Field);
        }
        let wanted = text(arguments, "qualifiedName");
        let is_tag = |name: &str| {
            name.strip_prefix('v')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let found = match (wanted.strip_prefix("refs/heads/"), wanted.strip_prefix("refs/tags/")) {
            (Some(branch), _) if !is_tag(branch) => {
                self.0.refs.get(branch).map(|info| (info, false))
            }
            (_, Some(tag)) if is_tag(tag) => self.0.refs.get(tag).map(|info| (info, true)),
            _ => None,
        };
        Ok(match found {
            Some((info, tag)) => Held::One(Box::new(Ref(info, tag))),
            None => Held::Plain(Value::Null),
        })
    }
}

impl Node for Ref<'_> {
    fn kind(&self) -> &'static str {
        "Ref"
    }

    fn field<'a>(&'a self, name: &str, _: &Arguments) -> Result<Held<'a>, Missing> {
        match name {
            "target" if self.1 => Ok(Held::One(Box::new(Tag(self.0)))),
            "target" => Ok(Held::One(Box::new(Commit(self.0)))),
            _ => Err(Missing::Field),
        }
    }
}

impl Node for Tag<'_> {
    fn kind(&self) -> &'static str {
        "Tag"
    }

    fn field<'a>(&'a self, name: &str, _: &Arguments) -> Result<Held<'a>, Missing> {
        match name {
            "target" => Ok(Held::One(Box::new(Commit(self.0)))),
            _ => Err(Missing::Field),
        }
    }
}

impl Node for Commit<'_> {
    fn kind(&self) -> &'static str {
        "Commit"
    }

    fn field<'a>(&'a self, name: &str, _: &Arguments) -> Result<Held<'a>, Missing> {
        Ok(Held::Plain(match name {
            "oid" => json!(self.0.sha),
            "committedDate" => json!(self.0.date.to_rfc3339_opts(SecondsFormat::Secs, true)),
            "message" => json!(self.0.message),
            _ => return Err(Missing::Field),
        }))
    }
}
