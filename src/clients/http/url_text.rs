//! URLs in messages, and the origin of a URL.

use url::{Host, Url};

/// Maximum length of a query in messages.
const LONGEST_QUERY: usize = 160;

/// Scheme, host and port, e.g. `https://git.example.com:8443`: the origin that a token is for.
pub fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Is the host this machine?
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Is the host this machine, or on the same link? Neither is reached through a proxy.
pub(in crate::clients) fn is_neighbour(url: &Url) -> bool {
    let linked = match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_unicast_link_local(),
        _ => false,
    };
    linked || is_loopback(url)
}

/// The URL without user, password, fragment and the values of parameters that look secret.
pub fn safe_url(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_fragment(None);
    // Both fail only for URLs that cannot contain them.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let query = url.query().map(safe_query);
    shown.set_query(None);
    match query {
        Some(query) if query.len() > LONGEST_QUERY => format!("{shown}?…"),
        Some(query) if !query.is_empty() => format!("{shown}?{query}"),
        _ => shown.to_string(),
    }
}

fn safe_query(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if looks_secret(name) => format!("{name}=…"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "password", "signature", "credential", "api_key", "apikey"]
        .iter()
        .any(|word| name.contains(word))
}

/// The URL of a service as configured, without userinfo, query and fragment.
///
/// # Errors
/// The text without userinfo, if it is not an http(s) URL.
pub fn service_address(base: &str) -> Result<Url, String> {
    let invalid = || base.split('@').next_back().unwrap_or_default().to_owned();
    let mut url = Url::parse(base.trim().trim_end_matches('/')).map_err(|_| invalid())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid());
    }
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = safe_url(&url("https://me:pw@h.example/a?ref=x&private_token=abc#f"));
        assert_eq!(shown, "https://h.example/a?ref=x&private_token=…");
        let long = format!("https://h.example/q?query={}", "a".repeat(500));
        assert_eq!(safe_url(&url(&long)), "https://h.example/q?…");
    }

    #[test]
    fn an_origin_has_scheme_host_and_port() {
        let origins = [
            "https://h.example/a",
            "http://h.example/a",
            "https://h.example:444/a",
            "https://x.h.example/a",
        ];
        let set: std::collections::BTreeSet<_> =
            origins.iter().map(|text| origin_of(&url(text))).collect();
        assert_eq!(set.len(), 4);
        assert_eq!(origin_of(&url("https://h.example:443/b")), "https://h.example");
    }

    #[test]
    fn loopback_is_recognised_by_the_host() {
        for text in ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]:9/"] {
            assert!(is_loopback(&url(text)), "{text}");
        }
        assert!(!is_loopback(&url("http://localhost.example.com/")));
    }
}
