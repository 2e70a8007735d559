//! Counts in messages for people.

use super::ids::MrIid;

/// Maximum merge requests that a message names.
const NAMED: usize = 10;

/// A number with its noun: `1 branch`, `2 merge requests`. For nouns whose plural ends in `s`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The numbers of merge requests, at most ten of them: `!3, !4 and 7 more`.
pub fn mr_numbers(iids: &[MrIid]) -> String {
    let named: Vec<String> = iids.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match iids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
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
