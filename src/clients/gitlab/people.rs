//! Looks up users by name or email address (GitLab docs, api/users).

use gitlab::api::users::Users;

use super::api::GitLabApi;
use super::lookups::unbuilt;
use super::responses::UserAnswer;
use crate::clients::http::HttpError;
use crate::domain::Person;
use crate::snapshot::{Failure, UserFact};

/// Maximum size of a response in bytes: a page of 20 users.
const MAX_ANSWER: usize = 1 << 20;

/// The user who is this person, `None` if there is none, or none that is certain.
pub(super) async fn find_user(
    api: &GitLabApi,
    person: &Person,
) -> Result<Option<UserFact>, Failure> {
    let mut query = Users::builder();
    match person {
        Person::Username(name) => query.username(name.as_str()),
        Person::Email(address) => query.search(address.as_str()),
    };
    let endpoint = query.build().map_err(unbuilt)?;
    let answer: Result<Vec<UserAnswer>, HttpError> = api.optional(MAX_ANSWER).json(&endpoint).await;
    let users = answer.map_err(|error| api.failure(&error))?;
    let mut users: Vec<UserFact> =
        users.into_iter().filter(|user| is_person(user, person)).filter_map(into_fact).collect();
    if matches!(person, Person::Email(_)) && users.len() > 1 {
        users.retain(|user| user.is_active);
    }
    Ok(if users.len() == 1 { users.pop() } else { None })
}

/// Is this user the person, and not only somebody whom a search found?
///
/// GitLab finds an email address only as a whole, but finds it in displayed names as well, which users choose
/// themselves. It does not show every token the address by which it found a user.
fn is_person(user: &UserAnswer, person: &Person) -> bool {
    let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
    match person {
        Person::Username(name) => lower(&user.username) == *name,
        Person::Email(address) => {
            let shown = [&user.public_email, &user.email, &user.commit_email];
            shown.into_iter().any(|own| lower(own) == *address)
                || ![&user.name, &user.username].into_iter().any(|own| lower(own).contains(address))
        }
    }
}

fn into_fact(user: UserAnswer) -> Option<UserFact> {
    let is_active = user.state.as_deref() == Some("active");
    Some(UserFact { id: user.id, username: user.username?, is_active })
}
