//! How one pool gets back to the state it had before a block.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::pools::AnyPool;
use super::super::pools::v3::{BadState, ProtocolFee, V3Pool};

/// The way back of one pool over one block, recorded before its first change in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Undo {
    /// The whole pool as it was.
    Whole(AnyPool),
    /// A pair's reserves.
    Reserves([u128; 2]),
    /// A V3 pool without its ticks, and the changes of positions that are to be taken back.
    V3(Box<V3Undo>),
    /// The block is the one at which the pool was read from storage: what it was before is not known.
    Lost,
    /// The block created it.
    Born,
}

/// What a block overwrites of a V3 pool: no copy of its ticks, of which it may have thousands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct V3Undo {
    sqrt_price: U256,
    tick: i32,
    liquidity: u128,
    fee_pips: u32,
    protocol_fee: ProtocolFee,
    /// Lower tick, upper tick, liquidity, as they were added.
    positions: Vec<(i32, i32, i128)>,
}

impl Undo {
    /// A record of a pool before a change of it.
    pub fn of(pool: &AnyPool) -> Undo {
        match pool {
            AnyPool::V2(pair) => Undo::Reserves(pair.reserves),
            AnyPool::V3(pool) => Undo::V3(Box::new(V3Undo {
                sqrt_price: pool.state().sqrt_price(),
                tick: pool.state().tick(),
                liquidity: pool.state().liquidity(),
                fee_pips: pool.fee_pips(),
                protocol_fee: pool.protocol_fee(),
                positions: Vec::new(),
            })),
            other => Undo::Whole(other.clone()),
        }
    }

    /// Adds a position that was changed after the record was made: lower tick, upper tick, liquidity.
    pub fn widen(&mut self, position: Option<(i32, i32, i128)>) {
        if let Undo::V3(undo) = self {
            undo.positions.extend(position);
        }
    }

    /// Puts the pool back; false where its state before is not known.
    pub fn restore(&self, pool: &mut AnyPool) -> bool {
        match (self, pool) {
            (Undo::Whole(before), pool) => {
                pool.clone_from(before);
                true
            }
            (Undo::Reserves(reserves), AnyPool::V2(pair)) => {
                pair.reserves = *reserves;
                true
            }
            (Undo::V3(undo), AnyPool::V3(pool)) => undo.restore(pool).is_ok(),
            _ => false,
        }
    }
}

impl V3Undo {
    /// Positions first, at the price as it is (the active liquidity is the sum of positions there at every step), then the
    /// price.
    fn restore(&self, pool: &mut V3Pool) -> Result<(), BadState> {
        for &(lower, upper, delta) in self.positions.iter().rev() {
            pool.modify_liquidity(lower, upper, -delta)?;
        }
        pool.set_price(self.sqrt_price, self.tick, self.liquidity)?;
        pool.set_fee(self.fee_pips)?;
        pool.set_protocol_fee(self.protocol_fee);
        Ok(())
    }
}
