//! What differs between two versions of a folder.
//!
//! libgit2 can compare whole trees, but it lists every path below a folder that is new, without a limit. Whoever can push
//! could nest a few folders so that there are billions of paths (a git bomb).

use std::collections::BTreeMap;

use git2::{Tree, TreeEntry};

/// The entry of one name in both folders.
pub(super) type Entries<'a> = (Option<TreeEntry<'a>>, Option<TreeEntry<'a>>);

/// The names whose entries differ. Of a folder with thousands of entries, a branch changes one: what both folders begin and
/// end with is skipped, and of the rest each name is looked up once.
pub(super) fn find_differences<'a>(
    old: &'a Tree<'a>,
    new: &'a Tree<'a>,
) -> BTreeMap<Vec<u8>, Entries<'a>> {
    let same =
        |(a, b): &(TreeEntry<'_>, TreeEntry<'_>)| is_same(a, b) && a.name_bytes() == b.name_bytes();
    let first = old.iter().zip(new).take_while(same).count();
    let most = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
    let rest = |tree: &'a Tree<'a>| tree.iter().skip(first).take(tree.len() - first - last);
    let mut entries: BTreeMap<Vec<u8>, Entries<'a>> = BTreeMap::new();
    for entry in rest(old) {
        entries.entry(entry.name_bytes().to_vec()).or_default().0.get_or_insert(entry);
    }
    for entry in rest(new) {
        entries.entry(entry.name_bytes().to_vec()).or_default().1.get_or_insert(entry);
    }
    entries.retain(|_, entry| match entry {
        (Some(before), Some(after)) => !is_same(before, after),
        _ => true,
    });
    entries
}

fn is_same(a: &TreeEntry<'_>, b: &TreeEntry<'_>) -> bool {
    a.id() == b.id() && a.filemode() == b.filemode()
}

#[cfg(test)]
mod tests {
    use git2::{Oid, Repository};

    use super::*;

    const FILE: i32 = 0o100_644;
    const EXECUTABLE: i32 = 0o100_755;
    const FOLDER: i32 = 0o40_000;

    /// The differing names, each with what it is before and after.
    fn compare(old: &[(&str, &str, i32)], new: &[(&str, &str, i32)]) -> Vec<String> {
        let home = tempfile::tempdir().expect("a folder");
        let repo = Repository::init_bare(home.path()).expect("a repository");
        let tree = |entries: &[(&str, &str, i32)]| -> Oid {
            let mut builder = repo.treebuilder(None).expect("a builder");
            for (name, text, mode) in entries {
                let id = match *mode {
                    FOLDER => repo.treebuilder(None).and_then(|empty| empty.write()),
                    _ => repo.blob(text.as_bytes()),
                };
                builder.insert(name, id.expect("an object"), *mode).expect("an entry");
            }
            builder.write().expect("a tree")
        };
        let (old, new) = (tree(old), tree(new));
        let (old, new) = (repo.find_tree(old).expect("old"), repo.find_tree(new).expect("new"));
        let shown = |entry: &Option<TreeEntry<'_>>| match entry {
            Some(entry) => format!("{:o}", entry.filemode()),
            None => "-".to_owned(),
        };
        let differences = find_differences(&old, &new);
        let line = |(name, (before, after)): (&Vec<u8>, &Entries<'_>)| {
            format!("{} {} {}", String::from_utf8_lossy(name), shown(before), shown(after))
        };
        differences.iter().map(line).collect()
    }

    #[test]
    fn every_kind_of_difference_is_found_and_nothing_else() {
        let old = [("a", "1", FILE), ("b", "1", FILE), ("c", "1", FILE), ("d", "1", FILE)];
        assert_eq!(compare(&old, &old), Vec::<String>::new());
        assert_eq!(compare(&old, &[]).len(), 4);
        assert_eq!(compare(&[], &old).len(), 4);
        for (at, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            let mut new = old;
            new[at].1 = "2";
            assert_eq!(compare(&old, &new), [format!("{name} 100644 100644")]);
            let mut new = old;
            new[at].2 = EXECUTABLE;
            assert_eq!(compare(&old, &new), [format!("{name} 100644 100755")]);
            let mut new = old.to_vec();
            new.remove(at);
            assert_eq!(compare(&old, &new), [format!("{name} 100644 -")]);
            assert_eq!(compare(&new, &old), [format!("{name} - 100644")]);
        }
    }

    /// Git sorts a folder as if its name ended with a slash: `a-b` comes before the folder `a`, and after the file `a`.
    #[test]
    fn a_file_that_becomes_a_folder_is_one_difference() {
        let old = [("a", "1", FILE), ("a-b", "1", FILE), ("z", "1", FILE)];
        let new = [("a", "", FOLDER), ("a-b", "1", FILE), ("z", "1", FILE)];
        assert_eq!(compare(&old, &new), ["a 100644 40000"]);
        assert_eq!(compare(&new, &old), ["a 40000 100644"]);
    }

    #[test]
    fn two_changes_leave_out_what_is_between_them() {
        let names: Vec<String> = (0..300).map(|n| format!("{n:03}")).collect();
        let old: Vec<_> = names.iter().map(|name| (name.as_str(), "1", FILE)).collect();
        let mut new = old.clone();
        (new[7].1, new[290].1) = ("2", "2");
        new.remove(100);
        assert_eq!(compare(&old, &new), ["007 100644 100644", "100 100644 -", "290 100644 100644"]);
    }
}
