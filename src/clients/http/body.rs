//! Reads the body of a response.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

/// Reads a successful response as it arrives, so that it is not kept in memory. After a broken response,
/// the request is repeated with a new reader.
pub trait BodyReader: Send {
    /// Called when the headers have arrived.
    ///
    /// # Errors
    /// Why this is not the expected response.
    fn begin(&mut self, headers: &HeaderMap) -> Result<(), String>;

    /// Called for each part of the body.
    ///
    /// # Errors
    /// Why this is not the expected response.
    fn read(&mut self, part: &[u8]) -> Result<(), String>;
}

/// Keeps the whole body.
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
