//! sim/backtest
