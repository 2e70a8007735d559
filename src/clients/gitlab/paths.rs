//! From a repository's address to the project's path.

use percent_encoding::percent_decode_str;

/// The path of the project that a git address names, e.g. `group/sub/project`; `None` if it names
/// none. Takes `https://host[:port]/group/project(.git)(/)`, `ssh://…` and `git@host:group/project.git`.
pub fn project_path(url: &str) -> Option<String> {
    let path = path_of(url.trim())?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.split("/-/").next().unwrap_or_default().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut segments = path.split('/');
    let usable = segments.clone().count() >= 2
        && segments.all(|segment| !matches!(segment, "" | "." | ".."))
        && !path.chars().any(char::is_control);
    usable.then(|| path.into_owned())
}

/// What follows the host.
fn path_of(url: &str) -> Option<&str> {
    if let Some((scheme, rest)) = url.split_once("://") {
        let known = ["http", "https", "ssh", "git", "git+ssh"];
        if !known.iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
            return None;
        }
        return rest.split_once('/').map(|(_, path)| path);
    }
    // git@host:group/project
    let (host, path) = url.split_once(':')?;
    (!host.contains('/') && !host.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_the_project() {
        let spellings = [
            "https://git.example.com/group/sub/app",
            "https://git.example.com/group/sub/app.git",
            "https://me:pw@git.example.com:8443/group/sub/app.git/",
            "ssh://git@git.example.com:2222/group/sub/app.git",
            "git@git.example.com:group/sub/app.git",
            "https://git.example.com/group/sub/app/-/tree/main",
        ];
        for url in spellings {
            assert_eq!(project_path(url).as_deref(), Some("group/sub/app"), "{url}");
        }
    }

    #[test]
    fn what_names_no_project() {
        let others = [
            "",
            "https://git.example.com",
            "https://git.example.com/group",
            "/srv/a/b",
            "file:///a/b",
            "https://git.example.com/a/../b",
            "https://git.example.com/a//b",
        ];
        for url in others {
            assert_eq!(project_path(url), None, "{url}");
        }
    }
}
