//! Two questions about bytes, asked of many at a time: where a character stands, and what numbers digits make.
//!
//! With AVX2 each is a handful of instructions; elsewhere the same is done word by word.
#![allow(unsafe_code)] // vector intrinsics are unsafe to call outside functions compiled for them alone

/// Asks for the memory of a value before it is needed. It waits for nothing and changes nothing.
#[inline(always)]
pub fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = std::ptr::from_ref(value).cast::<i8>();
        for line in (0..size_of::<T>()).step_by(64) {
            // SAFETY: a hint; no address makes it fault, and these are of the value.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// The last `n` (0 to 8) of eight bytes; 16 entries, so that an index of four bits needs no check.
const KEEP: [u64; 16] =
    [0, !0 << 56, !0 << 48, !0 << 40, !0 << 32, !0 << 24, !0 << 16, !0 << 8, !0, !0, !0, !0, !0, !0, !0, !0];

/// Which of 32 bytes equal `byte`: bit `n` for byte `n`.
#[inline(always)]
pub fn equal_bytes(chunk: &[u8; 32], byte: u8) -> u32 {
    #[cfg(target_feature = "avx2")]
    {
        use core::arch::x86_64::{
            __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
        };
        // SAFETY: compiled for AVX2 only, and the load is of the 32 bytes.
        unsafe {
            let all = _mm256_loadu_si256(chunk.as_ptr().cast::<__m256i>());
            _mm256_movemask_epi8(_mm256_cmpeq_epi8(all, _mm256_set1_epi8(byte as i8))) as u32
        }
    }
    #[cfg(not(target_feature = "avx2"))]
    {
        chunk.iter().enumerate().fold(0, |mask, (n, b)| mask | u32::from(*b == byte) << n)
    }
}

/// The numbers that the last `counts[n]` (0 to 8) characters of each word make, first character in the lowest byte;
/// `None` if one of them is not a digit.
#[inline(always)]
pub fn four_numbers(words: [u64; 4], counts: [u32; 4]) -> Option<[u64; 4]> {
    let mask = |n: u32| KEEP[n as usize & 15];
    // One by one: `map` makes a call of it, and its array a detour through memory.
    let keep = [mask(counts[0]), mask(counts[1]), mask(counts[2]), mask(counts[3])];
    #[cfg(target_feature = "avx2")]
    {
        use core::arch::x86_64::{
            _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_extract_epi64, _mm256_madd_epi16, _mm256_maddubs_epi16,
            _mm256_max_epu8, _mm256_movemask_epi8, _mm256_packus_epi32, _mm256_set_epi64x, _mm256_set1_epi8,
            _mm256_set1_epi16, _mm256_set1_epi32, _mm256_sub_epi8,
        };
        let vector = |w: [u64; 4]| {
            // SAFETY: compiled for AVX2 only; no memory is touched.
            unsafe { _mm256_set_epi64x(w[3] as i64, w[2] as i64, w[1] as i64, w[0] as i64) }
        };
        // SAFETY: compiled for AVX2 only; no memory is touched.
        unsafe {
            let digits = _mm256_and_si256(_mm256_sub_epi8(vector(words), _mm256_set1_epi8(b'0' as i8)), vector(keep));
            let nine = _mm256_set1_epi8(9);
            if _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(digits, nine), nine)) != -1 {
                return None;
            }
            // Neighbours are joined three times: 2, 4, 8 digits. The lower address is the higher digit.
            let twos = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010A));
            let fours = _mm256_madd_epi16(twos, _mm256_set1_epi32(0x0001_0064));
            let eights = _mm256_madd_epi16(_mm256_packus_epi32(fours, fours), _mm256_set1_epi32(0x0001_2710));
            let (a, b) = (_mm256_extract_epi64(eights, 0) as u64, _mm256_extract_epi64(eights, 2) as u64);
            Some([a & 0xFFFF_FFFF, a >> 32, b & 0xFFFF_FFFF, b >> 32])
        }
    }
    #[cfg(not(target_feature = "avx2"))]
    {
        let zeros = 0x3030_3030_3030_3030;
        let kept: [u64; 4] = std::array::from_fn(|n| (words[n] & keep[n]) | (zeros & !keep[n]));
        kept.iter().all(|w| all_digits(*w)).then(|| kept.map(eight_digits))
    }
}

/// Bytes that are known before and looked for often: up to 64 of them, compared 32 at a time.
#[derive(Clone, Debug)]
pub struct Literal {
    bytes: Vec<u8>,
    /// The first and the last 32 of them; of a shorter one, `first` alone counts.
    first: [u8; 32],
    last: [u8; 32],
    wanted: u32,
}

