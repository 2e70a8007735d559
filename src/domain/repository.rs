//! URLs of code repositories, and when two of them name the same repository.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use url::{Host, Url};

/// Characters that a normalised path does not encode: letters, digits and `-._~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Other hosts of a forge that serve the same repositories.
const HOST_ALIASES: [(&str, &str); 3] = [
    ("www.github.com", "github.com"),
    ("ssh.github.com", "github.com"),
    ("altssh.gitlab.com", "gitlab.com"),
];

/// Parts of the names of query parameters that carry a secret.
const SECRET_WORDS: [&str; 7] =
    ["token", "secret", "password", "signature", "credential", "api_key", "apikey"];

/// The URL of a code repository as a resource template has it, without user, password and
/// secret parameters, which are never used and never shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoUrl {
    text: Arc<str>,
    id: RepoId,
}

/// The normalised URL of a repository (domain rules, section 5), the same for all spellings. Use it
/// to compare repositories. Never send a token to it: it has neither scheme nor user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId {
    text: Arc<str>,
    is_on_host: bool,
}

impl RepoUrl {
    /// Takes the URL as written.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = remove_secrets(text.as_ref());
        Self { id: RepoId::normalise(&text, &BTreeSet::new()), text: text.into() }
    }

    /// The same URL, given the hosts (with their port, as in [`RepoId::host`]) that are a GitLab or a
    /// GitHub. They ignore the letter case of paths.
    #[must_use]
    pub fn with_forges(&self, forges: &BTreeSet<String>) -> Self {
        Self { id: RepoId::normalise(&self.text, forges), text: Arc::clone(&self.text) }
    }

    /// The URL as written, without secrets.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identity of the repository.
    pub fn id(&self) -> &RepoId {
        &self.id
    }

    /// Do both URLs name the same repository?
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The path of the project on its host, decoded, in its original letter case. `None` for a URL
    /// without a host, or with fewer than two segments.
    pub fn project_path(&self) -> Option<String> {
        let Location::Host { path, .. } = Location::parse(&self.text) else { return None };
        let path = String::from_utf8(path.join(&b'/')).ok()?;
        let usable = path.contains('/') && !path.chars().any(char::is_control);
        usable.then_some(path)
    }

    /// The URL to clone: without the path of a page (`/-/tree/main`).
    pub fn clone_address(&self) -> &str {
        match self.id.host() {
            Some(_) => self.text.split("/-/").next().unwrap_or_default(),
            None => &self.text,
        }
    }

    /// Orders the spellings of a URL: the first is one that every git host answers, then the shortest.
    pub fn preference(&self) -> impl Ord + '_ {
        let scheme = self.text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let rank = match scheme.as_deref() {
            Some("https") => 0,
            Some("http") => 1,
            _ => 2,
        };
        (rank, self.text.len(), &self.text)
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl RepoId {
    fn normalise(text: &str, forges: &BTreeSet<String>) -> Self {
        let encode = |path: &[Vec<u8>]| {
            let parts = path.iter().map(|part| percent_encode(part, ENCODED).to_string());
            parts.collect::<Vec<_>>().join("/")
        };
        let (text, is_on_host) = match Location::parse(text) {
            Location::Host { host, mut path } => {
                if is_forge(&host) || forges.contains(&host) {
                    path.iter_mut().for_each(|part| part.make_ascii_lowercase());
                    path = strip_suffixes(path);
                }
                (format!("https://{host}/{}", encode(&path)), true)
            }
            Location::Folder(path) => (format!("file:///{}", encode(&path)), false),
            Location::Unknown => (text.trim().to_owned(), false),
        };
        Self { text: text.into(), is_on_host }
    }

    /// The normal form: a URL whose identity is itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, with a port unless it is the default one; `None` for a URL without a host.
    pub fn host(&self) -> Option<&str> {
        let rest = self.text.strip_prefix("https://").filter(|_| self.is_on_host)?;
        rest.split('/').next()
    }
}

/// Does the name show that it is GitHub or a GitLab? Other forges have to be configured.
fn is_forge(host: &str) -> bool {
    host == "github.com" || host.starts_with("github.") || host.starts_with("gitlab.")
}

