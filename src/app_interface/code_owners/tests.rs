//! Against the examples of GitLab's documentation, and random files.

use proptest::prelude::*;

use super::*;

/// The required owners of a path as text, then the optional ones after a `^`.
fn owners(text: &str, path: &str) -> String {
    let found = CodeOwners::parse(text).unwrap().owners_of(&RepoPath::new(path));
    let names =
        |people: &[Person]| people.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match found.optional.as_slice() {
        [] => names(&found.required),
        optional => format!("{}^{}", names(&found.required), names(optional)),
    }
}

#[test]
fn entries_of_the_reference() {
    let text = "
# Specify a default Code Owner for all files with a wildcard:
* @default-owner
README.md @doc-team @tech-lead
*.rb @ruby-owner
\\#file_with_pound.rb @owner-file-with-pound
LICENSE @legal janedoe@gitlab.com
GROUP.md @one @group/with-nested/subgroup @two
/docs/ @all-docs
/docs/* @root-docs
/docs/**/*.md @markdown-docs  # Match specific file types in any subdirectory
/db/**/index.md @index-docs   # Match a specific file name in any subdirectory
lib/ @lib-owner
/config/ @@maintainer
path\\ with\\ spaces/ @space-owner
";
    for (path, expected) in [
        ("any/file", "@default-owner"),
        ("a/README.md", "@doc-team @tech-lead"),
        ("a.rb", "@ruby-owner"),
        (".hidden/a.rb", "@ruby-owner"),
        ("x/#file_with_pound.rb", "@owner-file-with-pound"),
        ("LICENSE", "@legal janedoe@gitlab.com"),
        ("GROUP.md", "@one @two"),
        ("docs/a", "@root-docs"),
        ("docs/a/b", "@all-docs"),
        ("docs/a/b.md", "@markdown-docs"),
        ("db/index.md", "@index-docs"),
        ("db/a/b/index.md", "@index-docs"),
        ("x/lib/y/z", "@lib-owner"),
        ("config/a", ""),
        ("x/config/a", "@default-owner"),
        ("path with spaces/a", "@space-owner"),
    ] {
        assert_eq!(owners(text, path), expected, "{path}");
    }
}

#[test]
fn paths_of_the_reference() {
    for (pattern, yes, no) in [
        ("/README.md", &["README.md"][..], &["docs/README.md"][..]),
        ("/docs/README.md", &["docs/README.md"], &["README.md", "x/docs/README.md"]),
        ("README.md", &["README.md", "internal/README.md", "app/lib/README.md"], &["README.md.x"]),
        (
            "internal/README.md",
            &["internal/README.md", "docs/internal/README.md", "docs/api/internal/README.md"],
            &["README.md"],
        ),
        ("/docs/", &["docs/a", "docs/a/b"], &["docs", "x/docs/a"]),
        ("/docs/*.md", &["docs/a.md"], &["docs/a/b.md"]),
        ("/docs/index.*", &["docs/index.md", "docs/index.html"], &["docs/x/index.md"]),
        ("/docs/*spec*", &["docs/qa_specs.rb", "docs/runtime.spec"], &["docs/x/spec"]),
        ("/docs/*/README.md", &["docs/api/README.md"], &["docs/README.md", "docs/a/b/README.md"]),
        (
            "/docs/**/index.md",
            &["docs/index.md", "docs/api/index.md", "docs/api/graphql/index.md"],
            &["index.md"],
        ),
    ] {
        let text = format!("{pattern} @ann");
        yes.iter().for_each(|path| assert_eq!(owners(&text, path), "@ann", "{pattern} {path}"));
        no.iter().for_each(|path| assert_eq!(owners(&text, path), "", "{pattern} {path}"));
    }
}

