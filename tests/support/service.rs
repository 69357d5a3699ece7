//! The service in this process, as `serve` starts it.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use portcullis::{
    clock::SystemClock,
    config::{self, ListenAddr},
    keystore::fetch::{Fetchers, HttpFetchers},
    service::{App, Drain, Outside, Pace, Reload, ServeError, Stopped, Workers, shutdown::Stop},
};
use tokio::{sync::oneshot, task::JoinHandle};

use super::check::Client;

pub struct TestService {
    pub grpc: SocketAddr,
    pub admin: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<Stopped, ServeError>>,
}

/// Asks once, as a signal would.
struct Asked(Option<oneshot::Receiver<()>>);

impl Stop for Asked {
    async fn asked(&mut self) -> &'static str {
        match &mut self.0 {
            Some(receiver) => {
                let _ = receiver.await;
                self.0 = None;
                "test"
            }
            None => std::future::pending().await,
        }
    }
}

impl TestService {
    /// Starts with that configuration and waits until every issuer has keys, or a first fetch has failed.
    pub async fn start(config: &str) -> Self {
        Self::start_with(config, Arc::new(HttpFetchers)).await
    }

    /// The same where keys come in another way than over HTTP.
    pub async fn start_with(config: &str, fetchers: Arc<dyn Fetchers>) -> Self {
        let service = Self::launch_with(config, fetchers).await;
        service.until_asked().await;
        service
    }

    /// Starts with that configuration, and doesn't wait.
    pub async fn launch(config: &str) -> Self {
        Self::launch_with(config, Arc::new(HttpFetchers)).await
    }

    async fn launch_with(config: &str, fetchers: Arc<dyn Fetchers>) -> Self {
        let loaded = match config::parse(config, "test.yaml", &BTreeMap::new()) {
            Ok(loaded) => loaded,
            Err(problems) => panic!("{}", problems.render(false, 100)),
        };
        Self::launch_app(loaded.config, fetchers, Reload::default()).await
    }

    /// Starts with that file, which is watched at that pace, and waits as [`Self::start`] does.
    pub async fn start_file(path: &Path, pace: Pace) -> Self {
        let service = Self::launch_file(path, pace).await;
        service.until_asked().await;
        service
    }

    /// Starts with that file, and doesn't wait.
    pub async fn launch_file(path: &Path, pace: Pace) -> Self {
        let env = BTreeMap::new();
        let loaded =
            config::load(Some(path), &env).unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let reload = Reload { file: loaded.file, env, pace, ..Reload::default() };
        Self::launch_app(loaded.config, Arc::new(HttpFetchers), reload).await
    }

    async fn launch_app(config: config::Config, fetchers: Arc<dyn Fetchers>, reload: Reload) -> Self {
        let workers = Workers::threads(NonZeroUsize::new(2).unwrap()).unwrap();
        let outside = Outside { clock: Arc::new(SystemClock), fetchers };
        let app = App::start_reloading(config, outside, reload, workers).await.unwrap();
        let grpc = match app.bound.grpc {
            ListenAddr::Tcp(address) => address,
            // On a Unix socket, which the test knows: nobody uses this one.
            ListenAddr::Unix(_) => SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        let admin = app.bound.admin.unwrap();
        let (stop, stopped) = oneshot::channel();
        let drain = Drain { notice: Duration::from_millis(50), deadline: Duration::from_secs(10) };
        #[expect(clippy::disallowed_methods, reason = "a test's task")]
        let task = tokio::spawn(app.run(Asked(Some(stopped)), drain));
        Self { grpc, admin, stop: Some(stop), task }
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.grpc).await
    }

    /// The status and body of a page of the admin port.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}{path}", self.admin)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn until_ready(&self) {
        for _ in 0..500 {
            if self.page("/readyz").await.0 == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not ready after ten seconds: {:?}", self.page("/readyz").await);
    }

    /// Waits until every issuer has keys, or a first fetch of them has failed.
    pub async fn until_asked(&self) {
        for _ in 0..500 {
            let page: serde_json::Value = serde_json::from_str(&self.page("/readyz").await.1).unwrap();
            if page["issuers"].as_array().unwrap().iter().all(|issuer| issuer["settled"] == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not every issuer was asked after ten seconds: {:?}", self.page("/readyz").await);
    }

    /// Stops as a signal would.
    pub async fn stop(mut self) -> Result<Stopped, ServeError> {
        let _ = self.stop.take().unwrap().send(());
        self.task.await.unwrap()
    }
}