/// The location of a repository.
enum Location {
    /// The host, with a port unless it is the default one, and the segments of the repository's path.
    Host {
        host: String,
        path: Vec<Vec<u8>>,
    },
    Folder(Vec<Vec<u8>>),
    Unknown,
}

impl Location {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let (scheme, rest) = match split_scheme(text) {
            Some((scheme, rest)) => (scheme, rest.to_owned()),
            None if text.starts_with('/') => {
                return Self::Folder(strip_suffixes(split_path(text.as_bytes())));
            }
            None => match host_and_path(text) {
                Some(found) => found,
                None => return Self::Unknown,
            },
        };
        if scheme == "file" {
            let Ok(url) = Url::parse(text) else { return Self::Unknown };
            return match url.host() {
                None => Self::Folder(strip_suffixes(decode_segments(&url))),
                Some(_) => Self::Unknown,
            };
        }
        Self::on_host(&scheme, &rest).unwrap_or(Self::Unknown)
    }

    fn on_host(scheme: &str, rest: &str) -> Option<Self> {
        let url = Url::parse(&format!("https://{}", rest.trim_start_matches(['/', '\\']))).ok()?;
        let mut host = url.host_str()?.to_owned();
        // Drop the dot of a fully qualified name. Without it, some names would be numbers, which are other hosts.
        while let Some(name) = host.strip_suffix('.')
            && Host::parse(name).is_ok_and(|parsed| parsed.to_string() == name)
        {
            host.pop();
        }
        if let Some((_, name)) = HOST_ALIASES.iter().find(|(alias, _)| *alias == host) {
            (*name).clone_into(&mut host);
        }
        // `Url` has dropped 443 already.
        let default = match scheme {
            "ssh" | "git+ssh" | "ssh+git" => 22,
            "git" => 9418,
            _ => 80,
        };
        if let Some(port) = url.port().filter(|port| *port != 80 && *port != default) {
            host = format!("{host}:{port}");
        }
        let mut path = decode_segments(&url);
        // The pages of a GitLab project.
        let page = path.iter().skip(1).position(|part| part == b"-");
        path.truncate(page.map_or(path.len(), |at| at + 1));
        Some(Self::Host { host, path: strip_suffixes(path) })
    }
}

/// Scheme (in lower case) and the text after `://`. As in browsers, http and https may lack
/// the slashes.
fn split_scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let scheme: String = scheme.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let scheme = scheme.to_ascii_lowercase();
    let is_name = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'));
    let web = matches!(scheme.as_str(), "http" | "https");
    (is_name && (web || rest.starts_with("//"))).then_some((scheme, rest))
}

/// The scp-like form `git@host:path`, and `host.example/path` without a scheme.
fn host_and_path(text: &str) -> Option<(String, String)> {
    let head = text.split(['/', '\\']).next()?;
    match head.find(':') {
        // A letter before a colon is a drive.
        Some(at) if at > 1 => {
            let (host, path) = (&text[..at], &text[at + 1..]);
            let host = host.rsplit('@').next().unwrap_or(host);
            Some(("ssh".to_owned(), format!("{host}/{path}")))
        }
        Some(_) => None,
        None => {
            let is_host = head.contains('.') && !head.starts_with('.') && text.contains('/');
            is_host.then(|| ("https".to_owned(), text.to_owned()))
        }
    }
}

fn decode_segments(url: &Url) -> Vec<Vec<u8>> {
    split_path(&percent_decode_str(url.path()).collect::<Vec<u8>>())
}

/// The parts of a path, without empty ones, `.` and `..`.
fn split_path(path: &[u8]) -> Vec<Vec<u8>> {
    let mut kept = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            _ => kept.push(part.to_vec()),
        }
    }
    kept
}

/// Removes the parts of a path's end that do not matter, as long as anything is left: `.git`, and the
/// dash that GitLab's pages begin with.
fn strip_suffixes(mut path: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    while let Some(last) = path.last() {
        let dash = last == b"-" && path.len() > 1;
        match last.strip_suffix(b".git".as_slice()) {
            Some(b"." | b"..") => break,
            Some(stem) if !stem.is_empty() => {
                let stem = stem.to_vec();
                path.pop();
                path.push(stem);
            }
            None if !dash => break,
            _ => drop(path.pop()),
        }
    }
    path
}

