//! Suggestions for misspelt names.

/// Maximum number of names that are suggested.
const SUGGESTED: usize = 3;

/// Minimum similarity of a suggestion, from 0 to 1.
const LIKENESS: f32 = 0.7;

/// Longer names are not compared: the cost grows with the square of their length.
const LONGEST: usize = 100;

/// Similarity of two texts, from 0 to 1.
pub fn likeness(text: &str, wanted: &str) -> f32 {
    if text.len().max(wanted.len()) > LONGEST {
        return if text == wanted { 1.0 } else { 0.0 };
    }
    similar::TextDiff::from_chars(text, wanted).ratio()
}

/// The most similar items above the minimum similarity, best first.
pub fn likest<T: Ord>(rated: impl Iterator<Item = (f32, T)>) -> Vec<T> {
    let mut rated: Vec<_> = rated.filter(|(likeness, _)| *likeness > LIKENESS).collect();
    rated.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    rated.into_iter().take(SUGGESTED).map(|(_, what)| what).collect()
}

/// The names that are similar to `wanted`, best first. Letter case, blanks, `-` and `_` hardly
/// count, because these are the most common mistakes.
pub fn near<'a>(names: impl IntoIterator<Item = &'a str>, wanted: &str) -> Vec<&'a str> {
    let plain_wanted = simplify(wanted);
    likest(names.into_iter().map(|name| {
        let same_letters = likeness(&simplify(name), &plain_wanted);
        (same_letters.max(likeness(name, wanted)), name)
    }))
}

/// Only letters and digits, in lower case.
fn simplify(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn typing_mistakes_are_similar() {
        let known = ["soakDays", "schedule", "subscribe", "publish", "slos"];
        for (wanted, meant) in [
            ("soakDay", "soakDays"),
            ("soak_days", "soakDays"),
            ("Schedule", "schedule"),
            ("subscrbe", "subscribe"),
            ("slo", "slos"),
        ] {
            assert_eq!(near(known, wanted).first(), Some(&meant), "{wanted}");
        }
        assert_eq!(near(known, "parameters"), [""; 0]);
        assert_eq!(near(known, &"soakDays".repeat(100_000)), [""; 0]);
    }
}
