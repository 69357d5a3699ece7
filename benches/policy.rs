//! How long it takes to load a policy, and to find the rule for a request, by number of rules.
//!
//! `cargo bench --bench policy`. For instructions in place of time, which does not drift: `benches/instructions`.

mod support;

use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use portcullis_engine::request::{path::CanonicalPath, target::RequestTarget};
use support::{load, path, request, yaml};

/// Sizes that are compared.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// From the text of the file to the policy, all checks included.
#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn load_from_yaml(bencher: Bencher<'_, '_>, routes: usize) {
    let text = yaml(routes);
    bencher.counter(ItemsCount::new(routes)).bench(|| load(black_box(&text)));
}

/// The rule of one and the same route.
#[divan::bench(args = SIZES)]
fn select_one(bencher: Bencher<'_, '_>, routes: usize) {
    let policy = load(&yaml(routes)).policy;
    let request = request(&path(routes, 0));
    bencher.bench(|| black_box(&policy).select(black_box(&request.target)).is_ok());
}

/// Rules of routes all over the policy: what caches of the processor can't hold costs here.
#[divan::bench(args = SIZES)]
fn select_random(bencher: Bencher<'_, '_>, routes: usize) {
    let policy = load(&yaml(routes)).policy;
    let requests: Vec<_> = (0..16_384).map(|n| request(&path(routes, n))).collect();
    let mut turn = 0_usize;
    bencher.bench_local(|| {
        turn = (turn + 1) % requests.len();
        let request = requests.get(turn).map(|request| &request.target);
        request.map(|target| black_box(&policy).select(black_box(target)).is_ok())
    });
}

/// The rule for a path of 5 KB: a plain one, and those that backends read in most ways.
#[divan::bench(args = ["x", "%20.a%EF%BC%A1.%20", "%C3%89", "%20"])]
fn select_long(bencher: Bencher<'_, '_>, piece: &str) {
    let policy = load(&yaml(10)).policy;
    let segment = piece.repeat((85 / piece.len()).max(1));
    let text = format!("/api{}", format!("/{segment}").repeat(60));
    let template = request("/");
    bencher.bench(|| {
        let path = CanonicalPath::parse(black_box(&text));
        path.is_ok_and(|path| black_box(&policy).select(&RequestTarget { path, ..template.target.clone() }).is_ok())
    });
}

/// The canonical form of a path.
#[divan::bench(args = ["/api/messages/7", "/api/v1/resource-00042/0123456789?page=2", "/API/Caf%C3%A9/a%20b"])]
fn canonical_path(text: &str) -> bool {
    CanonicalPath::parse(black_box(text)).is_ok()
}
