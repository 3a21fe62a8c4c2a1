//! The means of these tests, tried themselves: the servers and their faults.

mod servers;
