//! The scanner for the known message shapes of JSON venues: a cursor over bytes that skips what it does not know, and
//! numbers read from their digits, eight at a time, straight to ticks and lots.
//!
//! It reads what venues send, not all of JSON: strings are compared and skipped (escapes are honoured when skipping,
//! not decoded), and nothing is validated beyond what is used.

use crate::bytes::{Literal, all_digits, eight_digits, equal_bytes, first_digits, four_numbers, leading_digits};
use crate::event::Level;
use crate::units::{Decimal, Lots, Ticks, UnitError};

/// What is wrong with a message; the text goes into the quality report.
pub type Reason = &'static str;

/// Larger numbers of ticks or lots are none: floats hold all up to here exactly, and no sum of them overflows.
pub const LARGEST: i64 = 1 << 53;

/// How digits with a given number of decimals become whole steps: `mantissa × mul / div`, exactly or not at all.
#[derive(Clone, Copy, Debug)]
struct Conversion {
    mul: u64,
    div: u64,
    /// ⌊2⁶⁴ ⁄ div⌋ + 1: the high half of `n × magic` is `n / div` for every `n < 2⁶⁴ ⁄ div` (0 where div is 1).
    magic: u64,
    /// Largest mantissa for which all of this holds; others take the slow way.
    limit: u64,
}

/// A tick or lot size, prepared so that digits are converted without a division.
#[derive(Clone, Debug)]
pub struct Grid {
    step: Decimal,
    by_decimals: [Conversion; 32],
}

impl Grid {
    /// `step` must be positive and its mantissa fit 63 bits.
    pub fn new(step: Decimal) -> Result<Grid, UnitError> {
        let step = step.normalized();
        let base = u64::try_from(step.mantissa).map_err(|_| UnitError::TooLarge)?;
        if base == 0 {
            return Err(UnitError::OffGrid);
        }
        let mut by_decimals = [Conversion { mul: 0, div: 0, magic: 0, limit: 0 }; 32];
        for (decimals, c) in by_decimals.iter_mut().enumerate() {
            let (mul, div) = if decimals <= usize::from(step.scale) {
                (10u64.checked_pow(u32::from(step.scale) - decimals as u32), Some(base))
            } else {
                (Some(1), 10u64.checked_pow(decimals as u32 - u32::from(step.scale)).and_then(|p| p.checked_mul(base)))
            };
            // A conversion that does not fit keeps its limit of 0.
            if let (Some(mul), Some(div)) = (mul, div) {
                let magic = if div == 1 { 0 } else { (u64::MAX / div).wrapping_add(1) };
                let most = u128::from(LARGEST as u64) * u128::from(div) / u128::from(mul);
                let limit = u128::from((i64::MAX as u64 / div).saturating_sub(1) / mul).min(most) as u64;
                *c = Conversion { mul, div, magic, limit };
            }
        }
        Ok(Grid { step, by_decimals })
    }

    #[must_use]
    pub fn step(&self) -> Decimal {
        self.step
    }

    /// Whole steps of `mantissa × 10^-decimals`.
    #[inline(always)]
    fn steps(&self, mantissa: u64, decimals: usize) -> Result<i64, Reason> {
        match self.plain_steps(mantissa, decimals) {
            Some(steps) => Ok(steps),
            None => self.steps_slow(mantissa, decimals),
        }
    }

    /// The same for all but the largest numbers; `None` where it takes longer or is no whole multiple.
    #[inline(always)]
    fn plain_steps(&self, mantissa: u64, decimals: usize) -> Option<i64> {
        let c = &self.by_decimals[decimals & 31];
        let n = mantissa.wrapping_mul(c.mul);
        let q = if c.div == 1 { n } else { ((u128::from(n) * u128::from(c.magic)) >> 64) as u64 };
        (mantissa <= c.limit && q.wrapping_mul(c.div) == n).then_some(q as i64)
    }

    #[cold]
    fn steps_slow(&self, mantissa: u64, decimals: usize) -> Result<i64, Reason> {
        match Decimal::new(i128::from(mantissa), decimals as u8).steps_of(self.step) {
            Ok(steps) if steps <= LARGEST => Ok(steps),
            Err(UnitError::OffGrid) => Err("a number is not a whole multiple of the instrument's tick or lot"),
            _ => Err("a number has more digits than fit"),
        }
    }
}

