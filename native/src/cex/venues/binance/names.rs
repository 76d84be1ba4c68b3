//! Symbols as keys of a map: whole in three machine words, so that finding whose a message is touches no memory but the
//! map's own.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::event::InstrumentId;

/// Longest symbol, characters; those of Binance have up to 20.
pub const LONGEST: usize = 24;

/// A symbol, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Name([u64; 3]);

impl Name {
    /// `None` for what is longer than [`LONGEST`].
    #[inline(always)]
    pub fn new(symbol: &[u8]) -> Option<Name> {
        let mut window = [0; LONGEST];
        window.get_mut(..symbol.len())?.copy_from_slice(symbol);
        Some(Name::first(&window, LONGEST))
    }

    /// The first `n` characters.
    #[inline(always)]
    pub fn first(window: &[u8; LONGEST], n: usize) -> Name {
        Name(std::array::from_fn(|word| {
            let bytes = std::array::from_fn(|at| window[8 * word + at]);
            let kept = n.saturating_sub(8 * word).min(8) as u32;
            u64::from_le_bytes(bytes) & u64::MAX.checked_shr(64 - 8 * kept).unwrap_or(0)
        }))
    }

    /// With its letters in upper case.
    #[inline(always)]
    pub fn upper(self) -> Name {
        const EACH: u64 = 0x0101_0101_0101_0101;
        Name(self.0.map(|w| {
            // The high bit of a byte of a sum says whether the byte is at least `a`, or beyond `z`.
            let low = w & (0x7F * EACH);
            let letter = (low + (0x80 - 0x61) * EACH) & !(low + (0x7F - 0x7A) * EACH) & !w & (0x80 * EACH);
            w ^ (letter >> 2)
        }))
    }
}

/// Instruments by symbol, in lower and in upper case.
#[derive(Debug, Default)]
pub struct Names(HashMap<Name, InstrumentId, FxBuildHasher>);

impl Names {
    /// # Errors
    /// The symbol is too long, or another instrument's.
    pub fn add(&mut self, symbol: &str, id: InstrumentId) -> Result<(), String> {
        for case in [symbol.to_lowercase(), symbol.to_uppercase()] {
            let name = Name::new(case.as_bytes())
                .ok_or_else(|| format!("{symbol} has more than {LONGEST} characters, as no symbol of the venue has"))?;
            if *self.0.entry(name).or_insert(id) != id {
                return Err(format!("{symbol} is configured twice"));
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub fn get(&self, name: Name) -> Option<InstrumentId> {
        self.0.get(&name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_is_its_characters(text in "[ -~]{0,24}", other in "[ -~]{0,24}", rest in "[ -~]{24}") {
            let name = Name::new(text.as_bytes()).unwrap();
            let window: [u8; LONGEST] = (text.clone() + &rest).as_bytes()[..LONGEST].try_into().unwrap();
            prop_assert_eq!(Name::first(&window, text.len()), name);
            prop_assert_eq!(name.upper(), Name::new(text.to_ascii_uppercase().as_bytes()).unwrap());
            prop_assert_eq!(name == Name::new(other.as_bytes()).unwrap(), text == other);
        }
    }

    #[test]
    fn what_is_too_long_has_no_name_and_no_place() {
        assert_eq!(Name::new(&[b'A'; 25]), None);
        let mut names = Names::default();
        assert!(names.add(&"A".repeat(25), 0).unwrap_err().contains("more than 24"));
        names.add("BTCUSDT", 0).unwrap();
        assert!(names.add("btcusdt", 1).unwrap_err().contains("twice"));
        assert_eq!(names.get(Name::new(b"btcusdt").unwrap()), Some(0));
        assert_eq!(names.get(Name::new(b"BtcUSDT").unwrap()), None);
    }
}