/// Removes user and password, and a query with secret parameters.
fn remove_secrets(text: &str) -> String {
    let mut text = without_userinfo(text);
    // The text before a secret parameter may look like a user once the parameter is removed.
    while let Some(at) = find_secret_parameters(&text) {
        text = without_userinfo(&text[..at]);
    }
    text
}

/// The position of the query or fragment, if one of its parameters may be a secret.
fn find_secret_parameters(text: &str) -> Option<usize> {
    let at = text.find(['?', '#'])?;
    let names = percent_decode_str(&text[at..]).decode_utf8_lossy().to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| names.contains(word)).then_some(at)
}

/// The URL without `user:password@`, also if it is not valid. The user of
/// `git@host:path` stays, because no password can be part of it.
pub fn without_userinfo(text: &str) -> String {
    if !text.contains('@') {
        return text.to_owned();
    }
    // URL parsers ignore these characters, which could hide the rest from the search below.
    let mut text: String =
        text.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    while let Some((from, to)) = find_userinfo(&text) {
        text.replace_range(from..to, "");
        text.truncate(text.trim_end().len());
        text.drain(..text.len() - text.trim_start().len());
    }
    text
}

/// The range of user and password, including the `@`.
fn find_userinfo(text: &str) -> Option<(usize, usize)> {
    let schemes = || text.match_indices("://").map(|(at, _)| at + 3);
    // After a path or a user there is no scheme, so the text itself may begin with a user.
    let is_scheme = |end: usize| !text[..end].contains(['@', '?', '#', '/', '\\']);
    let begin = match (text.find("://"), split_scheme(text)) {
        (Some(end), _) if is_scheme(end) => None,
        (_, Some((scheme, _))) => Some(scheme.len() + 1),
        (_, None) => Some(0),
    };
    // Called at every scheme, of which a text may have hundreds.
    let is_no_url = LazyCell::new(|| Url::parse(text).is_err());
    let mut places = begin.into_iter().chain(schemes());
    places.find_map(|after_scheme| find_userinfo_after(text, after_scheme, &is_no_url))
}

/// Like [`find_userinfo`], for a URL whose scheme ends at this position; 0 without a scheme.
fn find_userinfo_after(
    text: &str,
    after_scheme: usize,
    is_no_url: &LazyCell<bool, impl FnOnce() -> bool>,
) -> Option<(usize, usize)> {
    let rest = &text[after_scheme..];
    let slashes = if after_scheme > 0 { ['/', '\\'].as_slice() } else { &[] };
    let rest = rest.trim_start_matches(slashes);
    let start = text.len() - rest.len();
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        let (user, host) = (&authority[..at], &authority[at + 1..]);
        let is_ssh_like = after_scheme == 0 && !user.contains(':') && host.contains(':');
        return (!is_ssh_like).then_some((start, start + at + 1));
    }
    // A password with a slash: not a valid URL, but must not be shown either.
    let may_hide = after_scheme > 0 && authority.contains(':') && **is_no_url;
    text[start..].rfind('@').filter(|_| may_hide).map(|at| (start, start + at + 1))
}

/// Replaces user and password of every URL in a line by the same number of stars, also in URLs
/// without a scheme.
pub fn mask_userinfo(line: &str) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    mask_userinfo_of_urls(line).split_inclusive(ends).map(mask_userinfo_without_scheme).collect()
}

/// `user:password@host/…`; the user of `git@host:path` stays.
fn mask_userinfo_without_scheme(word: &str) -> String {
    let authority = word.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) if !word.contains("://") && authority[..at].contains(':') => {
            "*".repeat(authority[..at].chars().count()) + &word[at..]
        }
        _ => word.to_owned(),
    }
}

fn mask_userinfo_of_urls(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let end = after.find(ends).unwrap_or(after.len());
        let from = after[..end].rfind('@').unwrap_or_default();
        masked.extend(after[..from].chars().map(|_| '*'));
        rest = &after[from..];
    }
    masked + rest
}

#[cfg(test)]
mod tests;
