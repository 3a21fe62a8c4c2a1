//! `[nodes.NAME]` and its small tables.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{FileTable, NetworkTable, SshTable, UnitTable, words};
use crate::config::named::{Brief, Named};
use crate::config::read::{Read, text};
use crate::config::scalars::Scalar;
use crate::config::table::{resource_table, table};
use crate::config::tree::Value;
use crate::config::{Diagnostic, Located};
use crate::lab::{Address, Size};

table! {
    /// A machine.
    pub struct NodeTable {
        /// What runs on it; `linux` where absent.
        pub os: Option<Located<OsName>>,
        /// Its address in the lab.
        pub address: Option<Located<Ipv4Addr>>,
        /// How it is reached: over SSH, or not at all because labctl runs on it; `ssh` where absent.
        pub connection: Option<Located<ConnectionName>>,
        /// Whether it may be away: then that it can't be reached is no error, and all else goes on.
        pub optional: Option<bool>,
        /// How it is reached over SSH.
        pub ssh: Option<SshTable>,
        /// What it calls itself, and is called in its cluster; its name here where absent.
        pub hostname: Option<Located<String>>,
        /// Labels that it has in its cluster: `"node-role/monitoring" = "true"`.
        #[schemars(default)]
        pub labels: Named<Located<String>>,
        /// Taints that it has in its cluster: `["dedicated=gpu:NoSchedule"]`.
        pub taints: Option<Vec<Located<String>>>,
        /// Its memory.
        pub memory: Option<Located<Size>>,
        /// Its processor cores.
        pub cores: Option<u16>,
        /// Its network.
        pub network: Option<NetworkTable>,
        /// Kernel parameters: `"vm.swappiness" = 10`.
        #[schemars(default)]
        pub sysctls: Named<Brief<Scalar, SysctlTable>>,
        /// Kernel modules that are loaded, now and at boot: `br_netfilter = "loaded"`.
        #[schemars(default)]
        pub modules: Named<Brief<ModuleState, ModuleTable>>,
        /// Packages: `htop = "present"`, or the exact version.
        #[schemars(default)]
        pub packages: Named<Brief<PackageVersion, PackageTable>>,
        /// Files, by path.
        #[schemars(default)]
        pub files: Named<FileTable>,
        /// systemd units, by name.
        #[schemars(default)]
        pub units: Named<UnitTable>,
        /// The address that the table had before: a rename is then shown as one.
        pub moved: Option<Located<Address>>,
    }
}

words! {
    /// The family of an operating system.
    pub enum OsName {
        /// Debian, Ubuntu and their like.
        Linux = "linux",
        /// macOS.
        Macos = "macos",
    }
}

words! {
    /// How a node is reached.
    pub enum ConnectionName {
        /// Over SSH.
        Ssh = "ssh",
        /// labctl runs on it.
        Local = "local",
    }
}

words! {
    /// The state of a kernel module.
    pub enum ModuleState {
        /// Loaded now and at boot.
        Loaded = "loaded",
    }
}

/// `present`, or an exact version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageVersion(pub Option<String>);

impl Read for PackageVersion {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let version = text(value, "`\"present\"` or the exact version in quotes", faults)?;
        if version == "present" {
            return Some(Self(None));
        }
        // deb-version(7): digits first, then digits, letters and .+-~: (the colon behind the epoch).
        let begins = version.starts_with(|c: char| c.is_ascii_digit());
        if begins && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-~:".contains(c)) {
            return Some(Self(Some(version.to_owned())));
        }
        let summary = format!("`{version}` is no version of a package");
        let help = "write `\"present\"`, or the version as `apt-cache policy` prints it: `\"2.4.0-1\"`";
        faults.push(crate::config::read::bad_value(&value.place, summary, "this version", help));
        None
    }
}

impl JsonSchema for PackageVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PackageVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "`present`, or an exact version" })
    }
}

resource_table! {
    /// A kernel parameter.
    pub struct SysctlTable {
        /// Its value.
        pub value: Scalar,
    }
}

resource_table! {
    /// A kernel module.
    pub struct ModuleTable {
        /// `loaded`: now and at boot.
        pub state: ModuleState,
    }
}

resource_table! {
    /// A package.
    pub struct PackageTable {
        /// `present`, or an exact version.
        pub version: PackageVersion,
    }
}
