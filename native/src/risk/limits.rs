//! risk/limits
