//! Identifies problems across versions of a config repo.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::Problem;

/// A unique fingerprint per problem, 64 hex digits. Fingerprints do not change when lines or list
/// items move: they use the file and the keys of the YAML path, not its numbers. Problems
/// that are otherwise equal get different fingerprints by their order.
pub fn fingerprints(problems: &[Problem]) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    problems
        .iter()
        .map(|problem| {
            let identity = format!(
                "{}\n{}\n{}\n{}",
                problem.code,
                problem.file.as_deref().unwrap_or_default(),
                without_numbers(problem.path.as_deref().unwrap_or_default()),
                without_numbers(&problem.message)
            );
            let number = seen.entry(identity.clone()).or_default();
            *number += 1;
            let digest = Sha256::digest(format!("{identity}\n{number}").as_bytes());
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        })
        .collect()
}

/// The text without the numbers of list items (`[3]`), lines and columns.
fn without_numbers(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some((at, mark)) =
        ["[", "line ", "column "].iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min()
    {
        let end = at + mark.len();
        out.push_str(&rest[..end]);
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ProblemCode;

    #[test]
    fn fingerprints_ignore_numbers_in_paths() {
        assert_eq!(
            without_numbers("targets[12].ref: line 3, column 14: 5 values"),
            "targets[].ref: line , column : 5 values"
        );
        let problem = |line, index| {
            Problem::new(ProblemCode::InvalidRef, format!("x[{index}]: bad"))
                .in_file("/f.yml")
                .at_line(line, 1)
        };
        let old = fingerprints(&[problem(1, 0), problem(2, 1)]);
        assert_eq!(old, fingerprints(&[problem(11, 5), problem(12, 6)]));
        assert_ne!(old[0], old[1]);
        assert_ne!(
            old[0],
            fingerprints(&[Problem::new(ProblemCode::InvalidRef, "x[0]: bad").in_file("/g.yml")])
                [0]
        );
    }
}
