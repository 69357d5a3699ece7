//! Measures Portcullis beside other services.

use portcullis_compare::{
    bench::Bench,
    options::{HELP, Options},
    process, rows,
    yardstick::{Arguments, Failure},
};

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(&["smoke", "help"])?;
    if arguments.get("help").is_ok() {
        print!("{HELP}");
        return Ok(());
    }
    let options = Options::of(&arguments)?;
    process::pin(&options.client_core)?;
    let bench = Bench::prepare(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(rows::hot::measure(&bench))?;
    for r in rows {
        println!(
            "{} {:.0} [{:.0} {:.0}] {:.2} {:.2} {:.2} cpu {:.2} mem {:.1} wrong {} err {}",
            r.server,
            r.rate.median,
            r.rate.min,
            r.rate.max,
            r.p50.median,
            r.p99.median,
            r.p999.median,
            r.cpu.median,
            r.peak.median,
            r.wrong,
            r.errors
        );
    }
    Ok(())
}
