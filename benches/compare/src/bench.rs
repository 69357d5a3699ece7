//! What all rows need: tokens, messages, servers on their cores.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    rc::Rc,
    thread,
    time::Duration,
};

use crate::{
    message::Message,
    options::Options,
    policy,
    process::{self, Server},
    tokens::{AUDIENCE, ISSUER, RS256_LENGTH, SCOPE, Tokens},
    yardstick::Failure,
};

/// Routes of the policy, unless it is about their number.
pub const ROUTES: usize = 10;
/// Distinct tokens of the cold row.
const COLD: usize = 20_000;
const COLD_SMOKE: usize = 200;

/// What a run has.
#[derive(Debug)]
pub struct Bench {
    /// What is asked for.
    pub options: Options,
    /// The first of them is the hot one.
    pub tokens: Tokens,
    /// The hot request.
    pub hot: Message,
}

impl Bench {
    /// Prepares tokens and files.
    ///
    /// # Errors
    /// Where a file can't be written or a program is missing.
    pub fn prepare(options: Options) -> Result<Self, Failure> {
        fs::create_dir_all(options.out.join("logs"))?;
        let tokens = Tokens::prepare(&options.out.join("tokens"), 1 + if options.smoke { COLD_SMOKE } else { COLD })?;
        let hot = tokens.rs256.first().ok_or("no token")?;
        if hot.len() != RS256_LENGTH {
            return Err(format!("a token of {} characters", hot.len()).into());
        }
        let hot = Message::check(&policy::path(ROUTES, 1), hot);
        let bench = Self { options, tokens, hot };
        fs::write(bench.file("jwks.json"), &bench.tokens.jwks)?;
        Ok(bench)
    }

    /// The hot request, as work.
    #[must_use]
    pub fn hot(&self) -> Rc<[Message]> {
        Rc::from([self.hot.clone()])
    }

    /// Tokens that no server has seen.
    #[must_use]
    pub fn cold(&self) -> Vec<String> {
        self.tokens.rs256.iter().skip(1).cloned().collect()
    }

    /// A file of this run.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.options.out.join(name)
    }

    /// Starts a yardstick on those cores, under that program if there is one.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn yardstick(&self, name: &str, cores: &str, threads: usize, under: &[String]) -> Result<Server, Failure> {
        self.yardstick_with(name, cores, threads, under, &[])
    }

    /// The same with more arguments.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn yardstick_with(
        &self,
        name: &str,
        cores: &str,
        threads: usize,
        under: &[String],
        more: &[&str],
    ) -> Result<Server, Failure> {
        let address = process::free_address()?;
        let mut command = under.to_vec();
        let program = std::env::current_exe()?.with_file_name(name);
        command.push(program.to_string_lossy().into_owned());
        let (jwks, address_text, threads) = (self.text("jwks.json"), address.to_string(), threads.to_string());
        let mut arguments = vec!["--listen", &address_text, "--threads", &threads];
        if name == "naive" {
            arguments.extend(["--jwks", &jwks, "--issuer", ISSUER, "--audience", AUDIENCE, "--scope", SCOPE]);
        }
        arguments.extend(more);
        command.extend(arguments.into_iter().map(str::to_owned));
        Server::start(name, address, cores, &command, &self.log(name))
    }

    /// Starts Portcullis with so many routes on those cores and waits until it is ready; also where its admin port is.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn portcullis(&self, cores: &str, routes: usize, under: &[String]) -> Result<(Server, SocketAddr), Failure> {
        let (grpc, admin) = (process::free_address()?, process::free_address()?);
        let config = format!("portcullis-{routes}.yaml");
        fs::write(self.file(&config), policy::yaml(grpc, admin, routes))?;
        let mut command = under.to_vec();
        let program = self.options.portcullis.to_string_lossy().into_owned();
        command.extend([program, "serve".to_owned(), "--config".to_owned(), self.text(&config)]);
        let server = Server::start("portcullis", grpc, cores, &command, &self.log(&format!("portcullis-{routes}")))?;
        for _ in 0..1_000 {
            if process::page(admin, "/readyz").is_ok_and(|(status, _)| status == 200) {
                return Ok((server, admin));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("portcullis does not get ready".into())
    }

    /// Where the output of a server goes.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.file(&format!("logs/{name}.log"))
    }

    fn text(&self, name: &str) -> String {
        Path::new(&self.options.out).join(name).to_string_lossy().into_owned()
    }
}
