//! The demo's ports: the default ones, or free ones where those are taken, written into the sample configurations.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::{
    error::DemoError,
    screen::{Look, Screen},
};

/// A loopback port that nobody else can take until this is dropped or turned into its listener.
#[derive(Debug)]
pub(super) struct Reserved {
    wanted: u16,
    addr: SocketAddr,
    listener: TcpListener,
}

impl Reserved {
    /// The wanted port, or a free one and a line about it.
    ///
    /// # Errors
    /// When there is no free port either.
    pub(super) async fn take(screen: Screen, what: &str, wanted: u16) -> Result<Self, DemoError> {
        let bind = async |port| {
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            TcpListener::bind(addr).await.map_err(|source| DemoError::Bind { addr, source })
        };
        let listener = match bind(wanted).await {
            Ok(listener) => listener,
            Err(_) => bind(0).await?,
        };
        let addr = listener.local_addr().map_err(DemoError::Listener)?;
        if addr.port() != wanted {
            let note = format!("port {wanted} is taken: {what} uses {} instead", addr.port());
            screen.line(screen.paint(Look::Bold, &note));
        }
        Ok(Self { wanted, addr, listener })
    }

    /// The address that was taken.
    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port of the samples, and the one that was taken instead.
    pub(super) const fn change(&self) -> (u16, u16) {
        (self.wanted, self.addr.port())
    }

    /// For a part that runs in this process. For a child process, drop it just before the child starts.
    pub(super) fn into_listener(self) -> TcpListener {
        self.listener
    }
}

/// The text with every number that is the first of a pair replaced by the second, all at once, so that a new port is
/// never mistaken for an old one. Only whole numbers count.
pub(super) fn replace(text: &str, changes: &[(u16, u16)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut number = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            number.push(character);
        } else {
            out.push_str(&renumbered(&mut number, changes));
            out.push(character);
        }
    }
    out.push_str(&renumbered(&mut number, changes));
    out
}

/// Takes the number that was read, and gives what stands for it.
fn renumbered(number: &mut String, changes: &[(u16, u16)]) -> String {
    let number = std::mem::take(number);
    changes.iter().find(|(old, _)| old.to_string() == number).map_or(number, |(_, new)| new.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_replaced_all_at_once() {
        let changes = [(9191, 9192), (9192, 40000), (8080, 8080)];
        assert_eq!(replace("a: 9191, b: 9192\n8080", &changes), "a: 9192, b: 40000\n8080");
        assert_eq!(replace("91911 09191 é 9191", &changes), "91911 09191 é 9192");
        assert_eq!(replace("", &changes), "");
    }

    #[tokio::test]
    async fn a_taken_port_leads_to_a_free_one() {
        let screen = Screen::silent();
        let first = Reserved::take(screen, "one", 0).await.unwrap();
        let taken = first.addr().port();
        let second = Reserved::take(screen, "two", taken).await.unwrap();
        assert_ne!(second.addr().port(), taken);
        assert_eq!(second.change(), (taken, second.addr().port()));
    }
}
