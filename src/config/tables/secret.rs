//! `[secrets.NAME]`: where a value comes from.

use crate::config::Located;
use crate::config::table::table;

table! {
    /// Where a secret's value comes from: exactly one of the three.
    pub struct SecretTable {
        /// This environment variable of labctl.
        pub env: Option<Located<String>>,
        /// This file on the machine that labctl runs on; `~` is your home.
        pub file: Option<Located<String>>,
        /// The output of this program and its arguments: `["pass", "show", "lab/token"]`.
        pub command: Option<Vec<Located<String>>>,
    }
}
