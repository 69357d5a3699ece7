//! The parts that a scenario needs, wired together: issuers, upstream, instances of Portcullis, a real Envoy.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use portcullis_demo::upstream::DemoUpstream;
use tokio::{net::TcpListener, process::Command, time::Instant};

use super::{
    Failure,
    envoy::{CHECK_TIMEOUT, Change, Envoy, Sample},
    http1::{self, Break},
    issuer::Issuer,
    load::{Load, Lost, PATIENCE, Tally},
    mix::{Kind, Mix},
    options::Options,
    process::Program,
    sampler::{Role, Sampler},
    tokens::AUDIENCE,
};

/// The destination of an instance's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// A file on a disk with room.
    File,
    /// A pipe that the scenario closes.
    Pipe,
    /// A pipe that stays open and is not read, with more lines than it and a queue of lines can hold.
    UnreadPipe,
    /// A disk that is full.
    FullDisk,
}

/// The parts of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Envoy's configuration, and with it the number of instances.
    pub(crate) sample: Sample,
    /// Changes of Envoy's configuration.
    pub(crate) changes: Vec<Change>,
    /// The number of issuers.
    pub(crate) issuers: usize,
    /// The destination of the instances' logs.
    pub(crate) log: Log,
    /// True if instances save keys in a directory.
    pub(crate) keys_dir: bool,
    /// A limit of file descriptors of instances.
    pub(crate) descriptors: Option<u32>,
    /// True if instances stop after the default notice, false if they stop without one.
    pub(crate) notice: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sample: Sample::One,
            changes: Vec::new(),
            issuers: 1,
            log: Log::File,
            keys_dir: false,
            descriptors: None,
            notice: false,
        }
    }
}

/// The settings of one scenario.
#[derive(Debug)]
pub(crate) struct Context {
    /// The options of the command line.
    pub(crate) options: Options,
    /// The time of this scenario.
    pub(crate) time: Duration,
    /// The judged requests of a second, and the factor for everything else.
    pub(crate) rate: u32,
    /// The seed of this scenario.
    pub(crate) seed: u64,
}

impl Context {
    /// Returns that rate of an attack, by the intensity of this run.
    pub(crate) fn scaled(&self, rate: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, and a positive factor")]
        let scaled = (f64::from(rate) * self.options.intensity).ceil() as u32;
        scaled.max(1)
    }

    /// Returns that part of this scenario's time, in percent.
    pub(crate) fn part(&self, percent: u32) -> Duration {
        self.time * percent / 100
    }
}

/// An instance of Portcullis that can be started again under the same addresses.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The address for Envoy.
    pub(crate) grpc: SocketAddr,
    /// The address of the admin pages.
    pub(crate) admin: SocketAddr,
    /// The file with its configuration.
    pub(crate) config: PathBuf,
    binary: PathBuf,
    log: Log,
    descriptors: Option<u32>,
    no_notice: bool,
    log_level: &'static str,
    starts: u32,
    /// The process, while it runs.
    pub(crate) program: Option<Program>,
}

/// All parts; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The issuers, each with its gate.
    pub(crate) issuers: Vec<Issuer>,
    /// The instances of Portcullis.
    pub(crate) instances: Vec<Instance>,
    /// The Envoy in front.
    pub(crate) envoy: Envoy,
    /// The evidence of a slow machine.
    pub(crate) sampler: Sampler,
    _upstream: DemoUpstream,
    directory: tempfile::TempDir,
    keep: Option<PathBuf>,
}

/// Returns a loopback address for one listener alone, so that no other socket can have its port.
pub(crate) fn own_address() -> Result<SocketAddr, Failure> {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    if cfg!(target_os = "linux") {
        let [.., high, low] = std::process::id().to_be_bytes();
        // A scenario has ended long before its addresses come round again.
        Ok(SocketAddr::from(([127, high | 0x80, low, 1 + next % 250], 10000)))
    } else {
        Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
    }
}

/// The routes of every stack: what the sample upstream serves.
pub(crate) const ROUTES: &str = "\
routes:
  - { path: /api/public, access: public }
  - { path: /api/private, access: authenticated }
  - { path: /api/private-scoped, scopes: [read:messages] }
";

