//! risk/account
