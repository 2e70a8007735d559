//! Counts in messages for people.

use super::ids::MrIid;

/// Maximum merge requests that a message names.
const NAMED: usize = 10;

/// A number with its noun: `1 branch`, `2 merge requests`. For nouns whose plural ends in `s`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What follows those that are named: ` and 7 more`, or nothing.
pub fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" and {others} more") }
}

/// The first few of a list, and how many more there are: `a, b and 7 more`.
pub fn name_first(most: usize, names: impl IntoIterator<Item = impl ToString>) -> String {
    let mut names = names.into_iter();
    let named: Vec<String> = names.by_ref().take(most).map(|name| name.to_string()).collect();
    named.join(", ") + &and_more(names.count())
}

/// The numbers of merge requests, at most ten of them: `!3, !4 and 7 more`.
pub fn mr_numbers(iids: &[MrIid]) -> String {
    name_first(NAMED, iids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_merge_requests_are_named() {
        let iids: Vec<MrIid> = (1..=12).map(MrIid).collect();
        assert_eq!(mr_numbers(&iids[..2]), "!1, !2");
        assert!(mr_numbers(&iids[..10]).ends_with(", !10"));
        assert!(mr_numbers(&iids).ends_with(", !10 and 2 more"));
        assert_eq!(
            (count(1, "branch"), count(0, "target")),
            ("1 branch".into(), "0 targets".into())
        );
    }
}
