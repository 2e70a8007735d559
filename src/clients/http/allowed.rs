//! Restricts which hosts URLs in datafiles may reach.
//!
//! Anybody who may edit a datafile may name any repository and any Prometheus. The bot runs inside its
//! operator's network, so such a URL must not reach the bot's own machine, its neighbours on
//! the link, or the metadata service of a cloud, which hands out credentials.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::special_addresses::kind_of;

/// The hosts that an operator allows explicitly. Other hosts are allowed too, unless they resolve to a special
/// address (see the module).
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts {
    entries: Arc<Vec<Entry>>,
    /// Proxies belong to the operator, so their names may resolve to any address.
    proxies: Arc<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    host: Host<String>,
    /// `None`: every port.
    port: Option<u16>,
}

/// A host that URLs in datafiles may not reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} {}, which URLs in datafiles may not reach; an operator can add the host to --allowed-hosts (SAPM_ALLOWED_HOSTS)", self.place())]
pub struct NotAllowed {
    host: String,
    address: Option<IpAddr>,
}

impl NotAllowed {
    fn place(&self) -> String {
        match self.address {
            None => "is this machine".to_owned(),
            Some(address) if address.to_string() == self.host.trim_matches(['[', ']']) => {
                format!("is {}", kind_of(address).unwrap_or("refused"))
            }
            Some(address) => {
                format!("resolves to {address}, {}", kind_of(address).unwrap_or("refused"))
            }
        }
    }
}

impl AllowedHosts {
    /// Parses hosts: a name or an IP address, with or without a port.
    ///
    /// # Errors
    /// The first invalid entry.
    pub fn parse<'a>(listed: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let entries = listed.into_iter().map(str::trim).filter(|entry| !entry.is_empty());
        let entries = entries.map(|entry| Entry::parse(entry).ok_or_else(|| entry.to_owned()));
        Ok(Self { entries: Arc::new(entries.collect::<Result<_, _>>()?), ..Self::default() })
    }

    /// Also allows the host and port of a service that the operator configured.
    #[must_use]
    pub fn with_service(mut self, url: &Url) -> Self {
        let host = url.host().map(|host| host.to_owned());
        if let (Some(host), Some(port)) = (host, url.port_or_known_default()) {
            Arc::make_mut(&mut self.entries).push(Entry { host, port: Some(port) });
        }
        self
    }

    /// Also allows the names of proxies.
    #[must_use]
    pub fn with_proxies(mut self, names: impl IntoIterator<Item = String>) -> Self {
        Arc::make_mut(&mut self.proxies).extend(names);
        self
    }

    /// Does the operator allow the URL's host and port?
    pub(super) fn lists(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let port = url.port_or_known_default();
        self.entries.iter().any(|entry| {
            entry.host == host.to_owned() && (entry.port.is_none() || entry.port == port)
        })
    }

    /// Checks what is possible without resolving the name.
    pub(super) fn check(&self, url: &Url) -> Result<(), NotAllowed> {
        let refused = |address| {
            let host = url.host_str().unwrap_or_default().to_owned();
            Err(NotAllowed { host, address })
        };
        match url.host() {
            _ if self.lists(url) => Ok(()),
            Some(Host::Ipv4(ip)) if kind_of(ip.into()).is_some() => refused(Some(ip.into())),
            Some(Host::Ipv6(ip)) if kind_of(ip.into()).is_some() => refused(Some(ip.into())),
            Some(Host::Domain(name)) if is_this_machine(name) => refused(None),
            _ => Ok(()),
        }
    }

    fn may_resolve_to(&self, address: IpAddr) -> bool {
        let listed = |entry: &Entry| match entry.host {
            Host::Ipv4(ip) => entry.port.is_none() && IpAddr::V4(ip) == address,
            Host::Ipv6(ip) => entry.port.is_none() && IpAddr::V6(ip) == address,
            Host::Domain(_) => false,
        };
        kind_of(address).is_none() || self.entries.iter().any(listed)
    }

    /// The addresses of a name that are allowed.
    fn of_name(&self, name: &str, all: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotAllowed> {
        if self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name)) {
            return Ok(all);
        }
        let (allowed, refused): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|address| self.may_resolve_to(address.ip()));
        match refused.first() {
            Some(first) if allowed.is_empty() => {
                Err(NotAllowed { host: name.to_owned(), address: Some(first.ip()) })
            }
            _ => Ok(allowed),
        }
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text.contains(['/', '@', '?', '#', '*']) {
            return None;
        }
        // An IPv6 address may be written without brackets.
        let bare = text.parse::<Ipv6Addr>().is_ok();
        let authority = if bare { format!("[{text}]") } else { text.to_owned() };
        // A scheme with another default port, so that a given port is never dropped.
        let url = Url::parse(&format!("http://{authority}")).ok()?;
        let given = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port = if bare { None } else { url.port().or(given) };
        Some(Self { host: url.host()?.to_owned(), port })
    }
}

