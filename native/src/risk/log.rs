//! risk/log