/// Prices and quantities of one instrument.
#[derive(Clone, Debug)]
pub struct Grids {
    pub price: Grid,
    pub quantity: Grid,
}

/// Powers of ten.
const SCALE: [u64; 16] = {
    let mut table = [1; 16];
    let mut n = 1;
    while n < 16 {
        table[n] = table[n - 1] * 10;
        n += 1;
    }
    table
};

#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    #[inline(always)]
    #[must_use]
    pub fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Steps over `c` and the space before it.
    #[inline(always)]
    pub fn eat(&mut self, c: u8) -> bool {
        if self.peek() <= b' ' {
            self.space();
        }
        let hit = self.peek() == c;
        self.at += usize::from(hit);
        hit
    }

    #[inline(always)]
    pub fn expect(&mut self, c: u8, reason: Reason) -> Result<(), Reason> {
        if self.eat(c) { Ok(()) } else { Err(reason) }
    }

    /// Steps over `literal` if it is next; a shape learnt from the venue saves the walk through its keys.
    #[inline(always)]
    pub fn eat_literal(&mut self, literal: &[u8]) -> bool {
        let hit = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(literal));
        self.at += if hit { literal.len() } else { 0 };
        hit
    }

    /// The cursor behind `literal`, if that is next.
    #[inline(always)]
    pub fn after(&mut self, literal: &[u8]) -> Option<&mut Self> {
        self.eat_literal(literal).then_some(self)
    }

    /// The same for bytes that were prepared.
    #[inline(always)]
    pub fn after_known(&mut self, literal: &Literal) -> Option<&mut Self> {
        let hit = self.bytes.get(self.at..).is_some_and(|rest| literal.begins(rest));
        self.at += if hit { literal.len() } else { 0 };
        hit.then_some(self)
    }

    /// An integer of exactly 13 digits: milliseconds since 1970 have had as many since 2001 and will until 2286.
    #[inline(always)]
    pub fn millis(&mut self) -> Option<u64> {
        let (first, last) = (self.word(self.at)?, self.word(self.at + 5)?);
        let [first, last, ..] = four_numbers([first, last, 0, 0], [8, 5, 0, 0])?;
        self.at += 13;
        (!self.peek().is_ascii_digit()).then_some(first * 100_000 + last)
    }

    /// The next 32 bytes.
    #[inline(always)]
    #[must_use]
    pub fn window(&self) -> Option<&'a [u8; 32]> {
        self.bytes.get(self.at..)?.first_chunk()
    }

    #[inline(always)]
    fn word(&self, at: usize) -> Option<u64> {
        self.bytes.get(at..)?.first_chunk::<8>().map(|b| u64::from_le_bytes(*b))
    }

    /// A string without its quotes, escapes left as they are.
    #[inline(always)]
    pub fn string(&mut self) -> Result<&'a [u8], Reason> {
        self.expect(b'"', "a string was expected")?;
        let start = self.at;
        if let Some((quotes, _)) = self.marks(start)
            && quotes != 0
        {
            let end = start + quotes.trailing_zeros() as usize;
            let text = &self.bytes[start..end];
            if !text.contains(&b'\\') {
                self.at = end + 1;
                return Ok(text);
            }
        }
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.bytes[start..self.at - 1]);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err("the message ends inside a string"),
            }
        }
    }

    /// Next key of an object whose `{` has been eaten; `None` at its `}`.
    #[inline(always)]
    pub fn key(&mut self) -> Result<Option<&'a [u8]>, Reason> {
        if self.eat(b'}') {
            return Ok(None);
        }
        self.eat(b',');
        let key = self.string()?;
        self.expect(b':', "a key has no value")?;
        Ok(Some(key))
    }

    /// Steps over any value.
    pub fn skip(&mut self) -> Result<(), Reason> {
        self.space();
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => {
                let mut depth = 0usize;
                loop {
                    match self.peek() {
                        b'"' => {
                            self.string()?;
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        0 if self.at >= self.bytes.len() => return Err("the message ends inside a value"),
                        _ => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
            }
            _ => {
                let start = self.at;
                while !matches!(self.peek(), b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' | 0) {
                    self.at += 1;
                }
                if self.at == start { Err("a value is missing") } else { Ok(()) }
            }
        }
    }

    /// An unsigned integer without quotes.
    #[inline(always)]
    pub fn integer(&mut self) -> Result<u64, Reason> {
        if self.peek() <= b' ' {
            self.space();
        }
        if let (Some(first), Some(second)) = (self.word(self.at), self.word(self.at + 8)) {
            // Update ids and times have 9 to 15 digits; all others take the way below.
            let n = leading_digits(second);
            if all_digits(first) && (1..8).contains(&n) {
                self.at += 8 + n as usize;
                return Ok(eight_digits(first) * SCALE[n as usize] + eight_digits(first_digits(second, n)));
            }
        }
        let start = self.at;
        let mut value = 0u64;
        while let Some(d) = self.bytes.get(self.at).map(|c| c.wrapping_sub(b'0')).filter(|d| *d < 10) {
            value = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(d))).ok_or("an integer is too large")?;
            self.at += 1;
        }
        if self.at == start { Err("an integer was expected") } else { Ok(value) }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Reason> {
        self.space();
        if self.eat_literal(b"true") {
            Ok(true)
        } else if self.eat_literal(b"false") {
            Ok(false)
        } else {
            Err("true or false was expected")
        }
    }

    /// Digits up to the closing quote, the opening one having been eaten; the closing one is eaten.
    /// Returns the mantissa and the number of decimals.
    #[inline(always)]
    fn digits(&mut self) -> Result<(u64, usize), Reason> {
        let start = self.at;
        if let Some((quotes, dots)) = self.marks(start) {
            let end = quotes.trailing_zeros();
            if let Some(number) = self.number_between(start, end, dots) {
                self.at = start + end as usize + 1;
                return Ok(number);
            }
        }
        self.digits_slow(start)
    }

    /// Where the 32 bytes at `at` hold quotes and dots, a bit a byte.
    #[inline(always)]
    fn marks(&self, at: usize) -> Option<(u32, u32)> {
        let chunk = self.bytes.get(at..)?.first_chunk::<32>()?;
        Some((equal_bytes(chunk, b'"'), equal_bytes(chunk, b'.')))
    }

    /// The number whose characters are the `end` bytes at `start`, if it has a plain form of one to eight digits before
    /// its dot and up to eight after it. `dots` are the dots from `start` on.
    #[inline(always)]
    fn number_between(&self, start: usize, end: u32, dots: u32) -> Option<(u64, usize)> {
        let dot = dots.trailing_zeros().min(end);
        let decimals = (end - dot).saturating_sub(1);
        if dot.wrapping_sub(1) > 7 || decimals > 8 || start < 8 {
            return None;
        }
        let whole = self.word(start + dot as usize - 8)?;
        let fraction = self.word(start + end as usize - 8)?;
        let [whole, fraction, ..] = four_numbers([whole, fraction, 0, 0], [dot, decimals, 0, 0])?;
        Some((whole * SCALE[decimals as usize] + fraction, decimals as usize))
    }

    /// The same, a byte at a time: at the end of a message, and for numbers of other lengths.
    #[cold]
    fn digits_slow(&mut self, start: usize) -> Result<(u64, usize), Reason> {
        let (mut mantissa, mut decimals, mut dot, mut count) = (0u64, 0usize, false, 0usize);
        for (i, &c) in self.bytes[start..].iter().enumerate() {
            match c {
                b'0'..=b'9' => {
                    mantissa = mantissa
                        .checked_mul(10)
                        .and_then(|m| m.checked_add(u64::from(c - b'0')))
                        .ok_or("a number has more digits than fit")?;
                    decimals += usize::from(dot);
                    count += 1;
                }
                b'.' if !dot => dot = true,
                b'"' if count > 0 && decimals < 20 => {
                    self.at = start + i + 1;
                    return Ok((mantissa, decimals));
                }
                _ => return Err("a price or quantity is not a number"),
            }
        }
        Err("the message ends inside a number")
    }

    /// A quoted decimal as whole steps of `grid`.
    #[inline(always)]
    pub fn number(&mut self, grid: &Grid) -> Result<i64, Reason> {
        self.expect(b'"', "a quoted number was expected")?;
        let (mantissa, decimals) = self.digits()?;
        grid.steps(mantissa, decimals)
    }

    /// A quoted decimal of any grid, for finding out what the grid is.
    pub fn decimal(&mut self) -> Result<Decimal, Reason> {
        self.expect(b'"', "a quoted number was expected")?;
        let (mantissa, decimals) = self.digits()?;
        Ok(Decimal::new(i128::from(mantissa), decimals as u8))
    }

    /// Two quoted decimals with `between` from the first one's closing quote to the other's opening one, the cursor
    /// being at the first digit: the form that levels and bookTickers have. The cursor is left at the last closing
    /// quote. `None`, and the cursor where it was, for a longer form: more than 32 bytes, more than eight digits before or
    /// after a dot.
    ///
    /// The digits before and after each dot are read as the eight bytes that end there, all four at once, so that no
    /// branch depends on how many there are.
    #[inline(always)]
    pub fn two_numbers<const N: usize>(&mut self, between: &[u8; N], first: &Grid, other: &Grid) -> Option<(i64, i64)> {
        let window = self.bytes.get(self.at.checked_sub(8)?..)?.first_chunk::<40>()?;
        let chunk = window.last_chunk::<32>()?;
        let (quotes, dots) = (equal_bytes(chunk, b'"'), equal_bytes(chunk, b'.'));
        let p = quotes.trailing_zeros();
        let from = p + N as u32; // of the second number
        if from > 30 {
            return None;
        }
        let q = (quotes & (u32::MAX << from)).trailing_zeros();
        let gap = &chunk[p as usize & 31..];
        if q > 31 || !gap.starts_with(between) {
            return None;
        }
        let dot = dots.trailing_zeros().min(p);
        let other_dot = (dots & (u32::MAX << from)).trailing_zeros().min(q);
        let (whole, decimals) = (dot, (p - dot).saturating_sub(1));
        let (other_whole, other_decimals) = (other_dot - from, (q - other_dot).saturating_sub(1));
        if whole.wrapping_sub(1) > 7 || other_whole.wrapping_sub(1) > 7 || decimals > 8 || other_decimals > 8 {
            return None;
        }
        // The eight bytes of the window before a place in the chunk begin at the same number.
        let word = |end: u32| u64::from_le_bytes(std::array::from_fn(|n| window[(end as usize & 31) + n]));
        let [a, b, c, d] = four_numbers(
            [word(dot), word(p), word(other_dot), word(q)],
            [whole, decimals, other_whole, other_decimals],
        )?;
        let one = first.plain_steps(a * SCALE[decimals as usize & 15] + b, decimals as usize)?;
        let two = other.plain_steps(c * SCALE[other_decimals as usize & 15] + d, other_decimals as usize)?;
        self.at += q as usize;
        Some((one, two))
    }

    /// `[["price","quantity"],…]`, appended to `out`; further elements of a level are ignored.
    #[inline(always)]
    pub fn levels(&mut self, grids: &Grids, out: &mut Vec<Level>) -> Result<(), Reason> {
        self.expect(b'[', "a list of levels was expected")?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            if !self.eat_literal(b"[\"") {
                self.expect(b'[', "a level was expected")?;
                self.expect(b'"', "a quoted price was expected")?;
            }
            if let Some((px, qty)) = self.two_numbers(b"\",\"", &grids.price, &grids.quantity) {
                out.push(Level { px: Ticks(px), qty: Lots(qty) });
                if self.eat_literal(b"\"],") {
                    continue;
                }
                if self.eat_literal(b"\"]]") {
                    return Ok(());
                }
                self.at += 1; // the closing quote; what follows is not the usual form
                self.end_of_level()?;
                if self.eat(b',') {
                    continue;
                }
                return self.expect(b']', "a list of levels does not end");
            }
            let (mantissa, decimals) = self.digits()?;
            let px = grids.price.steps(mantissa, decimals)?;
            if !self.eat_literal(b",\"") {
                self.expect(b',', "a level has no quantity")?;
                self.expect(b'"', "a quoted quantity was expected")?;
            }
            let (mantissa, decimals) = self.digits()?;
            let qty = grids.quantity.steps(mantissa, decimals)?;
            out.push(Level { px: Ticks(px), qty: Lots(qty) });
            self.end_of_level()?;
            if self.eat(b',') {
                continue;
            }
            return self.expect(b']', "a list of levels does not end");
        }
    }

    /// Whatever else a level holds, and its bracket.
    fn end_of_level(&mut self) -> Result<(), Reason> {
        while !self.eat(b']') {
            self.expect(b',', "a level does not end")?;
            self.skip()?;
        }
        Ok(())
    }
}
