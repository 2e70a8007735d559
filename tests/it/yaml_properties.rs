//! Properties of the YAML reader and editor, and its agreement with `PyYAML`.
//!
//! `PROPTEST_CASES` sets the number of generated documents for each property.

use proptest::prelude::*;
use sapm::yaml::{
    HashEdit, Kind, Limits, NodeId, NodePath, NodeRef, RefMode, Scalar, Sniff, Step, TargetEdit,
    Tree, edit, sniff_schema,
};
use serde_json::{Value, json};

/// The table comes from `scripts/yaml11-table.py`.
#[test]
fn scalars_read_as_in_pyyaml() {
    let table = include_str!("../data/yaml11_scalars.json");
    let rows: Vec<[String; 3]> = serde_json::from_str(table).expect("the table is JSON");
    assert!(rows.len() > 1000);
    let mut wrong = Vec::new();
    for [source, kind, text] in &rows {
        let got = match Tree::parse(format!("a: {source}\n").as_bytes(), &Limits::default()) {
            Err(e) => e.to_string(),
            Ok(tree) => match tree.root().get("a").and_then(|a| a.scalar()) {
                None => "no scalar".to_owned(),
                Some(Scalar::Null) => "NoneType None".to_owned(),
                Some(Scalar::Bool(true)) => "bool True".to_owned(),
                Some(Scalar::Bool(false)) => "bool False".to_owned(),
                Some(Scalar::Int(n)) => format!("int {n}"),
                Some(Scalar::Float(x)) => {
                    format!("float {}", Scalar::Float(x).text().unwrap_or_default())
                }
                Some(Scalar::Str(s)) => format!("str {s}"),
                Some(Scalar::Timestamp(s)) => format!("timestamp {s}"),
                Some(Scalar::Binary(_)) => "bytes".to_owned(),
            },
        };
        if got != format!("{kind} {text}") {
            wrong.push(format!("{source}: {got}, not {kind} {text}"));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A source of choices that shrinks to the first choice everywhere.
#[derive(Debug)]
struct Dice {
    bytes: Vec<u8>,
    next: usize,
}

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        let byte = self.bytes.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(byte) % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == one_in - 1
    }
}

fn dice(most: usize) -> impl Strategy<Value = Dice> {
    proptest::collection::vec(any::<u8>(), 0..most).prop_map(|bytes| Dice { bytes, next: 0 })
}

const REFS: &[&str] = &[
    "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc",
    "1234567890123456789012345678901234567890",
    "12345678901234567890123456789012345678e1",
    "0x12",
    "0777",
    "true",
    "2026-08-20",
    "feature/é",
    "a: b",
    "- x",
    "it's",
    "say \"so\" # twice",
    "two\nlines",
    "",
    "~",
    "😀",
    "1:30",
];
const NAMES: &[&str] =
    &["ok", "stage-ok", "a: b", "&x", "!t", "- y", "#z", "it's", "12", "é", "yes", "a\tb", "{x}"];
const HASHES: &[&str] = &["aaaa", "0123456789012345", "1234", "12e4567", "fedcba9876543210"];

/// How a generated document is written.
struct Page {
    dice: Dice,
    lines: Vec<String>,
    indent: usize,
    gap: usize,
    noise: bool,
}

impl Page {
    fn line(&mut self, column: usize, text: &str) {
        if self.noise && self.dice.chance(9) {
            let comment = self.dice.of(&["# a comment: with 'quotes\"", "", "#", "\t"]);
            let blanks = self.dice.below(12);
            let line = if comment == "\t" { String::new() } else { " ".repeat(blanks) + comment };
            self.lines.push(line);
        }
        let end = if self.noise {
            self.dice.of(&["", "", "", "", "  # c", "\t", " ", "\t# d"])
        } else {
            ""
        };
        self.lines.push(format!("{}{text}{end}", " ".repeat(column)));
    }

    fn dash(&self) -> String {
        format!("-{}", " ".repeat(self.gap - 1))
    }

    /// A text that reads as itself, in some notation.
    fn scalar(&mut self, text: &str) -> String {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-/".contains(c))
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["yes", "true"].contains(&text);
        let single = !text.contains(['\n', '\t']);
        match self.dice.below(3) {
            0 if plain => text.to_owned(),
            0 | 1 if single => format!("'{}'", text.replace('\'', "''")),
            _ => json!(text).to_string(),
        }
    }

    fn data_item(&mut self, column: usize, channel: &str) {
        let channel = self.scalar(channel);
        let dash = self.dash();
        let inner = column + self.gap;
        if self.dice.chance(4) {
            let (parent, hash) = (self.name(), self.hash());
            let hash = if self.dice.chance(3) {
                String::new()
            } else {
                format!(", target_config_hash: {hash}")
            };
            self.line(column, &format!("{dash}{{channel: {channel}, data: [{{type: parent_saas_config, parent_saas: {parent}{hash}}}]}}"));
            return;
        }
        self.line(column, &format!("{dash}channel: {channel}"));
        if self.dice.chance(8) {
            return;
        }
        self.line(inner, "data:");
        let column = inner + self.indent;
        for _ in 0..self.dice.below(3) {
            let parent = self.name();
            self.line(column, &format!("{dash}parent_saas: {parent}"));
            if !self.dice.chance(8) {
                let kind = self.dice.of(&[
                    "parent_saas_config",
                    "parent_saas_config",
                    "'parent_saas_config'",
                    "other",
                ]);
                self.line(column + self.gap, &format!("type: {kind}"));
            }
            if !self.dice.chance(4) {
                let hash = self.hash();
                self.line(column + self.gap, &format!("target_config_hash: {hash}"));
            }
        }
    }

    fn name(&mut self) -> String {
        let name = self.dice.of(NAMES);
        self.scalar(name)
    }

    fn hash(&mut self) -> String {
        let hash = self.dice.of(HASHES);
        match self.dice.below(6) {
            0 => hash.to_owned(),
            1 => String::new(),
            2 => "~".to_owned(),
            _ => self.scalar(hash),
        }
    }

    fn promotion(&mut self, column: usize) {
        if self.dice.chance(5) {
            let more = self.dice.of(&["", ", promotion_data: []", ", promotion_data: ~", ","]);
            self.line(column, &format!("promotion: {{auto: true, subscribe: [ok]{more}}}"));
            return;
        }
        self.line(column, "promotion:");
        let column = column + self.dice.of(&[2, 4, 1]);
        self.line(column, "auto: true");
        let data_first = self.dice.chance(2);
        if data_first {
            self.promotion_data(column);
        }
        self.line(column, "subscribe:");
        let dash = self.dash();
        for _ in 0..=self.dice.below(2) {
            let name = self.name();
            self.line(column + self.indent, &format!("{dash}{name}"));
        }
        if !data_first {
            self.promotion_data(column);
        }
        if self.dice.chance(6) {
            self.line(column, self.dice_text());
            self.lines.push(format!("{}some text", " ".repeat(column + 3)));
            self.lines.push(String::new());
        }
    }

    fn dice_text(&self) -> &'static str {
        ["note: |", "note: >-", "note: |+"][self.lines.len() % 3]
    }

    fn promotion_data(&mut self, column: usize) {
        match self.dice.below(6) {
            0 => {}
            1 => self.line(column, "promotion_data:"),
            2 => self.line(column, "promotion_data: null"),
            3 => self.line(column, "promotion_data: []"),
            4 => {
                let items = self.dice.of(&[
                    "[{channel: ok, data: [{type: parent_saas_config, parent_saas: ok}]}]",
                    "[ {channel: 'ok', data: []}, ]",
                    "[{\"channel\": \"ok\", \"data\": []}]",
                ]);
                self.line(column, &format!("promotion_data: {items}"));
            }
            _ => {
                self.line(column, "promotion_data:");
                for _ in 0..=self.dice.below(3) {
                    let name = self.dice.of(NAMES);
                    self.data_item(column + self.indent, name);
                }
            }
        }
    }

    fn target(&mut self, column: usize, n: usize) {
        let dash = self.dash();
        let inner = column + self.gap;
        self.line(column, &format!("{dash}name: t{n}"));
        if self.dice.chance(2) {
            self.line(inner, "namespace:");
            self.line(inner + 3, "$ref: /x/y.yml");
        }
        let old = self.dice.of(&[
            "c00dbbc9dadfbe1e232e93a729dd4752fade0abf",
            "'c00dbbc9dadfbe1e232e93a729dd4752fade0abf'",
            "\"main\"",
            "1234567",
            "!!str 12",
            "&unused v1",
            "&u2 !!str 'v'",
        ]);
        let before = self.dice.of(&["ref: ", "ref:    ", "'ref': ", "? ref\n: "]);
        if let Some((key, colon)) = before.split_once('\n') {
            self.line(inner, key);
            self.line(inner, &format!("{colon}{old}"));
        } else {
            self.line(inner, &format!("{before}{old}"));
        }
        if self.dice.chance(5) {
            self.line(inner, "parameters: {a: 1, A: 'x  y', b: [c,   d]}");
        }
        self.promotion(inner);
    }

    fn document(dice: Dice) -> String {
        let mut page = Self { dice, lines: Vec::new(), indent: 0, gap: 2, noise: false };
        page.indent = page.dice.of(&[0, 2, 4]);
        page.gap = page.dice.of(&[2, 2, 4]);
        page.noise = page.dice.chance(2);
        let line_end = page.dice.of(&["\n", "\n", "\r\n"]);
        let bom = page.dice.of(&["", "", "\u{feff}"]);
        let head = page.dice.of(&["---", "", "%YAML 1.1\n---", "# c\n---"]);
        let tail = page.dice.of(&["", "", "...", "# the end"]);
        let newline = page.dice.of(&[true, true, false]);
        page.lines.extend(head.lines().map(str::to_owned));
        page.line(0, "$schema: /app-sre/saas-file-2.yml");
        page.line(0, "parameters: {x: yes, y: 0777, long: \"a  b\\u00e9\"}");
        page.line(0, "resourceTemplates:");
        let dash = page.dash();
        let column = page.indent;
        page.line(column, &format!("{dash}name: rt"));
        let column = column + page.gap;
        page.line(column, "targets:");
        for n in 0..3 {
            page.target(column + page.indent, n);
        }
        page.lines.extend(tail.lines().map(str::to_owned));
        let mut text = page.lines.join(line_end);
        if newline {
            text.push_str(line_end);
        }
        bom.to_owned() + &text
    }
}

