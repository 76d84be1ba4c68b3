//! Ticks and square roots of prices: a tick `t` is the price 1.0001^t, a price is kept as its root in Q64.96.
//! Source: `@uniswap/v3-core contracts/libraries/TickMath.sol` (`v4-core` has the same integers).
use std::sync::LazyLock;

use alloy_primitives::{U256, uint};

/// The lowest tick.
pub const MIN_TICK: i32 = -887_272;
/// The highest tick.
pub const MAX_TICK: i32 = 887_272;
/// The root price of the lowest tick.
pub const MIN_SQRT_PRICE: U256 = uint!(4295128739_U256);
/// The root price of the highest tick; a pool's price stays below it.
pub const MAX_SQRT_PRICE: U256 = uint!(1461446703485210103287273052203988822378723970342_U256);

/// 2^128 / sqrt(1.0001)^(2^i) as the contract has it, for each bit of a tick's magnitude.
pub(super) const FACTORS: [u128; 20] = [
    0xfffc_b933_bd6f_ad37_aa2d_162d_1a59_4001,
    0xfff9_7272_373d_4132_59a4_6990_580e_213a,
    0xfff2_e50f_5f65_6932_ef12_357c_f3c7_fdcc,
    0xffe5_caca_7e10_e4e6_1c36_24ea_a094_1cd0,
    0xffcb_9843_d60f_6159_c9db_5883_5c92_6644,
    0xff97_3b41_fa98_c081_472e_6896_dfb2_54c0,
    0xff2e_a164_66c9_6a38_43ec_78b3_26b5_2861,
    0xfe5d_ee04_6a99_a2a8_11c4_61f1_969c_3053,
    0xfcbe_86c7_900a_88ae_dcff_c83b_479a_a3a4,
    0xf987_a725_3ac4_1317_6f2b_074c_f781_5e54,
    0xf339_2b08_22b7_0005_940c_7a39_8e4b_70f3,
    0xe715_9475_a2c2_9b74_43b2_9c7f_a6e8_89d9,
    0xd097_f3bd_fd20_22b8_845a_d8f7_92aa_5825,
    0xa9f7_4646_2d87_0fdf_8a65_dc1f_90e0_61e5,
    0x70d8_69a1_56d2_a1b8_90bb_3df6_2baf_32f7,
    0x31be_135f_97d0_8fd9_8123_1505_542f_cfa6,
    0x09aa_508b_5b7a_84e1_c677_de54_f3e9_9bc9,
    0x005d_6af8_dedb_8119_6699_c329_225e_e604,
    0x0000_2216_e584_f5fa_1ea9_2604_1bed_fe98,
    0x0000_0000_048a_1703_91f7_dc42_444e_8fa2,
];

/// How many of the lower bits are looked up.
const LOW_BITS: usize = 11;

/// What the contract has after the lower bits; place 0 is 2^128 there, which does not fit and is not looked at.
static LOW: LazyLock<Vec<u128>> = LazyLock::new(|| {
    (0..1_u32 << LOW_BITS).map(|low| product(None, (0..LOW_BITS).filter(|i| low >> i & 1 == 1)).unwrap_or(0)).collect()
});

/// Multiplies by the factors of these bits in order, each product cut to 128 bits; none stands for 2^128.
fn product(from: Option<u128>, bits: impl Iterator<Item = usize>) -> Option<u128> {
    bits.fold(from, |ratio, i| Some(ratio.map_or(FACTORS[i], |r| high(r, FACTORS[i]))))
}

/// The upper half of a product.
#[inline]
fn high(a: u128, b: u128) -> u128 {
    let (a1, a0, b1, b0) = (a >> 64, a & u128::from(u64::MAX), b >> 64, b & u128::from(u64::MAX));
    let middle = a1 * b0 + ((a0 * b0) >> 64); // below 2^128: (2^64 - 1)^2 + 2^64 - 1
    let other = a0 * b1 + (middle & u128::from(u64::MAX));
    a1 * b1 + (middle >> 64) + (other >> 64)
}

/// The root price of a tick, Q64.96; `getSqrtRatioAtTick`. None outside of [`MIN_TICK`] to [`MAX_TICK`].
#[must_use]
pub fn sqrt_price_at(tick: i32) -> Option<U256> {
    (MIN_TICK..=MAX_TICK).contains(&tick).then(|| at(tick))
}

/// As [`sqrt_price_at`] for a tick that is known to be in range.
#[inline]
pub(super) fn at(tick: i32) -> U256 {
    let magnitude = tick.unsigned_abs() as usize;
    let low = magnitude & ((1 << LOW_BITS) - 1);
    let mut ratio = if low == 0 { None } else { Some(LOW[low]) };
    let mut rest = magnitude >> LOW_BITS << LOW_BITS;
    while rest != 0 {
        let i = rest.trailing_zeros() as usize;
        ratio = Some(ratio.map_or(FACTORS[i], |r| high(r, FACTORS[i])));
        rest &= rest - 1;
    }
    let Some(ratio) = ratio else { return U256::ONE << 96 };
    let ratio = if tick > 0 { U256::MAX / U256::from(ratio) } else { U256::from(ratio) };
    (ratio + U256::from(u32::MAX)) >> 32 // ratio has at most 192 bits
}

/// The greatest tick whose root price is at most this; `getTickAtSqrtRatio`. None below [`MIN_SQRT_PRICE`] and from
/// [`MAX_SQRT_PRICE`] on.
#[must_use]
pub fn tick_at(sqrt_price: U256) -> Option<i32> {
    if !(MIN_SQRT_PRICE..MAX_SQRT_PRICE).contains(&sqrt_price) {
        return None;
    }
    let top = sqrt_price.bit_len() as i32 + 31; // the highest bit of the price shifted by 32
    let mut r: u128 = if top >= 159 {
        (sqrt_price >> (top - 159).unsigned_abs() as usize).to::<u128>()
    } else {
        (sqrt_price << (159 - top).unsigned_abs() as usize).to::<u128>()
    };
    // The contract's log_2 is this times 2^50: 14 binary digits behind the point, all others zero.
    let mut log_2 = i128::from(top - 128);
    for _ in 0..14 {
        let square = high(r, r); // r * r >> 128, where the contract shifts by 127
        let carry = square >> 127;
        r = if carry == 1 { square } else { square << 1 | (r.wrapping_mul(r) >> 127) };
        log_2 = log_2 << 1 | carry as i128;
    }
    let log = log_2 * 255_738_958_999_603_826_347_141;
    // (log * 2^50 - a) >> 128 and (log * 2^50 + b) >> 128 with the contract's bounds a and b of its error
    let low = (log - 3_402_992_956_809_132_418_596_140_100_660_247_210_i128.div_euclid(1 << 50) - 1) >> 78;
    let high = (log + 291_339_464_771_989_622_907_027_621_153_398_088_495_u128.div_euclid(1 << 50) as i128) >> 78;
    let (low, high) = (low as i32, high as i32);
    Some(if low == high || at(high) > sqrt_price { low } else { high })
}
