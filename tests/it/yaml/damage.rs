//! Generates texts that share values, and damaged texts.

use super::dice::Dice;

pub const PIECES: &[&str] = &[
    "$schema",
    "$schema: /a.yml\n",
    "\"$schema\": \"/b.yml\"",
    "'$schema': /c.yml\n",
    ": ",
    ":",
    "\n",
    "\n",
    "\n  ",
    " ",
    "- ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "# c",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<",
    "<<: *a\n",
    "!!str ",
    "!x ",
    "---",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "ref",
    "ref: x\n",
    "promotion:\n",
    "promotion: {a: b}\n",
    "  auto: on\n",
    "promotion_data:\n",
    "  promotion_data:\n",
    "\\",
    "\t",
    "\r\n",
    "\r",
    "\u{feff}",
    "é",
    "~",
    "12",
    "x: y\n",
    "x",
    "\u{85}",
    "\u{2028}",
    "\"\\x24schema\": z\n",
    "{\"$schema\": \"/a\",",
];

/// Inserts, removes and duplicates pieces of a text.
pub fn mutilated(mut text: String, choices: &mut Dice) -> String {
    for _ in 0..=choices.below(4) {
        let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        let Some(last) = places.len().checked_sub(1) else {
            return text;
        };
        let spot = |choices: &mut Dice| {
            places[(choices.below(256) * 256 + choices.below(256)) * last / 65536]
        };
        let (a, b) = (spot(choices), spot(choices));
        match choices.below(3) {
            0 => text.insert_str(a, choices.of(PIECES)),
            1 => {
                let end = places.iter().copied().find(|i| *i > a + choices.below(8)).unwrap_or(a);
                text.replace_range(a..end, "");
            }
            _ => {
                let line = text[a..].split_inclusive('\n').next().unwrap_or_default().to_owned();
                text.insert_str(b, &line);
            }
        }
    }
    text
}

/// A document whose targets share values by anchors, aliases and merge keys.
pub fn shared(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.chance(2) {
        text.push_str("x-ref: &r abc\nx-hash: &h aaaa\n");
    } else {
        text.push_str("x-ref: [&r abc, &h aaaa]\n");
    }
    text.push_str("x-p: &p {auto: true, subscribe: [ok]}\nresourceTemplates:\n- targets:\n");
    for n in 0..4 {
        let body = match dice.below(6) {
            0 => "ref: abc\n    promotion: {auto: on}\n".to_owned(),
            1 => "ref: *r\n    promotion: *p\n".to_owned(),
            2 => format!("ref: &r def{n}\n    promotion: &p\n      auto: true\n"),
            3 => "ref: &r 'x'\n    promotion:\n      <<: *p\n      auto: yes\n".to_owned(),
            4 => "ref: *r\n    promotion:\n      promotion_data:\n      - channel: ok\n        data:\n        - type: parent_saas_config\n          parent_saas: ok\n          target_config_hash: *h\n".to_owned(),
            _ => "promotion: *p\n    <<: {ref: *r}\n".to_owned(),
        };
        match dice.below(4) {
            0 => text.push_str(&format!("  - &t\n    name: t{n}\n    {body}")),
            1 if text.contains("&t\n") => text.push_str(&format!("  - <<: *t\n    name: t{n}\n")),
            2 if text.contains("&t\n") => text.push_str("  - *t\n"),
            _ => text.push_str(&format!("  - name: t{n}\n    {body}")),
        }
    }
    text
}
