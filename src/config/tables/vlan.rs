//! `[vlans.NAME]`.

use std::net::Ipv4Addr;

use crate::config::Located;
use crate::config::named::Named;
use crate::config::scalars::Subnet;
use crate::config::table::table;

table! {
    /// One layer-2 network.
    pub struct VlanTable {
        /// 802.1Q id, 1 to 4094.
        #[schemars(range(min = 1, max = 4094))]
        pub id: Located<u16>,
        /// Its addresses: `192.168.4.0/24`.
        pub subnet: Located<Subnet>,
        /// The gateway's address. The device is not labctl's; the address is its.
        pub gateway: Option<Located<Ipv4Addr>>,
        /// Addresses that something else holds, by what it is: `{ dns = "192.168.4.53" }`.
        #[schemars(default)]
        pub reserved: Named<Located<Ipv4Addr>>,
    }
}
