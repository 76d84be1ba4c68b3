//! Raw transactions, blocks and recorded states as others write them.
mod chain_support;

use _core::searcher::evm::{
    At, Head, Missing, RecordedState, Rules, SourceError, StateSource, TxError, decode, next_base_fee_wei,
};
use alloy_consensus::{TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip4844::BlobTransactionSidecar;
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, TxKind, U256, address, hex};
use chain_support::market::Person;
use revm::primitives::hardfork::SpecId;

#[test]
fn the_example_of_eip_155_gives_its_sender() {
    let raw = hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61"
        "340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555"
        "c9f3dc64214b297fb1966a3b6d83"
    );
    let tx = decode(&raw).unwrap();
    assert_eq!(tx.sender, address!("9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"));
    assert_eq!((tx.env.nonce, tx.env.gas_limit, tx.env.chain_id), (9, 21_000, Some(1)));
    assert_eq!(tx.env.gas_price, 20_000_000_000);
    assert_eq!(tx.env.kind, TxKind::Call(Address::repeat_byte(0x35)));
    assert_eq!(tx.env.value, U256::from(10).pow(U256::from(18)));
}

#[test]
fn every_type_is_read_with_its_own_fields() {
    let person = Person::new(5);
    let to = Address::repeat_byte(0xaa);
    let list = AccessList(vec![AccessListItem { address: to, storage_keys: vec![B256::repeat_byte(3)] }]);
    let hashes = vec![B256::repeat_byte(1)];

    let old = TxLegacy {
        chain_id: None,
        nonce: 1,
        gas_price: 7,
        gas_limit: 30_000,
        to: TxKind::Create,
        ..TxLegacy::default()
    };
    let tx = decode(&person.sign(old)).unwrap();
    assert_eq!((tx.sender, tx.env.tx_type, tx.env.chain_id, tx.env.gas_price), (person.address, 0, None, 7));
    assert_eq!((tx.env.kind, tx.env.gas_priority_fee), (TxKind::Create, None));

    let one = TxEip2930 {
        chain_id: 1,
        gas_price: 8,
        to: TxKind::Call(to),
        access_list: list.clone(),
        ..TxEip2930::default()
    };
    let tx = decode(&person.sign(one)).unwrap();
    assert_eq!((tx.sender, tx.env.tx_type, tx.env.gas_price), (person.address, 1, 8));
    assert_eq!(tx.env.access_list, list);

    let two = TxEip1559 {
        chain_id: 1,
        max_fee_per_gas: 9,
        max_priority_fee_per_gas: 2,
        to: TxKind::Call(to),
        ..TxEip1559::default()
    };
    let tx = decode(&person.sign(two)).unwrap();
    assert_eq!((tx.sender, tx.env.tx_type, tx.env.gas_price, tx.env.gas_priority_fee), (person.address, 2, 9, Some(2)));

    let three = TxEip4844 {
        chain_id: 1,
        to,
        max_fee_per_blob_gas: 5,
        blob_versioned_hashes: hashes.clone(),
        ..TxEip4844::default()
    };
    let bare = decode(&person.sign(three.clone())).unwrap();
    assert_eq!((bare.sender, bare.env.tx_type, bare.env.max_fee_per_blob_gas), (person.address, 3, 5));
    assert_eq!(bare.env.blob_hashes, hashes);
    let sidecar =
        BlobTransactionSidecar::new(vec![Default::default()], vec![Default::default()], vec![Default::default()]);
    let raw = person.sign(three.with_sidecar(BlobTransactionSidecarVariant::Eip4844(sidecar)));
    assert!(raw.len() > 131_072, "a blob travels with it");
    let full = decode(&raw).unwrap();
    assert_eq!((full.hash, full.sender, full.env), (bare.hash, bare.sender, bare.env), "blobs are no part of it");

    let authorization = Authorization { chain_id: U256::ONE, address: to, nonce: 0 };
    let signed = authorization.into_signed(alloy_primitives::Signature::test_signature());
    let four = TxEip7702 { chain_id: 1, to, authorization_list: vec![signed], ..TxEip7702::default() };
    let tx = decode(&person.sign(four)).unwrap();
    assert_eq!((tx.sender, tx.env.tx_type, tx.env.authorization_list.len()), (person.address, 4, 1));
}

