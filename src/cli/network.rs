//! Settings for all requests of a command, from arguments and environment.

use url::Url;

use super::config::Environment;
use super::exit::{Exit, Fatal};
use super::secrets::redactor;
use crate::clients::http::{AllowedHosts, HttpClient, HttpConfig};
use crate::domain::quoted;

/// Variables that configure proxies, as in curl.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Settings for requests. `services` are URLs that the operator configured, which datafiles may
/// use too.
///
/// # Errors
/// With exit code 2, when a host or the file with certificates is unusable.
pub fn http_config(
    environment: &Environment<'_>,
    allowed_hosts: &[String],
    services: &[&str],
) -> Result<HttpConfig, Fatal> {
    let allowed =
        AllowedHosts::parse(allowed_hosts.iter().map(String::as_str)).map_err(|entry| {
            let message =
                format!("--allowed-hosts (SAPM_ALLOWED_HOSTS): {} is not a host", quoted(&entry));
            Fatal::new(Exit::Usage, message).hint(
                "list names or IP addresses, each with or without a port, separated by commas",
            )
        })?;
    let services = services.iter().filter_map(|address| Url::parse(address).ok());
    let allowed = services.fold(allowed, |allowed, url| allowed.with_service(&url));
    let proxies = PROXIES.iter().filter_map(|name| parse_proxy_name(&environment.get(name)?));
    Ok(HttpConfig {
        allowed_hosts: allowed.with_proxies(proxies),
        certificates: read_certificates(environment)?,
        ..HttpConfig::default()
    })
}

/// A client for a command that only contacts the host of the config repo.
///
/// # Errors
/// As [`http_config`].
pub fn plain_client(environment: &Environment<'_>) -> Result<HttpClient, Fatal> {
    let config = http_config(environment, &[], &[])?;
    Ok(HttpClient::with_redactor(config, redactor().clone()))
}

/// The host of a proxy, which may be written without a scheme.
fn parse_proxy_name(text: &str) -> Option<String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    Some(Url::parse(&with_scheme).ok()?.host_str()?.to_owned())
}

/// Reads the CA file of a GitLab whose certificate is not public.
fn read_certificates(environment: &Environment<'_>) -> Result<Vec<u8>, Fatal> {
    const VARIABLE: &str = "CI_SERVER_TLS_CA_FILE";
    let Some(file) = environment.get(VARIABLE) else { return Ok(Vec::new()) };
    std::fs::read(&file).map_err(|error| {
        Fatal::new(Exit::Usage, format!("the certificates in {file} cannot be read: {error}"))
            .hint(format!("check {VARIABLE}, or unset it"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_proxys_name_is_found_in_every_form() {
        for text in ["proxy.local:3128", "http://me:pw@proxy.local:3128", "socks5h://proxy.local"] {
            assert_eq!(parse_proxy_name(text).as_deref(), Some("proxy.local"), "{text}");
        }
    }

    #[test]
    fn an_invalid_host_and_a_missing_file_are_reported() {
        let none = BTreeMap::new();
        let error = http_config(&Environment(&none), &["a/b".to_owned()], &[]).err();
        assert!(error.is_some_and(|error| error.message.contains("`a/b` is not a host")));
        let missing = BTreeMap::from([("CI_SERVER_TLS_CA_FILE".to_owned(), "/no/file".to_owned())]);
        let error = http_config(&Environment(&missing), &[], &[]).expect_err("no file");
        assert!(error.exit == Exit::Usage && error.message.contains("/no/file"));
    }
}
