//! Three-way merges compared to the git binary.

use super::*;

/// The result of `git merge-file` for three texts.
fn merged_by_git(dir: &Path, texts: [&str; 3]) -> Merge {
    for (name, text) in ["base", "ours", "theirs"].iter().zip(texts) {
        fs::write(dir.join(name), text).expect("writes");
    }
    let mut command = Command::new("git");
    hermetic(&mut command).current_dir(dir).args(["merge-file", "-p", "ours", "base", "theirs"]);
    let output = command.stderr(Stdio::null()).output().expect("git runs");
    match output.status.code() {
        Some(0) => Merge::Clean(String::from_utf8(output.stdout).expect("text")),
        _ => Merge::Conflict,
    }
}

/// A YAML-like file, and two changes of it.
fn three_texts() -> impl Strategy<Value = [String; 3]> {
    let line = prop::sample::select(vec![
        "a: 1",
        "b: 2",
        "- x",
        "- y",
        "",
        "  ref: abc",
        "  ref: def",
        "# c",
    ]);
    let lines = prop::collection::vec(line.clone(), 0..12);
    let edit = prop::collection::vec((0..14_usize, 0..3_u8, line), 0..4);
    let shape = (any::<bool>(), prop::array::uniform3(any::<bool>()));
    (lines, edit.clone(), edit, shape).prop_map(|(base, ours, theirs, (crlf, ends))| {
        let end = if crlf { "\r\n" } else { "\n" };
        let text = |edits: &[(usize, u8, &str)], last: bool| {
            let mut lines = base.clone();
            for (at, kind, line) in edits {
                let at = (*at).min(lines.len());
                match kind {
                    0 if at < lines.len() => drop(lines.remove(at)),
                    1 if at < lines.len() => lines[at] = line,
                    _ => lines.insert(at, line),
                }
            }
            let text = lines.join(end);
            if last && !lines.is_empty() { text + end } else { text }
        };
        [text(&[], ends[0]), text(&ours, ends[0] || ends[1]), text(&theirs, ends[0] || ends[2])]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn texts_merge_as_git_merges_them(texts in three_texts()) {
        let dir = TempDir::new().expect("a folder");
        let [base, ours, theirs] = &texts;
        let merged = merge_texts(base, ours, theirs).expect("merges");
        prop_assert_eq!(merged, merged_by_git(dir.path(), [base, ours, theirs]));
    }
}

#[test]
fn awkward_merges_are_those_of_git() {
    let dir = TempDir::new().expect("a folder");
    for [base, ours, theirs] in [
        ["a\n", "a\nb\n", "a\nc\n"],
        ["a\n", "a\nb\n", "a\nb\n"],
        ["a\nb\n", "x\nb\n", "a\ny\n"],
        ["a\nb\nc\n", "x\nb\nc\n", "a\nb\ny\n"],
        ["a\nb", "a\nb\n", "a\nc"],
        ["a\r\nb\r\nc\r\n", "x\r\nb\r\nc\r\n", "a\r\nb\r\ny\r\n"],
        ["a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nb\ny\n"],
        ["a\nb\nc\n", "b\nc\n", "a\nb\n"],
        ["a\nb\n", "", "a\nb\nc\n"],
        ["", "a\n", "b\n"],
    ] {
        let merged = merge_texts(base, ours, theirs).expect("merges");
        assert_eq!(
            merged,
            merged_by_git(dir.path(), [base, ours, theirs]),
            "{base:?} {ours:?} {theirs:?}"
        );
    }
}
