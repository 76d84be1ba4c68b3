"""Arguments and answers of contract calls, and the selectors that are looked for (the first four bytes of keccak-256 of
the signature, Solidity's contract ABI specification)."""

from searcher.label.traces import Call

# ERC-20 (EIP-20) and WETH9
TRANSFER = "a9059cbb"  # transfer(address,uint256)
TRANSFER_FROM = "23b872dd"  # transferFrom(address,address,uint256)
BALANCE_OF = "70a08231"  # balanceOf(address)
DEPOSIT = "d0e30db0"  # deposit(), payable
WITHDRAW = "2e1a7d4d"  # withdraw(uint256)

# Uniswap/v2-core contracts/interfaces/IUniswapV2Pair.sol
V2_SWAP = "022c0d9f"  # swap(uint256,uint256,address,bytes)
V2_RESERVES = "0902f1ac"  # getReserves()
V2_MINT = "6a627842"  # mint(address)
V2_BURN = "89afcb44"  # burn(address)
V2_SYNC = "fff6cae9"  # sync()

# Uniswap/v3-core contracts/interfaces/pool/IUniswapV3PoolActions.sol
V3_SWAP = "128acb08"  # swap(address,bool,int256,uint160,bytes)

# balancer/balancer-core contracts/BPool.sol
BALANCER_V1_IN = "8201aa3f"  # swapExactAmountIn(address,uint256,address,uint256,uint256)
BALANCER_V1_OUT = "7c5e9ea4"  # swapExactAmountOut(address,uint256,address,uint256,uint256)
# balancer/balancer-v2-monorepo IMinimalSwapInfoPool.sol and IGeneralPool.sol: what the vault asks a pool for each hop
BALANCER_V2_TWO = (
    "9d2c110c"  # onSwap((uint8,address,address,uint256,bytes32,uint256,address,address,bytes),uint256,uint256)
)
BALANCER_V2_GENERAL = "01ec954a"  # onSwap((…),uint256[],uint256,uint256)

# curvefi/curve-contract and curvefi/curve-crypto-contract; the place of the recipient among the arguments, if any
CURVE: dict[str, int | None] = {
    "3df02124": None,  # exchange(int128,int128,uint256,uint256)
    "ddc1f59d": 4,  # exchange(int128,int128,uint256,uint256,address)
    "5b41b908": None,  # exchange(uint256,uint256,uint256,uint256)
    "394747c5": None,  # exchange(uint256,uint256,uint256,uint256,bool)
    "ce7d6503": 5,  # exchange(uint256,uint256,uint256,uint256,bool,address)
    "a6417ed6": None,  # exchange_underlying(int128,int128,uint256,uint256)
    "44ee1986": 4,  # exchange_underlying(int128,int128,uint256,uint256,address)
    "65b2489b": None,  # exchange_underlying(uint256,uint256,uint256,uint256)
}

# bancorprotocol/contracts-solidity BancorNetwork.sol
BANCOR = "b77d239b"  # convertByPath(address[],uint256,uint256,address,address,uint256)

# 0xProject/protocol contracts/zero-ex INativeOrdersFeature.sol: (order, signature, uint128); an order begins with the
# maker's token and the taker's token
ZERO_EX = {
    "f6274f66",  # fillLimitOrder
    "9240529c",  # fillOrKillLimitOrder
    "aa77476c",  # fillRfqOrder
    "438cdfc5",  # fillOrKillRfqOrder
}

# aave/protocol-v2 ILendingPool.sol; the same in aave-protocol V1 and aave-v3-core
AAVE_LIQUIDATION = "00a718a9"  # liquidationCall(address,address,address,uint256,bool)
AAVE_TRANSFER = "f866c319"  # transferOnLiquidation(address,address,uint256)

# compound-finance/compound-protocol CErc20.sol, CEther.sol, CToken.sol, Comptroller.sol
LIQUIDATE_TOKEN = "f5e3c462"  # liquidateBorrow(address,uint256,address)
LIQUIDATE_ETHER = "aae40a2a"  # liquidateBorrow(address,address), payable
SEIZE = "b2a02ff1"  # seize(address,address,uint256)
REDEEM = "db006a75"  # redeem(uint256)
SEIZE_TOKENS = "c488847b"  # liquidateCalculateSeizeTokens(address,address,uint256)
LIQUIDATE_ALLOWED = "5fc7e71e"  # liquidateBorrowAllowed(address,address,address,address,uint256)


def selector(call: Call) -> str:
    """The first four bytes of what the call was given; shorter when it was given less."""
    return call.data[:8]


def word(call: Call, n: int) -> int:
    """Argument word `n` as an unsigned number; 0 where the call was given less, as the EVM reads it."""
    return int(call.data[8 + 64 * n : 72 + 64 * n].ljust(64, "0"), 16)


def address(call: Call, n: int) -> str:
    """Argument word `n` as an address."""
    return _address(word(call, n))


def answers(call: Call) -> int:
    """How many whole words the call answered."""
    return len(call.output) // 64


def answer(call: Call, n: int) -> int:
    """Answered word `n`, unsigned. `answers` says how many there are."""
    return int(call.output[64 * n : 64 * n + 64], 16)


def answer_signed(call: Call, n: int) -> int:
    """Answered word `n` as two's complement."""
    value = answer(call, n)
    return value - (1 << 256) if value >> 255 else value


def address_at(call: Call, n: int) -> str:
    """Answered word `n` as an address."""
    return _address(answer(call, n))


def _address(value: int) -> str:
    return f"0x{value & ((1 << 160) - 1):040x}"
