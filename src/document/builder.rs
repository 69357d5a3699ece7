//! Events of a YAML parser to a tree, within limits: levels, aliases, and what there is once aliases are written
//! out.

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span as YamlSpan};

use super::{
    bounds::Bounds,
    fault::Fault,
    scalar,
    tree::{Entry, Node, Place, Span, Value},
};

/// How much there is of something: nodes, and bytes of their texts.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

impl Size {
    const fn plus(self, other: Self) -> Self {
        Self { nodes: self.nodes.saturating_add(other.nodes), bytes: self.bytes.saturating_add(other.bytes) }
    }

    const fn minus(self, other: Self) -> Self {
        Self { nodes: self.nodes.saturating_sub(other.nodes), bytes: self.bytes.saturating_sub(other.bytes) }
    }
}

/// A node without a text of its own.
const EMPTY: Size = Size { nodes: 1, bytes: 0 };

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<(String, Place)>,
    /// What there was before it.
    before: Size,
    /// Levels below it.
    height: usize,
}

/// A node that aliases may repeat.
struct Anchored {
    id: usize,
    node: Node,
    size: Size,
    height: usize,
}

/// A tree that is not finished yet.
pub(crate) struct Builder {
    bounds: &'static Bounds,
    open: Vec<Open>,
    roots: Vec<Node>,
    anchors: Vec<Anchored>,
    aliases: usize,
    size: Size,
    /// What is kept a second time for aliases to come.
    kept: Size,
    documents: usize,
}

impl Builder {
    /// An empty one.
    pub(crate) fn new(bounds: &'static Bounds) -> Self {
        Self {
            bounds,
            open: Vec::new(),
            roots: Vec::new(),
            anchors: Vec::new(),
            aliases: 0,
            size: Size::default(),
            kept: Size::default(),
            documents: 0,
        }
    }

