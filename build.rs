//! Gives the parser of datafiles a version: parsed datafiles that are kept between runs are only read by the same
//! parser (`src/app_interface/parsed_files.rs`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

/// What decides how a datafile is parsed: our parser, the choice of the files, and the versions of all crates.
const SOURCES: [&str; 4] =
    ["Cargo.lock", "crates/yaml11/src", "src/app_interface/batch.rs", "src/app_interface/sniff.rs"];

fn main() -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        hash_files(Path::new(source), &mut hasher)?;
    }
    println!("cargo::rustc-env=SAPM_PARSER_VERSION={:016x}", hasher.finish());
    Ok(())
}

fn hash_files(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    if !path.is_dir() {
        std::fs::read(path)?.hash(hasher);
        return Ok(());
    }
    let entries = std::fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.sort();
    paths.iter().try_for_each(|path| hash_files(path, hasher))
}
