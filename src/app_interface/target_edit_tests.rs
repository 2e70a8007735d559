use super::*;
use yaml11::{Limits, edit};

fn parse(text: &str) -> Tree {
    Tree::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|e| panic!("{e}: {text:?}"))
}

fn hash(channel: &str, parent_saas: &str, target_config_hash: &str) -> HashEdit {
    HashEdit {
        channel: channel.to_owned(),
        parent_saas: parent_saas.to_owned(),
        target_config_hash: target_config_hash.to_owned(),
    }
}

/// Gives the root of a document a ref and a hash of channel `ok`.
fn promote(text: &str, new_ref: &str) -> Result<String, EditError> {
    let tree = parse(text);
    let target = tree.root().id();
    let hashes = vec![hash("ok", "s", "bbbb")];
    edit(
        &tree,
        &[TargetEdit {
            target,
            new_ref: Some(new_ref.to_owned()),
            ref_mode: AliasMode::InPlace,
            hashes,
        }],
    )
}

#[track_caller]
fn check(old: &str, new: &str) {
    assert_eq!(promote(old, "def").as_deref(), Ok(new));
    assert_eq!(promote(new, "def").as_deref(), Ok(new), "a second time");
    let dos = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(promote(&dos(old), "def"), Ok(dos(new)), "with CR LF");
}

#[test]
fn a_list_is_made_in_the_style_around_it() {
    let items = "- channel: ok\n    data:\n    - parent_saas: s\n      target_config_hash: bbbb\n      type: parent_saas_config\n";
    for (before, after) in [("", ""), ("  - x # y\n", "# z\n"), ("  - x\n\n", "\n# z\n...\n")] {
        let (list, blank) = before
            .strip_suffix("\n\n")
            .map_or((before.to_owned(), ""), |l| (format!("{l}\n"), "\n"));
        let subscribe = if list.is_empty() { "" } else { "  subscribe:\n" };
        check(
            &format!("ref: abc\npromotion:\n  auto: on\n{subscribe}{list}{blank}{after}"),
            &format!(
                "ref: def\npromotion:\n  auto: on\n{subscribe}{list}  promotion_data:\n  {items}{blank}{after}"
            ),
        );
    }
    check(
        "ref: abc\npromotion:\n  subscribe:\n    -   x",
        "ref: def\npromotion:\n  subscribe:\n    -   x\n  promotion_data:\n    -   channel: ok\n        data:\n          \
         -   parent_saas: s\n              target_config_hash: bbbb\n              type: parent_saas_config",
    );
}

