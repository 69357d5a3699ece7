use std::{os::unix::net::UnixStream as Pair, time::Duration};

use tokio::{
    io::AsyncReadExt as _,
    time::{Instant, timeout},
};
use tonic::service::Routes;

use super::*;
use crate::ext_authz::service::{Current, Engine, Service};

struct Deaf;

impl Observer for Deaf {
    fn decided(&self, _: &crate::ext_authz::service::Decided<'_>) {}

    fn accept_failed(&self, _: &io::Error) {}
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let (ours, theirs) = Pair::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let service = Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::new(Deaf)))));
    let front = Front::new(service, Routes::default());
    let began = Instant::now();
    serve(Accepted::Unix(ours), front, Arc::new(Deaf), CancellationToken::new()).await;
    assert_eq!(began.elapsed().as_secs(), limits::FIRST_CALL.as_secs());
    let mut sent = Vec::new();
    UnixStream::from_std(theirs).unwrap().read_to_end(&mut sent).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_used_stays() {
    let used = AtomicBool::new(true);
    assert!(timeout(Duration::from_secs(3600), unused(&used)).await.is_err());
    assert!(timeout(Duration::from_secs(3600), unused(&AtomicBool::new(false))).await.is_ok());
}
