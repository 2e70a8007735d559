//! A person as files name them.

use std::fmt;

/// Longest user name of GitLab.
const MAX_USERNAME: usize = 255;
/// Longest email address.
const MAX_EMAIL: usize = 254;

/// A person by user name or email address, in lower case: GitLab ignores the letter case of both.
///
/// As text it is `@name` or the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    /// By user name at GitLab, without `@`.
    Username(String),
    /// By email address.
    Email(String),
}

impl Person {
    /// The person with this user name; `None` if no user can have it.
    pub fn named(name: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let is_name = !name.is_empty() && name.len() <= MAX_USERNAME && name.chars().all(fits);
        is_name.then(|| Self::Username(name.to_ascii_lowercase()))
    }

    /// The person with this email address; `None` if it is none.
    pub fn with_email(address: &str) -> Option<Self> {
        let (local, domain) = address.split_once('@')?;
        let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
        let is_address = !local.is_empty()
            && !domain.is_empty()
            && address.len() <= MAX_EMAIL
            && local.chars().chain(domain.chars()).all(fits);
        is_address.then(|| Self::Email(address.to_lowercase()))
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Username(name) => write!(f, "@{name}"),
            Self::Email(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_gitlab_can_know_is_a_person() {
        let shown = |person: Option<Person>| person.map(|person| person.to_string());
        assert_eq!(shown(Person::named("Ann.Bee-1_2")).as_deref(), Some("@ann.bee-1_2"));
        for wrong in ["", "a b", "a/b", "a@b", "é", &"a".repeat(256)] {
            assert_eq!(Person::named(wrong), None, "{wrong:?}");
        }
        let known = Person::with_email("Ann+x@Example.com");
        assert_eq!(shown(known).as_deref(), Some("ann+x@example.com"));
        for wrong in
            ["", "ann", "@b", "a@", "a@b@c", "a b@c", "a@b\n", &format!("a@{}", "b".repeat(254))]
        {
            assert_eq!(Person::with_email(wrong), None, "{wrong:?}");
        }
    }
}
