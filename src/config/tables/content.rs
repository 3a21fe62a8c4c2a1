//! `[nodes.NAME.files.PATH]` and `[nodes.NAME.units.NAME]`: what stands in a file.

use super::SecretReference;
use crate::config::Located;
use crate::config::named::{Brief, Named};
use crate::config::table::resource_table;
use crate::lab::Mode;

/// A text, or the value of a secret as the whole content.
pub type ContentTable = Brief<String, SecretReference>;

resource_table! {
    /// A file on a node.
    pub struct FileTable {
        /// What stands in it: a text, or `{ secret = "NAME" }`.
        pub content: Option<ContentTable>,
        /// A file beside this one that holds the content.
        pub source: Option<Located<String>>,
        /// Secrets for the places `{{ NAME }}` in the text.
        #[schemars(default)]
        pub slots: Named<SecretReference>,
        /// Permissions; `0644` where absent, `0600` when the content holds a secret.
        pub mode: Option<Located<Mode>>,
        /// Owner's name.
        pub owner: Option<Located<String>>,
        /// Group's name.
        pub group: Option<Located<String>>,
    }
}

resource_table! {
    /// A systemd unit.
    pub struct UnitTable {
        /// What stands in its file in /etc/systemd/system; absent for a unit that a package brings.
        pub content: Option<ContentTable>,
        /// A file beside this one that holds the content.
        pub source: Option<Located<String>>,
        /// Secrets for the places `{{ NAME }}` in the text.
        #[schemars(default)]
        pub slots: Named<SecretReference>,
        /// Whether it starts at boot.
        pub enabled: Option<bool>,
        /// Whether it runs.
        pub running: Option<bool>,
    }
}