#[test]
fn sections_of_the_reference() {
    let text = "
* @admin

[README Owners]
README.md @user1 @user2
internal/README.md @user4

[README other owners]
README.md @user3
";
    assert_eq!(owners(text, "README.md"), "@admin @user1 @user2 @user3");
    assert_eq!(owners(text, "internal/README.md"), "@admin @user4 @user3");
    let text = "
[Documentation][2] @docs-team
docs/
README.md

^[Database] @database-team @agarcia
model/db/
config/db/database-setup.md @docs-team
";
    assert_eq!(owners(text, "docs/a"), "@docs-team");
    assert_eq!(owners(text, "model/db/a"), "^@database-team @agarcia");
    assert_eq!(owners(text, "config/db/database-setup.md"), "^@docs-team");
    let text = "
[Documentation]
ee/docs/    @docs
docs/       @docs

[Database]
README.md  @database
model/db/   @database

[DOCUMENTATION]
README.md  @docs
ee/docs/ @late
";
    assert_eq!(owners(text, "README.md"), "@docs @database");
    // A repeated entry replaces the first one, in its place: so the entry after that still comes last.
    assert_eq!(owners(text, "ee/docs/a"), "@docs");
    assert_eq!(owners("ee/docs/ @a\nee/docs/ @b", "ee/docs/a"), "@b");
}

#[test]
fn exclusions_of_the_reference() {
    let text = "
* @username
!pom.xml

[Ruby]
*.rb @ruby-team
!/config/**/*.rb        # Config Ruby files don't need Ruby team approval.
/config/routes.rb @ops

[Config]
/config/ @ops-team
";
    assert_eq!(owners(text, "pom.xml"), "");
    assert_eq!(owners(text, "x/a.rb"), "@username @ruby-team");
    assert_eq!(owners(text, "config/routes.rb"), "@username @ops-team");
    assert_eq!(owners("* @a\n!**/generated/", "x/generated/y"), "");
    assert_eq!(owners("* @a\n!*.rb\n/special/*.rb @b", "special/a.rb"), "");
}

#[test]
fn what_gitlab_cannot_parse() {
    let text = "
* @group

[Section name
docs/ @docs_group
/path/* @group user_without_at_symbol @user_with_at_symbol
";
    assert_eq!(owners(text, "docs/a"), "@docs_group");
    assert_eq!(owners(text, "path/a"), "@group @user_with_at_symbol");
    assert_eq!(owners("folder with spaces/*.md @group", "folder"), "@group");
    assert_eq!(
        owners("* @ann, (@bob) @cy. x@y@z dee@example.com;", "a"),
        "@ann @bob @cy dee@example.com"
    );
    assert_eq!(owners("a @Ann @ANN", "a"), "@ann");
    assert_eq!(owners("[x] @ann # @bob\na", "a"), "@ann");
    assert_eq!(owners("[x]@ann\na", "a"), "", "a heading, but no default owners");
    assert_eq!(owners("a @x # @late", "a"), "@x @late", "GitLab parses owners in such comments");
    assert_eq!(owners("", "a"), "");
    assert!(CodeOwners::parse(&"a\n".repeat(MAX_CODE_OWNERS_LINES)).is_ok());
    assert!(CodeOwners::parse(&"a\n".repeat(MAX_CODE_OWNERS_LINES + 1)).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in r"([\[\]\^!#*?/\\@. \tab\-é\n]|\*\*/|@a|a@b){0,200}",
        path in "[ab.é\\[]{1,5}(/[ab*é]{1,5}){0,6}",
    ) {
        let found = CodeOwners::parse(&text).unwrap().owners_of(&RepoPath::new(path.as_str()));
        let named = found.required.len() + found.optional.len();
        prop_assert!(named <= text.matches('@').count() * 2);
    }

    /// Every name and every folder of a path is matched by wildcards, wherever they are.
    #[test]
    fn a_path_is_matched_by_itself_with_wildcards(
        path in "[ab]{1,5}(/[ab]{1,5}){0,6}",
        at in 0_usize..50,
    ) {
        let mut pattern: Vec<char> = path.chars().collect();
        let at = at % pattern.len();
        if pattern[at] != '/' {
            pattern[at] = '*';
        }
        let pattern: String = pattern.into_iter().collect();
        let text = format!("/{pattern} @ann");
        prop_assert_eq!(owners(&text, &path), "@ann");
        prop_assert_eq!(owners(&format!("**/{pattern} @ann"), &format!("x/{path}")), "@ann");
    }
}

/// The work is bounded by the product of the lengths of a pattern and a path: with exponential work, this would not end.
#[test]
fn hostile_patterns_end() {
    let text = format!("/{}z @ann\n/{}z @bob\n", "*a".repeat(500), "**/a/".repeat(200));
    let path = format!("{}y/{}", "a".repeat(1_000), "a/".repeat(200) + "y");
    assert_eq!(owners(&text, &path), "");
}
