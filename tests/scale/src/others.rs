//! Files that do not matter for promotions: most of the repo.

use std::collections::BTreeMap;
use std::fmt::Write;

use fastrand::Rng;

/// Adds files until there are `count`. Eight in ten are small datafiles of other schemas with `$schema` at the top,
/// the others are long ones, dashboards in JSON, and datafiles with their `$schema` further down.
pub(crate) fn fill(count: usize, seed: u64, files: &mut BTreeMap<String, String>) {
    let mut rng = Rng::with_seed(seed ^ 0x5eed);
    for number in 0..count.saturating_sub(files.len()) {
        let (path, text) = match number % 10 {
            0 => (format!("data/dashboards/d{number:05}.json"), dashboard(number, &mut rng)),
            1 => (format!("data/aws/resources/r{number:05}.yml"), defaults(number, &mut rng)),
            2 => (format!("data/teams/late/t{number:05}.yml"), late(number)),
            _ => (format!("data/teams/users/u{number:05}.yml"), user(number)),
        };
        files.insert(path, text);
    }
}

fn user(number: usize) -> String {
    format!(
        "---\n$schema: /access/user-1.yml\n\nlabels: {{}}\n\nname: Person {number}\norg_username: person{number}\n\
         github_username: person-{number}\nquay_username: person{number}\npublic_gpg_key: |\n  {}\n\nroles:\n\
         - $ref: /teams/roles/r{:04}.yml\n- $ref: /teams/roles/viewer.yml\n",
        "mQINBFx7".repeat(60),
        number % 1000
    )
}

/// 5 to 40 KB.
fn dashboard(number: usize, rng: &mut Rng) -> String {
    let mut text = format!("{{\n  \"title\": \"dashboard {number}\",\n  \"panels\": [\n");
    for panel in 0..rng.usize(40..300) {
        let comma = if panel == 0 { "" } else { ",\n" };
        let _ = write!(
            text,
            "{comma}    {{\"id\": {panel}, \"type\": \"graph\", \"targets\": [{{\"expr\": \"sum(rate(x_{panel}{{pod=~\\\"a\\\\.b\\\"}}[5m]))\", \
             \"legendFormat\": \"{{{{pod}}}}\"}}]}}"
        );
    }
    text.push_str("\n  ]\n}\n");
    text
}

/// A long list of values.
fn defaults(number: usize, rng: &mut Rng) -> String {
    let mut text =
        format!("---\n$schema: /aws/rds-defaults-1.yml\n\nname: defaults-{number}\nparameters:\n");
    for at in 0..rng.usize(20..200) {
        let _ = write!(
            text,
            "- name: parameter_{at}\n  value: '{}'\n  apply_method: pending-reboot\n",
            at * 7
        );
    }
    text
}

fn late(number: usize) -> String {
    format!(
        "---\nname: team-{number}\nlabels:\n  a: b\ncontacts:\n- name: somebody\n  email: team{number}@example.com\n\
         $schema: /access/role-1.yml\npermissions:\n- $ref: /teams/permissions/p{}.yml\n",
        number % 50
    )
}
