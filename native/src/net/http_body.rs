//! The body of a response: by its length, in chunks, or up to the end of the connection (RFC 9112, 6 and 7.1).

use super::buffer::Buffer;

/// A chunk's size line and a trailer line are short; a longer one is refused.
const LINE_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Length(usize),
    Size,
    Chunk(usize),
    ChunkEnd,
    Trailer,
    ToTheEnd,
}

/// Where in a body we are.
#[derive(Debug)]
pub(super) struct Body(Part);

impl Body {
    pub fn of_length(bytes: usize) -> Body {
        Body(Part::Length(bytes))
    }

    pub fn chunked() -> Body {
        Body(Part::Size)
    }

    pub fn to_the_end() -> Body {
        Body(Part::ToTheEnd)
    }

    pub fn until_close(&self) -> bool {
        self.0 == Part::ToTheEnd
    }

    /// Moves what has come into `body`; true when the body is complete.
    pub fn feed(&mut self, buffer: &mut Buffer, body: &mut Vec<u8>, max_bytes: usize) -> Result<bool, String> {
        loop {
            self.0 = match self.0 {
                Part::Length(0) => return Ok(true),
                Part::Length(left) => match pull(buffer, body, left) {
                    0 => return Ok(false),
                    n => Part::Length(left - n),
                },
                Part::ToTheEnd => {
                    if body.len() + buffer.len() > max_bytes {
                        return Err(format!("the answer's body is longer than {max_bytes} bytes"));
                    }
                    pull(buffer, body, usize::MAX);
                    return Ok(false);
                }
                Part::Size => {
                    let Some(line) = line(buffer)? else { return Ok(false) };
                    match chunk_size(&line)? {
                        0 => Part::Trailer,
                        size if size > max_bytes.saturating_sub(body.len()) => {
                            return Err(format!("the answer's body is longer than {max_bytes} bytes"));
                        }
                        size => Part::Chunk(size),
                    }
                }
                Part::Chunk(left) => match pull(buffer, body, left) {
                    0 => return Ok(false),
                    n if n == left => Part::ChunkEnd,
                    n => Part::Chunk(left - n),
                },
                Part::ChunkEnd => match line(buffer)? {
                    None => return Ok(false),
                    Some(rest) if rest.is_empty() => Part::Size,
                    Some(_) => return Err("a chunk of the answer is longer than announced".to_owned()),
                },
                Part::Trailer => match line(buffer)? {
                    None => return Ok(false),
                    Some(field) if field.is_empty() => Part::Length(0),
                    Some(_) => Part::Trailer,
                },
            };
        }
    }
}

fn pull(buffer: &mut Buffer, body: &mut Vec<u8>, most: usize) -> usize {
    let place = buffer.take(most.min(buffer.len()));
    body.extend_from_slice(buffer.at(place.clone()));
    place.len()
}

/// The next line without its end.
fn line(buffer: &mut Buffer) -> Result<Option<Vec<u8>>, String> {
    let Some(end) = memchr::memchr(b'\n', buffer.filled()) else {
        if buffer.len() > LINE_MAX {
            return Err("a line between the chunks of the answer has no end".to_owned());
        }
        return Ok(None);
    };
    let place = buffer.take(end + 1);
    let line = &buffer.at(place)[..end];
    match line.strip_suffix(b"\r") {
        Some(line) => Ok(Some(line.to_vec())),
        None => Err("a line between the chunks of the answer does not end with CRLF".to_owned()),
    }
}

/// RFC 9112, 7.1: `chunk-size = 1*HEXDIG`, extensions after a `;` are ignored.
fn chunk_size(line: &[u8]) -> Result<usize, String> {
    let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    let wrong = || "a chunk of the answer has no size".to_owned();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    let text = std::str::from_utf8(digits).map_err(|_| wrong())?;
    usize::from_str_radix(text, 16).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds bytes in pieces of a size; gives the body and what was left, or the error.
    fn fed(mut form: Body, bytes: &[u8], piece: usize) -> Result<Option<(Vec<u8>, usize)>, String> {
        let (mut buffer, mut body) = (Buffer::new(8), Vec::new());
        for part in bytes.chunks(piece) {
            buffer.append(part);
            if form.feed(&mut buffer, &mut body, 30)? {
                return Ok(Some((body, buffer.len())));
            }
        }
        Ok(None)
    }

    #[test]
    fn chunks_are_joined_wherever_the_bytes_are_cut() {
        let bytes = b"5;name=x\r\nhello\r\nA\r\n, 10 bytes\r\n0\r\nTrailer: x\r\n\r\n";
        for piece in 1..=bytes.len() {
            let done = fed(Body::chunked(), bytes, piece).expect("lawful");
            assert_eq!(done, Some((b"hello, 10 bytes".to_vec(), 0)), "{piece}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(fed(Body::chunked(), &bytes[..cut], 9).expect("lawful"), None, "{cut}");
        }
    }

    #[test]
    fn a_length_takes_no_byte_more() {
        assert_eq!(fed(Body::of_length(3), b"abcde", 5), Ok(Some((b"abc".to_vec(), 2))));
        assert_eq!(fed(Body::of_length(3), b"ab", 1), Ok(None));
    }

    #[test]
    fn wrong_chunks_are_named() {
        for (bytes, word) in [
            (&b"x\r\n"[..], "no size"),
            (b"-1\r\n", "no size"),
            (b"\r\n", "no size"),
            (b"fffffffffffffffff\r\n", "no size"),
            (b"1F\r\n", "longer than 30"),
            (b"1\r\nab\r\n", "than announced"),
            (b"1\n", "CRLF"),
            (&[b'0'; LINE_MAX + 1], "no end"),
        ] {
            let error = fed(Body::chunked(), bytes, bytes.len()).expect_err(word);
            assert!(error.contains(word), "{error}");
        }
        assert!(fed(Body::to_the_end(), &[b'a'; 31], 31).expect_err("long").contains("longer than 30"));
    }
}
