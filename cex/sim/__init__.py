"""The loopback exchange: Binance's wire protocol in front of the simulated exchange of `native/src/sim`."""
