//! How the body of an answer is taken in.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

/// Takes in a successful answer as it arrives, so that it need not be kept whole. A broken answer is
/// asked for again, with a new reader.
pub trait BodyReader: Send {
    /// The headers are there.
    ///
    /// # Errors
    /// In words, when this is not what was asked for.
    fn begin(&mut self, headers: &HeaderMap) -> Result<(), String>;

    /// More of the body.
    ///
    /// # Errors
    /// In words, when this is not what was asked for.
    fn read(&mut self, part: &[u8]) -> Result<(), String>;
}

/// Keeps all of it.
#[derive(Default)]
pub(super) struct Whole(BytesMut);

impl Whole {
    pub fn into_bytes(self) -> Bytes {
        self.0.freeze()
    }
}

impl BodyReader for Whole {
    fn begin(&mut self, _headers: &HeaderMap) -> Result<(), String> {
        Ok(())
    }

    fn read(&mut self, part: &[u8]) -> Result<(), String> {
        self.0.extend_from_slice(part);
        Ok(())
    }
}
