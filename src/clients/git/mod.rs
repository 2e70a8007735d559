//! Git: the config repo's clone, single refs of other hosts, text merges.
//!
//! libgit2 stores and merges. It is built without TLS: all
//! HTTP goes through reqwest (see `transport.rs`), so there is one TLS stack,
//! one set of timeouts and one place that handles tokens.

mod address;
mod ancestry;
mod branches;
mod cache;
mod clone;
mod error;
mod folders;
mod http;
mod local;
mod ls_remote;
mod merge;
mod pkt_line;
mod refs;
mod remote;
mod scratch;
mod transport;
mod tree;

pub use address::{Credentials, without_userinfo};
pub use branches::{BranchOptions, Branches, FetchedBranch};
pub use clone::{CloneOptions, ConfigCheckout, FetchStats, open};
pub use error::GitError;
pub use http::TimeOuts;
pub use local::{
    LocalHead, find_commit, has_local_changes, local_head, objects_folder, root_file_of_commit,
    visit_commit,
};
pub use ls_remote::LsRemote;
pub use merge::{GitMerge, MergeError, blob_id, merge_texts};
/// Parses bytes as every response that a git host may send, in two parts: for the fuzz target.
#[doc(hidden)]
pub fn read_any_refs(bytes: &[u8]) {
    use crate::clients::http::BodyReader;
    for form in [refs::Form::LsRefs, refs::Form::Advertisement] {
        let mut list = refs::RefList::new(form, "main");
        let (first, second) = bytes.split_at(bytes.len() / 2);
        if list.read(first).and_then(|()| list.read(second)).is_ok() {
            let _ = list.complete().map(|list| refs::choose(&list.refs, "main"));
        }
    }
    let _ = ancestry::read(bytes);
}

pub use pkt_line::{Packet, PktError, next_packet};
