//! The listener of the admin port: it accepts connections, and keeps their number bounded.
//!
//! Anybody who reaches the port can open connections, so a new connection is never refused: the one that has been unused
//! for longest is closed for it. A probe therefore gets in however many connections hang here, and those that hang never
//! take the file descriptors of the gRPC port and of key fetches.

use std::{collections::HashMap, future::Future, io, pin::pin, sync::Arc};

use axum::Router;
use tokio::{
    net::TcpListener,
    task::{AbortHandle, Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::connection::{self, Activity};
use crate::limits;

/// Serves `pages` on at most `most` connections at once until `stop`, then lets answers that are being sent end. `changed` hears
/// how many connections are open, and `failed` of those that could not be accepted.
pub(super) async fn serve(
    listener: TcpListener,
    most: usize,
    changed: &(dyn Fn(usize) + Sync),
    pages: Router,
    stop: impl Future<Output = ()>,
    failed: impl Fn(&io::Error),
) {
    let (mut open, stopping, mut stop) = (Connections::default(), CancellationToken::new(), pin!(stop));
    loop {
        changed(open.len());
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = open.one_ended(), if !open.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    while open.len() >= most.max(1) {
                        open.close_longest_unused();
                        open.one_ended().await;
                    }
                    // A socket that refuses is about to fail by itself.
                    drop(stream.set_nodelay(true));
                    let (activity, pages, stopping) = (Arc::new(Activity::new()), pages.clone(), stopping.clone());
                    open.start(Arc::clone(&activity), connection::serve(stream, pages, activity, stopping));
                }
                // Out of file descriptors, accepting fails at once: the loop would only burn a core. One descriptor more
                // lets a probe in.
                Err(error) => {
                    failed(&error);
                    open.close_longest_unused();
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stopping.cancel();
    while !open.is_empty() {
        open.one_ended().await;
        changed(open.len());
    }
}

/// The connections that are open, and their tasks.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, (Arc<Activity>, AbortHandle)>,
}

impl Connections {
    fn len(&self) -> usize {
        self.open.len()
    }

    fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn start(&mut self, activity: Arc<Activity>, serving: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(serving);
        self.open.insert(task.id(), (activity, task));
    }

    /// Closes the connection that has been unused for longest; where answers are being sent on all of them, the one whose
    /// answer takes longest. It is closed once its task has ended.
    fn close_longest_unused(&self) {
        if let Some((_, task)) = self.open.values().min_by_key(|(activity, _)| activity.used()) {
            task.abort();
        }
    }

    /// Returns when a connection has ended, by itself or from here.
    async fn one_ended(&mut self) {
        if let Some(ended) = self.tasks.join_next_with_id().await {
            // A panic has ended that connection alone, as closing it would.
            let id = ended.map_or_else(|error: JoinError| error.id(), |(id, ())| id);
            self.open.remove(&id);
        }
    }
}