impl Stack {
    /// Starts all of it and waits until it answers.
    pub(crate) async fn start(context: &Context, plan: &Plan) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let mut issuers = Vec::new();
        for _ in 0..plan.issuers {
            issuers.push(Issuer::start(own_address()?).await?);
        }
        let upstream = DemoUpstream::start(TcpListener::bind(own_address()?).await?)?;
        let count = if plan.sample == Sample::One { 1 } else { 2 };
        let mut instances = Vec::new();
        for at in 0..count {
            instances.push(Instance::new(context, plan, directory.path(), at, &issuers)?);
        }
        let sampler = Sampler::start();
        for instance in &mut instances {
            instance.start(&sampler).await?;
        }
        let grpc: Vec<SocketAddr> = instances.iter().map(|instance| instance.grpc).collect();
        let addresses = [own_address()?, own_address()?, upstream.addr()];
        let binary = &context.options.envoy;
        let mut envoy = Envoy::new(binary, directory.path(), plan.sample, &plan.changes, addresses, &grpc)?;
        envoy.start().await?;
        sampler.watch(Role::Envoy, envoy.pid().ok_or("no Envoy")?);
        let keep = context.options.keep.clone();
        let stack = Self { issuers, instances, envoy, sampler, _upstream: upstream, directory, keep };
        stack.until_served().await?;
        Ok(stack)
    }

    /// Waits until requests get through: Envoy's health checks begin a moment after it.
    async fn until_served(&self) -> Result<(), Failure> {
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(30) {
            let reply = http1::get(self.envoy.address, "/api/public", Duration::from_secs(3)).await;
            if reply.is_ok_and(|reply| reply.status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("no request gets through after thirty seconds".into())
    }

    /// Returns the issuer of that number.
    pub(crate) fn issuer(&self, at: usize) -> Result<&Issuer, Failure> {
        self.issuers.get(at).ok_or_else(|| "no such issuer".into())
    }

    /// Returns the first instance.
    pub(crate) fn instance(&mut self) -> Result<&mut Instance, Failure> {
        self.instances.first_mut().ok_or_else(|| "no instance".into())
    }

    /// Starts the judged load: that mix, with tokens of all issuers.
    pub(crate) fn load(&self, context: &Context, mix: &[(Kind, u32)]) -> Load {
        let issuers = self.issuers.iter().map(|issuer| Arc::clone(&issuer.tokens)).collect();
        Load::start(self.envoy.address, Mix::new(mix, issuers, context.seed), context.rate)
    }

    /// Starts an attack: tokens of one issuer of which none may pass, at that rate.
    pub(crate) fn flood(&self, context: &Context, issuer: usize, kind: Kind, rate: u32) -> Result<Load, Failure> {
        let issuers = vec![Arc::clone(&self.issuer(issuer)?.tokens)];
        let mix = Mix::new(&[(kind, 1)], issuers, context.seed ^ 1).lenient();
        Ok(Load::start(self.envoy.address, mix, context.scaled(rate)))
    }

    /// Ends all of it. Returns which of the lost requests are excused, and why the others were lost.
    pub(crate) async fn end(mut self, tally: &Tally) -> Result<Losses, Failure> {
        // The last looks of the sampler, and what of Envoy's log is in its buffer.
        tokio::time::sleep(Duration::from_millis(600)).await;
        self.envoy.stop().await?;
        let logged = self.envoy.logged();
        let mut losses = Losses::default();
        for lost in &tally.lost {
            let entry = logged.get(&lost.number).cloned().unwrap_or_default();
            let waited = match lost.why {
                // Envoy's own answer, after it has waited for its whole timeout.
                Ok(_) if entry.details == "ext_authz_error" && entry.took + SLACK >= CHECK_TIMEOUT => {
                    Some(CHECK_TIMEOUT)
                }
                Err(Break::Timeout) => Some(PATIENCE),
                _ => None,
            };
            let excused = !lost.by_portcullis
                && waited.is_some_and(|waited| self.sampler.machine_too_slow(lost.sent, lost.ended, waited));
            if excused {
                losses.excused += 1;
            } else {
                *losses.reasons.entry(reason(lost, &entry.details, &entry.flags)).or_default() += 1;
            }
        }
        self.keep_files()?;
        Ok(losses)
    }

    fn keep_files(&self) -> Result<(), Failure> {
        if let Some(keep) = &self.keep {
            fs::create_dir_all(keep)?;
            for file in fs::read_dir(self.directory.path())?.flatten().filter(|file| file.path().is_file()) {
                fs::copy(file.path(), keep.join(file.file_name()))?;
            }
        }
        Ok(())
    }
}

/// Envoy's timers and its log's clock are not the same.
const SLACK: Duration = Duration::from_millis(20);

/// The lost requests of a scenario, looked into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses {
    /// The number of requests that the machine lost.
    pub(crate) excused: u64,
    /// The other lost requests, by reason.
    pub(crate) reasons: std::collections::BTreeMap<String, u64>,
}

fn reason(lost: &Lost, details: &str, flags: &str) -> String {
    match lost.why {
        Ok(status) if lost.by_portcullis => format!("{status} of Portcullis for {}", lost.kind.name()),
        Ok(status) => format!("{status} of Envoy {details} {flags}").trim_end().to_owned(),
        Err(why) => format!("{why:?}").to_lowercase(),
    }
}