#[test]
fn brackets_stay_brackets() {
    let item = "{channel: ok, data: [{parent_saas: s, target_config_hash: bbbb, type: parent_saas_config}]}";
    for (old, new) in [
        ("{auto: on}", format!("{{auto: on, promotion_data: [{item}]}}")),
        ("{auto: on, }", format!("{{auto: on, promotion_data: [{item}], }}")),
        ("{promotion_data: }", format!("{{promotion_data: [{item}] }}")),
        ("{promotion_data: null}", format!("{{promotion_data: [{item}]}}")),
        ("\n  promotion_data: []", format!("\n  promotion_data: [{item}]")),
        (
            "\n  promotion_data: [ {a: b} ] # c",
            format!("\n  promotion_data: [ {{a: b}}, {item} ] # c"),
        ),
        (
            "{\n  auto: on # c\n  }",
            format!("{{\n  auto: on, # c\n  promotion_data: [{item}]\n  }}"),
        ),
    ] {
        check(&format!("promotion: {old}\nref: abc\n"), &format!("promotion: {new}\nref: def\n"));
    }
    let json =
        promote(r#"{"ref": "abc", "promotion": {"auto": true}}"#, "12").expect("it can be edited");
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is still JSON");
    assert_eq!(value["promotion"]["promotion_data"][0]["data"][0]["target_config_hash"], "bbbb");
}

#[test]
fn a_hash_goes_to_every_item_of_its_channel_and_parent() {
    check(
        "ref: abc\npromotion:\n  promotion_data:\n  - channel: ok\n    data:\n    - parent_saas: s\n      target_config_hash: \"1\" # c\n      \
         type: parent_saas_config\n    - parent_saas: s\n      type: other\n  - channel: x\n  - channel: ok\n    data:\n    - type: parent_saas_config\n      \
         parent_saas: s\n  # d\n",
        "ref: def\npromotion:\n  promotion_data:\n  - channel: ok\n    data:\n    - parent_saas: s\n      target_config_hash: \"bbbb\" # c\n      \
         type: parent_saas_config\n    - parent_saas: s\n      type: other\n  - channel: x\n  - channel: ok\n    data:\n    - type: parent_saas_config\n      \
         parent_saas: s\n      target_config_hash: bbbb\n  # d\n",
    );
}

#[test]
fn a_ref_keeps_its_notation() {
    let rest = "\npromotion: {promotion_data: [{channel: ok, data: [{type: parent_saas_config, parent_saas: s, target_config_hash: bbbb}]}]}\n";
    for (old, new_ref, new) in [
        ("ref: 'abc' # c", "def", "ref: 'def' # c"),
        ("ref:   \"abc\"\t", "a\\", "ref:   \"a\\\\\"\t"),
        ("ref: &x !!str 12", "34", "ref: &x !!str '34'"),
        ("ref: 1234567", "1234567", "ref: 1234567"),
        ("ref: abc", "12e4567", "ref: '12e4567'"),
        ("ref: >-\n  abc\n", "def", "ref: >-\n  def\n"),
        ("ref: |\n  abc\n\n", "def", "ref: def\n\n"),
        ("ref: abc\n  def # c", "x", "ref: x # c"),
        ("ref: # c\n  abc", "x", "ref: # c\n  x"),
        ("? ref\n: abc", "x", "? ref\n: x"),
    ] {
        assert_eq!(promote(&format!("{old}{rest}"), new_ref), Ok(format!("{new}{rest}")));
    }
}

#[test]
fn unsafe_edits_are_refused_with_their_position() {
    for (text, message) in [
        ("ref: a\nref: b\npromotion: {}\n", "line 2, column 1: the key ref is duplicate"),
        ("ref: a\n", "line 1, column 1: there is no promotion"),
        ("promotion: {}\n", "line 1, column 1: there is no ref"),
        ("ref: [a]\npromotion: {}\n", "line 1, column 6: ref is not a string"),
        ("ref: a\npromotion: x\n", "line 2, column 12: promotion is not a mapping"),
        (
            "ref: !!int 1\npromotion: {}\n",
            "line 1, column 12: the tag of ref does not match the new value",
        ),
        (
            "x: &x abc\nref: *x\npromotion: {a: b}\n",
            "line 1, column 7: the value is shared with x, which must not change",
        ),
        (
            "ref: a\nx: &p\n  auto: on\npromotion: *p\n",
            "line 3, column 3: the value is shared with x.promotion_data, which must not change",
        ),
    ] {
        assert_eq!(promote(text, "def").expect_err(text).to_string(), message);
    }
}

#[test]
fn an_alias_can_get_its_own_value() {
    let text = "t:\n- ref: &r abc\n- ref: *r # c\n- {ref: *r}\n";
    let tree = parse(text);
    let targets: Vec<NodeId> =
        tree.root().get("t").expect("is there").items().map(|t| t.id()).collect();
    let state = |n: usize, ref_mode| TargetEdit {
        target: targets[n],
        new_ref: Some("12".to_owned()),
        ref_mode,
        hashes: Vec::new(),
    };
    assert_eq!(
        edit(&tree, &[state(1, AliasMode::OwnValue)]).as_deref(),
        Ok("t:\n- ref: &r abc\n- ref: '12' # c\n- {ref: *r}\n")
    );
    assert!(matches!(edit(&tree, &[state(1, AliasMode::InPlace)]), Err(EditError::Shared { .. })));
    assert!(matches!(
        edit(&tree, &[state(0, AliasMode::InPlace), state(1, AliasMode::InPlace)]),
        Err(EditError::Shared { .. })
    ));
    let all =
        [state(0, AliasMode::InPlace), state(1, AliasMode::InPlace), state(2, AliasMode::InPlace)];
    assert_eq!(
        edit(&tree, &all).as_deref(),
        Ok("t:\n- ref: &r '12'\n- ref: *r # c\n- {ref: *r}\n")
    );
    let different = TargetEdit { new_ref: Some("13".to_owned()), ..all[1].clone() };
    assert!(edit(&tree, &[all[0].clone(), different, all[2].clone()]).is_err());
}
