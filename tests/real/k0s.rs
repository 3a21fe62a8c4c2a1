//! Clusters of k0s on real hosts: made from bare ones, broken by hand, mended, refused. k0s is the tests' own
//! (`tests/lab/control-plane/k0s`), the control plane that it starts is real, and SSH is the only way to it.

mod bare;
mod changes;
mod drift;
mod lab;
mod states;
mod tunnel;
mod workers;
