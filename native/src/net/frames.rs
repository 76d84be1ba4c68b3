//! Websocket frames as bytes (RFC 6455, section 5).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    fn of(bits: u8) -> Option<Opcode> {
        use Opcode::*;
        [Continuation, Text, Binary, Close, Ping, Pong].into_iter().find(|o| *o as u8 == bits)
    }

    pub fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// A rule the peer broke, and the status code the connection is closed with (RFC 6455, 7.4.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub code: u16,
    pub text: String,
}

pub(super) fn violation<T>(text: &str) -> Result<T, Violation> {
    Err(Violation { code: 1002, text: text.to_owned() })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub fin: bool,
    pub opcode: Opcode,
    /// Bytes before the payload.
    pub header_bytes: usize,
    pub payload_bytes: usize,
}

/// The longest header that either side sends.
pub(super) const HEADER_MAX: usize = 14;
pub(super) const CONTROL_MAX: usize = 125;

/// Reads the header of a frame from a server; `None` while it is not complete.
pub(super) fn parse_header(bytes: &[u8]) -> Result<Option<Header>, Violation> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    // 5.2: "RSV1, RSV2, RSV3: MUST be 0 unless an extension is negotiated"; we negotiate none.
    if first & 0x70 != 0 {
        return violation("a frame uses an extension that was not agreed on");
    }
    // 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
    let Some(opcode) = Opcode::of(first & 0x0F) else { return violation("a frame has an unknown opcode") };
    // 5.1: "A server MUST NOT mask any frames that it sends to the client. A client MUST close a connection if it
    // detects a masked frame."
    if second & 0x80 != 0 {
        return violation("the server sent a masked frame");
    }
    let fin = first & 0x80 != 0;
    let short = usize::from(second & 0x7F);
    // 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
    if opcode.is_control() && (short > CONTROL_MAX || !fin) {
        return violation("a control frame is fragmented or longer than 125 bytes");
    }
    // 5.2: "in all cases, the minimal number of bytes MUST be used to encode the length" and, of eight bytes, "the most
    // significant bit MUST be 0".
    let (header_bytes, payload_bytes) = match (short, rest) {
        (126, &[a, b, ..]) => match u16::from_be_bytes([a, b]) {
            0..126 => return violation("a frame's length takes more bytes than it needs"),
            length => (4, usize::from(length)),
        },
        (127, &[a, b, c, d, e, f, g, h, ..]) => match u64::from_be_bytes([a, b, c, d, e, f, g, h]) {
            0..0x1_0000 => return violation("a frame's length takes more bytes than it needs"),
            0x8000_0000_0000_0000.. => return violation("a frame's length is negative"),
            length => (10, usize::try_from(length).unwrap_or(usize::MAX)),
        },
        (126 | 127, _) => return Ok(None),
        (length, _) => (2, length),
    };
    Ok(Some(Header { fin, opcode, header_bytes, payload_bytes }))
}

/// Puts a whole, masked frame in the place of what `frame` held.
pub(super) fn encode(frame: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    frame.clear();
    frame.reserve(HEADER_MAX + payload.len());
    frame.push(0x80 | opcode as u8);
    // 5.3: "A masked frame MUST have the field frame-masked set to 1"; a client masks each frame (5.1).
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    let start = frame.len();
    frame.extend_from_slice(payload);
    apply_mask(&mut frame[start..], mask);
}

/// Masks or unmasks, eight bytes at a time (5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)").
pub(super) fn apply_mask(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut eights = bytes.chunks_exact_mut(8);
    for eight in &mut eights {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        eight.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in eights.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc() {
        // 5.7: a single-frame unmasked text message, a 256 bytes binary message, 64KiB binary message.
        let header = |b: &[u8]| parse_header(b).expect("lawful").map(|h| (h.opcode, h.header_bytes, h.payload_bytes));
        assert_eq!(header(&[0x81, 0x05, 0x48, 0x65]), Some((Opcode::Text, 2, 5)));
        assert_eq!(header(&[0x82, 0x7E, 0x01, 0x00]), Some((Opcode::Binary, 4, 256)));
        assert_eq!(header(&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]), Some((Opcode::Binary, 10, 65536)));
        let mut frame = Vec::new();
        encode(&mut frame, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(frame, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (bytes, word) in [
            (&[0xC1, 0][..], "extension"),
            (&[0x83, 0], "opcode"),
            (&[0x8B, 0], "opcode"),
            (&[0x81, 0x80], "masked"),
            (&[0x09, 0], "control"),
            (&[0x89, 126], "control"),
            (&[0x81, 126, 0, 125], "more bytes"),
            (&[0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], "more bytes"),
            (&[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], "negative"),
        ] {
            let broken = parse_header(bytes).expect_err(word);
            assert!(broken.text.contains(word) && broken.code == 1002, "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_is_read_from_too_few(bytes in prop::collection::vec(any::<u8>(), 0..14)) {
            if let Ok(Some(h)) = parse_header(&bytes) {
                prop_assert!(h.header_bytes <= bytes.len());
                prop_assert_eq!(parse_header(&bytes[..h.header_bytes - 1]).ok().flatten(), None);
            }
        }

        #[test]
        fn what_is_encoded_is_read_back(payload in prop::collection::vec(any::<u8>(), 0..70_000), mask: [u8; 4]) {
            let mut frame = Vec::new();
            encode(&mut frame, Opcode::Binary, &payload, mask);
            prop_assert_eq!(parse_header(&frame).expect_err("masked").text, "the server sent a masked frame");
            frame[1] &= 0x7F;
            let h = parse_header(&frame).expect("lawful").expect("complete");
            prop_assert_eq!((h.fin, h.opcode, h.payload_bytes), (true, Opcode::Binary, payload.len()));
            let (head, rest) = frame.split_at_mut(h.header_bytes + 4);
            prop_assert_eq!(&head[h.header_bytes..], &mask);
            rest.iter_mut().enumerate().for_each(|(i, b)| *b ^= mask[i % 4]);
            prop_assert_eq!(rest, &payload[..]);
        }
    }
}