impl Literal {
    #[must_use]
    pub fn new(bytes: &[u8]) -> Literal {
        let mut first = [0; 32];
        let n = bytes.len().min(32);
        first[..n].copy_from_slice(&bytes[..n]);
        let last = bytes.last_chunk::<32>().copied().unwrap_or(first);
        let wanted = if n == 32 { u32::MAX } else { (1 << n) - 1 };
        Literal { bytes: bytes.to_vec(), first, last, wanted }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `text` begins with it.
    #[inline(always)]
    #[must_use]
    pub fn begins(&self, text: &[u8]) -> bool {
        let n = self.bytes.len();
        let Some(head) = text.first_chunk::<32>() else { return text.starts_with(&self.bytes) };
        if n <= 32 {
            return equal_places(head, &self.first) & self.wanted == self.wanted;
        }
        let tail = text.get(n - 32..n).and_then(|t| t.first_chunk::<32>());
        n <= 64 && tail.is_some_and(|t| equal_places(head, &self.first) & equal_places(t, &self.last) == u32::MAX)
    }
}

/// At which of 32 places two chunks are equal.
#[inline(always)]
fn equal_places(a: &[u8; 32], b: &[u8; 32]) -> u32 {
    #[cfg(target_feature = "avx2")]
    {
        use core::arch::x86_64::{__m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8};
        // SAFETY: compiled for AVX2 only, and each load is of 32 bytes.
        unsafe {
            let load = |c: &[u8; 32]| _mm256_loadu_si256(c.as_ptr().cast::<__m256i>());
            _mm256_movemask_epi8(_mm256_cmpeq_epi8(load(a), load(b))) as u32
        }
    }
    #[cfg(not(target_feature = "avx2"))]
    {
        a.iter().zip(b).enumerate().fold(0, |mask, (n, (x, y))| mask | u32::from(x == y) << n)
    }
}

/// Whether all eight bytes are ASCII digits.
#[inline(always)]
pub fn all_digits(w: u64) -> bool {
    ((w & 0xF0F0_F0F0_F0F0_F0F0) | ((w.wrapping_add(0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) >> 4))
        == 0x3333_3333_3333_3333
}

/// How many of eight bytes, from the first on, are ASCII digits.
#[inline(always)]
pub fn leading_digits(w: u64) -> u32 {
    let high = 0xF0F0_F0F0_F0F0_F0F0;
    let other =
        ((w & high) ^ 0x3030_3030_3030_3030) | ((w.wrapping_add(0x0606_0606_0606_0606) & high) ^ 0x3030_3030_3030_3030);
    other.trailing_zeros() / 8
}

/// The value of eight ASCII digits, first digit in the lowest byte. Three multiplications: pairs, fours, eights
/// (Lemire, "Quickly parsing eight digits", 2018).
#[inline(always)]
pub fn eight_digits(w: u64) -> u64 {
    let w = w.wrapping_sub(0x3030_3030_3030_3030);
    let w = w.wrapping_mul(10).wrapping_add(w >> 8);
    let low = (w & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((w >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The first `n` (1 to 8) of eight digits, as if zeros stood before them.
#[inline(always)]
pub fn first_digits(w: u64, n: u32) -> u64 {
    let shift = 8 * (8 - n);
    (w << shift) | (0x3030_3030_3030_3030 & !(!0 << shift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn four_numbers_are_those_their_characters_make(text in proptest::collection::vec("[0-9]{8}|[ -~]{8}", 4),
                                                        counts in proptest::array::uniform4(0u32..9)) {
            let words = std::array::from_fn(|n| u64::from_le_bytes(text[n].as_bytes().try_into().unwrap()));
            let plain: Vec<Option<u64>> = (0..4).map(|n| {
                let last = &text[n][8 - counts[n] as usize..];
                if last.is_empty() { Some(0) } else { last.bytes().all(|b| b.is_ascii_digit()).then(|| last.parse().unwrap()) }
            }).collect();
            let expected: Option<Vec<u64>> = plain.into_iter().collect();
            prop_assert_eq!(four_numbers(words, counts).map(|a| a.to_vec()), expected);
        }

        #[test]
        fn bytes_are_found_where_they_are(chunk in proptest::array::uniform32(prop_oneof![Just(b'"'), any::<u8>()])) {
            let plain = (0..32).filter(|n| chunk[*n] == b'"').fold(0u32, |m, n| m | 1 << n);
            prop_assert_eq!(equal_bytes(&chunk, b'"'), plain);
        }

        #[test]
        fn a_literal_begins_what_begins_with_it(bytes in proptest::collection::vec(0u8..3, 0..65),
                                                rest in proptest::collection::vec(0u8..3, 0..70), whole in any::<bool>()) {
            let text = if whole { [bytes.as_slice(), rest.as_slice()].concat() } else { rest };
            prop_assert_eq!(Literal::new(&bytes).begins(&text), text.starts_with(&bytes));
        }

        #[test]
        fn leading_digits_are_counted(text in "[0-9]{0,8}[ -/:-~]{8}") {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count() as u32;
            prop_assert_eq!(leading_digits(u64::from_le_bytes(text.as_bytes()[..8].try_into().unwrap())), digits);
        }
    }
}
