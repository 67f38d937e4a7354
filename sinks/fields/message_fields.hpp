// The fields of a chat message (spec: api-facts, Chat transcript).
#pragma once

#include "sinks/fields/field.hpp"
#include "sinks/records.hpp"

namespace glia {

using MessageFields = FieldList<                                  //
    TextField<"id", &ChatMessage::id>,                            //
    TimeField<"created_at", &ChatMessage::created_at>,            //
    TextField<"type", &ChatMessage::type>,                        //
    TextField<"message", &ChatMessage::message>,                  //
    InnerTextField<"sender", "type", &ChatMessage::sender_type>,  //
    InnerTextField<"sender", "name", &ChatMessage::sender_name>,  //
    InnerTextField<"sender", "href", &ChatMessage::sender_href>,  //
    JsonField<"attachment", &ChatMessage::attachment>,            //
    JsonField<"metadata", &ChatMessage::metadata>,                //
    ExtraField<&ChatMessage::extra>>;

}  // namespace glia
