//! Who looks after which datafile: users of roles, and owners of apps.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Field;
use super::resource_reader::{Role, readable_items};
use crate::domain::Person;

/// A user (`/access/user-1.yml`) who says whether merge requests may mention them.
pub(super) struct User {
    /// Name at GitLab.
    name: Person,
    /// Paths of their roles.
    pub(super) roles: Vec<String>,
    /// May merge requests mention them?
    is_tagged: bool,
}

/// Users are not validated here: unreadable values count as absent.
pub(super) fn user(root: &Field<'_>) -> Option<User> {
    let name = root.optional_text("org_username").ok().flatten();
    let roles = readable_items(root, "roles");
    let is_tagged = root.flag("tag_on_merge_requests").unwrap_or_default();
    Some(User {
        roles: roles.iter().filter_map(|role| role.as_reference().ok()).collect(),
        is_tagged,
        name: Person::named(&name?)?,
    })
}

/// The email addresses of an app's owners.
pub(super) fn service_owners(root: &Field<'_>) -> Vec<Person> {
    let owners = readable_items(root, "serviceOwners");
    let email = |owner: &Field<'_>| Person::with_email(&owner.optional_text("email").ok()??);
    owners.iter().filter_map(email).collect()
}

/// Users by the datafiles that a role of theirs names.
#[derive(Debug, Default)]
pub struct Approvers {
    by_datafile: BTreeMap<String, BTreeSet<Person>>,
    not_tagged: BTreeSet<Person>,
}

impl Approvers {
    pub(super) fn new(users: &[User], roles: &BTreeMap<String, Role>) -> Self {
        let mut approvers = Self::default();
        for user in users {
            if !user.is_tagged {
                approvers.not_tagged.insert(user.name.clone());
                continue;
            }
            let datafiles = user.roles.iter().filter_map(|role| roles.get(role));
            for datafile in datafiles.flat_map(|role| &role.datafiles) {
                let people = approvers.by_datafile.entry(datafile.clone()).or_default();
                people.insert(user.name.clone());
            }
        }
        approvers
    }

    /// Users who may change a datafile without further approval, and want to be mentioned.
    pub fn of(&self, datafile: &str) -> impl Iterator<Item = &Person> {
        self.by_datafile.get(datafile).into_iter().flatten()
    }

    /// Does this user not want to be mentioned?
    pub fn is_not_tagged(&self, username: &str) -> bool {
        Person::named(username).is_some_and(|person| self.not_tagged.contains(&person))
    }
}
