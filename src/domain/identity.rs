//! The identity of a target: the uid that its deployment records are stored under.

use super::digest::hex;
use super::git::HexDigits;
use std::fmt;

use blake2::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The digest that uids are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UidDigest {
    /// `blake2s` with a digest size of 20 bytes.
    #[default]
    Blake2s,
    /// The first 20 bytes of `sha256`: for deployers that run in FIPS mode
    /// (`USED_FOR_SECURITY=true`).
    FipsSha256,
}

/// The digest of a target's identity: 40 lower-case hex digits.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize,
)]
#[serde(transparent)]
pub struct TargetUid(#[schemars(with = "String")] HexDigits);

impl TargetUid {
    /// All 40 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a uid that was stored before, e.g. in a commit's trailer.
    pub fn parse(text: &str) -> Option<Self> {
        if super::is_commit_sha(text) { HexDigits::from(text).ok().map(Self) } else { None }
    }
}

impl fmt::Display for TargetUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names that identify a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetIdentity<'a> {
    /// Name of the saas file.
    pub saas_file: &'a str,
    /// Name of the resource template.
    pub resource_template: &'a str,
    /// The target's own name, if it has one.
    pub target: Option<&'a str>,
    /// Name of the cluster.
    pub cluster: &'a str,
    /// Name of the namespace.
    pub namespace: &'a str,
}

impl TargetIdentity<'_> {
    /// The uid (domain rules, section 2). A target without a name counts as `default`.
    pub fn uid(&self, digest: UidDigest) -> TargetUid {
        let target = self.target.filter(|name| !name.is_empty()).unwrap_or("default");
        let text = format!(
            "{}:{}:{}:{}:{}",
            self.saas_file, self.resource_template, target, self.cluster, self.namespace
        );
        let digits = match digest {
            UidDigest::Blake2s => {
                hex(&blake2::Blake2s::<blake2::digest::consts::U20>::digest(text.as_bytes()))
            }
            UidDigest::FipsSha256 => hex(&sha2::Sha256::digest(text.as_bytes())[..20]),
        };
        TargetUid(HexDigits::from(&digits).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_has_its_size_as_a_parameter() {
        let digest = blake2::Blake2s::<blake2::digest::consts::U20>::digest(b"abc");
        assert_eq!(hex(&digest), "5ae3b99be29b01834c3b508521ede60438f8de17");
    }

    #[test]
    fn a_known_target() {
        let identity = TargetIdentity {
            saas_file: "saas-rbac",
            resource_template: "rbac",
            target: None,
            cluster: "crcp01ue1",
            namespace: "rbac-prod",
        };
        assert_eq!(
            identity.uid(UidDigest::Blake2s).as_str(),
            "c049c573e91a04105785592fcac443c320cfd266"
        );
    }
}
