//! risk/gate
