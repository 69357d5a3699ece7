use std::collections::HashSet;

use prost::Message as _;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

use super::*;
use crate::ext_authz::proto::DESCRIPTORS;

/// All messages by full name, those inside others too.
fn messages() -> Vec<(String, DescriptorProto)> {
    fn inside(prefix: &str, message: &DescriptorProto, found: &mut Vec<(String, DescriptorProto)>) {
        let name = format!("{prefix}.{}", message.name());
        message.nested_type.iter().for_each(|nested| inside(&name, nested, found));
        found.push((name, message.clone()));
    }
    let mut found = Vec::new();
    for file in FileDescriptorSet::decode(DESCRIPTORS).unwrap().file {
        file.message_type.iter().for_each(|message| inside(&format!(".{}", file.package()), message, &mut found));
    }
    found
}

fn is_kind(kind: &Kind, field: &FieldDescriptorProto) -> bool {
    match kind {
        Number => matches!(field.r#type(), Type::Int32 | Type::Int64 | Type::Uint32 | Type::Bool | Type::Enum),
        Double => field.r#type() == Type::Double,
        Text => field.r#type() == Type::String,
        Bytes => field.r#type() == Type::Bytes,
        Message(_) => field.r#type() == Type::Message,
    }
}

#[test]
fn every_field_of_the_protos_is_checked_for_what_it_is() {
    let messages = messages();
    let mut open = vec![(".envoy.service.auth.v3.CheckRequest".to_owned(), &CHECK_REQUEST)];
    let mut seen = HashSet::new();
    while let Some((name, shape)) = open.pop() {
        if !seen.insert((name.clone(), std::ptr::from_ref(shape))) {
            continue;
        }
        let (_, message) = messages.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("no {name}"));
        let mut numbers: Vec<_> = message.field.iter().map(|field| u32::try_from(field.number()).unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(shape.0.iter().map(|(number, _)| *number).collect::<Vec<_>>(), numbers, "{name}");
        for field in &message.field {
            let kind = shape.kind(u32::try_from(field.number()).unwrap()).unwrap();
            assert!(is_kind(kind, field), "{name}.{}: {kind:?}", field.name());
            // Repeated numbers could be packed, which the reader doesn't know.
            assert!(field.label() != Label::Repeated || field.r#type() == Type::Message, "{name}.{}", field.name());
            if let Message(inner) = kind {
                open.push((field.type_name().to_owned(), inner));
            }
        }
    }
    assert!(seen.len() > 20, "too few to mean anything: {seen:?}");
}
