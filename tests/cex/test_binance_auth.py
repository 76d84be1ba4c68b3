"""Signatures against the venue's documented examples, and what `exchangeInfo` says."""

import base64
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cex.venues.binance_auth import Credentials, generate, private_key
from cex.venues.binance_rules import RateLimit, commission_e8, rate_limits, symbol_rules

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1"
            "&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_hmac_is_the_venues_example(payload: str, signature: str) -> None:
    # rest-api.md, "SIGNED endpoint examples"
    assert Credentials("hmac", API_KEY, SECRET).sign(payload) == signature


def test_ed25519_is_rfc_8032() -> None:
    # RFC 8032, section 7.1, test 2: the PKCS#8 head, then the 32 bytes of the secret key.
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    pem = f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END PRIVATE KEY-----\n"
    expected = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert base64.b64decode(Credentials("ed25519", API_KEY, pem).sign("r")) == expected


def test_a_generated_key_is_one_that_its_public_half_proves() -> None:
    private, public = generate()
    payload = "symbol=BTCUSDT&timestamp=1668481559918"
    signature = base64.b64decode(Credentials("ed25519", API_KEY, private).sign(payload))
    load_pem_public_key(public.encode()).verify(signature, payload.encode())  # type: ignore[call-arg, union-attr]


def test_a_query_is_signed_as_it_is_sent() -> None:
    query = Credentials("hmac", API_KEY, SECRET).signed_query({"symbol": "a b"}, 1_499_827_319_559, 5_000)
    payload, _, signature = query.rpartition("&signature=")
    assert payload == "symbol=a+b&recvWindow=5000&timestamp=1499827319559"
    assert Credentials("hmac", API_KEY, SECRET).sign(payload) == signature
    private, _ = generate()
    _, _, signature = Credentials("ed25519", API_KEY, private).signed_query({}, 1, 1).rpartition("&signature=")
    assert not set(signature) & set("/+="), "base64 is percent-encoded"


def test_another_key_is_refused_without_being_quoted() -> None:
    for pem in ("", SECRET, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(ValueError, match="not an unencrypted private key") as error:
            private_key(pem)
        assert SECRET not in str(error.value)


SPOT_INFO = {
    "rateLimits": [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
    ],
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001000"},
                {
                    "filterType": "PERCENT_PRICE_BY_SIDE",
                    "bidMultiplierUp": "5",
                    "bidMultiplierDown": "0.2",
                    "askMultiplierUp": "5",
                    "askMultiplierDown": "0.2",
                },
                {"filterType": "NOTIONAL", "minNotional": "5.00", "maxNotional": "9000000.00"},
                {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
                {"filterType": "MAX_POSITION", "maxPosition": "10.0"},
            ],
        }
    ],
}


def test_the_venues_rules_are_read() -> None:
    assert rate_limits(SPOT_INFO) == [RateLimit("weight", 60_000, 6_000), RateLimit("orders", 10_000, 50)]
    rules = symbol_rules(SPOT_INFO, "BTCUSDT")
    assert rules is not None
    assert (rules.tick, rules.lot, rules.min_qty) == (Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"))
    assert (rules.max_qty, rules.min_notional, rules.max_orders) == (Decimal(9000), Decimal(5), 200)
    assert (rules.max_position, rules.collar_bps) == (Decimal(10), 8_000)
    assert symbol_rules(SPOT_INFO, "ETHUSDT") is None


def test_usdm_writes_some_filters_otherwise() -> None:
    entry = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "filters": [
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500"},
            {"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "1000", "stepSize": "0.001"},
        ],
    }
    rules = symbol_rules({"symbols": [entry]}, "BTCUSDT")
    assert rules is not None
    assert (rules.min_notional, rules.max_orders, rules.collar_bps) == (Decimal(100), 200, 500)
    assert (rules.tick, rules.min_qty) == (None, None), "absent, or switched off"


def test_rules_that_cannot_be_read_are_errors() -> None:
    with pytest.raises(ValueError, match="rate limit cannot be read"):
        rate_limits({"rateLimits": [{"rateLimitType": "ORDERS", "interval": "WEEK", "intervalNum": 1, "limit": 1}]})
    bad = {"symbol": "X", "filters": [{"filterType": "PRICE_FILTER", "tickSize": "a"}]}
    with pytest.raises(ValueError, match="filters of X cannot be read"):
        symbol_rules({"symbols": [bad]}, "X")


def test_what_an_account_pays() -> None:
    assert commission_e8({"makerCommissionRate": "0.000200", "takerCommissionRate": "0.000500"}) == (20_000, 50_000)
    spot = {
        "symbol": "BTCUSDT",
        "standardCommission": {
            "maker": "0.00000010",
            "taker": "0.00000020",
            "buyer": "0.00000030",
            "seller": "0.00000040",
        },
        "taxCommission": {"maker": "0.00000112", "taker": "0.00000114", "buyer": "0.00000118", "seller": "0.00000116"},
        "discount": {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75"},
    }
    assert commission_e8(spot) == (10 + 40 + 112 + 118, 20 + 40 + 114 + 118)
    with pytest.raises(ValueError, match="commission cannot be read"):
        commission_e8({})
