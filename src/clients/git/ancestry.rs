//! Finds the commits that are based directly on a branch, without fetching history.
//!
//! With protocol v2's `deepen-not BRANCH`, the host leaves out all commits on the branch and lists
//! (`shallow COMMIT`) each remaining commit with a parent on it, which is exactly the answer.
//! The request claims to have all commits already, so the pack that follows is empty.

use std::collections::BTreeSet;

use super::Credentials;
use super::address::Address;
use super::ls_remote::{LsRemote, Target};
use super::pkt_line::{Packet, data, next_packet};
use crate::clients::http::one_line;
use crate::domain::CommitSha;
use crate::snapshot::Failure;

impl LsRemote {
    /// Those of `tips` that are not on `branch` but have a parent that is. The host must have them.
    ///
    /// # Errors
    /// When the host does not answer, or not in protocol v2.
    pub async fn directly_above(
        &self,
        url: &str,
        branch: &str,
        tips: &BTreeSet<CommitSha>,
        credentials: Option<&Credentials>,
    ) -> Result<BTreeSet<CommitSha>, Failure> {
        let address = Address::parse(url).map_err(|error| Failure::new(error.to_string()))?;
        let Address::Http { url, credentials: own } = address else {
            return Err(Failure::new("a repository on this machine has no git host"));
        };
        let target = Target { url, credentials: own.as_ref().or(credentials) };
        let place = target.url.to_string();
        let answer = self.upload_pack(&target, build_request(branch, tips)).await;
        let above = answer.map_err(|error| self.failure(&target, &error))?;
        read(&above).map_err(|reason| Failure::new(self.redacted(&format!("{place}: {reason}"))))
    }
}

fn build_request(branch: &str, tips: &BTreeSet<CommitSha>) -> String {
    let mut text = format!("{}0001", data("command=fetch\n"));
    for word in ["want", "have"] {
        text.extend(tips.iter().map(|tip| data(&format!("{word} {tip}\n"))));
    }
    text += &data(&format!("deepen-not refs/heads/{branch}\n"));
    text += &data("done\n");
    text + "0000"
}

/// Parses the response.
pub(super) fn read(mut bytes: &[u8]) -> Result<BTreeSet<CommitSha>, String> {
    let mut above = BTreeSet::new();
    while let Some((packet, rest)) = next_packet(bytes).map_err(|error| error.to_string())? {
        bytes = rest;
        let Packet::Data(line) = packet else { continue };
        let line = std::str::from_utf8(line).map_err(|_| "a line is not UTF-8".to_owned())?;
        let line = line.trim_end();
        if line == "packfile" {
            return Ok(above);
        }
        if let Some(message) = line.strip_prefix("ERR ") {
            return Err(format!("it says: {}", one_line(message)));
        }
        above.extend(line.strip_prefix("shallow ").and_then(CommitSha::parse));
    }
    // No pack: the host gave up, for instance because all tips are on the branch already.
    Err("the answer is cut off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_response_counts() {
        let tip = "1111111111111111111111111111111111111111";
        let head = format!("{}{}", data("shallow-info\n"), data(&format!("shallow {tip}\n")));
        let whole = format!("{head}0001{}", data("packfile\n"));
        let above = read(whole.as_bytes()).expect("an answer");
        assert_eq!(above.into_iter().map(String::from).collect::<Vec<_>>(), [tip]);
        assert!(read(head.as_bytes()).is_err(), "no pack");
        assert!(read(format!("{}0000", data("ERR no such ref\n")).as_bytes()).is_err());
        assert!(read(b"<html>").is_err());
    }
}
