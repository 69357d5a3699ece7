//! Measures Portcullis beside other services: `make bench`.

use std::{fs, process::ExitCode};

use portcullis_compare::{
    bench::Bench,
    options::{HELP, Options},
    process,
    report::{Report, machine, svg, table},
    rows::{self, Row},
    yardstick::{Arguments, Failure},
};
use tokio::runtime::Builder;

fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::read(&["smoke", "help"])?;
    if arguments.get("help").is_ok() {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::of(&arguments)?;
    process::pin(&options.client_core)?;
    let mut report = Report {
        date: machine::date(),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        machine: machine::machine(),
        versions: machine::versions(&options),
        load: (options.connections, options.streams, options.time.as_secs_f64()),
        smoke: options.smoke,
        asked: options.only.clone(),
        ..Report::default()
    };
    let bench = Bench::prepare(options)?;
    Builder::new_current_thread().enable_all().build()?.block_on(measure(&bench, &mut report));
    report.conclude();
    let (json, plot) = (bench.file("result.json"), bench.file("result.svg"));
    fs::write(&json, serde_json::to_string_pretty(&report)? + "\n")?;
    fs::write(&plot, svg::plot(&report))?;
    println!("{}\n{} and {}", table::text(&report), json.display(), plot.display());
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const NO_VALGRIND: &str = "there is no valgrind here (Debian: valgrind)";

/// All that is wanted, one after the other; what fails doesn't keep the rest.
async fn measure(bench: &Bench, report: &mut Report) {
    let wants = |row: &str| bench.options.wants(row);
    let mut problems = Vec::new();
    let mut add = |row: &str, measured: Result<Vec<Row>, Failure>| match measured {
        Ok(rows) => report.rows.extend(rows),
        Err(failure) => problems.push(format!("{row}: {failure}")),
    };
    if wants("hot") {
        add("hot", rows::hot::measure(bench).await);
    }
    if wants("cold") {
        add("cold", rows::cold::measure(bench).await);
    }
    if wants("mixed") {
        add("mixed", rows::mixed::measure(bench).await);
    }
    if wants("cores") {
        add("cores", rows::cores::measure(bench).await);
    }
    if wants("routes") {
        add("routes", rows::routes::measure(bench).await);
    }
    if wants("envoy") {
        add("envoy", rows::behind::measure(bench).await);
    }
    if wants("instructions") {
        match rows::instructions::measure(bench).await {
            Ok(Some(counts)) => report.instructions.extend(counts),
            Ok(None) if bench.options.named => problems.push(format!("instructions: {NO_VALGRIND}")),
            Ok(None) => {
                report.notes.push(format!("instructions are not counted: {NO_VALGRIND}"));
                report.asked.retain(|row| row != "instructions");
            }
            Err(failure) => problems.push(format!("instructions: {failure}")),
        }
    }
    if wants("memory") {
        match rows::memory::measure(bench).await {
            Ok(memory) => report.memory = Some(memory),
            Err(failure) => problems.push(format!("memory: {failure}")),
        }
    }
    report.problems.extend(problems);
}
