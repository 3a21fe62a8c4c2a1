//! The means of these tests, tried themselves: the VM's disks, networks, users and resets; the servers and their faults;
//! the control plane.

mod control_plane;
mod host;
mod servers;
