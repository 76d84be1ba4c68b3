//! Ethereum mainnet's well-known factories, as data: addresses and hashes of creation code as each project publishes them in its
//! SDK or documentation.
use alloy_primitives::{Address, B256, address, b256};

use super::{Factory, Maker};

/// V2 factories: address, what is left of the input and of how many parts, hash of the pair's creation code.
const V2: [(Address, u32, u32, B256); 4] = [
    // Uniswap V2
    (
        address!("5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"),
        997,
        1000,
        b256!("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f"),
    ),
    // SushiSwap
    (
        address!("C0AEe478e3658e2610c5F7A4A2E1777cE9e4f2Ac"),
        997,
        1000,
        b256!("e18a34eb0e04b04f7a0ac29a6e80748dca96319b42c54d679cb821dca90c6303"),
    ),
    // PancakeSwap V2
    (
        address!("1097053Fd2ea711dad45caCcc45EfF7548fCB362"),
        9975,
        10_000,
        b256!("57224589c67f3f30a6b0d7a1b54cf3153ab84563bc609ef41dfb34f8b2974d2d"),
    ),
    // ShibaSwap
    (
        address!("115934131916C8b277DD010Ee02de363c09d037c"),
        997,
        1000,
        b256!("65d1a3b1e46c6e4f1be1ad5f99ef14dc488ae0549dc97db9b30afe2241ce1c7a"),
    ),
];

/// V3 factories: address, who makes the pools, hash of the pool's creation code, whether it is PancakeSwap's.
const V3: [(Address, Option<Address>, B256, bool); 3] = [
    // Uniswap V3
    (
        address!("1F98431c8aD98523631AE4a59f267346ea31F984"),
        None,
        b256!("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54"),
        false,
    ),
    // SushiSwap V3
    (
        address!("bACEB8eC6b9355Dfc0269C18bac9d6E2Bdc29C4F"),
        None,
        b256!("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54"),
        false,
    ),
    // PancakeSwap V3
    (
        address!("0BFbCF9fa4f9C56B0F40a671Ad40E0805A091865"),
        Some(address!("41ff9AA7e16B8B1a8a8dc4f0eFacd93D02d071c9")),
        b256!("6ce8eb472fa82df5469c6ab6d485f17c3ad13c8cd7af59b3d4a8026c5ce0f7e2"),
        true,
    ),
];

/// Uniswap V4's manager.
const V4_MANAGER: Address = address!("000000000004444c5dc75cB358380D2e3dE08A90");

/// Balancer V2's vault.
const BALANCER_VAULT: Address = address!("BA12222222228d8Ba445958a75a0704d566BF2C8");

/// Curve's factories: stable, stable-ng, tricrypto-ng, twocrypto-ng.
const CURVE: [Address; 4] = [
    address!("B9fC157394Af804a3578134A6585C0dc9cc990d4"),
    address!("6A8cbed756804B16E05E741eDaBd5cB544AE21bf"),
    address!("0c0e5f2fF0ff18a3be9b835635039256dC4B4963"),
    address!("98EE851a00abeE0d95D08cF4CA2BdCE32aeaAF7F"),
];

/// The factories of Ethereum mainnet that this program knows; a start, to which a caller adds its own.
#[must_use]
pub fn mainnet() -> Vec<Factory> {
    let v2 = V2
        .map(|(address, fee_num, fee_den, hash)| (address, Maker::V2 { fee_num, fee_den, init_code_hash: Some(hash) }));
    let v3 = V3.map(|(address, deployer, hash, pancake)| {
        (address, Maker::V3 { deployer, init_code_hash: Some(hash), pancake })
    });
    let curve = CURVE.map(|address| (address, Maker::Curve));
    let one = [(V4_MANAGER, Maker::V4 { safe_hooks: Vec::new() }), (BALANCER_VAULT, Maker::BalancerVault)];
    v2.into_iter().chain(v3).chain(curve).chain(one).map(|(address, maker)| Factory { address, maker }).collect()
}
