//! From frames to messages: fragments joined, control frames handed out between them (RFC 6455, 5.4 and 5.5).

use std::ops::Range;

use super::buffer::Buffer;
use super::frames::{Opcode, Violation, parse_header, violation};

/// What stands next in the bytes received. Ranges are places in the [`Buffer`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message of one frame, where it lies.
    Whole(Range<usize>),
    /// A message of several frames, in [`Messages::joined`].
    Joined,
    Ping(Range<usize>),
    Pong,
    Close(Farewell),
}

/// Code and reason of a Close frame; 1005 stands for a frame without a code (7.1.5).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Farewell {
    pub code: u16,
    pub reason: String,
}

/// Reads messages out of a [`Buffer`]. The bytes of a text message are not checked for UTF-8: they are parsed as JSON
/// by a reader that takes bytes, and its refusal is the check.
pub(super) struct Messages {
    max_bytes: usize,
    joined: Vec<u8>,
    joining: bool,
    missing: usize,
}

impl Messages {
    pub fn new(max_bytes: usize) -> Messages {
        Messages { max_bytes, joined: Vec::new(), joining: false, missing: 0 }
    }

    /// Forgets a message that began on an earlier connection.
    pub fn reset(&mut self) {
        self.joined.clear();
        (self.joining, self.missing) = (false, 0);
    }

    /// The message of the last [`Found::Joined`].
    pub fn joined(&self) -> &[u8] {
        &self.joined
    }

    /// How many bytes the frame that is under way needs at least.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Takes frames out of the buffer up to the next thing to act on; `None` while that is not complete.
    pub fn next(&mut self, buffer: &mut Buffer) -> Result<Option<Found>, Violation> {
        loop {
            self.missing = 0;
            let Some(header) = parse_header(buffer.filled())? else { return Ok(None) };
            let before = if self.joining { self.joined.len() } else { 0 };
            if !header.opcode.is_control() && header.payload_bytes > self.max_bytes.saturating_sub(before) {
                // 7.4.1: "1009 indicates that an endpoint is terminating the connection because it has received a
                // message that is too big for it to process."
                let text = format!("a message is longer than {} bytes", self.max_bytes);
                return Err(Violation { code: 1009, text });
            }
            let frame_bytes = header.header_bytes + header.payload_bytes;
            if buffer.len() < frame_bytes {
                self.missing = frame_bytes - buffer.len();
                return Ok(None);
            }
            let place = buffer.take(frame_bytes);
            let payload = place.start + header.header_bytes..place.end;
            match header.opcode {
                Opcode::Ping => return Ok(Some(Found::Ping(payload))),
                Opcode::Pong => return Ok(Some(Found::Pong)),
                Opcode::Close => return farewell(buffer.at(payload)).map(|f| Some(Found::Close(f))),
                // 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another message
                // unless an extension has been negotiated that can interpret the interleaving."
                Opcode::Text | Opcode::Binary if self.joining => {
                    return violation("a message began before the one before it was complete");
                }
                Opcode::Continuation if !self.joining => {
                    return violation("a continuation frame continues nothing");
                }
                Opcode::Text | Opcode::Binary if header.fin => return Ok(Some(Found::Whole(payload))),
                Opcode::Text | Opcode::Binary => {
                    self.joined.clear();
                    self.joined.extend_from_slice(buffer.at(payload));
                    self.joining = true;
                }
                Opcode::Continuation => {
                    self.joined.extend_from_slice(buffer.at(payload));
                    self.joining = !header.fin;
                    if header.fin {
                        return Ok(Some(Found::Joined));
                    }
                }
            }
        }
    }
}

