//! Pages and their headers (GitLab docs, api/rest: pagination).

use serde_json::{Value, json};

use crate::gitlab::Call;
use crate::http::{Answer, Resp, refuse};

/// One page of a complete list, with `Link` and the `X-` headers; `totals` as GitLab returns them for
/// most lists up to 10,000 records.
pub(crate) fn page<T>(
    call: &Call<'_>,
    items: &[T],
    totals: bool,
    render: impl Fn(&T) -> Value,
) -> Answer {
    let (page, size) = asked(call)?;
    let from = (page - 1).saturating_mul(size).min(items.len());
    let to = (from + size).min(items.len());
    let shown: Vec<Value> = items[from..to].iter().map(render).collect();
    Ok(headed(call, Resp::ok(&Value::Array(shown)), items.len(), totals))
}

/// A page of a search of branches: the first has every match whatever its size, later ones continue with the
/// matches, and the headers count all branches of the repository.
pub(crate) fn page_of_search<T>(
    call: &Call<'_>,
    found: &[T],
    all: usize,
    render: impl Fn(&T) -> Value,
) -> Answer {
    let (page, size) = asked(call)?;
    let from = (page - 1).saturating_mul(size).min(found.len());
    let to = if page == 1 { found.len() } else { (from + size).min(found.len()) };
    let shown: Vec<Value> = found[from..to].iter().map(render).collect();
    Ok(headed(call, Resp::ok(&Value::Array(shown)), all, true))
}

/// With the headers of a page of so many records.
fn headed(call: &Call<'_>, mut resp: Resp, count: usize, totals: bool) -> Resp {
    let (page, size) = asked(call).unwrap_or((1, 20));
    let pages = count.div_ceil(size).max(1);
    let text = |number: usize| {
        if (1..=pages).contains(&number) { number.to_string() } else { String::new() }
    };
    let next = if page < pages { page + 1 } else { 0 };
    resp.set("x-page", page.to_string());
    resp.set("x-per-page", size.to_string());
    resp.set("x-next-page", text(next));
    resp.set("x-prev-page", text(page - 1));
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(call, page - 1, size, "prev"));
    }
    if next > 0 {
        links.push(link(call, next, size, "next"));
    }
    links.push(link(call, 1, size, "first"));
    if totals && count <= call.state.settings.max_total {
        resp.set("x-total", count.to_string());
        resp.set("x-total-pages", pages.to_string());
        links.push(link(call, pages, size, "last"));
    }
    resp.set("link", links.join(", "));
    resp
}

/// Page and size; 20 by default, 100 at most.
fn asked(call: &Call<'_>) -> Result<(usize, usize), Box<Resp>> {
    let number = |name: &str, default: usize| match call.params.text(name) {
        None => Ok(default),
        Some(text) => match text.parse::<usize>() {
            Ok(0) => Err(format!("{name} has a value not allowed")),
            Ok(number) => Ok(number),
            Err(_) => Err(format!("{name} is invalid")),
        },
    };
    let both = number("page", 1).and_then(|page| Ok((page, number("per_page", 20)?)));
    match both {
        Ok((page, size)) => Ok((page, size.min(100))),
        Err(text) => Err(Box::new(Resp::json(400, &json!({ "error": text })))),
    }
}

fn link(call: &Call<'_>, page: usize, size: usize, rel: &str) -> String {
    let kept = |pair: &&str| {
        !matches!(pair.split('=').next(), Some("page" | "per_page" | "page_token" | ""))
    };
    let mut query: Vec<String> =
        call.req.query.split('&').filter(kept).map(str::to_owned).collect();
    query.push(format!("page={page}"));
    query.push(format!("per_page={size}"));
    format!("<{}{}?{}>; rel=\"{rel}\"", call.base, call.req.path, query.join("&"))
}

/// A page by key: `page_token` is the last name that was seen (GitLab docs, api/branches, api/repositories).
pub(crate) fn by_key<T>(
    call: &Call<'_>,
    items: &[T],
    key: impl Fn(&T) -> &str,
    render: impl Fn(&T) -> Value,
) -> Answer {
    let (_, size) = asked(call)?;
    let from = match call.params.text("page_token") {
        None => 0,
        Some(token) => match items.iter().position(|item| key(item) == token) {
            Some(at) => at + 1,
            None => return refuse(422, "Invalid page token"),
        },
    };
    let to = (from + size).min(items.len());
    let shown: Vec<Value> = items[from..to].iter().map(render).collect();
    let mut resp = Resp::ok(&Value::Array(shown));
    if to < items.len() {
        let kept = |pair: &&str| !matches!(pair.split('=').next(), Some("page_token" | ""));
        let query: Vec<&str> = call.req.query.split('&').filter(kept).collect();
        let token = percent_encoding::utf8_percent_encode(
            key(&items[to - 1]),
            percent_encoding::NON_ALPHANUMERIC,
        );
        let to = format!("{}{}?{}&page_token={token}", call.base, call.req.path, query.join("&"));
        resp.set("link", format!("<{to}>; rel=\"next\""));
    }
    Ok(resp)
}
