//! The Unix socket to listen on, and who may connect to it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A Unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocket {
    /// The path of its file.
    pub path: PathBuf,
    /// The users who may connect; `None` leaves it to the umask of the process.
    pub access: Option<SocketAccess>,
}

impl UnixSocket {
    /// The socket at that path. Who may connect is left to the umask.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), access: None }
    }
}

/// The users who may connect to a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketAccess {
    /// The permissions of the socket's file.
    pub mode: SocketMode,
    /// The group of the socket's file; `None` leaves it to the system.
    pub group: Option<SocketGroup>,
}

/// The permissions of a socket's file: to connect takes write permission, which its owner always has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMode(u32);

/// A reason why a number is no mode of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidMode {
    /// There are other bits than the permissions of owner, group and others.
    Bits,
    /// The owner may not write.
    Owner,
}

impl SocketMode {
    /// The mode that admits the owner and the group.
    pub const GROUP: Self = Self(0o660);

    /// The mode with these bits.
    ///
    /// # Errors
    /// `InvalidMode`. The owner has to be able to connect: so a start finds out whether a socket that is there already
    /// belongs to a process that lives.
    pub const fn new(bits: u32) -> Result<Self, InvalidMode> {
        if bits > 0o777 {
            Err(InvalidMode::Bits)
        } else if bits & 0o200 == 0 {
            Err(InvalidMode::Owner)
        } else {
            Ok(Self(bits))
        }
    }

    /// The nine permission bits as a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns whether every user of the machine may connect.
    #[must_use]
    pub const fn admits_everybody(self) -> bool {
        self.0 & 0o002 != 0
    }
}

/// The mode as it is written: `0660`.
impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketGroup {
    /// The name in `/etc/group`, which is looked up when the service starts.
    Name(String),
    /// The number of the group.
    Id(u32),
}

impl fmt::Display for SocketGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_has_permissions_only_and_lets_its_owner_connect() {
        for bits in [0o200, 0o600, 0o660, 0o666, 0o700, 0o770, 0o777] {
            assert_eq!(SocketMode::new(bits).map(SocketMode::bits), Ok(bits), "{bits:o}");
        }
        for bits in [0o1660, 0o2660, 0o4660, 0o10660, u32::MAX] {
            assert_eq!(SocketMode::new(bits), Err(InvalidMode::Bits), "{bits:o}");
        }
        for bits in [0, 0o440, 0o060, 0o066, 0o577] {
            assert_eq!(SocketMode::new(bits), Err(InvalidMode::Owner), "{bits:o}");
        }
        assert_eq!(SocketMode::GROUP.to_string(), "0660");
    }
}
