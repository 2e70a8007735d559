//! `fuzz-tool list`, `fuzz-tool seeds TARGET FOLDER`, `fuzz-tool replay TARGET FILE…`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;

use sapm_fuzz::{CountingAllocator, TARGETS, find, run, seeds};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list"] => TARGETS.iter().for_each(|target| println!("{}", target.name)),
        ["seeds", target, folder] => {
            std::fs::create_dir_all(folder).unwrap();
            for (number, seed) in seeds(target).into_iter().enumerate() {
                std::fs::write(Path::new(folder).join(format!("seed-{number:04}")), seed).unwrap();
            }
        }
        ["replay", target, files @ ..] => {
            let target = find(target).unwrap_or_else(|| panic!("{target} is no target"));
            for file in files {
                println!("{file}: {:?}", run(target, &std::fs::read(file).unwrap()));
            }
        }
        _ => {
            eprintln!("fuzz-tool list | seeds TARGET FOLDER | replay TARGET FILE…");
            std::process::exit(2);
        }
    }
}