fn is_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Resolves names to allowed addresses only. The connection goes to exactly the address that was checked.
pub(super) struct CheckedNames(pub AllowedHosts);

impl fmt::Debug for CheckedNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedNames")
    }
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = tokio::net::lookup_host((name, 0)).await?.collect();
            let addresses: Addrs = Box::new(allowed.of_name(name, found)?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listed: &[&str]) -> AllowedHosts {
        AllowedHosts::parse(listed.iter().copied()).expect("hosts")
    }

    fn may(allowed: &AllowedHosts, url: &str) -> bool {
        allowed.check(&Url::parse(url).expect("an address")).is_ok()
    }

    #[test]
    fn urls_in_datafiles_cannot_reach_special_addresses() {
        for refused in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1:9090/",
            "http://017700000001/",
            "https://localhost/a.git",
            "https://LOCALHOST./",
            "https://x.localhost/",
            "http://0.0.0.0/",
            "http://0.1.2.3/",
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.170.2/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://100.100.100.200/",
            "http://168.63.129.16/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://[ff02::1]/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[64:ff9b:1::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/",
        ] {
            assert!(!may(&hosts(&[]), refused), "{refused}");
        }
        for fine in [
            "https://git.example.com/a.git",
            "http://10.1.2.3:9090/",
            "http://192.168.1.1/",
            "http://172.16.0.1/",
            "http://[fd00::1]/",
            "http://[2001:db8::1]/",
            "https://8.8.8.8/",
        ] {
            assert!(may(&hosts(&[]), fine), "{fine}");
        }
    }

    #[test]
    fn an_operator_lists_hosts_with_or_without_a_port() {
        let listed = hosts(&["127.0.0.1:9090", "LocalHost", "::1", "[fe80::1]:80", " "]);
        for (url, fine) in [
            ("http://127.0.0.1:9090/x", true),
            ("http://127.0.0.1:9091/x", false),
            ("http://localhost:1234/", true),
            ("http://[::1]:1/", true),
            ("http://[fe80::1]/", true),
            ("http://[fe80::1]:81/", false),
        ] {
            assert_eq!(may(&listed, url), fine, "{url}");
        }
        for wrong in ["http://a", "a/b", "me@a", "*", "a b", "a:x"] {
            assert_eq!(AllowedHosts::parse([wrong]).err().as_deref(), Some(wrong));
        }
    }

    #[test]
    fn gitlabs_own_host_and_port_are_allowed() {
        let url = Url::parse("http://127.0.0.1:8080/gitlab").expect("an address");
        let allowed = AllowedHosts::default().with_service(&url);
        assert!(may(&allowed, "http://127.0.0.1:8080/a/b.git"));
        assert!(!may(&allowed, "http://127.0.0.1:8081/a/b.git"));
    }

    #[test]
    fn a_name_resolves_only_to_allowed_addresses() {
        let (inside, public) = ("169.254.169.254:0", "93.184.215.14:0");
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().expect("an address")).collect()
        };
        let mixed = hosts(&[]).of_name("x.example", addresses(&[inside, public]));
        assert_eq!(mixed, Ok(addresses(&[public])));
        let error = hosts(&[]).of_name("x.example", addresses(&[inside])).expect_err("refused");
        let text = error.to_string();
        assert!(text.starts_with("x.example resolves to 169.254.169.254, a link-local"), "{text}");
        assert!(text.contains("SAPM_ALLOWED_HOSTS"), "{text}");
        let listed = hosts(&["169.254.169.254"]).of_name("x.example", addresses(&[inside]));
        assert_eq!(listed, Ok(addresses(&[inside])));
        let proxy = hosts(&[]).with_proxies(["proxy.local".to_owned()]);
        assert!(proxy.of_name("proxy.local", addresses(&["127.0.0.1:0"])).is_ok());
    }
}
