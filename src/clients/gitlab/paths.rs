//! From a repository's address to the project's path.

use crate::domain::RepoUrl;

/// The path of the project that a git address names, e.g. `group/sub/project`; `None` if it names
/// none. Takes every spelling that [`RepoUrl`] knows.
pub fn project_path(url: &str) -> Option<String> {
    RepoUrl::new(url).project_path()
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
            "https://git.example.com//group/x/../sub//app",
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
        ];
        for url in others {
            assert_eq!(project_path(url), None, "{url}");
        }
    }
}