fn farewell(payload: &[u8]) -> Result<Farewell, Violation> {
    // 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer [...] Following the
    // 2-byte integer, the body MAY contain UTF-8-encoded data".
    let &[a, b, ref reason @ ..] = payload else {
        return match payload {
            [] => Ok(Farewell { code: 1005, reason: String::new() }),
            _ => violation("a close frame holds half a status code"),
        };
    };
    let code = u16::from_be_bytes([a, b]);
    // 7.4.1: 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control frame"; 7.4.2: "0-999 are not used".
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return violation("a close frame's status code is none that may be sent");
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Farewell { code, reason: reason.to_owned() }),
        // 8.1: a byte stream that is not UTF-8 fails the connection; 7.4.1 gives 1007 for it.
        Err(_) => Err(Violation { code: 1007, text: "a close frame's reason is not UTF-8".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        crate::net::frames::encode(&mut bytes, opcode, payload, [0; 4]);
        let mask = bytes.len() - payload.len() - 4;
        bytes.drain(mask..mask + 4);
        bytes[1] &= 0x7F;
        bytes[0] = if fin { 0x80 } else { 0 } | opcode as u8;
        bytes
    }

    fn read(messages: &mut Messages, buffer: &mut Buffer) -> Vec<(char, Vec<u8>)> {
        let mut seen = Vec::new();
        while let Some(found) = messages.next(buffer).expect("lawful") {
            seen.push(match found {
                Found::Whole(place) => ('m', buffer.at(place).to_vec()),
                Found::Joined => ('m', messages.joined().to_vec()),
                Found::Ping(place) => ('i', buffer.at(place).to_vec()),
                Found::Pong => ('o', Vec::new()),
                Found::Close(f) => ('c', f.reason.into_bytes()),
            });
        }
        seen
    }

    fn refusal(frames: &[Vec<u8>]) -> Violation {
        let (mut messages, mut buffer) = (Messages::new(1000), Buffer::new(16));
        buffer.append(&frames.concat());
        loop {
            match messages.next(&mut buffer) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no rule was broken"),
                Err(broken) => return broken,
            }
        }
    }

    #[test]
    fn a_cut_at_every_byte_changes_nothing() {
        let long = vec![b'x'; 300];
        let bytes = [
            frame(true, Opcode::Text, b"one"),
            frame(false, Opcode::Text, b"tw"),
            frame(true, Opcode::Ping, b"p"),
            frame(false, Opcode::Continuation, b""),
            frame(true, Opcode::Pong, b""),
            frame(true, Opcode::Continuation, &long),
            frame(true, Opcode::Binary, &long),
            frame(true, Opcode::Close, b"\x03\xe8bye"),
        ]
        .concat();
        let joined = [b"tw", &long[..]].concat();
        let expected = vec![
            ('m', b"one".to_vec()),
            ('i', b"p".to_vec()),
            ('o', vec![]),
            ('m', joined),
            ('m', long),
            ('c', b"bye".to_vec()),
        ];
        for cut in 0..=bytes.len() {
            let (mut messages, mut buffer) = (Messages::new(1000), Buffer::new(16));
            let mut seen = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                buffer.append(part);
                seen.extend(read(&mut messages, &mut buffer));
            }
            assert_eq!(seen, expected, "cut at {cut}");
        }
        let (mut messages, mut buffer) = (Messages::new(1000), Buffer::new(16));
        let seen: Vec<_> = bytes
            .iter()
            .flat_map(|b| {
                buffer.append(&[*b]);
                read(&mut messages, &mut buffer)
            })
            .collect();
        assert_eq!(seen, expected, "byte by byte");
    }

    #[test]
    fn broken_rules_close_with_their_code() {
        let text = |fin, payload| frame(fin, Opcode::Text, payload);
        let close = |payload| frame(true, Opcode::Close, payload);
        for (frames, code, word) in [
            (vec![text(false, b"a"), text(true, b"b")], 1002, "before"),
            (vec![frame(true, Opcode::Continuation, b"a")], 1002, "continues nothing"),
            (vec![text(true, &[b'a'; 1001])], 1009, "longer than 1000"),
            (vec![text(false, &[b'a'; 600]), frame(true, Opcode::Continuation, &[b'a'; 401])], 1009, "longer than"),
            (vec![close(b"\x03")], 1002, "half"),
            (vec![close(b"\x03\xed")], 1002, "status code"),
            (vec![close(b"\x00\x01")], 1002, "status code"),
            (vec![close(b"\x03\xe8\xff")], 1007, "UTF-8"),
        ] {
            let broken = refusal(&frames);
            assert!(broken.code == code && broken.text.contains(word), "{word}: {broken:?}");
        }
    }

    #[test]
    fn an_announced_giant_is_refused_by_its_header_alone() {
        let mut bytes = vec![0x82, 127];
        bytes.extend_from_slice(&(i64::MAX as u64).to_be_bytes());
        assert_eq!(refusal(&[bytes]).code, 1009);
    }

    proptest! {
        #[test]
        fn any_fragments_and_any_cuts_give_the_messages(
            sent in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..4), 1..6),
            step in 1..50_usize,
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            for fragments in &sent {
                for (n, part) in fragments.iter().enumerate() {
                    let opcode = if n == 0 { Opcode::Binary } else { Opcode::Continuation };
                    bytes.extend(frame(n + 1 == fragments.len(), opcode, part));
                    bytes.extend(frame(true, Opcode::Pong, b"between"));
                }
                expected.push(('m', fragments.concat()));
            }
            let (mut messages, mut buffer) = (Messages::new(1000), Buffer::new(16));
            let mut seen = Vec::new();
            for part in bytes.chunks(step) {
                buffer.append(part);
                seen.extend(read(&mut messages, &mut buffer));
            }
            seen.retain(|(kind, _)| *kind == 'm');
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let (mut messages, mut buffer) = (Messages::new(100), Buffer::new(16));
            buffer.append(&bytes);
            while let Ok(Some(_)) = messages.next(&mut buffer) {}
        }
    }
}
