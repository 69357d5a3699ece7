//! The kinds of file systems on which the system tells of every change: those that are written through this kernel alone.
//! On a network file system it tells of what this machine writes, and of nothing else.

use std::path::Path;

use rustix::fs::statfs;

/// The numbers by which Linux tells local file systems apart (`statfs(2)`). One that is not listed counts as remote: a change
/// there takes longer, and is not believed too early.
const LOCAL: [u64; 24] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0x2fc1_2fc1, // ZFS
    0xf2f5_2010, // F2FS
    0xca45_1a4e, // bcachefs
    0x794c_7630, // overlayfs: a container's own files
    0x0102_1994, // tmpfs: a Kubernetes Secret
    0x8584_58f6, // ramfs: the first file system of a machine
    0x3153_464a, // JFS
    0x5265_4973, // ReiserFS
    0x3434,      // NILFS
    0x4d44,      // FAT
    0x2011_bab0, // exFAT
    0x7366_746e, // NTFS
    0x5346_544e, // NTFS, as it was before
    0x482b,      // HFS+
    0x2405_1905, // UBIFS
    0x72b6,      // JFFS2
    0x7371_7368, // SquashFS
    0xe0f5_e1e2, // EROFS
    0x9660,      // ISO 9660
    0x1501_3346, // UDF
    0xf15f,      // eCryptfs
];

/// Returns whether the system tells of every change of this file or directory. One that is not there counts as local: its
/// directory decides then.
pub(super) fn is_local(path: &Path) -> bool {
    number_of(path).is_none_or(|number| LOCAL.contains(&number))
}

/// The file system of a path, for a message.
pub(super) fn kind_of(path: &Path) -> String {
    match number_of(path) {
        Some(0x6969) => "NFS".to_owned(),
        Some(0xff53_4d42 | 0xfe53_4d42 | 0x517b) => "SMB".to_owned(),
        Some(0x6573_5546) => "FUSE".to_owned(),
        Some(0x0102_1997) => "9P".to_owned(),
        Some(0x00c3_6400) => "Ceph".to_owned(),
        Some(number) => format!("a file system that is not known to be local ({number:#x})"),
        None => "an unknown file system".to_owned(),
    }
}

fn number_of(path: &Path) -> Option<u64> {
    let number = statfs(path).ok()?.f_type;
    // Linux has 32 bits of it; how many the field has, and with which sign, differs.
    u64::try_from(i128::from(number) & 0xffff_ffff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_we_are_is_local_and_the_systems_own_tables_are_not() {
        assert!(is_local(Path::new(env!("CARGO_MANIFEST_DIR"))) && is_local(&std::env::temp_dir()));
        assert!(is_local(Path::new("/nowhere/at/all")));
        assert!(!is_local(Path::new("/proc/self")), "it stands for whatever is not listed");
        assert_eq!(kind_of(Path::new("/proc/self")), "a file system that is not known to be local (0x9fa0)");
    }
}
