//! A range of commits, as GitLab and GitHub return it, in the form for people.

use std::collections::BTreeMap;

use crate::clients::http::Redactor;
use crate::domain::CommitSha;
use crate::snapshot::{CodeCommit, CommitList, LISTED_COMMITS};

/// Maximum length of a kept text, in characters.
const KEPT: usize = 200;

/// A commit of a range.
#[derive(Debug, Clone)]
pub(super) struct RangeCommit {
    pub sha: CommitSha,
    pub parents: Vec<String>,
    pub message: String,
    pub author: Option<String>,
}

/// Lists a range that ends in `tip`, given the newest first. The commits that a merge brought follow it, by the parents
/// that the forge names. `total`: how many there are; `is_cut`: there may be more.
pub(super) fn list_commits(
    tip: &CommitSha,
    commits: &[RangeCommit],
    (total, is_cut): (usize, bool),
    redactor: &Redactor,
) -> CommitList {
    let ordered = group_by_merge(tip, commits);
    let newest = ordered.into_iter().take(LISTED_COMMITS).map(|(at, is_merged)| {
        let commit = &commits[at];
        let text = |text: &str| redactor.redact(text).chars().take(KEPT).collect::<String>();
        CodeCommit {
            sha: commit.sha.clone(),
            subject: text(commit.message.lines().next().unwrap_or_default()),
            author: commit.author.as_deref().map(|name| text(&without_address(name))),
            merge_request: (commit.parents.len() > 1)
                .then(|| merge_request(&commit.message))
                .flatten(),
            is_merged,
        }
    });
    CommitList { total, is_cut, newest: newest.collect() }
}

/// An author's name, without what may be an email address.
fn without_address(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().filter(|word| !word.contains('@')).collect();
    words.join(" ")
}

/// Positions of the commits in the order of the list, with whether a merge before them brought them.
fn group_by_merge(tip: &CommitSha, commits: &[RangeCommit]) -> Vec<(usize, bool)> {
    let at: BTreeMap<&str, usize> =
        commits.iter().enumerate().map(|(at, commit)| (commit.sha.as_str(), at)).collect();
    let mut is_placed = vec![false; commits.len()];
    let mut mainline = Vec::new();
    let mut next = at.get(tip.as_str()).copied();
    while let Some(here) = next.filter(|&here| !is_placed[here]) {
        is_placed[here] = true;
        mainline.push(here);
        next = commits[here].parents.first().and_then(|parent| at.get(parent.as_str())).copied();
    }
    // The oldest merge first: what it brought is not the next one's.
    let mut brought: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &merge in mainline.iter().rev() {
        let mut todo: Vec<&String> = commits[merge].parents.iter().skip(1).collect();
        let mut found = Vec::new();
        while let Some(parent) = todo.pop() {
            let Some(&here) = at.get(parent.as_str()).filter(|&&here| !is_placed[here]) else {
                continue;
            };
            is_placed[here] = true;
            found.push(here);
            todo.extend(&commits[here].parents);
        }
        found.sort_unstable();
        brought.insert(merge, found);
    }
    let mut ordered = Vec::new();
    for merge in mainline {
        ordered.push((merge, false));
        ordered.extend(brought.remove(&merge).unwrap_or_default().into_iter().map(|at| (at, true)));
    }
    // Of a list that is cut, some lead nowhere.
    ordered.extend((0..commits.len()).filter(|&at| !is_placed[at]).map(|at| (at, false)));
    ordered
}

/// The merge request that a merge commit's message names, as GitLab and GitHub write it.
fn merge_request(message: &str) -> Option<String> {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty() && digits.len() < 10).then_some(digits)
    };
    if let Some(rest) = message.strip_prefix("Merge pull request #") {
        return number(rest).map(|number| format!("#{number}"));
    }
    let line = message.lines().rev().find_map(|line| line.strip_prefix("See merge request "))?;
    number(line.rsplit_once('!')?.1).map(|number| format!("!{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(name: char) -> CommitSha {
        CommitSha::parse(&format!("{:x}", name as u32).repeat(20)).expect("a commit")
    }

    fn commit(name: char, parents: &str, message: &str) -> RangeCommit {
        let parents = parents.chars().map(|parent| sha(parent).to_string()).collect();
        let author = Some("Ann".to_owned());
        RangeCommit { sha: sha(name), parents, message: message.to_owned(), author }
    }

    fn listed(tip: char, commits: &[RangeCommit]) -> Vec<String> {
        let total = (commits.len(), false);
        let list = list_commits(&sha(tip), commits, total, &Redactor::default());
        let line = |commit: CodeCommit| {
            let request = commit.merge_request.map(|name| format!(" {name}")).unwrap_or_default();
            format!("{}{}{request}", if commit.is_merged { "- " } else { "" }, commit.subject)
        };
        list.newest.into_iter().map(line).collect()
    }

    #[test]
    fn the_commits_of_a_merge_follow_it() {
        // a <- b <- M(b, d) <- N(M, e); d <- c <- a, e <- b
        let commits = [
            commit('N', "Me", "Merge pull request #7 from fork/e\n\nMore"),
            commit('e', "b", "e"),
            commit('M', "bd", "Merge branch 'x' into 'main'\n\nFix\n\nSee merge request g/p!12"),
            commit('d', "c", "d"),
            commit('b', "a", "b"),
            commit('c', "a", "c"),
        ];
        let expected = [
            "Merge pull request #7 from fork/e #7",
            "- e",
            "Merge branch 'x' into 'main' !12",
            "- d",
            "- c",
            "b",
        ];
        assert_eq!(listed('N', &commits), expected);
    }

    #[test]
    fn every_commit_is_listed_once_whatever_the_parents_say() {
        let loops = [commit('a', "b", "a"), commit('b', "ab", "b"), commit('c', "z", "c")];
        assert_eq!(listed('a', &loops), ["a", "b", "c"]);
        assert_eq!(listed('z', &loops), ["a", "b", "c"]);
        let many: Vec<RangeCommit> = (0..100).map(|_| commit('a', "b", "a")).collect();
        assert_eq!(listed('a', &many).len(), LISTED_COMMITS);
    }

    #[test]
    fn long_texts_are_cut() {
        let list = [commit('a', "b", &"x".repeat(100_000))];
        assert_eq!(listed('a', &list)[0].chars().count(), KEPT);
    }

    #[test]
    fn no_address_of_an_author_is_kept() {
        assert_eq!(without_address("Ann Bee <ann@example.com>"), "Ann Bee");
        assert_eq!(without_address("ann@example.com"), "");
    }

    #[test]
    fn only_a_number_names_a_merge_request() {
        assert_eq!(merge_request("Merge pull request #x"), None);
        assert_eq!(merge_request("See merge request g/p!/close"), None);
        assert_eq!(merge_request("Fix\n\nSee merge request !3"), Some("!3".to_owned()));
        assert_eq!(merge_request(&format!("Merge pull request #{}", "9".repeat(50))), None);
    }
}
