//! Bare `portcullis-demo`: issuer and upstream in this process, Portcullis and a real Envoy as children, then the
//! quickstart through all of them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{
    args::StackArgs,
    child::Child,
    client::Client,
    error::DemoError,
    exit_codes::{FAILED, GOOD, USAGE},
    fault_script::{self, Seen},
    issuer::{DemoIssuer, TokenRequest},
    quickstart::{self, Stack},
    samples,
    screen::{Look, Screen},
    signals::StopSignals,
    upstream::DemoUpstream,
    work_dir::{WorkDir, last_lines},
};

/// Starts everything, shows the quickstart, and stops everything: at once, or when told to.
pub(super) async fn run(screen: Screen, args: StackArgs) -> Result<u8, DemoError> {
    let mut signals = StopSignals::new()?;
    let Some(version) = envoy_version(&args.envoy_bin).await else {
        let path = args.envoy_bin.display();
        screen.note(format_args!(
            "there is no Envoy at `{path}`: name one with --envoy-bin, or run `make demo`, which brings it"
        ));
        return Ok(USAGE);
    };
    let portcullis = args.portcullis_bin.clone().unwrap_or_else(own_portcullis);
    if !is_portcullis(&portcullis).await {
        let path = portcullis.display();
        screen.note(format_args!(
            "there is no Portcullis at `{path}`: name one with --portcullis-bin, or run `make demo`, which builds it"
        ));
        return Ok(USAGE);
    }
    let dir = WorkDir::new()?;
    let programs = Programs { envoy: &args.envoy_bin, envoy_version: &version, portcullis: &portcullis };
    let result = in_dir(screen, &args, &programs, &dir, &mut signals).await;
    if let Ok(GOOD) = result {
        dir.remove();
    } else {
        if let Err(DemoError::ChildEnded { name, log, .. }) = &result {
            screen.note(format_args!("the last lines of {name}'s log:"));
            last_lines(log).iter().for_each(|line| screen.note(format_args!("  {line}")));
        }
        screen.note(format_args!("configurations and logs are in `{}`", dir.path().display()));
    }
    result
}

/// The programs that are started.
#[derive(Clone, Copy, Debug)]
struct Programs<'a> {
    envoy: &'a Path,
    envoy_version: &'a str,
    portcullis: &'a Path,
}

async fn in_dir(
    screen: Screen,
    args: &StackArgs,
    programs: &Programs<'_>,
    dir: &WorkDir,
    signals: &mut StopSignals,
) -> Result<u8, DemoError> {
    let mut parts = Parts::start(screen, programs, dir).await?;
    let version = programs.envoy_version;
    screen.line(format_args!(
        "Envoy {version} on {}, Portcullis behind it\nthe demo issuer on {} gives tokens to anybody\n",
        parts.stack.envoy,
        parts.issuer.issuer()
    ));
    let result = parts.show(screen, args, signals).await;
    parts.stop().await;
    result
}

/// All that runs. Dropped, it is killed; [`Parts::stop`] is the polite way.
#[derive(Debug)]
struct Parts {
    issuer: DemoIssuer,
    upstream: DemoUpstream,
    portcullis: Child,
    envoy: Child,
    stack: Stack,
    /// Portcullis' own addresses: gRPC and admin.
    portcullis_at: [SocketAddr; 2],
    logs: PathBuf,
}

impl Parts {
    async fn start(screen: Screen, programs: &Programs<'_>, dir: &WorkDir) -> Result<Self, DemoError> {
        let ports = samples::Ports::take(screen).await?;
        let issuer_url = format!("http://{}/", ports.issuer.addr());
        let stack = Stack {
            envoy: format!("http://{}", ports.envoy.addr()),
            issuer: issuer_url.clone(),
            audience: StackArgs::AUDIENCE.to_owned(),
        };
        let portcullis_config = dir.write("portcullis.yaml", &samples::portcullis_config(&issuer_url))?;
        let envoy_config = dir.write("envoy.yaml", &ports.envoy_config())?;
        let portcullis_env = ports.portcullis_env();
        let portcullis_at = [ports.grpc.addr(), ports.admin.addr()];
        let logs = dir.path().to_owned();
        let issuer = DemoIssuer::start(ports.issuer.into_listener(), &issuer_url, StackArgs::AUDIENCE).await?;
        let upstream = DemoUpstream::start(ports.upstream.into_listener())?;
        drop((ports.envoy, ports.envoy_admin, ports.grpc, ports.admin));

        let serve = ["serve".as_ref(), "--config".as_ref(), portcullis_config.as_os_str()];
        let portcullis = Child::start("portcullis", programs.portcullis, &serve, &portcullis_env, dir)?;
        // Without hot restart several Envoys can run on one machine.
        let listen = ["--disable-hot-restart".as_ref(), "-c".as_ref(), envoy_config.as_os_str()];
        let envoy = Child::start("envoy", programs.envoy, &listen, &[], dir)?;
        Ok(Self { issuer, upstream, portcullis, envoy, stack, portcullis_at, logs })
    }

