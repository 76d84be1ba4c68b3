//! What the logs of pools say, a file a protocol. A log is first read against the pool as it is, which gives a [`Change`]; only
//! then is the change made, so that what it overwrites can be recorded between the two.
use super::super::pools::AnyPool;
use super::block::ChainLog;

mod v2;

/// What one log does to one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing that a quote depends on.
    Nothing,
    /// Something that the log does not tell: the pool has to be read from storage.
    Untold,
    /// A pair's reserves.
    Reserves([u128; 2]),
}

/// Reads a log that `pool` left in a block of this time in seconds. What cannot be decoded is [`Change::Untold`].
pub(super) fn read(pool: &AnyPool, log: &ChainLog, _timestamp_s: u64) -> Change {
    match pool {
        AnyPool::V2(_) => v2::read(log),
    }
}

impl Change {
    /// Makes the change; false where the pool cannot have it, and its state is not known any more.
    pub fn make(&self, pool: &mut AnyPool) -> bool {
        match (self, pool) {
            (Change::Nothing, _) => true,
            (Change::Reserves(reserves), AnyPool::V2(pair)) => {
                pair.reserves = *reserves;
                true
            }
            (Change::Untold, _) => false,
        }
    }
}

/// The topics of events as constants, each checked against the hash of its signature by a test.
macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident = $signature:literal, $hash:literal;)+) => {
        $($(#[$doc])* pub(super) const $name: alloy_primitives::B256 = alloy_primitives::b256!($hash);)+

        #[cfg(test)]
        #[test]
        fn topics_are_the_hashes_of_their_signatures() {
            $(assert_eq!($name, super::super::super::abi::topic($signature), "{}: {}", $signature,
                super::super::super::abi::topic($signature));)+
        }
    };
}
pub(super) use topics;
