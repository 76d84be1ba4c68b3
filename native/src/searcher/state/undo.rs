//! How one pool gets back to the state it had before a block.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::pools::AnyPool;
use super::super::pools::v3::{BadState, Concentrated, ProtocolFee, V3Pool};
use super::super::pools::v4::V4Pool;

/// The way back of one pool over one block, recorded before its first change in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Undo {
    /// The whole pool as it was.
    Whole(Box<AnyPool>),
    /// A pair's reserves.
    Reserves([u128; 2]),
    /// What was overwritten of a V3 pool.
    V3 { moved: Box<Moved>, fee_pips: u32, protocol_fee: ProtocolFee },
    /// What was overwritten of a V4 pool.
    V4 { moved: Box<Moved>, lp_fee: u32, protocol_fee: [u16; 2] },
    /// The block is the one at which the pool was read from storage: what it was before is not known.
    Lost,
    /// The block created it.
    Born,
}

/// What a block overwrites of a V3 or V4 pool but its fees: no copy of its ticks, of which it may have thousands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Moved {
    sqrt_price: U256,
    tick: i32,
    liquidity: u128,
    /// Lower tick, upper tick, liquidity, as they were added.
    positions: Vec<(i32, i32, i128)>,
}

impl Undo {
    /// A record of a pool before a change of it.
    pub fn of(pool: &AnyPool) -> Undo {
        match pool {
            AnyPool::V2(pair) => Undo::Reserves(pair.reserves),
            AnyPool::V3(pool) => Undo::V3 {
                moved: Box::new(Moved::of(pool.state())),
                fee_pips: pool.fee_pips(),
                protocol_fee: pool.protocol_fee(),
            },
            AnyPool::V4(pool) => Undo::V4 {
                moved: Box::new(Moved::of(pool.state())),
                lp_fee: pool.lp_fee(),
                protocol_fee: pool.protocol_fee(),
            },
            other => Undo::Whole(Box::new(other.clone())),
        }
    }

    /// Adds a position that was changed after the record was made: lower tick, upper tick, liquidity.
    pub fn widen(&mut self, position: Option<(i32, i32, i128)>) {
        if let Undo::V3 { moved, .. } | Undo::V4 { moved, .. } = self {
            moved.positions.extend(position);
        }
    }

    /// Puts the pool back; false where its state before is not known.
    pub fn restore(&self, pool: &mut AnyPool) -> bool {
        match (self, pool) {
            (Undo::Whole(before), pool) => {
                pool.clone_from(&**before);
                true
            }
            (Undo::Reserves(reserves), AnyPool::V2(pair)) => {
                pair.reserves = *reserves;
                true
            }
            (Undo::V3 { moved, fee_pips, protocol_fee }, AnyPool::V3(pool)) => {
                restore_v3(pool, moved, *fee_pips, *protocol_fee).is_ok()
            }
            (Undo::V4 { moved, lp_fee, protocol_fee }, AnyPool::V4(pool)) => {
                restore_v4(pool, moved, *lp_fee, *protocol_fee).is_ok()
            }
            _ => false,
        }
    }
}

impl Moved {
    fn of(state: &Concentrated) -> Moved {
        let (sqrt_price, tick, liquidity) = (state.sqrt_price(), state.tick(), state.liquidity());
        Moved { sqrt_price, tick, liquidity, positions: Vec::new() }
    }

    /// The positions that give the ticks back, the latest first. They are to be changed at the price as it is (the active
    /// liquidity is the sum of positions there at every step); the price comes last.
    fn taken_back(&self) -> impl Iterator<Item = (i32, i32, i128)> {
        self.positions.iter().rev().map(|&(lower, upper, delta)| (lower, upper, -delta))
    }
}

fn restore_v3(pool: &mut V3Pool, moved: &Moved, fee_pips: u32, protocol_fee: ProtocolFee) -> Result<(), BadState> {
    for (lower, upper, delta) in moved.taken_back() {
        pool.modify_liquidity(lower, upper, delta)?;
    }
    pool.set_price(moved.sqrt_price, moved.tick, moved.liquidity)?;
    pool.set_protocol_fee(protocol_fee);
    pool.set_fee(fee_pips)
}

fn restore_v4(pool: &mut V4Pool, moved: &Moved, lp_fee: u32, protocol_fee: [u16; 2]) -> Result<(), BadState> {
    for (lower, upper, delta) in moved.taken_back() {
        pool.modify_liquidity(lower, upper, delta)?;
    }
    pool.set_price(moved.sqrt_price, moved.tick, moved.liquidity)?;
    pool.set_protocol_fee(u32::from(protocol_fee[0]) | u32::from(protocol_fee[1]) << 12)?;
    pool.set_lp_fee(lp_fee)
}