impl Instance {
    fn new(context: &Context, plan: &Plan, directory: &Path, at: usize, issuers: &[Issuer]) -> Result<Self, Failure> {
        let (grpc, admin) = (own_address()?, own_address()?);
        let config = directory.join(format!("portcullis.{at}.yaml"));
        let mut text = format!("listen: {{ grpc: '{grpc}', admin: '{admin}' }}\n");
        if plan.keys_dir {
            let keys = directory.join(format!("keys.{at}"));
            fs::create_dir(&keys)?;
            std::os::unix::fs::PermissionsExt::set_mode(&mut fs::metadata(&keys)?.permissions(), 0o700);
            text.push_str(&format!("keys_dir: {}\n", keys.display()));
        }
        text.push_str("issuers:\n");
        for issuer in issuers {
            text.push_str(&format!("  - {{ issuer: '{}', audiences: ['{AUDIENCE}'] }}\n", issuer.name()));
        }
        fs::write(&config, text + ROUTES)?;
        Ok(Self {
            grpc,
            admin,
            config,
            binary: context.options.portcullis.clone(),
            log: plan.log,
            descriptors: plan.descriptors,
            no_notice: !plan.notice,
            log_level: match plan.log {
                Log::File => "info",
                // A line for each request.
                Log::Pipe | Log::UnreadPipe | Log::FullDisk => "portcullis=debug",
            },
            starts: 0,
            program: None,
        })
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&mut self, sampler: &Sampler) -> Result<(), Failure> {
        self.launch(sampler)?;
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(30) {
            if self.page("/readyz", Duration::from_secs(2)).await.is_ok_and(|(status, _)| status == 200) {
                return Ok(());
            }
            if let Some(code) = self.program.as_mut().map(Program::ended).transpose()?.flatten() {
                let log = fs::read_to_string(self.log_file()).unwrap_or_default();
                return Err(format!("Portcullis ended with {code} before it was ready:\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("Portcullis is not ready after thirty seconds".into())
    }

    /// Starts it, and doesn't wait.
    pub(crate) fn launch(&mut self, sampler: &Sampler) -> Result<(), Failure> {
        self.starts += 1;
        let mut command = match self.descriptors {
            None => Command::new(&self.binary),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(&self.binary);
                shell
            }
        };
        command.args(["serve", "--log", self.log_level, "--config"]).arg(&self.config);
        if self.log == Log::UnreadPipe {
            // Lines of JSON are longer.
            command.args(["--log-format", "json"]);
        }
        if self.no_notice {
            command.args(["--drain-notice", "0s"]);
        }
        command.env_clear().stdout(Stdio::null()).stderr(match self.log {
            Log::File => Stdio::from(fs::File::create(self.log_file())?),
            Log::Pipe | Log::UnreadPipe => Stdio::piped(),
            Log::FullDisk => Stdio::from(fs::File::options().write(true).open("/dev/full")?),
        });
        let program = Program::start("Portcullis", &mut command)?;
        sampler.watch(Role::Portcullis, program.pid());
        self.program = Some(program);
        Ok(())
    }

    fn log_file(&self) -> PathBuf {
        self.config.with_extension(format!("{}.log", self.starts))
    }

    /// Returns the status and text of a page of its admin port.
    pub(crate) async fn page(&self, path: &str, patience: Duration) -> Result<(u16, String), Break> {
        let reply = http1::get(self.admin, path, patience).await?;
        Ok((reply.status, String::from_utf8_lossy(&reply.body).into_owned()))
    }

    /// Returns the sum of a metric over its labels; `None` where there is no such metric.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.page("/metrics", Duration::from_secs(5)).await.ok()?;
        let lines = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ') || rest.starts_with('{')));
        let values: Vec<f64> = lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        if values.is_empty() { None } else { Some(values.iter().sum()) }
    }

    /// Gives access to the running process.
    pub(crate) fn running(&mut self) -> Result<&mut Program, Failure> {
        self.program.as_mut().ok_or_else(|| "the instance does not run".into())
    }

    /// Sends SIGTERM and waits: the exit code, and how long that took.
    pub(crate) async fn stop(&mut self) -> Result<(Option<i32>, Duration), Failure> {
        self.program.take().ok_or("the instance does not run")?.stop(STOP).await
    }

    /// Kills the process with SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<(), Failure> {
        self.program.take().ok_or("the instance does not run")?.kill().await
    }
}

/// A stop may take the notice (5 s), the answers in flight, and a second for the log. What is longer hangs.
pub(crate) const STOP: Duration = Duration::from_secs(12);