    /// Shows the quickstart and, unless it is to be once, stays. Ends early when told to or when a child ends.
    async fn show(&mut self, screen: Screen, args: &StackArgs, signals: &mut StopSignals) -> Result<u8, DemoError> {
        let once = args.once;
        let Self { issuer, portcullis, envoy, stack, portcullis_at, logs, .. } = self;
        let client = Client::new()?;
        let list = async {
            let good = quickstart::run(screen, &client, stack).await?;
            if !once {
                invite(screen, stack, issuer)?;
                show_inside(screen, *portcullis_at, logs);
                let seen = Seen { envoy: Some(&stack.envoy), admin: portcullis_at[1] };
                fault_script::run(screen, &args.fault, issuer, seen).await?;
            }
            Ok(if good { GOOD } else { FAILED })
        };
        tokio::select! {
            biased;
            // Ctrl-C reaches the children as well: their end is then no surprise.
            () = signals.wait() => Ok(if once { FAILED } else { GOOD }),
            error = portcullis.ended() => Err(error),
            error = envoy.ended() => Err(error),
            result = list => result,
        }
    }

    /// From the outside in, so that nothing is asked of what is gone.
    async fn stop(self) {
        self.envoy.stop().await;
        self.portcullis.stop().await;
        self.upstream.shutdown().await;
        self.issuer.shutdown().await;
    }
}

/// The Portcullis beside this program, where there is one, or else the one that the PATH has.
fn own_portcullis() -> PathBuf {
    let beside = std::env::current_exe().map(|own| own.with_file_name(PORTCULLIS));
    beside.ok().filter(|path| path.is_file()).unwrap_or_else(|| PORTCULLIS.into())
}

const PORTCULLIS: &str = "portcullis";

/// Returns what a program prints for `--version`, or `None` if it isn't there or fails.
async fn printed_version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").kill_on_drop(true).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the version of an Envoy, or `None` if the program isn't there or is none.
async fn envoy_version(program: &Path) -> Option<String> {
    // `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
    Some(printed_version(program).await?.split_once("version:")?.1.split('/').nth(1)?.trim().to_owned())
}

/// Says whether a program is a Portcullis.
async fn is_portcullis(program: &Path) -> bool {
    // `portcullis 0.1.0`
    printed_version(program).await.is_some_and(|version| version.starts_with("portcullis "))
}

/// What to type next.
fn invite(screen: Screen, stack: &Stack, issuer: &DemoIssuer) -> Result<(), DemoError> {
    let Stack { envoy, issuer: url, .. } = stack;
    let plain = issuer.mint(&TokenRequest::new())?;
    let scoped = issuer.mint(&TokenRequest::new().scope("read:messages"))?;
    screen.line(format_args!(
        "\n{}\n",
        screen.paint(Look::Bold, "Your turn: two tokens, good for an hour, and lines to paste")
    ));
    screen.line(format_args!("TOKEN='{plain}'\n\nSCOPED='{scoped}'\n"));
    for line in [
        format!("curl -i {envoy}/api/public"),
        format!("curl -i {envoy}/api/private"),
        format!("curl -i {envoy}/api/private -H \"Authorization: Bearer $TOKEN\""),
        format!("curl -i {envoy}/api/private-scoped -H \"Authorization: Bearer $TOKEN\""),
        format!("curl -i {envoy}/api/private-scoped -H \"Authorization: Bearer $SCOPED\""),
        format!("curl -s {url}token -d grant_type=client_credentials -d scope=read:messages"),
    ] {
        screen.line(line);
    }
    Ok(())
}

/// Where to look inside.
fn show_inside(screen: Screen, [grpc, admin]: [SocketAddr; 2], logs: &Path) {
    let logs = logs.display();
    for line in [
        format!("grpcurl -plaintext {grpc} grpc.health.v1.Health/Check"),
        format!("curl -s http://{admin}/readyz    # also /keys, /metrics"),
        format!("tail -f {logs}/portcullis.log    # why each was denied; envoy.log has the access log"),
    ] {
        screen.line(line);
    }
    screen.line(format_args!("\n{}", screen.paint(Look::Faint, "Ctrl-C ends everything")));
}
