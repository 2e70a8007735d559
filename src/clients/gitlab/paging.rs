//! Reads lists page by page.

use gitlab::api::Endpoint;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::api::GitLabApi;
use super::responses::readable;
use crate::clients::http::{HttpError, HttpErrorKind, Request};

/// Entries per page: GitLab's maximum.
const PAGE_SIZE: &str = "100";

/// Maximum pages: a server that always names a next page must not block a run forever.
const MOST_PAGES: usize = 1_000;

impl GitLabApi {
    /// All entries of a list.
    pub(super) async fn list<T>(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<Vec<T>, HttpError>
    where
        T: DeserializeOwned,
    {
        match self.list_up_to(endpoint, MOST_PAGES).await? {
            (entries, false) => Ok(entries),
            (_, true) => {
                let detail = format!("more than {MOST_PAGES} pages");
                Err(self.error(endpoint, HttpErrorKind::TooLarge, detail))
            }
        }
    }

    /// The entries of the first pages of a list, and whether there are more pages.
    pub(super) async fn list_up_to<T>(
        &self,
        endpoint: &(impl Endpoint + Sync),
        pages: usize,
    ) -> Result<(Vec<T>, bool), HttpError>
    where
        T: DeserializeOwned,
    {
        let mut url = endpoint
            .url_base()
            .endpoint_for(self, &endpoint.endpoint())
            .map_err(|error| self.plain(endpoint, error))?;
        endpoint.parameters().add_to_url(&mut url);
        url.query_pairs_mut().append_pair("per_page", PAGE_SIZE);
        let mut entries = Vec::new();
        for _ in 0..pages {
            let answer = self
                .service()
                .send(&self.authenticated(Request::get(url.clone()).within_origin()))
                .await?;
            let page: Vec<Value> = answer.json()?;
            entries.extend(page.into_iter().filter_map(|value| readable(value, &url)));
            match next_page(&url, answer.header("link"), answer.header("x-next-page")) {
                Some(next) if next != url => url = next,
                _ => return Ok((entries, false)),
            }
        }
        Ok((entries, true))
    }
}

/// The next page's URL. Only the query of a `Link` is used: behind a proxy, its host
/// differs from the one that was requested.
fn next_page(url: &Url, link: Option<&str>, number: Option<&str>) -> Option<Url> {
    let mut next = url.clone();
    if let Some(target) = link.and_then(next_link) {
        let query = url.join(target).ok()?.query()?.to_owned();
        next.set_query(Some(&query));
        return Some(next);
    }
    let number = number.map(str::trim).filter(|number| !number.is_empty())?;
    let others: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "page").collect();
    next.query_pairs_mut().clear().extend_pairs(others).append_pair("page", number);
    Some(next)
}

fn next_link(header: &str) -> Option<&str> {
    header.split(',').find_map(|part| {
        let (target, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: Option<&str>, number: Option<&str>) -> Option<String> {
        let url = Url::parse("http://inside/api/v4/x?state=opened&page=2").expect("an address");
        next_page(&url, link, number).map(String::from)
    }

    #[test]
    fn a_link_gives_its_query_and_not_its_host() {
        let link = "<https://outside/api/v4/x?page=1>; rel=\"prev\", \
                    <https://outside/api/v4/x?page=3&state=opened>; rel=\"next\"";
        let expected = "http://inside/api/v4/x?page=3&state=opened";
        assert_eq!(next(Some(link), Some("9")).as_deref(), Some(expected));
        assert_eq!(next(Some("<https://o/x?page=1>; rel=\"first\""), None), None);
    }

    #[test]
    fn a_page_number_works_too() {
        let expected = "http://inside/api/v4/x?state=opened&page=3";
        assert_eq!(next(None, Some("3")).as_deref(), Some(expected));
        assert_eq!(next(None, Some("")), None);
        assert_eq!(next(None, None), None);
    }
}