    /// Takes the next event of a text.
    pub(crate) fn take(&mut self, event: Event<'_>, span: &YamlSpan, text: &str) -> Result<(), Box<Fault>> {
        let place = place_of(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 && !self.bounds.many_documents {
                    return fail(&place, "the file has a second document", "keep one, and no `---` after it");
                }
                Ok(())
            }
            Event::Scalar(_, _, anchor, Some(tag)) if self.awaits_key() && self.may_have(&tag.to_string()) => {
                let node = Node { value: Value::String(tag.to_string()), place, plain: false };
                self.count(EMPTY, &node.place)?;
                self.finish(node, anchor, EMPTY, 0, Some((span, text)))
            }
            Event::Scalar(value, style, anchor, tag) => {
                refuse_tag(tag.is_some(), &place)?;
                let plain = style == ScalarStyle::Plain;
                let size = Size { nodes: 1, bytes: value.len() };
                let value = if plain { scalar::resolve(&value) } else { Value::String(value.into_owned()) };
                self.count(size, &place)?;
                self.finish(Node { value, place, plain }, anchor, size, 0, Some((span, text)))
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), &place)?;
                self.start(Value::List(Vec::new()), place, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), &place)?;
                self.start(Value::Section(Vec::new()), place, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.repeat(id, &place),
            Event::UnresolvedAlias(_) => fail(&place, "an alias has no anchor", "define it before it is used"),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) => Ok(()),
            // Comments are switched off, and an event of a kind unknown here would be lost structure.
            _ => fail(&place, "unexpected YAML", "write it plainly"),
        }
    }

    /// The trees of all documents, in their order. A text without any has none.
    pub(crate) fn finished(self) -> Vec<Node> {
        self.roots
    }

    /// Says whether the name of a field may have that tag.
    fn may_have(&self, tag: &str) -> bool {
        self.bounds.tag_of_names == Some(tag)
    }

    /// Says whether the next scalar is the name of a field.
    fn awaits_key(&self) -> bool {
        let is_key = |open: &Open| matches!(open.node.value, Value::Section(_)) && open.key.is_none();
        self.open.last().is_some_and(is_key)
    }

    fn start(&mut self, value: Value, place: Place, anchor: usize) -> Result<(), Box<Fault>> {
        let before = self.size;
        self.count(EMPTY, &place)?;
        if self.open.len() >= self.bounds.depth {
            return too_deep(&place, self.bounds);
        }
        let node = Node { value, place, plain: false };
        self.open.push(Open { node, anchor, key: None, before, height: 0 });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Box<Fault>> {
        let Some(mut closed) = self.open.pop() else { return Ok(()) };
        if let Value::Section(entries) = &closed.node.value
            && let Some(first) = entries.first()
        {
            closed.node.place = first.place.clone();
        }
        let size = self.size.minus(closed.before);
        self.finish(closed.node, closed.anchor, size, closed.height.saturating_add(1), None)
    }

    fn repeat(&mut self, id: usize, place: &Place) -> Result<(), Box<Fault>> {
        self.aliases = self.aliases.saturating_add(1);
        if self.aliases > self.bounds.aliases {
            let message = format!("the file has more than {} aliases", self.bounds.aliases);
            return fail(place, message, "write some of them out");
        }
        let Some(found) = self.anchors.iter().rfind(|anchored| anchored.id == id) else {
            return fail(place, "an alias stands inside its own anchor", "write it out");
        };
        // Counted before it is copied.
        let (size, height) = (found.size, found.height);
        if self.open.len().saturating_add(height) > self.bounds.depth {
            return too_deep(place, self.bounds);
        }
        self.count(size, place)?;
        let found = self.anchors.iter().rfind(|anchored| anchored.id == id).map(|anchored| anchored.node.clone());
        found.map_or(Ok(()), |node| self.finish(node, 0, size, height, None))
    }

    fn count(&mut self, size: Size, place: &Place) -> Result<(), Box<Fault>> {
        self.size = self.size.plus(size);
        let all = self.size.plus(self.kept);
        if all.nodes > self.bounds.nodes {
            let message = format!("the file has more than {} values, aliases written out", self.bounds.nodes);
            return fail(place, message, "make it smaller");
        }
        if all.bytes > self.bounds.text_bytes {
            let most = self.bounds.text_bytes >> 20;
            let message = format!("the texts of the file have more than {most} MiB, aliases written out");
            return fail(place, message, "make it smaller");
        }
        Ok(())
    }

    /// Puts a whole node where it belongs: as a key, a value, an item or the root.
    fn finish(
        &mut self,
        node: Node,
        anchor: usize,
        size: Size,
        height: usize,
        written: Option<(&YamlSpan, &str)>,
    ) -> Result<(), Box<Fault>> {
        if anchor != 0 {
            self.kept = self.kept.plus(size);
            self.count(Size::default(), &node.place)?;
            self.anchors.push(Anchored { id: anchor, node: node.clone(), size, height });
        }
        let Some(parent) = self.open.last_mut() else {
            self.roots.push(node);
            return Ok(());
        };
        parent.height = parent.height.max(height);
        match (&mut parent.node.value, parent.key.take()) {
            (Value::Section(entries), Some((key, place))) => entries.push(Entry { key, place, node }),
            (Value::Section(_), None) => parent.key = Some(key_of(node, written)?),
            (Value::List(items), _) => items.push(node),
            _ => {}
        }
        Ok(())
    }
}

/// A field's name. Numbers and the like are taken as they are written.
fn key_of(node: Node, written: Option<(&YamlSpan, &str)>) -> Result<(String, Place), Box<Fault>> {
    let as_written = written.and_then(|(span, text)| span.slice(text)).map(str::to_owned);
    let key = match node.value {
        Value::String(key) => key,
        Value::Null | Value::Bool(_) | Value::Number(_) => as_written.unwrap_or_default(),
        Value::List(_) | Value::Section(_) => {
            return Err(Box::new(Fault::new(&node.place, "a list or a section can't be the name of a field")));
        }
    };
    if key == "<<" && node.plain {
        return fail(&node.place, "merge keys (`<<`) are not supported", "write the fields out");
    }
    Ok((key, node.place))
}

fn place_of(span: &YamlSpan) -> Place {
    let range = span.byte_range().unwrap_or_default();
    // A block list or section has no characters of its own: one is underlined all the same.
    Place::File(Span { start: range.start, len: range.len().max(1) })
}

fn refuse_tag(there_is_one: bool, place: &Place) -> Result<(), Box<Fault>> {
    if there_is_one { fail(place, "tags (`!…`) are not supported", "remove the tag") } else { Ok(()) }
}

fn too_deep<T>(place: &Place, bounds: &Bounds) -> Result<T, Box<Fault>> {
    fail(place, format!("the file is nested deeper than {} levels", bounds.depth), "flatten it")
}

fn fail<T>(place: &Place, message: impl Into<String>, help: &str) -> Result<T, Box<Fault>> {
    Err(Box::new(Fault::new(place, message).help(help)))
}
