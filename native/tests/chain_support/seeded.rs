//! Random cases that are the same at each run.
#![allow(dead_code)] // each test uses its part

use alloy_primitives::U256;

/// A seeded source of cases (SplitMix64, Steele et al. 2014).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub fn u128(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    pub fn u256(&mut self) -> U256 {
        U256::from_limbs([self.next(), self.next(), self.next(), self.next()])
    }

    /// A number whose length in bits is uniform from 1 to `bits`: small and large ones alike.
    pub fn of_any_size(&mut self, bits: u64) -> U256 {
        let keep = 1 + self.below(bits.min(256));
        (self.u256() >> (256 - keep as usize)) | (U256::ONE << (keep as usize - 1))
    }
}
