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

/// Maximum number of paths that are compared in full.
const COMPARED: usize = 100;

/// Minimum similarity of the file names of two paths.
const FILE_LIKENESS: f32 = 0.6;

/// The paths that are similar to `wanted` as a whole and in their file names, best first. First those are chosen that begin
/// and end like it, which takes little time for thousands of paths.
pub fn near_paths<'a>(paths: impl IntoIterator<Item = &'a String>, wanted: &str) -> Vec<&'a str> {
    let common = |a: &mut dyn Iterator<Item = u8>, b: &mut dyn Iterator<Item = u8>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let mut rated: Vec<(usize, &str)> = paths
        .into_iter()
        .map(|path| {
            let begin = common(&mut path.bytes(), &mut wanted.bytes());
            let end = common(&mut path.bytes().rev(), &mut wanted.bytes().rev());
            (begin + end, path.as_str())
        })
        .filter(|(same, path)| same * 2 >= path.len().max(wanted.len()))
        .collect();
    rated.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let stem = |path: &str| -> String {
        let file = path.rsplit('/').next().unwrap_or_default();
        file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned()
    };
    let named = stem(wanted);
    let compared = rated.into_iter().map(|(_, path)| path).take(COMPARED);
    near(compared.filter(|path| likeness(&stem(path), &named) >= FILE_LIKENESS), wanted)
}

/// Only letters and digits, in lower case.
fn simplify(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{near, near_paths};

    #[test]
    fn paths_that_begin_and_end_alike_are_similar() {
        let known = [
            "/services/shop/namespaces/prod.yml",
            "/services/shop/app.yml",
            "/clusters/c1/cluster.yml",
        ]
        .map(str::to_owned);
        for (wanted, meant) in [
            ("/services/shop/namespaces/prod.yaml", Some(0)),
            ("/services/shop/namespace/prod.yml", Some(0)),
            ("data/services/shop/app.yml", Some(1)),
            ("/cluster/c1/cluster.yml", Some(2)),
            ("/somewhere/else.yml", None),
            ("/services/shop/gone.yml", None),
            ("", None),
        ] {
            let expected = meant.map(|index: usize| known[index].as_str());
            assert_eq!(near_paths(&known, wanted).first().copied(), expected, "{wanted}");
        }
        assert_eq!(near_paths(&known, &"/services/shop".repeat(100_000)), [""; 0]);
    }

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
