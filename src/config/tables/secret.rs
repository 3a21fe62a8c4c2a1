//! `[secrets.NAME]`: where a value comes from.

use crate::config::Located;
use crate::config::table::table;

table! {
    /// Where a secret's value comes from: exactly one of the five.
    pub struct SecretTable {
        /// This environment variable of labctl.
        pub env: Option<Located<String>>,
        /// This file on the machine that labctl runs on; `~` is your home.
        pub file: Option<Located<String>>,
        /// The output of this program and its arguments: `["pass", "show", "lab/token"]`.
        pub command: Option<Vec<Located<String>>>,
        /// A question: a person at the terminal is asked for the value, once a run.
        pub prompt: Option<Located<String>>,
        /// A value in a file that SOPS has encrypted.
        pub sops: Option<SopsTable>,
    }
}

table! {
    /// A value in a file that SOPS has encrypted; `sops` decrypts it when it is needed, and not before.
    pub struct SopsTable {
        /// The file, beside or below homelab.toml.
        pub file: Located<String>,
        /// The value's key in it: `token`, or `cloudflare.token` for one that lies deeper. Without a key the whole decrypted file is the value.
        pub key: Option<Located<String>>,
    }
}
