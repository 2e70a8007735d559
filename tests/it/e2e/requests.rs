//! How many questions a run asks, and of whom: each fact once.

use std::collections::BTreeMap;

use forge::Service;

use super::support::*;
use crate::shop::BUCKET;

/// How often each request was made, without numbers of projects and queries.
fn asked(world: &World, service: Service) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in world.forge().log() {
        if entry.service == service {
            let path = entry.path.split('?').next().unwrap_or_default();
            *counts.entry(format!("{} {path}", entry.method)).or_insert(0) += 1;
        }
    }
    counts
}

#[test]
fn each_ref_and_each_record_is_asked_for_once() {
    let world = World::start();
    world.apply();
    eprintln!("{:#?}", asked(&world, Service::GitLab));
    eprintln!("{:#?}", asked(&world, Service::GitHub));
    eprintln!("{:#?}", asked(&world, Service::S3));
    eprintln!("{:#?}", asked(&world, Service::Prometheus));
    world.apply();
    eprintln!("{:#?}", asked(&world, Service::GitLab));
    eprintln!("{:#?}", asked(&world, Service::S3));
    for e in world.forge().log() {
        eprintln!("{} {}", e.method, e.path);
    }
    let _ = BUCKET;
    panic!();
}
