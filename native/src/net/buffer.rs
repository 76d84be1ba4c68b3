//! Bytes on their way in or out, in one piece of memory that is kept.

use std::ops::Range;

/// A queue of bytes that lie side by side. What was taken stays readable until room is asked for again.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    head: usize,
    tail: usize,
}

impl Buffer {
    pub fn new(capacity: usize) -> Buffer {
        Buffer { bytes: vec![0; capacity], head: 0, tail: 0 }
    }

    pub fn len(&self) -> usize {
        self.tail - self.head
    }

    pub fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.head..self.tail]
    }

    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.head..self.tail]
    }

    /// Removes bytes from the front and says where they lie; see [`Buffer::at`].
    pub fn take(&mut self, count: usize) -> Range<usize> {
        let start = self.head;
        self.head = (start + count).min(self.tail);
        start..self.head
    }

    /// Bytes that were taken, until the next call of `room` or `append`.
    pub fn at(&self, place: Range<usize>) -> &[u8] {
        &self.bytes[place]
    }

    /// All free bytes at the end, `least` or more. Moves what is held only when the end is reached, and grows only when
    /// that does not help.
    pub fn room(&mut self, least: usize) -> &mut [u8] {
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
        }
        if self.bytes.len() - self.tail < least {
            self.bytes.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.tail - self.head);
            if self.bytes.len() - self.tail < least {
                self.bytes.resize((self.tail + least).next_power_of_two(), 0);
            }
        }
        &mut self.bytes[self.tail..]
    }

    /// So many bytes of the room were filled.
    pub fn added(&mut self, count: usize) {
        self.tail = (self.tail + count).min(self.bytes.len());
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.added(bytes.len());
    }

    pub fn clear(&mut self) {
        (self.head, self.tail) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_stays_readable_and_the_rest_moves_only_when_the_end_is_reached() {
        let mut b = Buffer::new(8);
        b.append(b"abcdef");
        let first = b.take(4);
        assert_eq!((b.at(first.clone()), b.filled()), (&b"abcd"[..], &b"ef"[..]));
        assert_eq!(b.room(2).len(), 2);
        assert_eq!(b.at(first), b"abcd");
        assert_eq!(b.room(3).len(), 6);
        assert_eq!(b.filled(), b"ef");
        b.append(b"0123456789");
        assert_eq!(b.filled(), b"ef0123456789");
        assert_eq!(b.take(99).len(), 12);
        assert_eq!(b.room(1).len(), 16);
    }
}
