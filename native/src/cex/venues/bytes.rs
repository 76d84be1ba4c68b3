//! One question about bytes, asked of 32 at a time.
#![allow(unsafe_code)] // vector intrinsics are unsafe to call outside functions compiled for them alone

/// Which of 32 bytes equal `byte`: bit `n` for byte `n`.
#[inline(always)]
pub fn equal_bytes(chunk: &[u8; 32], byte: u8) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
        // SAFETY: SSE2 is part of every x86_64 processor, and both loads lie within the 32 bytes.
        unsafe {
            let at = chunk.as_ptr().cast::<__m128i>();
            let half =
                |n| _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(at.add(n)), _mm_set1_epi8(byte as i8))) as u32;
            half(0) | half(1) << 16
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        chunk.iter().enumerate().fold(0, |mask, (n, b)| mask | u32::from(*b == byte) << n)
    }
}