fn parse(text: &str) -> Tree {
    Tree::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn targets(tree: &Tree) -> Vec<NodeRef<'_>> {
    let templates = tree.root().get("resourceTemplates").into_iter().flat_map(|t| t.items());
    templates.flat_map(|t| t.get("targets").into_iter().flat_map(|t| t.items())).collect()
}

/// The rule of section "The edit", on JSON.
fn promoted(target: &mut Value, wish: &TargetEdit) {
    let reads = |value: Option<&Value>, text: &str| match value {
        Some(Value::String(s)) => s == text,
        Some(Value::Number(n)) => n.to_string() == text,
        _ => false,
    };
    let set = |map: &mut Value, key: &str, text: &str| {
        if !reads(map.get(key), text) {
            map[key] = json!(text);
        }
    };
    if let Some(text) = &wish.new_ref {
        set(target, "ref", text);
    }
    for hash in &wish.hashes {
        let list = &mut target["promotion"]["promotion_data"];
        if list.is_null() {
            *list = json!([]);
        }
        let items = list.as_array_mut().expect("a list");
        let mut places = 0;
        for item in items.iter_mut().filter(|i| reads(i.get("channel"), &hash.channel)) {
            let data = item.get_mut("data").and_then(Value::as_array_mut);
            for entry in data.into_iter().flatten() {
                if reads(entry.get("type"), "parent_saas_config")
                    && reads(entry.get("parent_saas"), &hash.parent_saas)
                {
                    set(entry, "target_config_hash", &hash.target_config_hash);
                    places += 1;
                }
            }
        }
        if places == 0 {
            items.push(json!({"channel": hash.channel, "data": [{
                "parent_saas": hash.parent_saas,
                "target_config_hash": hash.target_config_hash,
                "type": "parent_saas_config"}]}));
        }
    }
}

