//! 128-bit integers of recorded and snapshot files: written as decimal text, read from decimal text, 0x text or a number.
//! JSON numbers lose digits in most readers, so they are never written as such.
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// A 128-bit integer.
pub trait Word: Copy + fmt::Display {
    /// From decimal digits with an optional sign, or from `0x` and hexadecimal digits; none where it does not fit.
    fn read(text: &str) -> Option<Self>;
    /// From an unsigned number; none where it does not fit.
    fn of(number: u128) -> Option<Self>;
    /// From a signed number; none where it does not fit.
    fn of_signed(number: i128) -> Option<Self>;
}

impl Word for u128 {
    fn read(text: &str) -> Option<u128> {
        match text.strip_prefix("0x") {
            Some(digits) => u128::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }

    fn of(number: u128) -> Option<u128> {
        Some(number)
    }

    fn of_signed(number: i128) -> Option<u128> {
        number.try_into().ok()
    }
}

impl Word for i128 {
    fn read(text: &str) -> Option<i128> {
        match text.strip_prefix("0x") {
            Some(digits) => i128::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }

    fn of(number: u128) -> Option<i128> {
        number.try_into().ok()
    }

    fn of_signed(number: i128) -> Option<i128> {
        Some(number)
    }
}

struct Words<W>(PhantomData<W>);

impl<W: Word> Visitor<'_> for Words<W> {
    type Value = W;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a 128-bit integer as decimal or 0x text, or as a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<W, E> {
        W::read(text).ok_or_else(|| E::custom(format!("`{text}` is no 128-bit integer of this sign")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<W, E> {
        self.visit_u128(u128::from(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<W, E> {
        self.visit_i128(i128::from(number))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<W, E> {
        W::of(number).ok_or_else(|| E::custom(format!("{number} does not fit")))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<W, E> {
        W::of_signed(number).ok_or_else(|| E::custom(format!("{number} does not fit")))
    }
}

/// Writes it as decimal text.
///
/// # Errors
/// The serializer's.
pub fn serialize<W: Word, S: Serializer>(word: &W, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(word)
}

/// Reads it from text or from a number.
///
/// # Errors
/// Where it is neither, or does not fit.
pub fn deserialize<'de, W: Word, D: Deserializer<'de>>(from: D) -> Result<W, D::Error> {
    from.deserialize_any(Words(PhantomData))
}
