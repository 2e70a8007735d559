//! Finds the project's path in a repository's URL.

use crate::domain::RepoUrl;

/// The path of the project at a git URL, e.g. `group/sub/project`; `None` if it has
/// none. Accepts every spelling that [`RepoUrl`] supports.
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
    fn urls_without_a_project() {
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
