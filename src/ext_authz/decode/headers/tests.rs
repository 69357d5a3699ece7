use super::*;

fn joined(pairs: &[(&'static str, &'static str)]) -> Headers<'static> {
    let mut headers = Headers::default();
    for (name, value) in pairs {
        headers.push_joined(name.as_bytes(), value.as_bytes());
    }
    headers
}

fn values(headers: &Headers<'static>, name: &'static str) -> Vec<&'static str> {
    let mut values: Vec<_> = headers.values(name).map(|value| std::str::from_utf8(value).unwrap()).collect();
    values.sort_unstable();
    values
}

#[test]
fn of_the_very_same_name_the_last_entry_of_a_map_holds() {
    let headers = joined(&[("x", "1"), ("a", "2"), ("x", "3")]);
    assert_eq!(values(&headers, "x"), ["3"]);
    assert_eq!(headers.all().count(), 2);
    let headers = joined(&[("a", "1"), ("A", "2"), ("a", "3"), ("A", "4"), ("a", "5")]);
    assert_eq!(values(&headers, "a"), ["4", "5"], "names of a map differ by case");
    assert_eq!(headers.all().count(), 2);
}

#[test]
fn all_of_a_list_hold() {
    let mut headers = joined(&[("a", "1"), ("b", "0")]);
    headers.push_single(b"a", b"2");
    headers.push_single(b"a", b"2");
    assert_eq!(values(&headers, "a"), ["1", "2", "2"]);
    assert_eq!(headers.all().count(), 4);
    assert_eq!(values(&headers, "c"), Vec::<&str>::new());
}

#[test]
fn no_debug_shows_a_header() {
    assert_eq!(format!("{:?}", joined(&[("authorization", "canary")])), "Headers(1, 0)");
}
