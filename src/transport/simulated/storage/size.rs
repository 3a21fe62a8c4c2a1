//! What ZFS takes for itself.

/// Bytes of a sector of a disk that nobody has measured.
pub(super) const SECTOR: u64 = 4096;

/// Bytes that an empty filesystem or volume refers to, on disks with such sectors.
pub(super) fn empty(is_volume: bool, sector: u64) -> u64 {
    match (is_volume, sector) {
        (false, 512) => 24_576,
        (true, 512) => 12_288,
        (false, _) => 98_304,
        (true, _) => 57_344,
    }
}

/// What is reserved for a thick volume: its size, and the blocks that lead to its blocks, twice
/// (`zvol_volsize_to_reservation` of OpenZFS's `libzfs_dataset.c`).
pub(in super::super) fn thick(size: u64, block: u64) -> u64 {
    const POINTERS: u64 = 1024;
    const INDIRECT: u64 = 131_072;
    let (mut blocks, mut indirect) = (size / block.max(512), 7);
    while blocks > 1 {
        blocks = blocks.div_ceil(POINTERS);
        indirect += blocks;
    }
    size + 2 * indirect * INDIRECT
}

#[cfg(test)]
mod tests {
    use super::thick;

    #[test]
    fn a_volume_reserves_what_the_real_host_reserved() {
        assert_eq!(thick(96 << 20, 16_384), 101_888 << 10);
    }
}
