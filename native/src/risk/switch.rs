//! risk/switch
