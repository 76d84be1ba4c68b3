//! Signatures against the venue's documented examples and, where it publishes no private key, against RFC 8032 and
//! OpenSSL.
#![allow(clippy::unwrap_used)] // helpers of tests

use _core::cex::venues::binance_sign::{Credentials, KeyKind};
use serde_json::Value;

/// The example key of rest-api.md and web-socket-api.md.
const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

/// RFC 8032, 7.1, test 1, wrapped as PKCS#8 (RFC 8410).
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

fn pem(body: &str) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

fn sign(kind: KeyKind, secret: &str, payload: &str) -> String {
    let mut out = b"kept".to_vec();
    Credentials::new(kind, KEY, secret).unwrap().sign(payload.as_bytes(), &mut out);
    String::from_utf8(out).unwrap().strip_prefix("kept").unwrap().to_owned()
}

#[test]
fn hmac_of_the_documented_examples() {
    let cases = [
        // rest-api.md, "SIGNED Endpoint Examples for POST /api/v3/order", examples 1 and 2, then 3
        (
            SECRET,
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            SECRET,
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        // web-socket-api.md, "SIGNED request example (HMAC)", ASCII, not ASCII, and with newOrderRespType (2025-04-25)
        (
            SECRET,
            "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            SECRET,
            "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
        (
            SECRET,
            "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&newOrderRespType=ACK&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
        ),
        // developers.binance.com, USD-M futures, "General Info", "SIGNED Endpoint Examples for POST /fapi/v1/order"
        (
            "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
        ),
    ];
    for (secret, payload, signature) in cases {
        assert_eq!(sign(KeyKind::Hmac, secret, payload), signature, "{payload}");
    }
}

#[test]
fn ed25519_of_the_rfc_and_of_the_documented_payloads() {
    // The venue publishes payloads, but not the private key that signs them: the expected values are OpenSSL's
    // (`openssl pkeyutl -sign -rawin`), the first one also RFC 8032's.
    let cases = [
        ("", "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="),
        // web-socket-api.md, "SIGNED Request Example (Ed25519)"
        (
            "apiKey=4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "Ws+5m/CMnpkko0uBFxGTZ2+fjqqBXsUjRiaz173fPhXTkhoDBYNZ6wcYNeWItdrGn1pvG7vkwx2fhmJdAZ3KDQ==",
        ),
        // rest-api.md, "Ed25519 Keys"
        (
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000",
            "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg==",
        ),
    ];
    for (payload, signature) in cases {
        assert_eq!(sign(KeyKind::Ed25519, &pem(ED25519), payload), signature, "{payload}");
    }
}

#[test]
fn an_ed25519_key_is_read_however_it_is_wrapped() {
    let expected = sign(KeyKind::Ed25519, &pem(ED25519), "payload");
    let escaped = pem(ED25519).replace('\n', "\\n");
    let windows = pem(ED25519).replace('\n', "\r\n");
    let (head, tail) = ED25519.split_at(40);
    for secret in [ED25519, &escaped, &windows, &pem(&format!("{head}\n{tail}")), &format!("  {ED25519}\n")] {
        assert_eq!(sign(KeyKind::Ed25519, secret, "payload"), expected);
    }
}

#[test]
fn nothing_shows_a_secret() {
    let hmac = Credentials::new(KeyKind::Hmac, KEY, SECRET).unwrap();
    let ed25519 = Credentials::new(KeyKind::Ed25519, KEY, ED25519).unwrap();
    assert_eq!((hmac.kind(), ed25519.kind()), (KeyKind::Hmac, KeyKind::Ed25519));
    assert_eq!(hmac.api_key(), KEY);
    for keys in [hmac, ed25519] {
        assert_eq!(format!("{keys:?} {keys:#?}"), "Credentials(hidden) Credentials(hidden)");
    }
    let broken = ED25519.replace("IEIJ1", "IEIJ");
    let encrypted = pem("MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBA").replace("PRIVATE", "ENCRYPTED PRIVATE");
    let wrong = [
        (KeyKind::Hmac, KEY, ""),
        (KeyKind::Hmac, KEY, "two words"),
        (KeyKind::Hmac, KEY, "sch\u{fc}ssel"),
        (KeyKind::Hmac, "", SECRET),
        (KeyKind::Hmac, "key\"with\\quotes", SECRET),
        (KeyKind::Hmac, "key&other=1", SECRET),
        (KeyKind::Ed25519, KEY, ""),
        (KeyKind::Ed25519, KEY, SECRET),
        (KeyKind::Ed25519, KEY, broken.as_str()),
        (KeyKind::Ed25519, KEY, encrypted.as_str()),
        // an X25519 key: the right form, another algorithm
        (KeyKind::Ed25519, KEY, "MC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"),
    ];
    for (kind, key, secret) in wrong {
        let error = Credentials::new(kind, key, secret).unwrap_err();
        assert!(!error.is_empty());
        let words = secret.split_whitespace().filter(|w| w.len() > 3 && !w.starts_with("-----"));
        for word in words.filter(|w| !["ENCRYPTED", "PRIVATE"].contains(w)) {
            assert!(!error.contains(word), "{error}");
        }
    }
    assert!(Credentials::new(KeyKind::Ed25519, KEY, &encrypted).unwrap_err().contains("decrypt"));
}

#[test]
fn what_a_connection_begins_with() {
    use _core::cex::venues::binance_session::{logon, ping, subscribe};
    let hmac = Credentials::new(KeyKind::Hmac, KEY, SECRET).unwrap();
    let ed25519 = Credentials::new(KeyKind::Ed25519, KEY, ED25519).unwrap();
    let payload = format!("apiKey={KEY}&recvWindow=5000&timestamp=1649729878532");
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    // web-socket-api.md, "Log in with API key (SIGNED)"
    let request = written(&|out| logon(5000, 1_649_729_878_532, &ed25519, out));
    let signature = sign(KeyKind::Ed25519, ED25519, &payload);
    assert_eq!(
        request,
        serde_json::json!({"id": "l", "method": "session.logon", "params": {
            "apiKey": KEY, "recvWindow": 5000, "signature": signature, "timestamp": 1_649_729_878_532i64}})
    );
    // web-socket-api.md, "Subscribe to User Data Stream through signature subscription", and without
    let request = written(&|out| subscribe(5000, 1_649_729_878_532, &hmac, out));
    assert_eq!(
        request,
        serde_json::json!({"id": "u", "method": "userDataStream.subscribe.signature", "params": {
            "apiKey": KEY, "recvWindow": 5000, "signature": sign(KeyKind::Hmac, SECRET, &payload),
            "timestamp": 1_649_729_878_532i64}})
    );
    let request = written(&|out| subscribe(5000, 1_649_729_878_532, &ed25519, out));
    assert_eq!(request, serde_json::json!({"id": "u", "method": "userDataStream.subscribe"}));
    assert_eq!(written(&ping), serde_json::json!({"id": "ping", "method": "ping"}));
}
