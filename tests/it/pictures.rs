//! The pictures in docs/images show what the real program writes: `scripts/screenshots` runs these tests with
//! `SAPM_WRITE_PICTURES` to write the sources, and renders them.

mod scenes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::e2e::support::{World, files_below, normalise};
use crate::security::read;
use scenes::Source;

/// Write the sources instead of comparing them.
const WRITE: &str = "SAPM_WRITE_PICTURES";
/// The pages that may show a picture.
const PAGES: [&str; 2] = ["README.md", "docs"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes the sources, or checks that the program still writes them.
#[track_caller]
fn settle(world: &World, sources: Vec<Source>) {
    for Source { name, text } in sources {
        let text = scenes::publish(world, &text);
        let path = root().join("docs/images/sources").join(name);
        if std::env::var_os(WRITE).is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let shown = std::fs::read_to_string(&path).unwrap_or_default();
        let old = format!("docs/images is old: scripts/screenshots makes it anew ({name})");
        assert_eq!(comparable(world, &shown), comparable(world, &text), "{old}");
    }
}

/// A text without times, and without the progress of a job, whose lines come in any order.
fn comparable(world: &World, text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(" INFO"));
    normalise(&lines.collect::<Vec<_>>().join("\n"), world.forge())
}

#[test]
fn pictures_of_merge_requests_show_what_is_written() {
    let (world, sources) = scenes::merge_requests();
    settle(&world, sources);
    if std::env::var_os(WRITE).is_some() {
        let page = std::fs::read_to_string(world.path("sapm-report/1/report.html")).unwrap();
        let folder = root().join("target/pictures");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("report.html"), scenes::publish(&world, &page)).unwrap();
    }
}

#[test]
fn the_picture_of_a_batch_shows_what_is_written() {
    let (world, source) = scenes::batch();
    settle(&world, vec![source]);
}

#[test]
fn the_picture_of_a_note_shows_what_is_written() {
    let (world, source) = scenes::note();
    settle(&world, vec![source]);
}

#[test]
fn the_picture_of_an_explanation_shows_what_its_job_prints() {
    let (world, source) = scenes::explanation();
    settle(&world, vec![source]);
}

/// The pages with pictures.
fn pages() -> Vec<PathBuf> {
    let all = PAGES.map(|page| root().join(page));
    let files = all.iter().flat_map(|path| match path.is_dir() {
        true => files_below(path),
        false => vec![path.clone()],
    });
    let is_page = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "md")
            && !path.to_string_lossy().contains("/images/")
    };
    files.filter(is_page).collect()
}

/// The pictures that a page names.
fn named(page: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(page).unwrap();
    let parts = text.split(['"', '(', ')']).filter(|part| part.ends_with(".png"));
    parts.map(|part| page.parent().unwrap().join(part)).collect()
}

#[test]
fn each_picture_exists_and_is_shown_on_a_page() {
    let shown: BTreeSet<PathBuf> = pages()
        .iter()
        .flat_map(|page| named(page))
        .map(|path| path.canonicalize().expect("a picture"))
        .collect();
    let images = root().join("docs/images").canonicalize().unwrap();
    let made: Vec<PathBuf> = files_below(&images);
    let pictures: BTreeSet<PathBuf> = made
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "png"))
        .cloned()
        .collect();
    assert_eq!(shown, pictures);
    let size: u64 = pictures.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(size < 1_000_000, "{size} bytes of pictures");
    // The script makes every one of them.
    let script = read("scripts/pictures/render.mjs");
    for picture in pictures {
        let name = picture.file_stem().unwrap().to_string_lossy().into_owned();
        let scene = name.trim_end_matches("-light").trim_end_matches("-dark");
        assert!(script.contains(&format!("'{scene}'")), "{name}");
    }
}
