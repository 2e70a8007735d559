//! The owners of a line of CODEOWNERS.

use crate::domain::Person;

/// The people that a line names, without duplicates. Groups (`@group/subgroup`) and roles (`@@maintainer`) are left out.
///
/// GitLab does not know comments at the end of a line: whom they name is an owner as well.
pub(super) fn parse_owners(text: &str) -> Vec<Person> {
    let mut people = Vec::new();
    for person in text.split_whitespace().filter_map(parse_owner) {
        if !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

fn parse_owner(word: &str) -> Option<Person> {
    match word.find('@')? {
        at if at == 0 || !is_of_word(word[..at].chars().next_back()) => {
            let name = &word[at + 1..];
            let is_role = name.starts_with('@') || word[..at].ends_with('@');
            let fits = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
            let end = name.find(|c| !fits(c)).unwrap_or(name.len());
            let name = name[..end].trim_end_matches(['.', '/']);
            if is_role { None } else { Person::named(name) }
        }
        _ => Person::with_email(word.trim_end_matches(|c: char| !is_of_word(Some(c)))),
    }
}

/// Can it be in a word?
fn is_of_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}