fn at_mut<'v>(value: &'v mut Value, path: &NodePath) -> Option<&'v mut Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(i) => value.get_mut(*i),
    })
}

fn expected(tree: &Tree, wishes: &[TargetEdit]) -> Value {
    let mut value = tree.root().to_json();
    for wish in wishes {
        for path in tree.usages(wish.target) {
            promoted(at_mut(&mut value, &path).expect("the place is there"), wish);
        }
    }
    value
}

fn wish(dice: &mut Dice, target: NodeId, hashes: usize) -> TargetEdit {
    let mut wanted: Vec<HashEdit> = Vec::new();
    for _ in 0..dice.below(hashes + 1) {
        let (channel, parent_saas) = (dice.of(NAMES).to_owned(), dice.of(NAMES).to_owned());
        if !wanted.iter().any(|h| h.channel == channel && h.parent_saas == parent_saas) {
            let target_config_hash = dice.of(HASHES).to_owned();
            wanted.push(HashEdit { channel, parent_saas, target_config_hash });
        }
    }
    TargetEdit {
        target,
        new_ref: (!dice.chance(6)).then(|| dice.of(REFS).to_owned()),
        ref_mode: dice.of(&[RefMode::InPlace, RefMode::OwnValue]),
        hashes: wanted,
    }
}

