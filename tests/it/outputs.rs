//! Tenants may use any names: no output interprets, hides or is broken by any character in them. Strict parsers check
//! the outputs for programs.

mod binary;
mod readers;
mod renderers;
mod tenant;

use fancy_regex::Regex;
use proptest::prelude::*;

use readers::{Kind, judge};
use renderers::Output;
pub use renderers::outputs;
use tenant::NAMES;
pub use tenant::files_called;

/// Attacks: each family of characters that a terminal, a browser or a parser interprets or hides.
const FAMILIES: [(&str, &str); 14] = [
    ("C0", "\u{1b}[31m\u{7}\u{8}"),
    ("line ends", "\n/close\r\n\r"),
    ("DEL", "\u{7f}"),
    ("C1", "\u{9b}31m\u{85}\u{90}"),
    ("bidirectional controls", "\u{202e}\u{2066}\u{200f}\u{61c}"),
    ("zero width", "\u{200b}\u{200d}\u{2060}\u{feff}"),
    ("separators", "\u{2028}\u{2029}"),
    ("tags", "\u{e0041}\u{e007f}"),
    ("variation selectors", "\u{fe0f}\u{e0100}"),
    ("fillers", "\u{115f}\u{3164}\u{ffa0}"),
    ("soft hyphens", "\u{ad}"),
    ("non-characters", "\u{fffe}\u{ffff}\u{fdd0}\u{1ffff}"),
    ("interlinear annotations", "\u{fff9}\u{fffb}"),
    ("markup", "</script>\"'`|]]>&#x9b;<!-- --> ${{ @all #1"),
];

/// Characters that no output may contain, according to Unicode's own tables.
fn hidden() -> Regex {
    Regex::new(
        r"[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}\x{fff9}-\x{fffb}]",
    )
    .unwrap()
}

/// Checks that every output of a tenant's config repo is visible and valid.
#[track_caller]
fn assert_outputs(outputs: &[Output]) {
    let hidden = hidden();
    for (name, kind, text) in outputs {
        let ours = kind.without_our_own_controls(text);
        if let Some(found) = hidden.find(&ours).unwrap() {
            let from = ours[..found.start()].char_indices().rev().nth(60).map_or(0, |(at, _)| at);
            panic!("{name} holds {:?} after {:?}", found.as_str(), &ours[from..found.start()]);
        }
        if let Err(error) = judge(*kind, text) {
            panic!("{name} cannot be read: {error}\n{text}");
        }
    }
}

#[test]
fn each_family_of_special_characters_is_escaped() {
    for (family, characters) in FAMILIES {
        println!("{family}");
        let outputs = outputs(&files_called(|place| format!("n{place}{characters}x")));
        let described = outputs.iter().any(|(name, ..)| name == "description");
        assert!(described, "nothing is promoted");
        assert_outputs(&outputs);
    }
}

#[test]
fn a_replaced_character_can_be_seen() {
    let tenant = files_called(|place| format!("n{place}\u{202e}x"));
    let shown = outputs(&tenant).into_iter().filter(|(_, kind, _)| *kind != Kind::Json);
    let replaced = shown.filter(|(_, _, text)| text.contains("\u{fffd}x")).count();
    assert!(replaced > 10, "{replaced} outputs show the name");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn any_name_is_escaped(names in prop::collection::vec(any_name(), NAMES)) {
        assert_outputs(&outputs(&files_called(|place| names[place].clone())));
    }
}

fn any_name() -> impl Strategy<Value = String> {
    let special: Vec<char> = FAMILIES.iter().flat_map(|(_, text)| text.chars()).collect();
    let character = prop_oneof![
        2 => prop::sample::select(special),
        1 => any::<char>(),
        1 => prop::char::range('!', '~'),
    ];
    prop::collection::vec(character, 1..12).prop_map(|characters| characters.into_iter().collect())
}
