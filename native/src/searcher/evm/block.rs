//! The block that a pending transaction is executed in: the one after the head.
use alloy_eips::eip1559::BaseFeeParams;
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, B256, U256};
use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::hardfork::SpecId;

/// Seconds from one block's timestamp to the next where no slot is missed.
pub const SLOT_S: u64 = 12;

/// A head: what of its header the next block depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// In seconds since 1970.
    pub timestamp_s: u64,
    /// Who built it.
    pub coinbase: Address,
    /// What `PREVRANDAO` gave in it.
    pub prevrandao: B256,
    /// Gas that fits into it.
    pub gas_limit: u64,
    /// Gas that is used in it.
    pub gas_used: u64,
    /// Its base fee in wei a gas.
    pub base_fee_wei: u64,
    /// EIP-4844's excess; 0 before Cancun.
    pub excess_blob_gas: u64,
    /// Blob gas that is used in it; 0 before Cancun.
    pub blob_gas_used: u64,
}

/// The rules of a block.
#[derive(Clone, Debug)]
pub struct Rules {
    /// As `CHAINID` gives it and transactions sign it.
    pub chain_id: u64,
    /// The hard fork.
    pub spec: SpecId,
    /// How blobs are priced; none before Cancun.
    pub blobs: Option<BlobParams>,
}

impl Rules {
    /// Ethereum mainnet's at a block of this number and timestamp. Sources: the execution specifications' list of
    /// forks, EIP-7892 for the forks that change blob parameters alone (BPO1, BPO2).
    #[must_use]
    pub fn mainnet(number: u64, timestamp_s: u64) -> Rules {
        let (spec, blobs) = match timestamp_s {
            1_767_747_671.. => (SpecId::OSAKA, Some(BlobParams::bpo2())),
            1_765_290_071.. => (SpecId::OSAKA, Some(BlobParams::bpo1())),
            1_764_798_551.. => (SpecId::OSAKA, Some(BlobParams::osaka())),
            1_746_612_311.. => (SpecId::PRAGUE, Some(BlobParams::prague())),
            1_710_338_135.. => (SpecId::CANCUN, Some(BlobParams::cancun())),
            1_681_338_455.. => (SpecId::SHANGHAI, None),
            _ => {
                let spec = match number {
                    15_537_394.. => SpecId::MERGE,
                    12_965_000.. => SpecId::LONDON,
                    12_244_000.. => SpecId::BERLIN,
                    9_069_000.. => SpecId::ISTANBUL,
                    7_280_000.. => SpecId::PETERSBURG,
                    4_370_000.. => SpecId::BYZANTIUM,
                    2_675_000.. => SpecId::SPURIOUS_DRAGON,
                    2_463_000.. => SpecId::TANGERINE,
                    1_150_000.. => SpecId::HOMESTEAD,
                    _ => SpecId::FRONTIER,
                };
                (spec, None)
            }
        };
        Rules { chain_id: 1, spec, blobs }
    }

    /// The same as the EVM's configuration.
    #[must_use]
    pub fn cfg(&self) -> CfgEnv {
        let mut cfg = CfgEnv::default();
        cfg.set_spec_and_mainnet_gas_params(self.spec);
        cfg.chain_id = self.chain_id;
        cfg.max_blobs_per_tx = self.blobs.map(|blobs| blobs.max_blobs_per_tx);
        cfg.blob_base_fee_update_fraction = self.blobs.and_then(|blobs| u64::try_from(blobs.update_fraction).ok());
        cfg
    }
}

/// The base fee in wei of the block after one with these (EIP-1559).
#[must_use]
pub fn next_base_fee_wei(gas_used: u64, gas_limit: u64, base_fee_wei: u64) -> u64 {
    BaseFeeParams::ethereum().next_block_base_fee(gas_used, gas_limit, base_fee_wei)
}

impl Head {
    /// The environment of the next block under `rules`, as far as it can be known before it is built: number, timestamp
    /// (one slot later), base fee and blob base fee are exact if no slot is missed; the gas limit is taken to stay.
    /// Coinbase and `PREVRANDAO` are this head's until the caller sets others: a contract that decides by them may do
    /// otherwise on chain.
    #[must_use]
    pub fn next(&self, rules: &Rules) -> BlockEnv {
        let blob_excess_gas_and_price = rules.blobs.map(|blobs| {
            let (excess, used) = (self.excess_blob_gas, self.blob_gas_used);
            let excess_blob_gas = blobs.next_block_excess_blob_gas_osaka(excess, used, self.base_fee_wei);
            BlobExcessGasAndPrice { excess_blob_gas, blob_gasprice: blobs.calc_blob_fee(excess_blob_gas) }
        });
        BlockEnv {
            number: U256::from(self.number + 1),
            beneficiary: self.coinbase,
            timestamp: U256::from(self.timestamp_s + SLOT_S),
            gas_limit: self.gas_limit,
            basefee: next_base_fee_wei(self.gas_used, self.gas_limit, self.base_fee_wei),
            difficulty: U256::ZERO,
            prevrandao: Some(self.prevrandao),
            blob_excess_gas_and_price,
            slot_num: 0,
        }
    }
}
