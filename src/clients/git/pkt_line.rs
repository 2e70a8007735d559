//! Git's pkt-line framing: four hex digits of length, then the bytes.

/// One unit of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0000`: end of a section.
    Flush,
    /// `0001`: between arguments.
    Delimiter,
    /// `0002`: end of a response.
    End,
    /// Bytes, including a newline at the end, if any.
    Data(&'a [u8]),
}

/// A framing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PktError {
    /// The length is not four hex digits, or 3.
    #[error("bad packet length")]
    Length,
    /// The bytes end inside a packet.
    #[error("answer is cut off")]
    CutOff,
}

/// Splits off the first packet: returns the packet and the rest, or `None` at the end.
///
/// # Errors
/// See [`PktError`].
pub fn next_packet(bytes: &[u8]) -> Result<Option<(Packet<'_>, &[u8])>, PktError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (head, rest) = bytes.split_at_checked(4).ok_or(PktError::CutOff)?;
    let length = head.iter().try_fold(0, |length, &digit| {
        char::from(digit)
            .to_digit(16)
            .map(|digit| length * 16 + digit as usize)
            .ok_or(PktError::Length)
    })?;
    let packet = match length {
        0 => Packet::Flush,
        1 => Packet::Delimiter,
        2 => Packet::End,
        3 => return Err(PktError::Length),
        _ => {
            let (data, rest) = rest.split_at_checked(length - 4).ok_or(PktError::CutOff)?;
            return Ok(Some((Packet::Data(data), rest)));
        }
    };
    Ok(Some((packet, rest)))
}

/// Frames one line; `text` is far shorter than the 65,516 bytes that fit.
pub(super) fn data(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_one_by_one() {
        let bytes = b"0009abcde00000001000200040006a\n";
        let mut rest: &[u8] = bytes;
        let mut found = Vec::new();
        while let Some((packet, more)) = next_packet(rest).expect("well framed") {
            found.push(packet);
            rest = more;
        }
        let wanted = [
            Packet::Data(b"abcde"),
            Packet::Flush,
            Packet::Delimiter,
            Packet::End,
            Packet::Data(b""),
            Packet::Data(b"a\n"),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn garbage_is_an_error() {
        assert_eq!(next_packet(b"<!doctype html>"), Err(PktError::Length));
        assert_eq!(next_packet(b"0003"), Err(PktError::Length));
        assert_eq!(next_packet(b"00"), Err(PktError::CutOff));
        assert_eq!(next_packet(b"000aabc"), Err(PktError::CutOff));
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = next_packet(&bytes);
        }

        #[test]
        fn framed_data_is_parsed_back(texts in proptest::collection::vec("[a-z ]{0,30}", 0..10)) {
            let framed: String = texts.iter().map(|text| data(text)).collect();
            let (mut rest, mut found) = (framed.as_bytes(), Vec::new());
            while let Some((Packet::Data(text), more)) = next_packet(rest).expect("well framed") {
                found.push(String::from_utf8_lossy(text).into_owned());
                rest = more;
            }
            prop_assert_eq!(found, texts);
        }
    }
}
