//! `[pools.NAME]`, its datasets and its volumes.

use super::words;
use crate::config::Located;
use crate::config::named::Named;
use crate::config::scalars::Scalar;
use crate::config::table::resource_table;
use crate::lab::Size;

resource_table! {
    /// A ZFS pool.
    pub struct PoolTable {
        /// The node that it lies on.
        pub node: Located<String>,
        /// The devices that it may be created on. Without them it is adopted by its name and never created.
        #[schemars(default)]
        pub devices: Vec<Located<String>>,
        /// How the devices are put together; with one device `stripe`.
        pub layout: Option<Located<LayoutName>>,
        /// Properties of the pool and of its root dataset: `compression = "lz4"`.
        #[schemars(default)]
        pub properties: Named<Located<Scalar>>,
        /// Filesystems, by path below the pool: `"models/llm"`.
        #[schemars(default)]
        pub datasets: Named<DatasetTable>,
        /// Block devices, by path below the pool.
        #[schemars(default)]
        pub volumes: Named<VolumeTable>,
    }
}

words! {
    /// How a pool's devices are put together.
    pub enum LayoutName {
        /// Side by side: no redundancy.
        Stripe = "stripe",
        /// Copies of each other.
        Mirror = "mirror",
        /// One parity device.
        Raidz1 = "raidz1",
        /// Two parity devices.
        Raidz2 = "raidz2",
        /// Three parity devices.
        Raidz3 = "raidz3",
    }
}

resource_table! {
    /// A ZFS filesystem.
    pub struct DatasetTable {
        /// ZFS properties: `quota = "100GiB"`.
        #[schemars(default)]
        pub properties: Named<Located<Scalar>>,
    }
}

resource_table! {
    /// A ZFS volume. It grows, never shrinks, and is never destroyed because it left this file.
    pub struct VolumeTable {
        /// Its size.
        pub size: Located<Size>,
        /// ZFS properties: `volblocksize = "16KiB"`.
        #[schemars(default)]
        pub properties: Named<Located<Scalar>>,
    }
}