#[test]
fn bytes_that_are_no_transaction_say_why() {
    let person = Person::new(5);
    let raw = person.call(0, Address::ZERO, Default::default());
    assert_eq!(decode(&[]).unwrap_err(), TxError::Empty);
    assert_eq!(decode(&[0x05, 0xc0]).unwrap_err(), TxError::UnknownType(5));
    assert!(decode(&[0xb8, 0x70, 2]).unwrap_err().to_string().contains("RLP string"));
    let malformed = |bytes: &[u8]| matches!(decode(bytes), Err(TxError::Malformed { tx_type: 2, .. }));
    for end in 1..raw.len() {
        assert!(malformed(&raw[..end]), "cut at {end}");
    }
    let mut longer = raw.clone();
    longer.push(0);
    assert!(malformed(&longer));
    // The higher of the two s that verify: refused since EIP-2.
    let order = U256::from_be_bytes(hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    let s = U256::from_be_slice(&raw[raw.len() - 32..]);
    let mut high = raw;
    let at = high.len() - 32;
    high[at..].copy_from_slice(&(order - s).to_be_bytes::<32>());
    assert_eq!(decode(&high).unwrap_err(), TxError::Signature);
}

#[test]
fn the_next_block_is_as_the_eips_say() {
    // EIP-1559's formula at its corners: full, empty, on target, and one gas above.
    assert_eq!(next_base_fee_wei(30_000_000, 30_000_000, 1_000_000_000), 1_125_000_000);
    assert_eq!(next_base_fee_wei(0, 30_000_000, 1_000_000_000), 875_000_000);
    assert_eq!(next_base_fee_wei(15_000_000, 30_000_000, 1_000_000_000), 1_000_000_000);
    assert_eq!(next_base_fee_wei(15_000_001, 30_000_000, 7), 8);
    let rules = Rules::mainnet(25_000_000, 1_780_000_000);
    assert_eq!(rules.spec, SpecId::OSAKA);
    let head = Head {
        excess_blob_gas: 10_000_000,
        blob_gas_used: 14 * 131_072,
        base_fee_wei: 1,
        ..chain_support::market::Market::head()
    };
    let next = head.next(&rules);
    assert_eq!(next.number, U256::from(1_001));
    assert_eq!(next.timestamp, U256::from(chain_support::market::HEAD_S + 12));
    assert_eq!(next.blob_excess_gas_and_price.unwrap().excess_blob_gas, 10_000_000);
    for (number, timestamp_s, spec) in [
        (9_069_000, 1_575_764_709, SpecId::ISTANBUL),
        (12_244_000, 1_618_481_223, SpecId::BERLIN),
        (12_965_000, 1_628_166_822, SpecId::LONDON),
        (15_537_394, 1_663_224_179, SpecId::MERGE),
        (17_034_870, 1_681_338_455, SpecId::SHANGHAI),
        (19_426_587, 1_710_338_135, SpecId::CANCUN),
        (22_431_084, 1_746_612_311, SpecId::PRAGUE),
        (23_935_694, 1_764_798_551, SpecId::OSAKA),
    ] {
        assert_eq!(Rules::mainnet(number, timestamp_s).spec, spec, "block {number}");
        assert_ne!(Rules::mainnet(number - 1, timestamp_s - 1).spec, spec, "before block {number}");
    }
}

const HOLDER: Address = address!("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");

#[test]
fn recorded_states_are_read_in_the_forms_others_write() {
    let at = At::Number(5);
    let account = r#""0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": {"balance": "0x10", "nonce": 3, "code": "0x6001",
        "storage": {"0x0000000000000000000000000000000000000000000000000000000000000002": "0x07"}}"#;
    let forms = [
        (format!("{{{account}}}"), Missing::Unknown),
        (format!(r#"{{"jsonrpc": "2.0", "id": 1, "result": {{{account}}}}}"#), Missing::Unknown),
        (format!(r#"{{"result": {{"pre": {{{account}}}, "post": {{}}}}}}"#), Missing::Unknown),
        (format!(r#"[{{"txHash": "0x00", "result": {{{account}}}}}, {{"result": {{}}}}]"#), Missing::Unknown),
        (format!(r#"{{"block": {{}}, "best_block_number": 5, "accounts": {{{account}}}}}"#), Missing::Zero),
        (format!(r#"{{"number": 5, "missing": "zero", "accounts": {{{account}}}}}"#), Missing::Zero),
    ];
    for (text, missing) in forms {
        let state = RecordedState::from_json(text.as_bytes()).unwrap();
        assert_eq!(state.missing, missing, "{text}");
        let read = state.account(at, HOLDER).unwrap();
        assert_eq!((read.balance, read.nonce, read.code.len()), (U256::from(16), 3, 2));
        assert_eq!(state.storage(at, HOLDER, U256::from(2)).unwrap(), U256::from(7));
        let other = state.storage(at, HOLDER, U256::from(3));
        match missing {
            Missing::Zero => assert_eq!(other.unwrap(), U256::ZERO),
            Missing::Unknown => assert!(matches!(other, Err(SourceError::Gone(_)))),
        }
        assert_eq!(RecordedState::from_json(state.to_json().as_bytes()).unwrap(), state, "our own form keeps all");
        if state.number.is_some() {
            assert!(matches!(state.account(At::Number(6), HOLDER), Err(SourceError::Gone(_))), "another block");
        }
    }
}

#[test]
fn a_record_that_is_wrong_names_the_place() {
    for (text, words) in [
        ("{", "is JSON"),
        (r#"{"0x12": {}}"#, "0x12: an address expected"),
        (r#"{"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": {"balance": 1.5}}"#, "beaed.balance: a whole number"),
        (r#"{"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": {"balanse": "0x1"}}"#, "balanse: not known"),
        (r#"{"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": {"storage": {"x": "0x1"}}}"#, "storage.x: a number"),
        (r#"{"accounts": {}}"#, "missing"),
        (r#"{"accounts": [], "missing": "zero"}"#, "accounts: an object expected"),
    ] {
        let error = RecordedState::from_json(text.as_bytes()).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}
