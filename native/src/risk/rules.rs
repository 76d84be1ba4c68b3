//! risk/rules
