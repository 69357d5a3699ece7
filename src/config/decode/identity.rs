//! `identity`: what goes upstream with an allowed request.

use super::{bag::Bag, fields::Fields, read};
use crate::{
    config::{
        error::Problem,
        schema::{HEADERS, IDENTITY},
    },
    document::{
        suggest::quoted,
        tree::{Entry, Place},
    },
    limits,
};
use portcullis_engine::answer::identity::{Aliases, HeaderName, IdentityHeaders, fold, overrides};

/// Separators of a name up to which [`portcullis_engine::answer::identity::spellings`] has all its spellings.
const SEPARATORS: usize = 6;

/// The headers in use and where their names stand.
type Named<'n> = Vec<(HeaderName, &'static str, &'n Place)>;

/// The identity headers; the default ones where nothing is written.
pub(super) fn decode(bag: &mut Bag, entry: Option<&Entry>) -> Option<IdentityHeaders> {
    let mut identity = IdentityHeaders::default();
    let Some(entry) = entry else { return Some(identity) };
    let fields = Fields::read(bag, &entry.node, "`identity`", IDENTITY)?;
    let aliases = fields.get("aliases").map_or(Some(identity.aliases), |entry| {
        read::word(bag, entry, &[("seen", Aliases::Seen), ("always", Aliases::Always)])
    });
    let authorization = read::flag_or(bag, fields.get("forward_authorization"), identity.forward_authorization);
    let overrides = read::flag_or(bag, fields.get("forward_overrides"), identity.forward_overrides);
    let metadata = read::flag_or(bag, fields.get("subject_in_metadata"), identity.subject_in_metadata);
    let remove = fields.get("remove").map_or(Some(Vec::new()), |entry| remove(bag, entry));
    let headers = fields.get("headers").map_or(Some(()), |entry| headers(bag, entry, &mut identity));
    identity.aliases = aliases?;
    identity.forward_authorization = authorization?;
    identity.forward_overrides = overrides?;
    identity.subject_in_metadata = metadata?;
    headers?;
    identity.remove = remove?;
    refuse_removing_identity(bag, &identity, fields.get("remove"))?;
    refuse_many_spellings(bag, &identity, entry)?;
    Some(identity)
}

/// With `aliases: always` every spelling is removed by name, and of a name with many separators there are too many.
fn refuse_many_spellings(bag: &mut Bag, identity: &IdentityHeaders, entry: &Entry) -> Option<()> {
    let has_many = |name: &&HeaderName| fold(name.as_str()).matches('-').count() > SEPARATORS;
    let found = identity.names().chain(&identity.remove).find(has_many).filter(|_| identity.aliases == Aliases::Always);
    let Some(name) = found else { return Some(()) };
    let message = format!("{} has too many spellings for `aliases: always`", quoted(name.as_str()));
    let help = format!("choose a name with at most {SEPARATORS} of `-`, `_` and their kin");
    bag.push(Problem::error(&entry.place, message).help(help));
    None
}

/// The names of `remove`.
fn remove(bag: &mut Bag, entry: &Entry) -> Option<Vec<HeaderName>> {
    let names = read::list_of(bag, entry, |bag, node, what| {
        let text = read::text_of(bag, node, what)?;
        let name = HeaderName::parse(text);
        if name.is_none() {
            let message = format!("{} is not a header that can be removed", quoted(text));
            let help = "a header name like `x-tenant`, none that frames or routes a message; for the token there is \
                        `forward_authorization: false`";
            bag.push(Problem::error(&node.place, message).help(help));
        }
        name
    })?;
    if names.len() > limits::REMOVED_HEADERS {
        let message = format!("there are {} headers to remove, more than {}", names.len(), limits::REMOVED_HEADERS);
        bag.push(
            Problem::error(&entry.place, message).help("every answer to Envoy names them all: keep what the API reads"),
        );
        return None;
    }
    Some(names)
}

/// A header that carries the identity always replaces what the client sent: removed as well, it would carry nothing.
fn refuse_removing_identity(bag: &mut Bag, identity: &IdentityHeaders, entry: Option<&Entry>) -> Option<()> {
    let is_set = |name: &&HeaderName| identity.names().any(|set| fold(set.as_str()) == fold(name.as_str()));
    let Some((name, entry)) = identity.remove.iter().find(is_set).zip(entry) else { return Some(()) };
    let message = format!("{} carries the identity, so it can't be removed", quoted(name.as_str()));
    let help = "leave it out: what a client sends in it never passes; `none` in `headers` sends nothing in it";
    bag.push(Problem::error(&entry.node.place, message).help(help));
    None
}

fn headers(bag: &mut Bag, entry: &Entry, identity: &mut IdentityHeaders) -> Option<()> {
    let fields = Fields::read(bag, &entry.node, "`headers`", HEADERS)?;
    let mut named: Named<'_> = Vec::new();
    let targets = [
        ("subject", &mut identity.subject),
        ("scopes", &mut identity.scopes),
        ("issuer", &mut identity.issuer),
        ("client_id", &mut identity.client_id),
    ];
    let mut whole = true;
    for (field, target) in targets {
        let written = fields.get(field);
        if let Some(entry) = written {
            match header(bag, entry) {
                Some(header) => *target = header,
                None => {
                    whole = false;
                    continue;
                }
            }
        }
        if let Some(name) = target.clone() {
            named.push((name, field, written.map_or(&entry.place, |entry| &entry.node.place)));
        }
    }
    (refuse_same_names(bag, &named) && whole).then_some(())
}

/// A header's name, or nothing for `none`.
fn header(bag: &mut Bag, entry: &Entry) -> Option<Option<HeaderName>> {
    let text = read::text(bag, entry)?;
    if text == "none" {
        return Some(None);
    }
    // What backends take for another method or path is removed, not set.
    let is_override = overrides().any(|name| fold(name) == fold(text));
    let name = HeaderName::parse(text).filter(|_| !is_override);
    if name.is_none() {
        let message = format!("{} is not a header that can carry an identity", quoted(text));
        let help = "a header name like `x-auth-subject`, none that frames or routes a message; `none` sends nothing";
        bag.push(Problem::error(&entry.node.place, message).help(help));
    }
    name.map(Some)
}

/// Backends fold all separators into one: two names that fold to the same one would overwrite each other there.
fn refuse_same_names(bag: &mut Bag, named: &Named<'_>) -> bool {
    let mut different = true;
    for (at, (name, field, place)) in named.iter().enumerate() {
        let folded = fold(name.as_str());
        let same = named.iter().take(at).find(|(other, _, _)| fold(other.as_str()) == folded);
        if let Some((other, other_field, other_place)) = same {
            different = false;
            let message = format!(
                "`{other_field}` and `{field}` would be sent in the same header, {} and {}",
                quoted(other.as_str()),
                quoted(name.as_str())
            );
            let problem =
                Problem::error(place, message).help("choose names that differ in more than `-`, `_` and their kin");
            bag.push(if other_place == place {
                problem
            } else {
                problem.label("this header").and(other_place, "the other header")
            });
        }
    }
    different
}
