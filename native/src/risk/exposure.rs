//! risk/exposure