fn again(new: &Tree, old: &Tree, wishes: &[TargetEdit]) -> Vec<TargetEdit> {
    let path = |w: &TargetEdit| old.usages(w.target).into_iter().next().expect("has a place");
    let same = |w: &TargetEdit| new.at_path(&path(w)).expect("the place is still there").id();
    wishes.iter().map(|w| TargetEdit { target: same(w), ..w.clone() }).collect()
}

/// Only lines that carry a value that changes differ, and no line break is of another kind.
fn check_lines(old: &str, new: &str, wishes: &[TargetEdit]) {
    let hashes: usize = wishes.iter().map(|w| w.hashes.len()).sum();
    let mut rest: Vec<&str> = new.split('\n').collect();
    let mut gone = Vec::new();
    for line in old.split('\n') {
        match rest.iter().position(|l| l.trim_end_matches('\r') == line.trim_end_matches('\r')) {
            Some(i) => drop(rest.remove(i)),
            None => gone.push(line),
        }
    }
    for line in &gone {
        let may = ["ref", "\u{3a} ", "target_config_hash", "promotion_data", "{"];
        assert!(may.iter().any(|m| line.contains(m)), "{line:?} is gone:\n{old}\n->\n{new}");
    }
    let changed = wishes.len() + 8 * hashes;
    assert!(
        gone.len() <= changed && rest.len() <= changed,
        "too many lines differ:\n{old}\n->\n{new}"
    );
    let comments =
        |text: &str| text.lines().filter(|l| l.trim_start().starts_with(['#', '%'])).count();
    assert_eq!(comments(old), comments(new), "a comment is gone:\n{new}");
    if old.contains("\r\n") {
        assert_eq!(
            new.matches('\n').count(),
            new.matches("\r\n").count(),
            "mixed line ends:\n{new:?}"
        );
    } else {
        assert!(!new.contains('\r'));
    }
    assert_eq!(old.ends_with('\n'), new.ends_with('\n'), "the end of the file:\n{new:?}");
    assert_eq!(old.starts_with('\u{feff}'), new.starts_with('\u{feff}'));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_changes_what_is_wanted_and_nothing_else(page in dice(600), mut choices in dice(30)) {
        let text = Page::document(page);
        let tree = parse(&text);
        let all = targets(&tree);
        prop_assert_eq!(all.len(), 3);
        let first = choices.below(3);
        let mut wishes = vec![wish(&mut choices, all[first].id(), 3)];
        if choices.chance(2) {
            wishes.push(wish(&mut choices, all[(first + 1) % 3].id(), 3));
        }
        let new = match edit(&tree, &wishes) {
            Ok(new) => new,
            Err(e) => panic!("{e}\n{wishes:?}\n{text}"),
        };
        let new_tree = parse(&new);
        prop_assert_eq!(new_tree.root().to_json(), expected(&tree, &wishes), "\n{}\n->\n{}", text, new);
        for (w, path) in wishes.iter().flat_map(|w| tree.usages(w.target).into_iter().map(move |p| (w, p))) {
            if let Some(wanted) = &w.new_ref {
                let now = new_tree.at_path(&path.key("ref")).and_then(|r| r.text());
                prop_assert_eq!(now.as_deref(), Some(wanted.as_str()));
            }
        }
        check_lines(&text, &new, &wishes);
        prop_assert_eq!(edit(&new_tree, &again(&new_tree, &tree, &wishes)), Ok(new));
    }

    #[test]
    fn shared_values_never_change_for_others(mut choices in dice(40)) {
        let text = shared(&mut choices);
        let tree = parse(&text);
        let all = targets(&tree);
        let mut wishes: Vec<TargetEdit> = Vec::new();
        let common = wish(&mut choices, all[0].id(), 1);
        for target in &all {
            if choices.chance(2) && !wishes.iter().any(|w| w.target == target.id()) {
                wishes.push(TargetEdit { target: target.id(), ..common.clone() });
            }
        }
        if let Ok(new) = edit(&tree, &wishes) {
            let new_tree = parse(&new);
            prop_assert_eq!(new_tree.root().to_json(), expected(&tree, &wishes), "\n{}\n->\n{}", text, new);
            prop_assert_eq!(edit(&new_tree, &again(&new_tree, &tree, &wishes)), Ok(new));
        }
    }

    #[test]
    fn mutilated_text_is_read_or_refused(page in dice(200), mut choices in dice(60)) {
        let text = mutilated(Page::document(page), &mut choices);
        check_sniff(text.as_bytes())?;
        let Ok(tree) = Tree::parse(text.as_bytes(), &Limits::default()) else {
            return Ok(());
        };
        for target in targets(&tree) {
            let wishes = [wish(&mut choices, target.id(), 2)];
            if let Ok(new) = edit(&tree, &wishes) {
                let new_tree = parse(&new);
                prop_assert_eq!(new_tree.root().to_json(), expected(&tree, &wishes), "\n{}\n->\n{}", text, new);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_sniff(&bytes)?;
        let _ = Tree::parse(&bytes, &Limits::default()).map(|tree| touch(&tree));
    }

    #[test]
    fn any_pieces_are_read_or_refused(mut choices in dice(80)) {
        let n = choices.below(60);
        let text: String = (0..n).map(|_| choices.of(PIECES)).collect();
        check_sniff(text.as_bytes())?;
        if let Ok(tree) = Tree::parse(text.as_bytes(), &Limits::default()) {
            touch(&tree);
            let root = wish(&mut choices, tree.root().id(), 2);
            if let Ok(new) = edit(&tree, &[root]) {
                parse(&new);
            }
        }
    }
}

const PIECES: &[&str] = &[
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

/// Goes over everything that a tree has.
fn touch(tree: &Tree) {
    fn visit(node: NodeRef<'_>, tree: &Tree) {
        assert!(tree.text().get(node.span()).is_some());
        assert!(node.position().line > 0 && node.position().column > 0);
        assert!(node.text().is_none() || node.kind() == Kind::Scalar);
        node.items().for_each(|item| visit(item, tree));
        node.entries().for_each(|(key, value)| {
            assert_eq!(node.get(&key).map(NodeRef::id), Some(value.id()));
            visit(value, tree);
        });
    }
    visit(tree.root(), tree);
    tree.root().to_json();
    tree.usages(tree.root().id());
}

fn check_sniff(bytes: &[u8]) -> Result<(), TestCaseError> {
    let sniffed = sniff_schema(bytes);
    if let Ok(tree) = Tree::parse(bytes, &Limits::default()) {
        let schema = tree.root().get("$schema");
        let right = match &sniffed {
            Sniff::Unknown => true,
            Sniff::None => schema.is_none(),
            Sniff::Found(value) => schema.and_then(|s| s.text()).as_ref() == Some(value),
        };
        prop_assert!(right, "{:?}, but it is {:?}", sniffed, schema.map(NodeRef::to_json));
    }
    Ok(())
}

/// Inserts, removes and doubles pieces of a text.
fn mutilated(mut text: String, choices: &mut Dice) -> String {
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
fn shared(dice: &mut Dice) -> String {
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
